"""What became of each action, and what that means for the exit code."""

from collections import Counter
from dataclasses import dataclass
from enum import Enum

from baseten_jobs.exits import Exit, worst
from baseten_jobs.plan import Action, Verb
from baseten_jobs.waiting import Awaited, End


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


_EXITS = {End.REACHED: Exit.DONE, End.FAILED: Exit.FAILED, End.OPEN: Exit.UNCLEAR}


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

    @property
    def exit_code(self) -> Exit:
        return worst(self._exits())

    @property
    def _does_something(self) -> bool:
        """True if anything was to be submitted, updated or stopped."""
        return any(outcome.action.verb in (Verb.SUBMIT, Verb.UPDATE, Verb.STOP) for outcome in self.outcomes)

    def _exits(self) -> list[Exit]:
        exits = []
        if self.interrupted:
            exits.append(Exit.INTERRUPTED)
        if self.unauthorised:
            exits.append(Exit.UNAUTHORISED)
        for outcome in self.outcomes:
            if outcome.fate is Fate.UNKNOWN or outcome.unclear:
                exits.append(Exit.UNCLEAR)
            if outcome.fate is Fate.FAILED or outcome.action.error:
                exits.append(Exit.FAILED)
            if outcome.action.doubt is not None:
                exits.append(Exit.FAILED if self._does_something else Exit.REFUSED)
            if outcome.awaited:
                exits.append(_EXITS[outcome.awaited.end])
        return exits
