"""Jobs -> their interactive sessions; and a session -> the same with more time."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.job.sessions import sessions_of
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.job_sessions import JobSessions
from baseten_jobs.provider.trouble import trouble_of

_READERS = 8


def read_sessions(api: Api, jobs: Sequence[tuple[str, ObservedJob]]) -> tuple[JobSessions, ...]:
    """The active sessions of jobs, each with its name, read side by side."""
    with ThreadPoolExecutor(_READERS) as pool:
        return tuple(pool.map(lambda each: _read(api, each[0], each[1]), jobs))


def _read(api: Api, name: str, job: ObservedJob) -> JobSessions:
    try:
        rows = api.auth_codes(job.project_id, job.id)
    except ApiError as error:
        return JobSessions(name, job, trouble=trouble_of(error))
    return JobSessions(name, job, sessions_of(rows), api.server_clock.now())
