"""What a JSON Schema cannot say, one small function a rule."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from posixpath import normpath
from types import MappingProxyType
from typing import Any

from baseten_jobs.diagnostics import Diagnostic, FieldPath, Severity, field_name, nearest, one_line
from baseten_jobs.manifest import Document
from baseten_jobs.schema import shape_of
from baseten_jobs.secrecy import looks_secret
from baseten_jobs.spelling import accelerator_of, bytes_of, meant_quantity

Finding = tuple[FieldPath, str, str]
"""Where, what is wrong, and a hint."""

Rule = Callable[[Mapping[str, Any]], Iterator[Finding]]


def check(document: Document) -> tuple[Diagnostic, ...]:
    """What the rules find in a document that the schema accepts."""
    return tuple(
        Diagnostic(name, message, document.position(path), field_name(path), hint, severity)
        for severity, rules in ((Severity.ERROR, ERRORS), (Severity.WARNING, WARNINGS))
        for name, rule in rules.items()
        for path, message, hint in rule(document.data)
    )


def check_unique(documents: Iterable[Document]) -> tuple[Diagnostic, ...]:
    """Two manifests of one (team, project, name), each pointing at the other."""
    claims: dict[tuple[str | None, str | None, str | None, str], list[Document]] = {}
    for document in documents:
        metadata = document.data["metadata"]
        project_id = metadata.get("project_id")
        team = None if project_id else metadata.get("team")
        key = (team, metadata.get("project"), project_id, metadata["name"])
        claims.setdefault(key, []).append(document)
    return tuple(d for claim in claims.values() if len(claim) > 1 for d in clash(claim))


def clash(documents: Sequence[Document]) -> tuple[Diagnostic, ...]:
    """Several manifests name one job: each is told where another one is."""
    at = ("metadata", "name")
    return tuple(
        Diagnostic(
            "duplicate-manifest",
            f"another manifest has the name '{document.data['metadata']['name']}' in this project",
            document.position(at),
            field_name(at),
            f"the other is at {documents[1 if document is documents[0] else 0].position(at)}",
        )
        for document in documents
    )


def _get(data: Any, *path: str) -> Any:
    for part in path:
        data = data.get(part) if isinstance(data, dict) else None
    return data


def _weights(data: Mapping[str, Any]) -> Iterator[tuple[FieldPath, Mapping[str, Any]]]:
    for index, weight in enumerate(_get(data, "spec", "weights") or ()):
        yield ("spec", "weights", index), weight


def _environment(data: Mapping[str, Any]) -> Iterator[tuple[FieldPath, str, Any]]:
    for name, value in (_get(data, "spec", "runtime", "environment_variables") or {}).items():
        yield ("spec", "runtime", "environment_variables", name), name, value


def project_or_id(data: Mapping[str, Any]) -> Iterator[Finding]:
    given = [name for name in ("project", "project_id") if _get(data, "metadata", name) is not None]
    if not given:
        yield ("metadata",), "'project' or 'project_id' is missing", ""
    if len(given) == 2:
        yield ("metadata", "project_id"), "'project' and 'project_id' can't both be given", "leave one out"


def memory_quantity(data: Mapping[str, Any]) -> Iterator[Finding]:
    memory = _get(data, "spec", "compute", "memory")
    if memory is None or bytes_of(memory) is not None:
        return
    meant = meant_quantity(memory)
    hint = f"did you mean '{meant}'?" if meant else "a number and one of k M G T P E Ki Mi Gi Ti Pi Ei"
    yield ("spec", "compute", "memory"), f"'{one_line(memory, 60)}' is not a quantity of memory", hint


_DOCKER_BLOCKS = MappingProxyType(
    {
        method: method.lower() + "_docker_auth"
        for method in (
            "GCP_SERVICE_ACCOUNT_JSON",
            "AWS_IAM",
            "AWS_OIDC",
            "GCP_OIDC",
            "REGISTRY_SECRET",
            "AWS_ASSUME_ROLE",
        )
    }
)


def docker_auth_block(data: Mapping[str, Any]) -> Iterator[Finding]:
    auth = _get(data, "spec", "image", "docker_auth")
    if not auth:
        return
    path, needed = ("spec", "image", "docker_auth"), _DOCKER_BLOCKS[auth["auth_method"]]
    if auth.get(needed) is None:
        yield path, f"'{needed}' is missing", f"auth_method {auth['auth_method']} needs it"
    for block in _DOCKER_BLOCKS.values():
        if block != needed and auth.get(block) is not None:
            yield (*path, block), f"'{block}' does not go with auth_method {auth['auth_method']}", "leave it out"


_WEIGHT_FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "CUSTOM_SECRET": ("auth_secret_name",),
        "AWS_OIDC": ("aws_oidc_role_arn", "aws_oidc_region"),
        "GCP_OIDC": ("gcp_oidc_service_account", "gcp_oidc_workload_id_provider"),
        "AWS_ASSUME_ROLE": ("aws_assume_role_arn", "aws_assume_role_region"),
    }
)


def weights_auth_fields(data: Mapping[str, Any]) -> Iterator[Finding]:
    for path, weight in _weights(data):
        auth = weight.get("auth")
        if not auth:
            continue
        method, at = auth["auth_method"], (*path, "auth")
        for name in _WEIGHT_FIELDS[method]:
            if auth.get(name) is None:
                yield at, f"'{name}' is missing", f"auth_method {method} needs it"
        for other, names in _WEIGHT_FIELDS.items():
            for name in names:
                if other != method and auth.get(name) is not None:
                    yield (*at, name), f"'{name}' does not go with auth_method {method}", "leave it out"


def weights_auth_twice(data: Mapping[str, Any]) -> Iterator[Finding]:
    for path, weight in _weights(data):
        if weight.get("auth") is not None and weight.get("auth_secret_name") is not None:
            yield (*path, "auth_secret_name"), "'auth_secret_name' can't stand beside 'auth'", "leave one out"


_CLOUD = ("s3", "gs", "r2", "azure", "cw")
_SCHEMES = ("hf", *_CLOUD, "https")


def weights_source(data: Mapping[str, Any]) -> Iterator[Finding]:
    for path, weight in _weights(data):
        source: str = weight["source"]
        if wrong := _wrong_source(source):
            message, hint = wrong
            yield (*path, "source"), f"'{one_line(source, 80)}' {message}", hint


def _wrong_source(source: str) -> tuple[str, str] | None:
    scheme, separator, rest = source.partition("://")
    if not separator or scheme not in _SCHEMES:
        guess = {"huggingface": "hf", "gcs": "gs", "http": "https"}.get(scheme.lower()) or nearest(scheme, _SCHEMES)
        hint = (
            f"did you mean '{guess}://'?"
            if separator and guess
            else "it begins with " + ", ".join(f"{one}://" for one in _SCHEMES)
        )
        return ("has no scheme" if not separator else "has a scheme that is not known"), hint
    if re.search(r"\s", rest):
        return "holds a blank", ""
    if scheme == "hf":
        repository, at, revision = rest.partition("@")
        if not re.fullmatch(r"[^/]+/[^/]+", repository):
            return "does not name owner/repo", "such as hf://Qwen/Qwen3-8B@main"
        return ("has an empty revision", "") if at and not revision else None
    if not rest.split("/")[0]:
        return ("names no host" if scheme == "https" else "names no bucket"), ""
    if scheme in _CLOUD and "@" in rest:
        return "can't hold '@'", "only hf:// sources have a revision"
    return None


def mount_location(data: Mapping[str, Any]) -> Iterator[Finding]:
    for path, weight in _weights(data):
        mount, at = weight["mount_location"], (*path, "mount_location")
        shown = f"'{one_line(mount, 80)}'"
        normal = "/" + normpath(mount).lstrip("/")
        if not mount.startswith("/"):
            yield at, f"{shown} is not an absolute path", f"such as '{one_line(normal, 80)}'"
        elif mount == "/":
            yield at, "'/' is the root, nothing can be mounted there", ""
        elif mount != normal:
            hint = f"write '{one_line(normal, 80)}'" if normal != "/" else ""
            yield at, f"{shown} is not a normal path", hint


def mount_overlap(data: Mapping[str, Any]) -> Iterator[Finding]:
    seen: list[tuple[str, FieldPath]] = []
    for path, weight in _weights(data):
        mount, at = "/" + normpath(weight["mount_location"]).lstrip("/"), (*path, "mount_location")
        for other, other_path in seen:
            if mount == other:
                yield at, f"'{one_line(mount, 80)}' is mounted twice", f"first at {field_name(other_path)}"
            elif mount.startswith(other.rstrip("/") + "/") or other.startswith(mount.rstrip("/") + "/"):
                message = f"'{one_line(mount, 80)}' and '{one_line(other, 80)}' are nested in one another"
                yield at, message, f"the other is {field_name(other_path)}"
        seen.append((mount, at))


def latest_checkpoint_scope(data: Mapping[str, Any]) -> Iterator[Finding]:
    for index, checkpoint in enumerate(_get(data, "spec", "checkpointing", "load", "checkpoints") or ()):
        latest = checkpoint["typ"] == "baseten_latest_checkpoint"
        if latest and checkpoint.get("project_name") is None and checkpoint.get("job_id") is None:
            path = ("spec", "checkpointing", "load", "checkpoints", index)
            yield path, "'project_name' or 'job_id' is missing", "the latest checkpoint of what?"


def unknown_accelerator(data: Mapping[str, Any]) -> Iterator[Finding]:
    value = _get(data, "spec", "compute", "accelerator")
    if value is None:
        return
    field = shape_of(data["apiVersion"]).properties["spec"].properties["compute"].properties["accelerator"]
    known: Sequence[str] = field.properties["accelerator"].schema["x-known"]
    name = accelerator_of(value)["accelerator"]
    if name.replace("-", "_") not in known:
        near = nearest(name, known)
        path: FieldPath = ("spec", "compute", "accelerator")
        yield (
            path if isinstance(value, str) else (*path, "accelerator"),
            f"'{one_line(name, 40)}' is not a GPU type known here",
            f"did you mean '{near}'?" if near else f"known: {', '.join(known)}",
        )


def literal_secret(data: Mapping[str, Any]) -> Iterator[Finding]:
    for path, name, value in _environment(data):
        if isinstance(value, str) and looks_secret(name, value):
            yield path, f"'{one_line(name, 60)}' looks like a secret in plain text", "refer to one: {name: SECRET}"


def reserved_variable(data: Mapping[str, Any]) -> Iterator[Finding]:
    for path, name, _ in _environment(data):
        if name.startswith("BT_"):
            yield path, f"'{one_line(name, 60)}' may collide: Baseten sets BT_ variables itself", ""


def partial_nodes(data: Mapping[str, Any]) -> Iterator[Finding]:
    compute = _get(data, "spec", "compute") or {}
    nodes, accelerator = compute.get("node_count") or 1, compute.get("accelerator")
    if nodes < 2:
        return
    count = accelerator_of(accelerator)["count"] if accelerator is not None else 0
    if count < 8:
        path = ("spec", "compute", "node_count" if accelerator is None else "accelerator")
        yield path, f"{nodes} nodes with {count} GPUs each", "a node has 8; fewer nodes with more GPUs run faster"


def spot_without_checkpointing(data: Mapping[str, Any]) -> Iterator[Finding]:
    spot = _get(data, "spec", "compute", "availability_model") == "spot"
    if spot and _get(data, "spec", "checkpointing", "enabled") is not True:
        path = ("spec", "compute", "availability_model")
        yield path, "spot capacity may be taken away, and checkpointing is off", "set spec.checkpointing.enabled: true"


def no_start_command(data: Mapping[str, Any]) -> Iterator[Finding]:
    if not _get(data, "spec", "runtime", "start_commands"):
        yield ("spec", "runtime", "start_commands"), "there is no start command", ""


_MOVING = frozenset({"latest", "main", "master", "nightly", "dev"})


def mutable_image(data: Mapping[str, Any]) -> Iterator[Finding]:
    image: str = data["spec"]["image"]["base_image"]
    if "@" in image:
        return
    _, _, tag = image.rpartition("/")[2].partition(":")
    if tag in _MOVING or not tag:
        message = f"the tag '{tag}' moves" if tag else f"'{one_line(image, 80)}' has no tag, which means 'latest'"
        yield (
            ("spec", "image", "base_image"),
            message,
            "a moved image is not seen as a change: give a fixed tag or a digest",
        )


def mutable_weights(data: Mapping[str, Any]) -> Iterator[Finding]:
    for path, weight in _weights(data):
        source: str = weight["source"]
        revision = source.partition("@")[2]
        if source.startswith("hf://") and revision in ("", "main"):
            message = "the revision 'main' moves" if revision else "no revision, which means 'main'"
            yield (*path, "source"), message, "a moved model is not seen as a change: give a commit, as in @8f3c1d0"


ERRORS: Mapping[str, Rule] = MappingProxyType(
    {
        "project-or-id": project_or_id,
        "memory-quantity": memory_quantity,
        "docker-auth-block": docker_auth_block,
        "weights-auth-fields": weights_auth_fields,
        "weights-auth-twice": weights_auth_twice,
        "weights-source": weights_source,
        "mount-location": mount_location,
        "mount-overlap": mount_overlap,
        "latest-checkpoint-scope": latest_checkpoint_scope,
    }
)
"""Rules that make a manifest invalid, by name."""

WARNINGS: Mapping[str, Rule] = MappingProxyType(
    {
        "unknown-accelerator": unknown_accelerator,
        "literal-secret": literal_secret,
        "reserved-variable": reserved_variable,
        "partial-nodes": partial_nodes,
        "spot-without-checkpointing": spot_without_checkpointing,
        "no-start-command": no_start_command,
        "mutable-image": mutable_image,
        "mutable-weights": mutable_weights,
    }
)
"""Rules that warn; errors under `--strict`."""
