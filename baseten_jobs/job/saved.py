"""Rows of the API -> the checkpoints that a job saved, and which of them can be loaded by another job."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_SYNCED = ("COMPLETE", "COMPLETED")
"""How the API tells that a checkpoint was copied whole; which of the two depends on where it tells it."""


@dataclass(frozen=True)
class Saved:
    """How many checkpoints a job has, and the ids of those that are synced; `problem` says why none could be read."""

    count: int = 0
    synced: frozenset[str] = frozenset()
    problem: str = ""

    def has(self, checkpoint: str | None) -> bool:
        """True if the checkpoint of this name can be loaded; of None, if any can."""
        return bool(self.synced) if checkpoint is None else checkpoint in self.synced


def saved_in(rows: Iterable[Mapping[str, Any]]) -> Saved:
    """Returns the checkpoints of the rows; a row of another form is one that is not synced."""
    rows = tuple(rows)
    synced = (row.get("checkpoint_id") for row in rows if row.get("sync_status") in _SYNCED)
    return Saved(len(rows), frozenset(each for each in synced if isinstance(each, str)))
