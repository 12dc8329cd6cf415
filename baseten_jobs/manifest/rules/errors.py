"""Documents -> errors that a JSON Schema can't express, one small function a rule."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from posixpath import normpath
from types import MappingProxyType
from typing import Any

from baseten_jobs.manifest.diagnostics import Diagnostic, FieldPath, Position, Severity, field_name
from baseten_jobs.manifest.document import Document
from baseten_jobs.manifest.names import former_names
from baseten_jobs.manifest.normalisation import is_quantity, meant_quantity
from baseten_jobs.manifest.rules.images import wrong_image
from baseten_jobs.manifest.rules.lookup import (
    Check,
    Finding,
    entries_at,
    mapping_at,
    text_at,
    value_at,
    weights,
    wrong_source,
)
from baseten_jobs.manifest.rules.warnings import WARNINGS as WARNINGS
from baseten_jobs.manifest.schema.check import supports
from baseten_jobs.secrecy import quoted


def check(document: Document, found: Iterable[Diagnostic] = ()) -> tuple[Diagnostic, ...]:
    """Returns the errors and warnings of the rules; none for a document of an unknown version or kind.

    `found` are the schema's diagnostics: a value that one of them is about gets no second one here.
    """
    if not supports(document):
        return ()
    faults = tuple(d.field for d in found if d.rule not in ("required", "unknown-field"))
    return tuple(
        Diagnostic(name, message, _place(document, path), field_name(path), hint, severity)
        for severity, rules in ((Severity.ERROR, ERRORS), (Severity.WARNING, WARNINGS))
        for name, rule in rules.items()
        for path, message, hint in rule(document.data)
        if not any(field_name(path[:length]) in faults for length in range(1, len(path) + 1))
    )


def _place(document: Document, path: FieldPath) -> Position:
    """Returns where a scalar stands; for a list or mapping its key; for a missing value the key of its parent."""
    return document.position(path, of_key=document.written(path) is None)


def check_unique(documents: Iterable[Document]) -> tuple[Diagnostic, ...]:
    """Returns a diagnostic for each manifest whose name, or former name, another one of its project has as well.

    And one for each manifest that adopts the same job as another. Each names the place of the other manifest.
    """
    claims: dict[tuple[Any, ...], list[Claim]] = {}
    adopted: dict[str, list[Claim]] = {}
    for document in filter(supports, documents):
        name, project, project_id, team = (
            text_at(document.data, "metadata", field) for field in ("name", "project", "project_id", "team")
        )
        if name and (project or project_id):
            former = former_names(value_at(document.data, "metadata", "renamed_from"))
            for each in dict.fromkeys((name, *former)):
                key = (None if project_id else team, project, project_id, each)
                claims.setdefault(key, []).append((document, each))
        if job := text_at(document.data, "metadata", "adopts", "job"):
            adopted.setdefault(job, []).append((document, job))
    found = [d for claim in claims.values() if len(claim) > 1 for d in clash(claim)]
    return (*found, *(d for claim in adopted.values() if len(claim) > 1 for d in _adopted_twice(claim)))


Claim = tuple[Document, str]
"""A document, and a name that it has or had, or the id of a job that it adopts."""


def clash(claims: Sequence[Claim]) -> tuple[Diagnostic, ...]:
    """Returns a diagnostic for each of several manifests of one name; each names the place of another one."""
    places = [(document, name, _where(document, name)) for document, name in claims]
    return tuple(
        Diagnostic(
            "duplicate-manifest",
            f"another manifest {'has' if at == _NAME else 'has, or had,'} the name '{name}' in this project",
            document.position(at),
            field_name(at),
            f"the other is at {_other(claims, document, name)}",
        )
        for document, name, at in places
    )


_NAME = ("metadata", "name")


def _where(document: Document, name: str) -> FieldPath:
    return _NAME if text_at(document.data, *_NAME) == name else ("metadata", "renamed_from")


def _other(claims: Sequence[Claim], document: Document, name: str) -> Position:
    other = claims[1 if document is claims[0][0] else 0][0]
    return other.position(_where(other, name))


def _adopted_twice(claims: Sequence[Claim]) -> Iterator[Diagnostic]:
    at = ("metadata", "adopts", "job")
    for document, job in claims:
        other = claims[1 if document is claims[0][0] else 0][0].position(at)
        message = f"another manifest adopts the job {quoted(job)} as well"
        field, hint = document.shown(field_name(at)), f"the other is at {other}"
        yield Diagnostic("duplicate-adoption", message, document.position(at), field, hint)


def _project_or_id(data: Mapping[str, Any]) -> Iterator[Finding]:
    given = [name for name in ("project", "project_id") if value_at(data, "metadata", name) is not None]
    if not given and mapping_at(data, "metadata"):
        yield ("metadata",), "'project' or 'project_id' is missing", ""
    if len(given) == 2:
        yield ("metadata", "project_id"), "'project' and 'project_id' can't both be given", "leave one out"


def _memory_quantity(data: Mapping[str, Any]) -> Iterator[Finding]:
    memory = text_at(data, "spec", "compute", "memory")
    if memory is None:
        return
    if is_quantity(memory):
        if re.fullmatch("[0-9.]{1,6}", memory) and float(memory) > 0:
            told = f"{quoted(memory)} has no unit, and is that many bytes"
            yield ("spec", "compute", "memory"), told, f"did you mean '{memory.lstrip('0')}Gi'?"
        return
    meant = meant_quantity(memory)
    hint = f"did you mean '{meant}'?" if meant else "a number and one of k M G T P E Ki Mi Gi Ti Pi Ei"
    yield ("spec", "compute", "memory"), f"{quoted(memory)} is not a quantity of memory", hint


def _image_reference(data: Mapping[str, Any]) -> Iterator[Finding]:
    image = text_at(data, "spec", "image", "base_image")
    if image is not None and (wrong := wrong_image(image)):
        message, hint = wrong
        yield ("spec", "image", "base_image"), f"{quoted(image, 80)} {message}", hint


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


def _docker_auth_block(data: Mapping[str, Any]) -> Iterator[Finding]:
    path = ("spec", "image", "docker_auth")
    auth, method = mapping_at(data, *path), text_at(data, *path, "auth_method")
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


def _weights_auth_fields(data: Mapping[str, Any]) -> Iterator[Finding]:
    for path, weight in weights(data):
        auth, at, method = mapping_at(weight, "auth"), (*path, "auth"), text_at(weight, "auth", "auth_method")
        if method is None or method not in _WEIGHT_FIELDS:
            continue
        for name in _WEIGHT_FIELDS[method]:
            if auth.get(name) is None:
                yield at, f"'{name}' is missing", f"auth_method {method} needs it"
        for other, names in _WEIGHT_FIELDS.items():
            for name in names:
                if other != method and auth.get(name) is not None:
                    yield (*at, name), f"'{name}' does not go with auth_method {method}", "leave it out"


def _weights_auth_twice(data: Mapping[str, Any]) -> Iterator[Finding]:
    for path, weight in weights(data):
        if weight.get("auth") is not None and weight.get("auth_secret_name") is not None:
            yield (*path, "auth_secret_name"), "'auth_secret_name' can't stand beside 'auth'", "leave one out"


def _weights_source(data: Mapping[str, Any]) -> Iterator[Finding]:
    for path, weight in weights(data):
        source = text_at(weight, "source")
        if source is not None and (wrong := wrong_source(source)):
            message, hint = wrong
            yield (*path, "source"), f"{quoted(source, 80)} {message}", hint


def _normal(mount: str) -> str:
    return "/" + normpath("/" + mount).lstrip("/")


def _mount_location(data: Mapping[str, Any]) -> Iterator[Finding]:
    for path, weight in weights(data):
        mount, at = text_at(weight, "mount_location"), (*path, "mount_location")
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


def _mount_overlap(data: Mapping[str, Any]) -> Iterator[Finding]:
    mounts = ((_normal(text_at(weight, "mount_location") or ""), path) for path, weight in weights(data))
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


def _latest_checkpoint_scope(data: Mapping[str, Any]) -> Iterator[Finding]:
    for path, checkpoint in entries_at(data, "spec", "checkpointing", "load", "checkpoints"):
        latest = checkpoint.get("typ") == "baseten_latest_checkpoint"
        if latest and all(checkpoint.get(name) is None for name in (*_TARGETS, "manifest")):
            yield path, "'project_name', 'job_id' or 'manifest' is missing", "the latest checkpoint of what?"


def _checkpoint_target(data: Mapping[str, Any]) -> Iterator[Finding]:
    for path, checkpoint in entries_at(data, "spec", "checkpointing", "load", "checkpoints"):
        others = [name for name in _TARGETS if checkpoint.get(name) is not None]
        if (text_at(checkpoint, "job_id") or "").startswith("<job of "):
            yield (*path, "job_id"), "this stands for a job that is not there yet", "name its manifest in `manifest`"
        if checkpoint.get("manifest") is None:
            if checkpoint.get("project") is not None:
                yield (*path, "project"), "'project' says which 'manifest' is meant, and there is none", ""
        elif others:
            yield (*path, others[0]), f"'{others[0]}' and 'manifest' can't both be given", "leave one out"


def _retry_without_checkpointing(data: Mapping[str, Any]) -> Iterator[Finding]:
    at = ("policy", "retry", "from_checkpoint")
    if value_at(data, *at) is True and value_at(data, "spec", "checkpointing", "enabled") is not True:
        yield at, "there are no checkpoints to begin with", "set 'spec.checkpointing.enabled' to true"


_TARGETS = ("project_name", "job_id")
"""The fields of the API that say whose checkpoint is meant."""


ERRORS: Mapping[str, Check] = MappingProxyType(
    {
        "project-or-id": _project_or_id,
        "memory-quantity": _memory_quantity,
        "image-reference": _image_reference,
        "docker-auth-block": _docker_auth_block,
        "weights-auth-fields": _weights_auth_fields,
        "weights-auth-twice": _weights_auth_twice,
        "weights-source": _weights_source,
        "mount-location": _mount_location,
        "mount-overlap": _mount_overlap,
        "latest-checkpoint-scope": _latest_checkpoint_scope,
        "checkpoint-target": _checkpoint_target,
        "retry-without-checkpointing": _retry_without_checkpointing,
    }
)
"""Rules that make a manifest invalid, by name."""
