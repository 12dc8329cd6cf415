"""The use of a job's GPUs -> a cell of a table, and fields for JSON."""

from collections.abc import Mapping
from typing import Any

from baseten_jobs.job.gpu_use import GpuUse


def cell(use: GpuUse | None) -> str:
    """`87%`; `-` if it is not known, and nothing for a job that does not run on GPUs."""
    if use is None:
        return ""
    return "-" if use.mean is None else f"{use.mean:.0%}"


def data(use: GpuUse | None) -> Mapping[str, Any]:
    """The use as a fraction, None if it is not known; no field for a job that does not run on GPUs."""
    if use is None:
        return {}
    return {"gpu_use": None if use.mean is None else round(use.mean, 4), "gpus_idle": use.idle}
