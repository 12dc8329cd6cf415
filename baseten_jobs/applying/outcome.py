"""What became of each action of a plan."""

from collections import Counter
from dataclasses import dataclass
from enum import Enum

from baseten_jobs.applying.waiting import Awaited
from baseten_jobs.planning.plan import Action


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
    """What became of one action; `unclear` says why a person should look again (exit 7).

    `awaited` is how the wait for its job ended, where one was waited for.
    """

    action: Action
    fate: Fate
    job_id: str | None = None
    error: str = ""
    unclear: str = ""
    awaited: Awaited | None = None


@dataclass(frozen=True)
class Applied:
    """The outcomes of one apply, in the plan's order."""

    outcomes: tuple[Outcome, ...] = ()
    interrupted: bool = False
    unauthorised: str = ""
    notes: tuple[str, ...] = ()

    @property
    def summary(self) -> dict[str, int]:
        counts = Counter(outcome.fate for outcome in self.outcomes)
        return {fate.value: counts[fate] for fate in Fate}
