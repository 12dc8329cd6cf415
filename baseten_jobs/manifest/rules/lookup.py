"""The parts of a manifest's data that rules speak of, of whatever shape it is, and what a rule may find."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from baseten_jobs.manifest.diagnostics import FieldPath

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
