"""Client + jobs -> when each wrote its first log line, what it was billed, and what its machines cost."""

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from baseten_jobs.job.cost import Machine, price_list
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.job.times import epoch_of
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.bills import read_bills

_READERS = 8
_WINDOW = 7 * 86_400.0
"""Seconds of a log that one call may ask for."""

_WINDOWS = 8
"""As many of them are asked for the first line of a job, which may have waited in a queue."""

_GRACE = 600.0
"""Seconds by which the clocks of nodes may be behind the API's."""


def first_lines(api: Api, jobs: Iterable[ObservedJob], now: float) -> Mapping[str, float]:
    """Return the time of each job's first log line, in epoch seconds, by job id; those without a line are left out.

    One call for a job that began within a week; where a log can't be read, its job counts as one without a line.
    """
    jobs = tuple(jobs)
    with ThreadPoolExecutor(_READERS) as pool:
        found = pool.map(lambda job: _first_line(api, job, now), jobs)
        return {job.id: began for job, began in zip(jobs, found, strict=True) if began is not None}


def _first_line(api: Api, job: ObservedJob, now: float) -> float | None:
    created = epoch_of(job.created_at)
    if created is None:
        return None
    start = max(0.0, created - _GRACE)
    for _ in range(_WINDOWS):
        try:
            rows = api.logs(job.project_id, job.id, int(start * 1000), int(min(start + _WINDOW, now) * 1000), 1)
        except ApiError:
            return None
        if rows:
            return _at(rows[0])
        start += _WINDOW
        if start >= now:
            break
    return None


def _at(line: Mapping[str, Any]) -> float | None:
    try:
        return int(line["timestamp"]) / 1e9
    except (KeyError, TypeError, ValueError):
        return None


def machines(api: Api) -> tuple[Machine, ...]:
    """Return the machines with their prices; none where they can't be read."""
    try:
        return price_list(api.prices())
    except (ApiError, ValueError):
        return ()


def billed(api: Api, jobs: Collection[ObservedJob], now: float) -> Mapping[str, float]:
    """Return what each job was billed so far, in USD, by job id; those that no bill has, or can be read, are left out.

    One call for each 31 days since the oldest of the jobs was created.
    """
    wanted = {job.id for job in jobs}
    start = min((made for job in jobs if (made := epoch_of(job.created_at)) is not None), default=now)
    return {job_id: bill.usd for job_id, bill in read_bills(api, start, now).by_id.items() if job_id in wanted}
