"""A job as it was last seen + what is waited for -> whether the wait for it is over, and how."""

from dataclasses import dataclass
from enum import Enum

from baseten_jobs.job.observation import ObservedJob, StatusClass, short

_RUNNING = "TRAINING_JOB_RUNNING"


class Goal(Enum):
    RUNNING = "running"
    COMPLETED = "completed"


class End(Enum):
    """How the wait for one job ended; it is open where the wait itself ended first."""

    REACHED = "reached"
    FAILED = "failed"
    OPEN = "open"


@dataclass(frozen=True)
class Awaited:
    """A job that is waited for: as it was last seen, None where nothing has shown it yet.

    `stuck`: its status is not known here and has not changed for so long that the wait for it ends, though it is open.
    """

    job: ObservedJob | None = None
    end: End = End.OPEN
    gone: bool = False
    stuck: bool = False

    @property
    def over(self) -> bool:
        return self.end is not End.OPEN or self.stuck

    @property
    def state(self) -> str:
        if self.gone:
            return "gone"
        return short(self.job.status) if self.job else "not shown yet"


def awaited(job: ObservedJob | None, goal: Goal, *, gone: bool = False, stuck: bool = False) -> Awaited:
    """A job that ended otherwise, or is gone, will not get there; one of a status that is not known may."""
    if job is not None and (job.status_class is StatusClass.DONE or (goal is Goal.RUNNING and job.status == _RUNNING)):
        return Awaited(job, End.REACHED)
    if job is not None and not job.live:
        return Awaited(job, End.FAILED)
    return Awaited(job, End.FAILED, gone=True) if gone else Awaited(job, stuck=stuck)
