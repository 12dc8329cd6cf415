"""What a JSON Schema cannot say, one small function a rule."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from posixpath import normpath
from types import MappingProxyType
from typing import Any

from baseten_jobs.diagnostics import Diagnostic, FieldPath, Position, Severity, field_name, nearest
from baseten_jobs.manifest import Document
from baseten_jobs.schema import supports
from baseten_jobs.secrecy import is_a_secret, looks_secret, may_hold_a_secret, names_a_secret, quoted
from baseten_jobs.shape import shape_of
from baseten_jobs.spelling import accelerator_of, is_quantity, meant_quantity

Finding = tuple[FieldPath, str, str]
"""Where, what is wrong, and a hint."""

Rule = Callable[[Mapping[str, Any]], Iterator[Finding]]
"""A rule speaks of what has the right shape, and is silent of all else: that is the schema's to tell."""


def check(document: Document, told: Iterable[Diagnostic] = ()) -> tuple[Diagnostic, ...]:
    """What the rules find in a document of a known version; not again where the schema has `told` of a value."""
    if not supports(document):
        return ()
    faults = tuple(d.field for d in told if d.rule not in ("required", "unknown-field"))
    return tuple(
        Diagnostic(name, message, _place(document, path), field_name(path), hint, severity)
        for severity, rules in ((Severity.ERROR, ERRORS), (Severity.WARNING, WARNINGS))
        for name, rule in rules.items()
        for path, message, hint in rule(document.data)
        if not any(field_name(path[:length]) in faults for length in range(1, len(path) + 1))
    )


def _place(document: Document, path: FieldPath) -> Position:
    """A scalar's own place; the key of a list, a mapping, or of what should hold an absent value."""
    return document.position(path, of_key=document.written(path) is None)


def check_unique(documents: Iterable[Document]) -> tuple[Diagnostic, ...]:
    """Two manifests of one (team, project, name), each pointing at the other."""
    claims: dict[tuple[Any, ...], list[Document]] = {}
    for document in filter(supports, documents):
        name, project, project_id, team = (
            _text(document.data, "metadata", field) for field in ("name", "project", "project_id", "team")
        )
        if name and (project or project_id):
            key = (None if project_id else team, project, project_id, name)
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


def _text(data: Any, *path: str) -> str | None:
    value = _get(data, *path)
    return value if isinstance(value, str) else None


def _mapping(data: Any, *path: str) -> Mapping[str, Any]:
    value = _get(data, *path)
    return value if isinstance(value, dict) else {}


def _entries(data: Any, *path: str) -> Iterator[tuple[FieldPath, Mapping[str, Any]]]:
    value = _get(data, *path)
    for index, entry in enumerate(value if isinstance(value, list) else ()):
        if isinstance(entry, dict):
            yield (*path, index), entry


def _weights(data: Mapping[str, Any]) -> Iterator[tuple[FieldPath, Mapping[str, Any]]]:
    return _entries(data, "spec", "weights")


def _environment(data: Mapping[str, Any]) -> Iterator[tuple[FieldPath, str, Any]]:
    path = ("spec", "runtime", "environment_variables")
    for name, value in _mapping(data, *path).items():
        yield (*path, name), name, value


def project_or_id(data: Mapping[str, Any]) -> Iterator[Finding]:
    given = [name for name in ("project", "project_id") if _get(data, "metadata", name) is not None]
    if not given and _mapping(data, "metadata"):
        yield ("metadata",), "'project' or 'project_id' is missing", ""
    if len(given) == 2:
        yield ("metadata", "project_id"), "'project' and 'project_id' can't both be given", "leave one out"


def memory_quantity(data: Mapping[str, Any]) -> Iterator[Finding]:
    memory = _text(data, "spec", "compute", "memory")
    if memory is None or is_quantity(memory):
        return
    meant = meant_quantity(memory)
    hint = f"did you mean '{meant}'?" if meant else "a number and one of k M G T P E Ki Mi Gi Ti Pi Ei"
    yield ("spec", "compute", "memory"), f"{quoted(memory)} is not a quantity of memory", hint


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
    path = ("spec", "image", "docker_auth")
    auth, method = _mapping(data, *path), _text(data, *path, "auth_method")
    if method is None or method not in _DOCKER_BLOCKS:
        return
    needed = _DOCKER_BLOCKS[method]
    if auth.get(needed) is None:
        yield path, f"'{needed}' is missing", f"auth_method {method} needs it"
    for block in _DOCKER_BLOCKS.values():
        if block != needed and auth.get(block) is not None:
            yield (*path, block), f"'{block}' does not go with auth_method {method}", "leave it out"


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
        auth, at, method = _mapping(weight, "auth"), (*path, "auth"), _text(weight, "auth", "auth_method")
        if method is None or method not in _WEIGHT_FIELDS:
            continue
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
        source = _text(weight, "source")
        if source is not None and (wrong := _wrong_source(source)):
            message, hint = wrong
            yield (*path, "source"), f"{quoted(source, 80)} {message}", hint


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
            return "does not name owner/repo", "such as hf://Qwen/Qwen3-8B@8f3c1d0"
        if at and not revision:
            return "has an empty revision", ""
        return ("has two revisions", "only one '@' can stand here") if "@" in revision else None
    if not rest.split("/")[0]:
        return ("names no host" if scheme == "https" else "names no bucket"), ""
    if scheme in _CLOUD and "@" in rest:
        return "can't hold '@'", "only hf:// sources have a revision"
    return None


def _normal(mount: str) -> str:
    return "/" + normpath("/" + mount).lstrip("/")


def mount_location(data: Mapping[str, Any]) -> Iterator[Finding]:
    for path, weight in _weights(data):
        mount, at = _text(weight, "mount_location"), (*path, "mount_location")
        if mount is None:
            continue
        shown, normal = quoted(mount, 80), _normal(mount.strip())
        meant = "" if normal == "/" or mount.startswith("~") else quoted(normal, 80)
        if not mount.startswith("/"):
            yield at, f"{shown} is not an absolute path", f"such as {meant}" if meant else ""
        elif mount == "/":
            yield at, "'/' is the root, nothing can be mounted there", ""
        elif mount != normal or not mount.isprintable():
            yield at, f"{shown} is not a normal path", f"write {meant}" if meant and meant != shown else ""


def mount_overlap(data: Mapping[str, Any]) -> Iterator[Finding]:
    mounts = ((_normal(_text(weight, "mount_location") or ""), path) for path, weight in _weights(data))
    outer, outer_path = "/", FieldPath()
    for mount, path in sorted((mount + "/", (*path, "mount_location")) for mount, path in mounts if mount != "/"):
        if outer == "/" or not mount.startswith(outer):
            outer, outer_path = mount, path
            continue
        (first_path, first), (second_path, second) = sorted([(outer_path, outer[:-1]), (path, mount[:-1])])
        if mount == outer:
            yield second_path, f"{quoted(second, 80)} is mounted twice", f"first at {field_name(first_path)}"
        else:
            message = f"{quoted(second, 80)} and {quoted(first, 80)} are nested in one another"
            yield second_path, message, f"the other is {field_name(first_path)}"


def latest_checkpoint_scope(data: Mapping[str, Any]) -> Iterator[Finding]:
    for path, checkpoint in _entries(data, "spec", "checkpointing", "load", "checkpoints"):
        latest = checkpoint.get("typ") == "baseten_latest_checkpoint"
        if latest and checkpoint.get("project_name") is None and checkpoint.get("job_id") is None:
            yield path, "'project_name' or 'job_id' is missing", "the latest checkpoint of what?"


def _gpus(data: Mapping[str, Any]) -> tuple[str, int]:
    """Type and count of a node's GPUs; an empty type where there are none, or nobody can tell."""
    value = _get(data, "spec", "compute", "accelerator")
    if isinstance(value, str) and not re.fullmatch(r"[^:]+(:[0-9]{1,4})?", value):
        return "", 0
    read = accelerator_of(value) if isinstance(value, (str, dict)) else {}
    name, count = read.get("accelerator"), read.get("count")
    return (name, count) if isinstance(name, str) and type(count) is int else ("", 0)


def unknown_accelerator(data: Mapping[str, Any]) -> Iterator[Finding]:
    name, _ = _gpus(data)
    if not name:
        return
    field = shape_of(data["apiVersion"]).properties["spec"].properties["compute"].properties["accelerator"]
    known: Sequence[str] = field.properties["accelerator"].schema["x-known"]
    if name.replace("-", "_") not in known:
        near = nearest(re.sub(r"(?i)[-_]?80gb$", "", name), known, likeness=0.75)
        path = ("spec", "compute", "accelerator")
        yield (
            (*path, "accelerator") if _mapping(data, *path) else path,
            f"{quoted(name)} is not a GPU type known here",
            f"did you mean '{near}'?" if near else f"known: {', '.join(known)}",
        )


def literal_secret(data: Mapping[str, Any]) -> Iterator[Finding]:
    suspicious = may_hold_a_secret("\n".join(_texts(_mapping(data, "spec"))))
    for path, name, value in _environment(data):
        if isinstance(value, str) and (suspicious or names_a_secret(name)) and looks_secret(name, value):
            yield path, f"{quoted(name)} holds what looks like a secret in plain text", "refer to one: {name: SECRET}"
    for path, text in _strings(_mapping(data, "spec"), ("spec",)) if suspicious else ():
        if path[:-1] != ("spec", "runtime", "environment_variables") and is_a_secret(text):
            yield path, "this holds what looks like a secret in plain text", "keep it in Baseten, refer to it by name"


def _texts(value: Any) -> list[str]:
    """Every text in a value, in no order that matters."""
    texts, left = [], [value]
    while left:
        value = left.pop()
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, (dict, list)):
            left += value.values() if isinstance(value, dict) else value
    return texts


def _strings(value: Any, path: FieldPath) -> Iterator[tuple[FieldPath, str]]:
    if isinstance(value, str):
        yield path, value
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield from _strings(entry, (*path, key))


def reserved_variable(data: Mapping[str, Any]) -> Iterator[Finding]:
    for path, name, _ in _environment(data):
        if name.startswith("BT_"):
            yield path, f"{quoted(name)} may collide: Baseten sets BT_ variables itself", ""


def partial_nodes(data: Mapping[str, Any]) -> Iterator[Finding]:
    path = ("spec", "compute")
    nodes, (name, count) = _get(data, *path, "node_count"), _gpus(data)
    if type(nodes) is not int or nodes < 2 or count >= 8:
        return
    if _get(data, *path, "accelerator") is None:
        yield (*path, "node_count"), f"{nodes} nodes without a GPU", "a node has 8; one node is enough for a CPU job"
    elif name:
        message = f"{nodes} nodes with {count} GPU{'' if count == 1 else 's'} each"
        yield (*path, "accelerator"), message, "a node has 8; fewer nodes with more GPUs run faster"


def spot_without_checkpointing(data: Mapping[str, Any]) -> Iterator[Finding]:
    spot = _get(data, "spec", "compute", "availability_model") == "spot"
    if spot and _get(data, "spec", "checkpointing", "enabled") in (None, False):
        path = ("spec", "compute", "availability_model")
        yield path, "spot capacity may be taken away, and checkpointing is off", "set spec.checkpointing.enabled: true"


def no_start_command(data: Mapping[str, Any]) -> Iterator[Finding]:
    if _mapping(data, "spec") and not _get(data, "spec", "runtime", "start_commands"):
        yield ("spec", "runtime", "start_commands"), "there is no start command", ""


_MOVING = frozenset({"latest", "main", "master", "nightly", "dev"})


def mutable_image(data: Mapping[str, Any]) -> Iterator[Finding]:
    image = _text(data, "spec", "image", "base_image") or ""
    name, at, digest = image.partition("@")
    _, _, tag = name.rpartition("/")[2].partition(":")
    message = ""
    if at and not re.fullmatch(r"[a-z0-9]+([.+_-][a-z0-9]+)*:[0-9a-fA-F]+", digest):
        message = f"{quoted(image, 80)} has an empty or odd digest"
    elif image and not at and not tag:
        message = f"{quoted(image, 80)} has no tag, which means 'latest'"
    elif not at and tag in _MOVING:
        message = f"the tag '{tag}' moves"
    if message:
        hint = "a moved image is not seen as a change: give a fixed tag or a digest"
        yield ("spec", "image", "base_image"), message, hint


def mutable_weights(data: Mapping[str, Any]) -> Iterator[Finding]:
    for path, weight in _weights(data):
        source = _text(weight, "source") or ""
        revision = source.partition("@")[2]
        if source.startswith("hf://") and revision in ("", "main", "master", "HEAD") and not _wrong_source(source):
            message = f"the revision '{revision}' moves" if revision else "no revision, which means 'main'"
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
