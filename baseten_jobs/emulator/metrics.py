"""A job's machine and running time to metric series, the same for the same job every time; pure."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .lifecycle import Window
from .times import iso

_MEBIBYTE = 2**20
_GIBIBYTE = 2**30

Series = list[dict[str, Any]]


@dataclass(frozen=True)
class Sampling:
    """The times at which every series has a point: while the job ran, on whole steps; from `idle_us` on it stalls."""

    times: range
    idle_us: int

    @classmethod
    def over(cls, running: Window | None, working: Window | None, start_us: int, end_us: int, step_us: int) -> Sampling:
        if running is None:
            return cls(range(0), 0)
        first = -(-max(start_us, running.start_us) // step_us) * step_us
        idle = running.start_us if working is None else working.end_us
        return cls(range(first, max(first, min(end_us, running.end_us)), step_us), idle)

    def series(self, label: str, low: float, high: float) -> Series:
        """Values between two bounds, told apart by their label and time only."""
        return [
            {
                "value": round(low + (high - low) * zlib.crc32(f"{label}:{at}".encode()) / 2**32, 4),
                "timestamp": iso(at),
            }
            for at in self.times
        ]

    def work(self, label: str, low: float, high: float) -> Series:
        """The same, but 0 once the job stalls."""
        return [
            point if at < self.idle_us else {**point, "value": 0.0}
            for at, point in zip(self.times, self.series(label, low, high), strict=True)
        ]

    def storage(self, label: str, size_bytes: int) -> dict[str, Series]:
        """Used bytes and the share of the size that they are."""
        used = self.series(label, size_bytes * 0.2, size_bytes * 0.3)
        share = [{**point, "value": round(point["value"] / size_bytes, 4)} for point in used]
        return {"usage_bytes": used, "utilization": share}


def node_id(rank: int) -> str:
    """The name of a node."""
    return f"node-{rank}"


def node_metrics(job_id: str, instance: Mapping[str, Any], rank: int, sampling: Sampling) -> dict[str, Any]:
    """The metrics of one node (`TrainingJobMetricsV1`)."""
    label = f"{job_id}:{rank}"
    gpus = range(instance["gpu_count"])
    gpu_bytes = (instance["gpu_memory_limit_mib"] or 0) * _MEBIBYTE
    cores = instance["millicpu_limit"] / 1000
    memory = instance["memory_limit_mib"] * _MEBIBYTE
    return {
        "gpu_memory_usage_bytes": {
            str(gpu): sampling.series(f"{label}:gpu-memory:{gpu}", gpu_bytes * 0.7, gpu_bytes * 0.9) for gpu in gpus
        },
        "gpu_utilization": {str(gpu): sampling.work(f"{label}:gpu:{gpu}", 0.8, 1.0) for gpu in gpus},
        "cpu_usage": sampling.work(f"{label}:cpu", cores * 0.3, cores * 0.6),
        "cpu_memory_usage_bytes": sampling.series(f"{label}:memory", memory * 0.4, memory * 0.5),
        "ephemeral_storage": sampling.storage(f"{label}:disk", 500 * _GIBIBYTE),
    }


def cache_metrics(job_id: str, sampling: Sampling) -> dict[str, Series]:
    """The usage of the read-write cache, which has 1 TB a project."""
    return sampling.storage(f"{job_id}:cache", 1000 * _GIBIBYTE)
