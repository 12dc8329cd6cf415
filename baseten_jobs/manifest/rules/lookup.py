"""A manifest's data, of whatever shape -> the parts of it that rules check, and whether weights can come from there."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from baseten_jobs.manifest.diagnostics import FieldPath
from baseten_jobs.manifest.normalisation import accelerator_of
from baseten_jobs.phrases import nearest

Finding = tuple[FieldPath, str, str]
"""What a check found: the path of the value at fault, the message, and a hint, which may be empty."""

Check = Callable[[Mapping[str, Any]], Iterator[Finding]]
"""The function of one rule. It skips values of a wrong type, since the schema has a diagnostic for those."""


def value_at(data: Any, *path: str) -> Any:
    """Returns the value at a path of mappings, or None where the path ends early."""
    for part in path:
        data = data.get(part) if isinstance(data, dict) else None
    return data


def text_at(data: Any, *path: str) -> str | None:
    """Returns the string at a path, or None if there is another value or none."""
    value = value_at(data, *path)
    return value if isinstance(value, str) else None


def mapping_at(data: Any, *path: str) -> Mapping[str, Any]:
    """Returns the mapping at a path, or an empty one if there is another value or none."""
    value = value_at(data, *path)
    return value if isinstance(value, dict) else {}


def entries_at(data: Any, *path: str) -> Iterator[tuple[FieldPath, Mapping[str, Any]]]:
    """Yields each mapping in the list at a path, with its own path; other entries are skipped."""
    value = value_at(data, *path)
    for index, entry in enumerate(value if isinstance(value, list) else ()):
        if isinstance(entry, dict):
            yield (*path, index), entry


def texts(value: Any, path: FieldPath = ()) -> Iterator[tuple[FieldPath, str]]:
    """Yields each string in a value, with its path, which begins with this one."""
    if isinstance(value, str):
        yield path, value
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield from texts(entry, (*path, key))


def weights(data: Mapping[str, Any]) -> Iterator[tuple[FieldPath, Mapping[str, Any]]]:
    """Yields each entry of `spec.weights` that is a mapping, with its path."""
    return entries_at(data, "spec", "weights")


def environment(data: Mapping[str, Any]) -> Iterator[tuple[FieldPath, str, Any]]:
    """Yields each environment variable: its path, its name and its value."""
    path = ("spec", "runtime", "environment_variables")
    for name, value in mapping_at(data, *path).items():
        yield (*path, name), name, value


def gpus(data: Mapping[str, Any]) -> tuple[str, int]:
    """Returns type and count of a node's GPUs, or an empty type and 0 if there are none or the value can't be read."""
    value = value_at(data, "spec", "compute", "accelerator")
    if isinstance(value, str) and not re.fullmatch(r"[^:]+(:[0-9]{1,4})?", value):
        return "", 0
    read = accelerator_of(value) if isinstance(value, (str, dict)) else {}
    name, count = read.get("accelerator"), read.get("count")
    return (name, count) if isinstance(name, str) and type(count) is int else ("", 0)


def start_commands(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the commands that a job runs; those of a wrong type are empty, so that each keeps its number."""
    value = value_at(data, "spec", "runtime", "start_commands")
    return tuple(each if isinstance(each, str) else "" for each in value) if isinstance(value, list) else ()


def node_count(data: Mapping[str, Any]) -> int:
    """Returns how many nodes a job has, 1 where the value can't be read."""
    value = value_at(data, "spec", "compute", "node_count")
    return value if type(value) is int else 1


_CLOUD = ("s3", "gs", "r2", "azure", "cw")
_SCHEMES = ("hf", *_CLOUD, "https")


def wrong_source(source: str) -> tuple[str, str] | None:
    """Returns what is wrong with a source, as the end of a sentence about it, and a hint; None if it is valid."""
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
