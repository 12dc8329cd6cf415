"""What became of each action of a plan, and of the wait for its job."""

from collections import Counter
from dataclasses import dataclass
from enum import Enum

from baseten_jobs.job.observation import ObservedJob, StatusClass, short
from baseten_jobs.planning.plan import Action

_RUNNING = "TRAINING_JOB_RUNNING"


class Goal(Enum):
    """What a wait for a job waits for."""

    RUNNING = "running"
    COMPLETED = "completed"


class End(Enum):
    """How the wait for one job ended; it is open where the wait itself ended first."""

    REACHED = "reached"
    FAILED = "failed"
    OPEN = "open"


@dataclass(frozen=True)
class Awaited:
    """A job that is waited for, as it was last seen; `job` is None if it was not seen yet.

    `gone` is True if the API shows it no longer. `stuck` is True if its status is not known here and has not changed
    for so long that the wait ends without an `end`.
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


class Fate(Enum):
    SUBMITTED = "submitted"
    ADOPTED = "adopted"
    UPDATED = "updated"
    STOPPED = "stopped"
    KEPT = "kept"
    HELD = "held"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Outcome:
    """What became of one action. `unclear` is empty, or says why a person should look again (exit code 7).

    `warning` is empty, or says what else a person should know; it does not move the exit code.
    `submitted_name` is its job's name as the provider has it, None if that is not known. `awaited` is how the wait for
    its job ended; None if it was not waited for. `url` is its job's page on the dashboard; empty if it is not known.
    """

    action: Action
    fate: Fate
    job_id: str | None = None
    error: str = ""
    unclear: str = ""
    submitted_name: str | None = None
    awaited: Awaited | None = None
    warning: str = ""
    url: str = ""

    @property
    def made(self) -> bool:
        """True if the job is there because of this action, or was before and is what it asked for."""
        return self.fate in (Fate.SUBMITTED, Fate.ADOPTED) and self.job_id is not None

    @property
    def why(self) -> str:
        """Why a run was stopped that is over its limits; empty for all else, which the plan alone explains."""
        return self.action.reason if self.action.over_limit else ""

    @property
    def state(self) -> str:
        """How the job is that is waited for, in a word; a stage that is to be submitted later is waiting itself."""
        if self.awaited is None:
            return ""
        return "waiting" if self.fate is Fate.HELD else self.awaited.state


@dataclass(frozen=True)
class Applied:
    """The outcomes of one apply, in the plan's order.

    `unauthorised` is the error of a call that was answered with 401, `notes` say which actions dropped out before.
    """

    outcomes: tuple[Outcome, ...] = ()
    interrupted: bool = False
    unauthorised: str = ""
    notes: tuple[str, ...] = ()

    @property
    def summary(self) -> dict[str, int]:
        counts = Counter(outcome.fate for outcome in self.outcomes)
        return {fate.value: counts[fate] for fate in Fate}


def awaited(job: ObservedJob | None, goal: Goal, *, gone: bool = False, stuck: bool = False) -> Awaited:
    """How the wait for a job stands: reached, failed (it ended otherwise, or is gone), or open."""
    if job is not None and (job.status_class is StatusClass.DONE or (goal is Goal.RUNNING and job.status == _RUNNING)):
        return Awaited(job, End.REACHED)
    if job is not None and not job.live:
        return Awaited(job, End.FAILED)
    return Awaited(job, End.FAILED, gone=True) if gone else Awaited(job, stuck=stuck)
