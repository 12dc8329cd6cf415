"""A job's interactive sessions as they were read, or why they could not be read."""

from dataclasses import dataclass

from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.job.sessions import InteractiveSession
from baseten_jobs.provider.trouble import Trouble


@dataclass(frozen=True)
class JobSessions:
    """`name` is what the job was asked for by; `read_at` is in epoch seconds by the API's clock."""

    name: str
    job: ObservedJob
    sessions: tuple[InteractiveSession, ...] = ()
    read_at: float = 0.0
    trouble: Trouble | None = None
