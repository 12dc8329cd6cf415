"""Rows of the API -> the checkpoints that they tell of, each with its step where its id names one."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from baseten_jobs.job.times import epoch_of

SYNCED = ("COMPLETE", "COMPLETED")
"""How the API tells that a checkpoint was copied whole; which of the two depends on where it tells it."""

_STEP = re.compile(
    r"(?:.*[^a-z])?(?:checkpoint|ckpt|global_?step|step|iter(?:ation)?)[-_]?([0-9]{1,18})(?:-[0-9]+)?", re.I
)


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint of a job. Times are those of the API, sizes in bytes; None is what the API does not tell."""

    id: str
    created_at: str = ""
    kind: str = ""
    size: int | None = None
    sync: str = ""
    base_model: str = ""
    lora_rank: int | None = None

    @property
    def step(self) -> int | None:
        """The training step that the id names, as `checkpoint-500`, `global_step_500` and `run/step-500` do."""
        found = _STEP.fullmatch(self.id.rstrip("/"))
        return int(found[1]) if found else None

    @property
    def synced(self) -> bool:
        """True if all of it is in the object store."""
        return self.sync in SYNCED

    @property
    def epoch(self) -> float:
        """When it was saved, in epoch seconds; 0 where that is not told."""
        return epoch_of(self.created_at) or 0.0


def checkpoints_in(rows: Iterable[Mapping[str, Any]]) -> tuple[Checkpoint, ...]:
    """Returns the checkpoints of rows, the oldest first; a row without an id is left out."""
    found = [_checkpoint(row) for row in rows if isinstance(row.get("checkpoint_id"), str) and row["checkpoint_id"]]
    return tuple(sorted(found, key=lambda each: each.epoch))


def newest(found: Iterable[Checkpoint]) -> Checkpoint | None:
    """Returns the newest that is synced in each of its rows, of which a node may have its own; None if none is."""
    found = tuple(found)
    partial = {each.id for each in found if not each.synced}
    whole = [each for each in found if each.id not in partial]
    return whole[-1] if whole else None


def _checkpoint(row: Mapping[str, Any]) -> Checkpoint:
    lora, size = row.get("lora_adapter_config"), row.get("size_bytes")
    rank = (lora.get("r") or lora.get("rank")) if isinstance(lora, dict) else None
    return Checkpoint(
        row["checkpoint_id"],
        _text(row.get("created_at")),
        _text(row.get("checkpoint_type")),
        size if type(size) is int and size >= 0 else None,
        _text(row.get("sync_status")),
        _text(row.get("base_model")),
        rank if type(rank) is int and rank > 0 else None,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
