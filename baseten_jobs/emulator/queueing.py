"""Waiting jobs, busy jobs and limits of one GPU type to the times at which waiting jobs start; pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .lifecycle import ends_us
from .records import Job


@dataclass(frozen=True)
class Limits:
    """GPUs of one type that may be in use at once; None and an absent team mean no limit."""

    organisation: int | None = None
    teams: Mapping[str, int] = field(default_factory=dict)

    @property
    def present(self) -> bool:
        return self.organisation is not None or bool(self.teams)


@dataclass
class _Pool:
    limits: Limits
    used: int = 0
    used_by_team: dict[str, int] = field(default_factory=dict)

    def take(self, job: Job, sign: int = 1) -> None:
        self.used += sign * job.gpus
        self.used_by_team[job.team_id] = self.used_by_team.get(job.team_id, 0) + sign * job.gpus

    def organisation_has_room(self, job: Job) -> bool:
        limit = self.limits.organisation
        return limit is None or self.used + job.gpus <= limit

    def team_has_room(self, job: Job) -> bool:
        limit = self.limits.teams.get(job.team_id)
        return limit is None or self.used_by_team.get(job.team_id, 0) + job.gpus <= limit


def order(job: Job) -> tuple[int, int, int]:
    """The sort key of the queue: priority descending, then creation ascending."""
    return (-job.priority, job.committed_us, job.seq)


def releases(waiting: Iterable[Job], busy: Iterable[Job], limits: Limits, since: int, now: int) -> dict[str, int]:
    """Job id to the time at which it leaves the queue, for all that do so up to `now`.

    The queue is replayed from `since`, the time of the last change to it, because nobody asks at
    the very moment at which a job ends. The first that does not fit blocks those behind it, unless
    it is only its own team that is full.
    """
    pool = _Pool(limits)
    queue = sorted(waiting, key=order)
    ends: list[tuple[int, int, Job]] = []
    for job in busy:
        pool.take(job)
        _push_end(ends, job)
    arrivals = sorted({max(since, job.committed_us) for job in queue}, reverse=True)
    released: dict[str, int] = {}
    while queue and (arrivals or ends):
        next_end = max(since, ends[0][0]) if ends else now + 1
        at = min(next_end, arrivals[-1]) if arrivals else next_end
        if at > now:
            break
        while arrivals and arrivals[-1] <= at:
            arrivals.pop()
        while ends and ends[0][0] <= at:
            pool.take(heapq.heappop(ends)[2], sign=-1)
        for job in _started(queue, pool, at):
            released[job.id] = at
            _push_end(ends, job._replace(released_us=at))
    return released


def _push_end(ends: list[tuple[int, int, Job]], job: Job) -> None:
    end = ends_us(job)
    if end is not None:
        heapq.heappush(ends, (end, job.seq, job))


def _started(queue: list[Job], pool: _Pool, at: int) -> list[Job]:
    """Take the jobs that fit out of the queue."""
    started: list[Job] = []
    place = 0
    while place < len(queue):
        job = queue[place]
        if job.committed_us > at or not pool.team_has_room(job):
            place += 1
        elif not pool.organisation_has_room(job):
            break
        else:
            pool.take(job)
            started.append(queue.pop(place))
    return started
