"""Spec -> canonical form -> digest; identity -> the job name that holds the digest."""

import hashlib
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from baseten_jobs.manifest.normalisation import FOLDS
from baseten_jobs.manifest.schema.fields import Shape, shape_of

_SCHEME = "v1:"
SHOWN = 12
"""How many hex digits of a digest stand in a job's name and in reports."""


class Identity(NamedTuple):
    """Which run a job is, within its project; `digest` has the first 12 hex digits of the spec's digest.

    A named tuple, because one is made for each of 100,000 jobs.
    """

    name: str
    digest: str
    attempt: int = 1

    @property
    def job_name(self) -> str:
        attempt = f"-a{self.attempt}" if self.attempt > 1 else ""
        return f"{self.name}--{self.digest}{attempt}"


class Origin(NamedTuple):
    """The run whose checkpoint another one loads, as it counts there: 64 hex digits of digest, and the attempt."""

    digest: str
    attempt: int


def digest_of(
    spec: Mapping[str, Any],
    api_version: str,
    content: str | None = None,
    origins: Mapping[int, Origin] = MappingProxyType({}),
) -> str:
    """Returns the SHA-256 of a spec's canonical form, 64 hex digits. Golden digests in the tests hold it as it is.

    `content` is the digest of the workspace's files: it is hashed in the place of the field `workspace`. `origins` are
    hashed in the place of the manifests' names in the checkpoints of these numbers.
    """
    form = canonical_form(spec, api_version)
    if content is not None:
        form["workspace"] = content
    for number, origin in origins.items():
        form["checkpointing"]["load"]["checkpoints"][number]["manifest"] = [origin.digest, origin.attempt]
    canonical = json.dumps(form, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256((_SCHEME + canonical).encode("ascii")).hexdigest()


def canonical_form(spec: Mapping[str, Any], api_version: str, kinds: frozenset[str] = frozenset({"run"})) -> Any:
    """Returns a spec without nulls, defaults and fields of another `x-identity` than `kinds`, in one spelling."""
    form = _canonical(spec, shape_of(api_version).properties["spec"], kinds)
    return {} if form is _ABSENT else form


def mean_the_same(one: Any, other: Any, shape: Shape) -> bool:
    """True if two values of a field have the same canonical form, in which updatable parts count too."""
    kinds = frozenset({"run", "update"})
    return bool(_canonical(one, shape, kinds) == _canonical(other, shape, kinds))


_ABSENT = object()


def _canonical(value: Any, shape: Shape, kinds: frozenset[str]) -> Any:
    if value is None or shape.identity not in kinds:
        return _ABSENT
    form = _folded(value, shape, kinds)
    if "default" in shape.schema and form == _folded(shape.schema["default"], shape, kinds):
        return _ABSENT
    return form


def _folded(value: Any, shape: Shape, kinds: frozenset[str]) -> Any:
    if shape.fold:
        value = FOLDS[shape.fold](value)
    if isinstance(value, dict):
        shape = shape.variant(value)
        entries = (
            (key, _canonical(each, shape.properties.get(key) or shape.values or shape, kinds))
            for key, each in value.items()
        )
        return {key: form for key, form in entries if form is not _ABSENT}
    if isinstance(value, list):
        return [_folded(each, shape.items or shape, kinds) for each in value]
    return value
