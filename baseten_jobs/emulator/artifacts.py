"""A job's running time to the checkpoints and cache files it left, with their content; pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .lifecycle import Window
from .times import SECOND, iso

# How long after it is saved a checkpoint is still being copied to the object store.
_SYNC = 2 * SECOND
_FILES = ("config.json", "model.safetensors", "optimizer.pt")
# Content comes in blocks that differ, so that a download which goes on at a wrong place is not what it should be.
_BLOCK = 1 << 16


@dataclass(frozen=True)
class Checkpoint:
    """One saved checkpoint."""

    id: str
    saved_us: int

    def files(self, count: int) -> Iterator[str]:
        """The names of its files on one node, relative to the checkpoint folder."""
        names = (_FILES[n] if n < len(_FILES) else f"shards/part-{n:05}.bin" for n in range(count))
        return (f"{self.id}/{name}" for name in names)


@dataclass(frozen=True)
class Content:
    """What a file holds: always the same of one job, node and name, so that a download can be verified.

    `size` is what it is on average, in bytes, and that of the file by its name between half of it and half as much
    again.
    """

    job_id: str
    rank: int
    name: str
    mean: int
    seed: int = 0

    def __len__(self) -> int:
        if self._text is not None:
            return len(self._text)
        return self.mean // 2 + int.from_bytes(self._digest(self.seed)[:6], "big") % (self.mean + 1)

    def read(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes from `start` up to, but without, `end`, in parts."""
        if self._text is not None:
            yield self._text[start:end]
            return
        while start < end:
            number, begin = divmod(start, _BLOCK)
            block = self._digest("block", number) * (_BLOCK // 32)
            part = block[begin : begin + end - start]
            yield part
            start += len(part)

    @property
    def _text(self) -> bytes | None:
        told = {"training_job_id": self.job_id, "node_rank": self.rank, "file": self.name}
        return json.dumps(told).encode() if self.name.endswith(".json") else None

    def _digest(self, *more: object) -> bytes:
        return hashlib.sha256("/".join(map(str, (self.job_id, self.rank, self.name, *more))).encode()).digest()


def checkpoints(window: Window | None, every_us: int) -> list[Checkpoint]:
    """The checkpoints that a job saved while it ran, oldest first."""
    if window is None or every_us <= 0:
        return []
    count = (window.end_us - window.start_us) // every_us
    return [Checkpoint(f"checkpoint-{n}", window.start_us + n * every_us) for n in range(1, count + 1)]


def shown_checkpoint(
    checkpoint: Checkpoint, job_id: str, body: Mapping[str, Any], sizes: Iterable[int], now: int
) -> dict[str, Any]:
    """A checkpoint as the API shows it (`TrainingJobCheckpointV1`); `sizes` are those of its files on all nodes."""
    return {
        "checkpoint_id": checkpoint.id,
        "created_at": iso(checkpoint.saved_us),
        "checkpoint_type": _type(body),
        "base_model": _base_model(body),
        "lora_adapter_config": None,
        "size_bytes": sum(sizes),
        "sync_status": "COMPLETE" if checkpoint.saved_us + _SYNC <= now else "SYNCING",
        "training_job_id": job_id,
    }


def cache_files(project_id: str, body: Mapping[str, Any], window: Window | None) -> list[dict[str, Any]]:
    """The files in a project's cache after a job (`FileSummary`): none unless it ran with a cache."""
    config = body.get("runtime", {}).get("cache_config") or {}
    enabled = config.get("enabled") or body.get("runtime", {}).get("enable_cache")
    if not enabled or window is None:
        return []
    summaries = []
    for path, kind, size in (("user_artifacts", "directory", 4096), ("team_artifacts", "directory", 4096)):
        summaries.append(_summary(path, kind, size, window.start_us))
    name = f"user_artifacts/{project_id}/run.json"
    summaries.append(_summary(name, "file", len(Content(project_id, 0, name, 0)), window.end_us))
    return summaries


def _summary(path: str, kind: str, size: int, modified_us: int) -> dict[str, Any]:
    return {
        "path": path,
        "size_bytes": size,
        "modified": iso(modified_us),
        "file_type": kind,
        "permissions": "drwxr-xr-x" if kind == "directory" else "-rw-r--r--",
    }


def _type(body: Mapping[str, Any]) -> str:
    """What the commands of the job hint at; the API looks into the files."""
    said = " ".join(map(str, body.get("runtime", {}).get("start_commands") or ())).lower()
    return next((kind for kind in ("lora", "whisper") if kind in said), "full")


def _base_model(body: Mapping[str, Any]) -> str | None:
    sources: list[str] = [weight["source"] for weight in body.get("weights", [])]
    for source in sources:
        if source.startswith("hf://"):
            return source.removeprefix("hf://").partition("@")[0]
    return None
