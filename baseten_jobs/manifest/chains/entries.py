"""A manifest's data -> the entries of its checkpoints that name another manifest."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from baseten_jobs.manifest.diagnostics import FieldPath
from baseten_jobs.manifest.rules.lookup import entries_at, text_at

CHECKPOINTS = ("spec", "checkpointing", "load", "checkpoints")


class Entry(NamedTuple):
    """One entry: its number among the checkpoints, and the name of the other manifest, perhaps with its project."""

    number: int
    name: str
    project: str | None

    @property
    def path(self) -> FieldPath:
        return (*CHECKPOINTS, self.number, "manifest")


def entries(data: Any) -> Iterator[Entry]:
    """Yields the entries of a manifest of any shape; those without a name are skipped."""
    for path, checkpoint in entries_at(data, *CHECKPOINTS):
        name, number = text_at(checkpoint, "manifest"), path[-1]
        if name and isinstance(number, int):
            yield Entry(number, name, text_at(checkpoint, "project"))


def chained(data: Any) -> bool:
    """True if a manifest names another one."""
    return any(True for _ in entries(data))
