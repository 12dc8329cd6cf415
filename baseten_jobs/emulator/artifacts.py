"""A job's running time to the checkpoints and cache files it left, with their content; pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .lifecycle import Window
from .times import SECOND, iso

# How long after it is saved a checkpoint is still being copied to the object store.
_SYNC = 2 * SECOND
_FILES = ("config.json", "model.safetensors", "optimizer.pt")


@dataclass(frozen=True)
class Checkpoint:
    """One saved checkpoint."""

    id: str
    saved_us: int

    def files(self) -> Iterator[str]:
        """The names of its files, relative to the checkpoint folder."""
        return (f"{self.id}/{name}" for name in _FILES)


def checkpoints(window: Window | None, every_us: int) -> list[Checkpoint]:
    """The checkpoints that a job saved while it ran, oldest first."""
    if window is None or every_us <= 0:
        return []
    count = (window.end_us - window.start_us) // every_us
    return [Checkpoint(f"checkpoint-{n}", window.start_us + n * every_us) for n in range(1, count + 1)]


def shown_checkpoint(
    checkpoint: Checkpoint, job_id: str, body: Mapping[str, Any], nodes: int, now: int
) -> dict[str, Any]:
    """A checkpoint as the API shows it (`TrainingJobCheckpointV1`)."""
    sizes = (len(content(job_id, rank, name)) for rank in range(nodes) for name in checkpoint.files())
    return {
        "checkpoint_id": checkpoint.id,
        "created_at": iso(checkpoint.saved_us),
        "checkpoint_type": "full",
        "base_model": _base_model(body),
        "lora_adapter_config": None,
        "size_bytes": sum(sizes),
        "sync_status": "COMPLETE" if checkpoint.saved_us + _SYNC <= now else "SYNCING",
        "training_job_id": job_id,
    }


def content(job_id: str, rank: int, name: str) -> bytes:
    """What a checkpoint file holds: little, but always the same, so that a download can be verified."""
    if name.endswith(".json"):
        return json.dumps({"training_job_id": job_id, "node_rank": rank, "file": name}).encode()
    return hashlib.sha256(f"{job_id}/{rank}/{name}".encode()).digest() * 32


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
    summaries.append(_summary(name, "file", len(content(project_id, 0, name)), window.end_us))
    return summaries


def _summary(path: str, kind: str, size: int, modified_us: int) -> dict[str, Any]:
    return {
        "path": path,
        "size_bytes": size,
        "modified": iso(modified_us),
        "file_type": kind,
        "permissions": "drwxr-xr-x" if kind == "directory" else "-rw-r--r--",
    }


def _base_model(body: Mapping[str, Any]) -> str | None:
    sources: list[str] = [weight["source"] for weight in body.get("weights", [])]
    for source in sources:
        if source.startswith("hf://"):
            return source.removeprefix("hf://").partition("@")[0]
    return None
