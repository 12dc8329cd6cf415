"""A job as it was last seen + what is waited for -> whether the wait for it is over, and how."""

from dataclasses import dataclass
from enum import Enum

from baseten_jobs.observation import ObservedJob, StatusClass, short

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
    """A job that is waited for: as it was last seen, nothing where no search has shown it yet."""

    job: ObservedJob | None = None
    end: End = End.OPEN
    gone: bool = False

    @property
    def state(self) -> str:
        if self.gone:
            return "gone"
        return short(self.job.status) if self.job else "not shown yet"


def awaited(job: ObservedJob | None, goal: Goal) -> Awaited:
    """A job that failed or was stopped will not get there; one of a status that is not known may."""
    if job is None:
        return Awaited()
    if job.status_class is StatusClass.DONE or (goal is Goal.RUNNING and job.status == _RUNNING):
        return Awaited(job, End.REACHED)
    return Awaited(job, End.OPEN if job.live else End.FAILED)
