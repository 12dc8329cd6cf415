"""The parts of a manifest's data that rules speak of, of whatever shape it is, and what may be wrong with one."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from baseten_jobs.manifest.diagnostics import FieldPath
from baseten_jobs.phrases import nearest

Finding = tuple[FieldPath, str, str]
"""Where, what is wrong, and a hint."""

Check = Callable[[Mapping[str, Any]], Iterator[Finding]]
"""A rule speaks of what has the right shape, and is silent of all else: that is the schema's to tell."""


def value_at(data: Any, *path: str) -> Any:
    for part in path:
        data = data.get(part) if isinstance(data, dict) else None
    return data


def text_at(data: Any, *path: str) -> str | None:
    value = value_at(data, *path)
    return value if isinstance(value, str) else None


def mapping_at(data: Any, *path: str) -> Mapping[str, Any]:
    value = value_at(data, *path)
    return value if isinstance(value, dict) else {}


def entries_at(data: Any, *path: str) -> Iterator[tuple[FieldPath, Mapping[str, Any]]]:
    value = value_at(data, *path)
    for index, entry in enumerate(value if isinstance(value, list) else ()):
        if isinstance(entry, dict):
            yield (*path, index), entry


def weights(data: Mapping[str, Any]) -> Iterator[tuple[FieldPath, Mapping[str, Any]]]:
    return entries_at(data, "spec", "weights")


def environment(data: Mapping[str, Any]) -> Iterator[tuple[FieldPath, str, Any]]:
    path = ("spec", "runtime", "environment_variables")
    for name, value in mapping_at(data, *path).items():
        yield (*path, name), name, value


_CLOUD = ("s3", "gs", "r2", "azure", "cw")
_SCHEMES = ("hf", *_CLOUD, "https")


def wrong_source(source: str) -> tuple[str, str] | None:
    """What is wrong with a source, and a hint; nothing where it can be one."""
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
