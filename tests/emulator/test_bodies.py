"""Create bodies against what the OpenAPI text declares."""

from __future__ import annotations

from typing import Any

import pytest

from baseten_jobs.emulator.bodies import CREATE_JOB, SEARCH_JOBS

from .conftest import Api

FULL: dict[str, Any] = {
    "image": {
        "base_image": "x",
        "docker_auth": {
            "registry": "ghcr.io",
            "auth_method": "AWS_ASSUME_ROLE",
            "aws_assume_role_docker_auth": {"role_arn": "a", "region": "b"},
            "registry_secret_docker_auth": None,
        },
    },
    "compute": {
        "node_count": 1,
        "cpu_count": 0,
        "memory": "0Mi",
        "accelerator": None,
        "availability_model": "a-new-one",
    },
    "runtime": {
        "start_commands": [],
        "environment_variables": {"A": "b", "C": {"name": "secret-that-does-not-exist"}},
        "artifacts": [{"s3_bucket": "a", "s3_key": "b"}],
        "enable_cache": None,
        "cache_config": {"enabled": True, "mount_base_path": "/x"},
        "checkpointing_config": {"enabled": True, "checkpoint_path": None, "volume_size_gib": None},
        "load_checkpoint_config": {
            "enabled": True,
            "checkpoints": [
                {"typ": "baseten_latest_checkpoint", "project_name": None},
                {"typ": "baseten_named_checkpoint", "checkpoint_name": "c"},
                {"typ": "loops_checkpoint", "run_id": "r", "checkpoint_name": "c"},
            ],
        },
    },
    "name": None,
    "truss_user_env": None,
    "interactive_session": {"trigger": "on_failure", "timeout_minutes": -1},
    "weights": [{"source": "hf://a", "mount_location": "/m", "auth": {"auth_method": "CUSTOM_SECRET"}}],
    "enable_baseten_workdir": True,
    "priority": None,
    "workspace": {"unknown": "keys are tolerated"},
}


def _with(path: str, value: object) -> dict[str, Any]:
    body: dict[str, Any] = {"image": {"base_image": "x"}}
    *parents, last = path.split(".")
    place = body
    for parent in parents:
        place = place.setdefault(parent, {})
    place[last] = value
    return {"training_job": body}


def test_a_body_with_every_field_passes() -> None:
    assert list(CREATE_JOB({"training_job": FULL}, "")) == []


def test_a_body_with_every_field_makes_a_job(shared: Api) -> None:
    answer = shared.http.post(f"/v1/training_projects/{shared.project()}/jobs", json={"training_job": FULL})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("path", "value", "mistake"),
    [
        ("image.base_image", None, "expected a string, got null"),
        ("image.base_image", "\ud800", "the string holds half of a surrogate pair"),
        ("image.docker_auth", {"registry": "x"}, None),
        ("compute", None, "expected an object, got null"),
        ("compute.node_count", "2", "expected an integer, got a string"),
        ("compute.node_count", True, "expected an integer, got a boolean"),
        ("compute.node_count", 2.0, "expected an integer, got a number"),
        ("compute.accelerator", "H100:8", "expected an object, got a string"),
        ("compute.memory", 2, "expected a string, got an integer"),
        ("runtime.artifacts", None, "expected an array, got null"),
        ("runtime.start_commands", "python x", "expected an array, got a string"),
        ("runtime.checkpointing_config", None, "expected an object, got null"),
        ("weights", None, "expected an array, got null"),
        ("enable_baseten_workdir", None, "expected a boolean, got null"),
        ("priority", 2**63, "the integer does not fit into 64 bits"),
        ("name", 7, "expected a string, got an integer"),
    ],
)
def test_a_wrong_type_is_named_by_its_path(path: str, value: object, mistake: str | None) -> None:
    found = list(CREATE_JOB(_with(path, value), ""))
    if mistake is None:
        assert found == [f"training_job.{path}.auth_method: field required"]
    else:
        assert found == [f"training_job.{path}: {mistake}"]


@pytest.mark.parametrize(
    ("path", "value", "mistake"),
    [
        (
            "runtime.environment_variables",
            {"A": 1},
            "training_job.runtime.environment_variables.A: expected a string or a secret reference",
        ),
        (
            "runtime.environment_variables",
            {"A": {"nam": "x"}},
            "training_job.runtime.environment_variables.A.name: field required",
        ),
        (
            "runtime.load_checkpoint_config",
            {"checkpoints": [{"job_id": "x"}]},
            "training_job.runtime.load_checkpoint_config.checkpoints[0].typ: expected one of"
            " baseten_latest_checkpoint, baseten_named_checkpoint, loops_checkpoint",
        ),
        ("weights", [{"source": "hf://a"}], "training_job.weights[0].mount_location: field required"),
        ("weights", ["hf://a"], "training_job.weights[0]: expected an object, got a string"),
    ],
)
def test_a_mistake_deep_inside_is_named_by_its_path(path: str, value: object, mistake: str) -> None:
    assert list(CREATE_JOB(_with(path, value), "")) == [mistake]


def test_all_mistakes_are_named_at_once() -> None:
    assert list(CREATE_JOB({"training_job": {"image": {}, "priority": "1"}}, "")) == [
        "training_job.image.base_image: field required",
        "training_job.priority: expected an integer, got a string",
    ]


def test_search_takes_null_filters_but_no_null_order() -> None:
    assert list(SEARCH_JOBS({"project_id": None, "statuses": None}, "")) == []
    assert list(SEARCH_JOBS({"order_by": None}, "")) == ["order_by: expected an array, got null"]
    assert list(SEARCH_JOBS({"order_by": [{"field": "name", "order": "asc"}]}, "")) == [
        "order_by[0].field: expected one of created_at"
    ]


@pytest.mark.parametrize(
    ("compute", "message"),
    [
        ({"node_count": 0}, "training_job.compute.node_count: 0 is not from 1 to 1024"),
        ({"memory": "banana"}, "training_job.compute.memory: 'banana' is not an amount of memory such as 2Gi"),
        ({"memory": "9Ti"}, "training_job.compute: no instance type has 1 vCPU and 9Ti a node"),
        (
            {"accelerator": {"accelerator": "H100", "count": 9}},
            "training_job.compute: no instance type has 1 vCPU and 2Gi a node with 9 x H100",
        ),
        (
            {"accelerator": {"accelerator": "H100", "count": 0}},
            "training_job.compute.accelerator.count: 0 is less than 1",
        ),
    ],
    ids=str,
)
def test_compute_that_no_machine_has_is_refused(shared: Api, compute: dict[str, Any], message: str) -> None:
    answer = shared.send(shared.project(), compute=compute)
    assert (answer.status_code, answer.json()) == (400, {"code": "VALIDATION_ERROR", "message": message})


def test_an_unknown_accelerator_is_named(shared: Api) -> None:
    answer = shared.send(shared.project(), compute={"accelerator": {"accelerator": "H101", "count": 1}})
    assert answer.status_code == 400
    assert "'H101' is not a GPU type here" in answer.json()["message"]


@pytest.mark.parametrize(
    ("accelerator", "count", "gpu_type"),
    [("H100", 8, "H100"), ("A100_40GB", 1, "A100-40GB"), ("A100-40GB", 3, "A100-40GB"), ("H200", 8, "H200")],
)
def test_the_smallest_machine_that_fits_is_allocated(shared: Api, accelerator: str, count: int, gpu_type: str) -> None:
    compute = {"accelerator": {"accelerator": accelerator, "count": count}}
    instance = shared.create(shared.project(), compute=compute)["instance_type"]
    assert (instance["gpu_type"], instance["gpu_count"]) == (gpu_type, count)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "body: a JSON object is required"),
        (b"{", "body: not JSON"),
        (b'{"training_job": NaN}', "body: not JSON"),
        (b"[" * 100_000, "body: not JSON"),
        (b"\xff\xfe", "body: not JSON"),
        (b"[]", "body: expected an object, got an array"),
        (b"{}", "training_job: field required"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_not_a_json_object_is_refused(shared: Api, content: bytes, message: str) -> None:
    answer = shared.http.post(f"/v1/training_projects/{shared.project()}/jobs", content=content)
    assert (answer.status_code, answer.json()["message"]) == (400, message)


def test_a_project_needs_a_name(shared: Api) -> None:
    answer = shared.http.post("/v1/training_projects", json={"training_project": {"name": " "}})
    assert (answer.status_code, answer.json()["message"]) == (400, "training_project.name: the name is empty")
