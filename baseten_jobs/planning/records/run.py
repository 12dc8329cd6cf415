"""A run: a job, the commit that wrote its spec, and what it took."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import fsum
from typing import NamedTuple

from baseten_jobs.git.log import Revision
from baseten_jobs.job.identity import Identity
from baseten_jobs.job.observation import ObservedJob, short
from baseten_jobs.job.times import epoch_of
from baseten_jobs.planning.history.past_manifests import PastManifest


class Figure(NamedTuple):
    """A number: what it is, or what it is at most where it is not `exact`; None where it is not known.

    A sum that is not `whole` lacks what is not known.
    """

    value: float | None
    exact: bool = True
    whole: bool = True

    @classmethod
    def sum(cls, figures: Iterable[Figure]) -> Figure:
        figures = tuple(figures)
        known = [figure for figure in figures if figure.value is not None]
        return cls(
            fsum(figure.value or 0.0 for figure in known) if known or not figures else None,
            all(figure.exact for figure in known),
            len(known) == len(figures) and all(figure.whole for figure in figures),
        )

    def times(self, factor: float | None) -> Figure:
        return self._replace(value=None if self.value is None or factor is None else self.value * factor)


UNKNOWN = Figure(None)


class Day(NamedTuple):
    """A day in UTC, such as `2026-11-22`, and what a run took on it."""

    date: str
    usd: Figure
    seconds: Figure


@dataclass(frozen=True)
class RunCommit:
    """The commit that wrote a spec: with the first line of its message, and the manifest as it has it."""

    revision: Revision
    subject: str
    written: PastManifest


@dataclass(frozen=True)
class Run:
    """A job and the spec it came from; `commit` is None where git does not have that.

    `project` is the project's name, `started` and `ended` are in epoch seconds. The API does not tell when a job left
    the queue: it started when it was created. `retry` counts the runs of its identity before it, by its name.
    """

    job: ObservedJob
    project: str
    identity: Identity
    retry: int = 0
    owner: str = ""
    commit: RunCommit | None = None
    started: float | None = None
    ended: float | None = None
    seconds: Figure = UNKNOWN
    usd: Figure = UNKNOWN
    days: tuple[Day, ...] = ()

    @property
    def name(self) -> str:
        return self.identity.name

    @property
    def run_name(self) -> str:
        """`x--7fd2db879ec0-a2-r1`: what tells the run from others of its manifest."""
        return f"{self.identity.job_name}{f'-r{self.retry}' if self.retry else ''}"

    @property
    def state(self) -> str:
        return short(self.job.status)

    @property
    def gpu_hours(self) -> Figure:
        return self.seconds.times(None if self.job.gpus is None else self.job.gpus / 3600)

    @property
    def manifest(self) -> tuple[str, str]:
        """What the runs of one manifest share."""
        return self.job.project_id, self.identity.name


def lived_at(job: ObservedJob, since: float | None) -> bool:
    """True if a job lived at a time, in epoch seconds, or later; True where that can't be told."""
    ended = None if since is None or job.live else epoch_of(job.updated_at)
    return since is None or ended is None or ended >= since
