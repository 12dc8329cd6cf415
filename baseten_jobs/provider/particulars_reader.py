"""Jobs -> their checkpoints, and the last lines of those that failed; what can't be read is a problem in words."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from baseten_jobs.job.checkpoint import Checkpoint, checkpoints_in
from baseten_jobs.job.observation import ObservedJob, StatusClass
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.log_pages import LogLine
from baseten_jobs.provider.log_tail import tail
from baseten_jobs.provider.particulars import Particulars

_READERS = 8
_MOST = 20


def particulars(api: Api, jobs: Iterable[ObservedJob], lines: int) -> Mapping[str, Particulars]:
    """Read each job's checkpoints, and the last `lines` of a log; those of all jobs side by side.

    The log is read of a job that failed or was interrupted. One that waits has neither. Raises no ApiError.
    """
    return _of_each(api, jobs, lambda api, job: Particulars(*_checkpoints(api, job), *_log(api, job, lines)))


def last_lines(api: Api, jobs: Iterable[ObservedJob], lines: int) -> Mapping[str, Particulars]:
    """Read the logs alone, of the 20 newest jobs that failed at most."""
    failed = sorted(filter(_failed, jobs), key=lambda job: job.age_order, reverse=True)[:_MOST]
    return _of_each(api, failed, lambda api, job: Particulars(None, "", *_log(api, job, lines)))


def _of_each(
    api: Api, jobs: Iterable[ObservedJob], read: Callable[[Api, ObservedJob], Particulars]
) -> Mapping[str, Particulars]:
    jobs, hasty = [job for job in jobs if not job.queued], api.hasty(2, 30.0)
    if not jobs:
        return {}
    with ThreadPoolExecutor(min(_READERS, len(jobs))) as pool:
        return dict(zip((job.id for job in jobs), pool.map(partial(read, hasty), jobs), strict=True))


def _failed(job: ObservedJob) -> bool:
    return job.status_class in (StatusClass.FAILED, StatusClass.INTERRUPTED)


def _checkpoints(api: Api, job: ObservedJob) -> tuple[tuple[Checkpoint, ...] | None, str]:
    try:
        return checkpoints_in(api.checkpoints(job.project_id, job.id)), ""
    except ApiError as error:
        return None, str(error)


def _log(api: Api, job: ObservedJob, lines: int) -> tuple[tuple[LogLine, ...] | None, str]:
    if not _failed(job):
        return None, ""
    try:
        return tail(api, job, lines), ""
    except ApiError as error:
        return None, str(error)
