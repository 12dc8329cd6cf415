"""Jobs and a span of time -> what each used then; what can't be read is told in its place."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import ceil
from typing import Any

from baseten_jobs.job.metrics import Metrics, metrics_of
from baseten_jobs.job.observation import ObservedJob, job_of
from baseten_jobs.job.times import epoch_of
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.measured import Measured
from baseten_jobs.provider.trouble import trouble_of

_READERS = 8
_POINTS = 120
_FINEST = 15
"""Seconds between two samples at least."""


def measured(
    api: Api, jobs: Sequence[tuple[str, ObservedJob]], since: Callable[[float], float]
) -> tuple[Measured, ...]:
    """Read jobs, each with its name, side by side; `since` takes the end of the span and returns its start.

    The span of a job that lives ends now, by the API's clock; that of one that has ended at its end.
    """
    with ThreadPoolExecutor(_READERS) as pool:
        return tuple(pool.map(lambda each: _measured(api, each[0], each[1], since), jobs))


def _measured(api: Api, name: str, job: ObservedJob, since: Callable[[float], float]) -> Measured:
    now = api.server_clock.now()
    ended = None if job.live else epoch_of(job.updated_at)
    end = now if ended is None else min(ended, now)
    start = min(end, max(since(end), epoch_of(job.created_at) or 0.0))
    step = max(_FINEST, ceil((end - start) / _POINTS))
    until = None if ended is None else int(end * 1000)
    try:
        answer = api.metrics(job.project_id, job.id, int(start * 1000), step, until)
    except ApiError as error:
        return Measured(name, job, start, end, step, Metrics(), trouble_of(error))
    return Measured(name, _newer(answer, job), start, end, step, metrics_of(answer, end, job.node_count))


def _newer(answer: Mapping[str, Any], job: ObservedJob) -> ObservedJob:
    """The job as the answer shows it, for it may have ended since it was searched for."""
    row = answer.get("training_job")
    if not (job.live and isinstance(row, dict) and row.get("id") == job.id and row.get("current_status")):
        return job
    return replace(job_of(row), project_id=job.project_id, counts_as=job.counts_as, disputed=job.disputed)
