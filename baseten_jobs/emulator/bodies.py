"""The request bodies of the API, as its OpenAPI text declares them, each as one check."""

from __future__ import annotations

from collections.abc import Iterator

from .checking import (
    array,
    discriminated,
    flag,
    integer,
    mapping,
    nullable,
    one_of,
    record,
    text,
)

_SECRET = record({"name": text})


def _text_or_secret(value: object, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from _SECRET(value, path)
    elif isinstance(value, str):
        yield from text(value, path)
    else:
        yield f"{path}: expected a string or a secret reference"


_AWS_ROLE = record({"role_arn": text, "region": text})

_DOCKER_AUTH = record(
    {"registry": text, "auth_method": text},
    {
        "aws_iam_docker_auth": nullable(
            record({"access_key_secret_ref": _SECRET, "secret_access_key_secret_ref": _SECRET})
        ),
        "aws_oidc_docker_auth": nullable(_AWS_ROLE),
        "aws_assume_role_docker_auth": nullable(_AWS_ROLE),
        "gcp_oidc_docker_auth": nullable(record({"service_account": text, "workload_identity_provider": text})),
        "gcp_service_account_json_docker_auth": nullable(record({"service_account_json_secret_ref": _SECRET})),
        "registry_secret_docker_auth": nullable(record({"secret_ref": _SECRET})),
    },
)

_COMPUTE = record(
    {},
    {
        "node_count": integer,
        "cpu_count": integer,
        "memory": text,
        "accelerator": nullable(record({"accelerator": text, "count": integer})),
        "availability_model": text,
    },
)

_CHECKPOINT_SOURCE = {"project_name": nullable(text), "job_id": nullable(text)}

_LOADED_CHECKPOINT = discriminated(
    "typ",
    {
        "baseten_latest_checkpoint": record({}, _CHECKPOINT_SOURCE),
        "baseten_named_checkpoint": record({"checkpoint_name": text}, _CHECKPOINT_SOURCE),
        "loops_checkpoint": record({"run_id": text, "checkpoint_name": text}, {"target": text}),
    },
)

_RUNTIME = record(
    {},
    {
        "start_commands": array(text),
        "environment_variables": mapping(_text_or_secret),
        "artifacts": array(record({"s3_bucket": text, "s3_key": text})),
        "enable_cache": nullable(flag),
        "cache_config": nullable(
            record(
                {},
                {
                    "enabled": flag,
                    "enable_legacy_hf_mount": flag,
                    "require_cache_affinity": flag,
                    "mount_base_path": text,
                },
            )
        ),
        "checkpointing_config": record(
            {},
            {
                "enabled": flag,
                "checkpoint_path": nullable(text),
                "volume_size_gib": nullable(integer),
            },
        ),
        "load_checkpoint_config": nullable(
            record(
                {},
                {
                    "enabled": flag,
                    "download_folder": text,
                    "checkpoints": array(_LOADED_CHECKPOINT),
                },
            )
        ),
    },
)

_WEIGHT_AUTH = record(
    {"auth_method": text},
    {
        "auth_secret_name": nullable(text),
        "aws_oidc_role_arn": nullable(text),
        "aws_oidc_region": nullable(text),
        "gcp_oidc_service_account": nullable(text),
        "gcp_oidc_workload_id_provider": nullable(text),
        "aws_assume_role_arn": nullable(text),
        "aws_assume_role_region": nullable(text),
    },
)

_WEIGHT = record(
    {"source": text, "mount_location": text},
    {
        "allow_patterns": nullable(array(text)),
        "ignore_patterns": nullable(array(text)),
        "auth_secret_name": nullable(text),
        "auth": nullable(_WEIGHT_AUTH),
    },
)

_TRUSS_USER_ENV = record(
    {},
    {
        "truss_client_version": nullable(text),
        "python_version": nullable(text),
        "pydantic_version": nullable(text),
        "mypy_version": nullable(text),
        "is_library_deployment": flag,
        "is_frontend_deployment": flag,
        "git_info": nullable(
            record(
                {
                    "latest_commit_sha": text,
                    "latest_tag": nullable(text),
                    "commits_since_tag": nullable(integer),
                    "has_uncommitted_changes": flag,
                }
            )
        ),
    },
)

_TRAINING_JOB = record(
    {"image": record({"base_image": text}, {"docker_auth": nullable(_DOCKER_AUTH)})},
    {
        "compute": _COMPUTE,
        "runtime": _RUNTIME,
        "name": nullable(text),
        "truss_user_env": nullable(_TRUSS_USER_ENV),
        "interactive_session": nullable(
            record(
                {},
                {
                    "trigger": text,
                    "timeout_minutes": integer,
                    "session_provider": text,
                    "auth_provider": text,
                },
            )
        ),
        "weights": array(_WEIGHT),
        "enable_baseten_workdir": flag,
        "priority": nullable(integer),
    },
)

CREATE_JOB = record({"training_job": _TRAINING_JOB})
UPSERT_PROJECT = record({"training_project": record({"name": text})})
STOP_JOB = record({})
UPDATE_JOB = record({}, {"priority": nullable(integer), "availability_model": nullable(text)})
SEARCH_JOBS = record(
    {},
    {
        "project_id": nullable(text),
        "job_id": nullable(text),
        "statuses": nullable(array(text)),
        "order_by": array(record({"field": one_of("created_at"), "order": one_of("asc", "desc")})),
    },
)
LOGS = record(
    {},
    {
        "start_epoch_millis": nullable(integer),
        "end_epoch_millis": nullable(integer),
        "direction": nullable(one_of("asc", "desc")),
        "limit": nullable(integer),
        "min_level": nullable(one_of("DEBUG", "INFO", "WARNING", "ERROR")),
    },
)
METRICS = record(
    {},
    {
        "start_epoch_millis": nullable(integer),
        "end_epoch_millis": nullable(integer),
        "step_seconds": nullable(integer),
    },
)
PATCH_SESSION = record({}, {"timeout_minutes": nullable(integer), "trigger": nullable(text)})
SIGN_SSH = record({"public_key": text}, {"replica_id": nullable(text)})
PATCH_CAPACITY = record({"team_id": text, "gpu_type": text, "max_gpus": integer})
