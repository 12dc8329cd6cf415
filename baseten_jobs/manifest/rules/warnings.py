"""A manifest's data -> what is allowed and probably not meant, one small function a rule."""

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from baseten_jobs.manifest.rules.images import wrong_image
from baseten_jobs.manifest.rules.lookup import (
    Check,
    Finding,
    entries_at,
    environment,
    gpus,
    mapping_at,
    text_at,
    texts,
    value_at,
    weights,
    wrong_source,
)
from baseten_jobs.manifest.rules.start_commands import process_count, workspace_workdir
from baseten_jobs.manifest.rules.unexpanded import unexpanded_variable
from baseten_jobs.manifest.schema.fields import shape_of
from baseten_jobs.phrases import nearest
from baseten_jobs.secrecy import is_a_secret, looks_secret, may_hold_a_secret, names_a_secret, quoted

LONGEST_JOB_NAME = 63
"""Characters that a job's name may have wherever a name is also a label of Kubernetes or of DNS."""
_BESIDE_THE_NAME = len("--") + 12 + len("-") + 7  # the digest, and the letters of owner and token


_COUNTED = re.compile(
    r"(?P<gpu>[A-Z][A-Za-z0-9_-]*?)[xX](?P<count>\d+)|(?P<first>\d+)[xX](?P<also>[A-Z][A-Za-z0-9_-]*)"
)
"""`H100x8` and `8xH100`, as others write what is `H100:8` here."""


def _unknown_accelerator(data: Mapping[str, Any]) -> Iterator[Finding]:
    name, _ = gpus(data)
    if not name:
        return
    if hint := unknown_gpu(name, data["apiVersion"]):
        path = ("spec", "compute", "accelerator")
        at = (*path, "accelerator") if mapping_at(data, *path) else path
        yield at, f"{quoted(name)} is not a GPU type known here", hint


def unknown_gpu(name: str, api_version: str) -> str:
    """Returns what may have been meant by a GPU type that is not known, or which are; "" for one that is known."""
    field = shape_of(api_version).properties["spec"].properties["compute"].properties["accelerator"]
    known: Sequence[str] = field.properties["accelerator"].schema["x-known"]
    if name.replace("-", "_") in known:
        return ""
    if name.isdigit():
        return f"the type comes first, such as 'H100:{name}'"
    if counted := _COUNTED.fullmatch(name):
        meant = counted["gpu"] or counted["also"], counted["count"] or counted["first"]
        return f"did you mean '{':'.join(meant)}'?"
    near = nearest(re.sub(r"(?i)[-_]?80gb$", "", name), known, likeness=0.75)
    return f"did you mean '{near}'?" if near else f"known: {', '.join(known)}"


def _long_name(data: Mapping[str, Any]) -> Iterator[Finding]:
    name, attempt = text_at(data, "metadata", "name") or "", value_at(data, "metadata", "attempt")
    numbered = f"-a{attempt}" if type(attempt) is int and attempt > 1 else ""
    if value_at(data, "policy", "retry") is not None:
        limit = value_at(data, "policy", "retry", "limit")
        numbered += f"-r{limit if type(limit) is int else 1}"
    length = len(name) + _BESIDE_THE_NAME + len(numbered)
    if length > LONGEST_JOB_NAME:
        yield (
            ("metadata", "name"),
            f"the job's whole name has {length} characters, and may be cut after {LONGEST_JOB_NAME}",
            f"up to {len(name) - length + LONGEST_JOB_NAME} characters are safe here",
        )


def _literal_secret(data: Mapping[str, Any]) -> Iterator[Finding]:
    suspicious = may_hold_a_secret("\n".join(_texts(mapping_at(data, "spec"))))
    for path, name, value in environment(data):
        if isinstance(value, str) and (suspicious or names_a_secret(name)) and looks_secret(name, value):
            yield path, f"{quoted(name)} holds what looks like a secret in plain text", "refer to one: {name: SECRET}"
    for path, text in texts(mapping_at(data, "spec"), ("spec",)) if suspicious else ():
        if path[:-1] != ("spec", "runtime", "environment_variables") and is_a_secret(text):
            yield path, "this holds what looks like a secret in plain text", "keep it in Baseten, refer to it by name"


def _texts(value: Any) -> list[str]:
    """Returns every string in a value, in any order."""
    texts, left = [], [value]
    while left:
        value = left.pop()
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, (dict, list)):
            left += value.values() if isinstance(value, dict) else value
    return texts


def _reserved_variable(data: Mapping[str, Any]) -> Iterator[Finding]:
    for path, name, _ in environment(data):
        if name.startswith("BT_"):
            yield path, f"{quoted(name)} may collide: Baseten sets BT_ variables itself", ""


def _partial_nodes(data: Mapping[str, Any]) -> Iterator[Finding]:
    path = ("spec", "compute")
    nodes, (name, count) = value_at(data, *path, "node_count"), gpus(data)
    if type(nodes) is not int or nodes < 2 or count >= 8:
        return
    if value_at(data, *path, "accelerator") is None:
        yield (*path, "node_count"), f"{nodes} nodes without a GPU", "a node has 8; one node is enough for a CPU job"
    elif name:
        message = f"{nodes} nodes with {count} GPU{'' if count == 1 else 's'} each"
        yield (*path, "accelerator"), message, "a node has 8; fewer nodes with more GPUs run faster"


def _spot_without_checkpointing(data: Mapping[str, Any]) -> Iterator[Finding]:
    spot = value_at(data, "spec", "compute", "availability_model") == "spot"
    if spot and value_at(data, "spec", "checkpointing", "enabled") in (None, False):
        path = ("spec", "compute", "availability_model")
        yield path, "spot capacity may be taken away, and checkpointing is off", "set spec.checkpointing.enabled: true"


def _limit_without_checkpointing(data: Mapping[str, Any]) -> Iterator[Finding]:
    if value_at(data, "spec", "checkpointing", "enabled") is True:
        return
    for name in _LIMITS:
        if value_at(data, "policy", name) is not None:
            told = "beyond this the job is stopped, and checkpointing is off"
            yield ("policy", name), told, "set spec.checkpointing.enabled: true"


def _no_start_command(data: Mapping[str, Any]) -> Iterator[Finding]:
    if mapping_at(data, "spec") and not value_at(data, "spec", "runtime", "start_commands"):
        yield ("spec", "runtime", "start_commands"), "there is no start command", ""


_LIMITS = ("max_duration", "max_cost")
_MOVING = frozenset({"latest", "main", "master", "nightly", "dev"})


def _mutable_image(data: Mapping[str, Any]) -> Iterator[Finding]:
    image = text_at(data, "spec", "image", "base_image") or ""
    if wrong_image(image):
        return
    name, at, _ = image.partition("@")
    _, _, tag = name.rpartition("/")[2].partition(":")
    message = ""
    if image and not at and not tag:
        message = f"{quoted(image, 80)} has no tag, which means 'latest'"
    elif not at and tag in _MOVING:
        message = f"the tag '{tag}' moves"
    if message:
        hint = "a moved image is not seen as a change: give a fixed tag or a digest"
        yield ("spec", "image", "base_image"), message, hint


def _mutable_weights(data: Mapping[str, Any]) -> Iterator[Finding]:
    for path, weight in weights(data):
        source = text_at(weight, "source") or ""
        revision = source.partition("@")[2]
        if source.startswith("hf://") and revision in ("", "main", "master", "HEAD") and not wrong_source(source):
            message = f"the revision '{revision}' moves" if revision else "no revision, which means 'main'"
            yield (*path, "source"), message, "a moved model is not seen as a change: give a commit, as in @8f3c1d0"


def _mutable_checkpoint(data: Mapping[str, Any]) -> Iterator[Finding]:
    for path, checkpoint in entries_at(data, "spec", "checkpointing", "load", "checkpoints"):
        project, latest = text_at(checkpoint, "project_name"), checkpoint.get("typ") == "baseten_latest_checkpoint"
        if project is not None and latest and all(checkpoint.get(other) is None for other in ("job_id", "manifest")):
            yield (
                (*path, "project_name"),
                f"the newest checkpoint of {quoted(project, 80)} moves, and a moved one is not seen as a change",
                "name its manifest in `manifest`: a new run, unless `baseten-jobs adopt` counts the job there is",
            )


WARNINGS: Mapping[str, Check] = MappingProxyType(
    {
        "unknown-accelerator": _unknown_accelerator,
        "literal-secret": _literal_secret,
        "long-name": _long_name,
        "reserved-variable": _reserved_variable,
        "partial-nodes": _partial_nodes,
        "spot-without-checkpointing": _spot_without_checkpointing,
        "limit-without-checkpointing": _limit_without_checkpointing,
        "no-start-command": _no_start_command,
        "mutable-image": _mutable_image,
        "mutable-weights": _mutable_weights,
        "mutable-checkpoint": _mutable_checkpoint,
        "process-count": process_count,
        "workspace-workdir": workspace_workdir,
        "unexpanded-variable": unexpanded_variable,
    }
)
"""Rules that warn; errors under `--strict`."""
