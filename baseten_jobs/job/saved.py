"""Rows of the API -> the checkpoints that a job saved, and which of them can be loaded by another job."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from baseten_jobs.job.checkpoint import SYNCED
from baseten_jobs.job.times import epoch_of


@dataclass(frozen=True)
class Saved:
    """How many checkpoints a job has, and the ids of those that are synced; `problem` says why none could be read.

    `newest` is the id of the newest one that is synced on every node; empty if none is.
    """

    count: int = 0
    synced: frozenset[str] = frozenset()
    problem: str = ""
    newest: str = ""

    def has(self, checkpoint: str | None) -> bool:
        """True if the checkpoint of this name can be loaded; of None, if any can."""
        return bool(self.synced) if checkpoint is None else checkpoint in self.synced


def saved_in(rows: Iterable[Mapping[str, Any]]) -> Saved:
    """Returns the checkpoints of the rows; a row of another form is one that is not synced."""
    rows = tuple(rows)
    synced = (row.get("checkpoint_id") for row in rows if row.get("sync_status") in SYNCED)
    return Saved(len(rows), frozenset(each for each in synced if isinstance(each, str)), newest=_newest(rows))


def _newest(rows: Iterable[Mapping[str, Any]]) -> str:
    """The checkpoint of the latest time, and of two of one time the later row; one without a time is the oldest."""
    made: dict[str, float] = {}
    partial: set[str] = set()
    for row in rows:
        name, created = row.get("checkpoint_id"), row.get("created_at")
        if isinstance(name, str) and name:
            time = epoch_of(created) if isinstance(created, str) else None
            made[name] = max(made.pop(name, 0.0), time or 0.0)
            partial |= set() if row.get("sync_status") in SYNCED else {name}
    whole = [name for name in made if name not in partial]
    return max(reversed(whole), key=made.__getitem__, default="")
