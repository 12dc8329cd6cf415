"""Live jobs, before somebody is asked whether to stop them -> a line each, with what they are and what they hold."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.phrases import columns, one_line, padded
from baseten_jobs.planning.plan import in_words


class Listed(NamedTuple):
    """A job, with the name of its manifest, or else its own, and of its project."""

    name: str
    project: str
    job: ObservedJob


def jobs(listed: Sequence[Listed], now: float) -> list[str]:
    """A line for each job, in columns; `now` is in epoch seconds."""
    rows = [_cells(each, now) for each in listed]
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    return ["  " + "  ".join(map(padded, row, widths)).rstrip() for row in rows]


def _cells(listed: Listed, now: float) -> Iterable[str]:
    job = listed.job
    gpus = f"{job.gpus} {job.gpu_type or 'GPU'}" if job.gpus else "-"
    return one_line(listed.name, 80), f"job {job.id}", in_words(job, now), gpus, one_line(listed.project, 60)
