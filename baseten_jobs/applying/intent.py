"""What is to be planned or applied, who watches it, and the ways in which that may end."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from baseten_jobs.applying.execute import Execution
from baseten_jobs.applying.in_flight import Ledger
from baseten_jobs.applying.outcome import Applied
from baseten_jobs.applying.stages import GivenUp
from baseten_jobs.applying.upload import Sent
from baseten_jobs.manifest.diagnostics import Diagnostic, has_errors
from baseten_jobs.planning.history.review import Inquiry
from baseten_jobs.planning.plan import Plan
from baseten_jobs.planning.saved_plan import SavedPlan
from baseten_jobs.planning.terms import Terms


@dataclass(frozen=True)
class Intent:
    """What to plan or apply: on which terms, what to ask of git, and how to carry it out.

    A `saved` plan is compared with the one that is made now. `confirmed` is True where no person is to be asked,
    `local` before the embedded API. With `limits_only` nothing is done but stops of runs that are over their limits. It
    `goes_on` if stages of chains are submitted too, as those before them end.
    """

    terms: Terms
    inquiry: Inquiry | None = None
    how: Execution = field(default_factory=Execution)
    saved: SavedPlan | None = None
    confirmed: bool = False
    local: bool = False
    goes_on: bool = False
    limits_only: bool = False


@dataclass(frozen=True)
class Planned:
    """A plan, and why guards forbid to apply it; or the diagnostics that forbid to make one."""

    plan: Plan
    diagnostics: tuple[Diagnostic, ...] = ()
    refusals: tuple[str, ...] = ()

    @property
    def valid(self) -> bool:
        return not has_errors(self.diagnostics)


@dataclass(frozen=True)
class Invalid:
    """The manifests forbid to make a plan. Nothing was sent."""

    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True)
class NotApplied:
    """The plan is not to be applied. Nothing was sent."""

    reason: str
    plan: Plan = field(default_factory=Plan)


@dataclass(frozen=True)
class Failed:
    """Trouble came before the first create. Nothing was submitted."""

    reason: str
    plan: Plan
    unauthorised: bool = False


@dataclass(frozen=True)
class Done:
    """The plan was carried out, and this is what became of it."""

    plan: Plan
    applied: Applied


class Operator(Protocol):
    """Who runs an apply: is shown the plan, is asked to confirm it, and watches while it is carried out."""

    def show(self, planned: Planned) -> None:
        """Called once, with a valid plan, before anything is asked."""

    def confirm(self) -> bool:
        """Whether to apply what was shown; called where no guard forbids it and there is something to do."""

    def watch(self) -> AbstractContextManager[tuple[Ledger, Sent]]:
        """What follows the creates, and what follows the uploads; it is entered around everything that is sent."""

    def watch_on(self) -> AbstractContextManager[Ledger]:
        """What follows the creates of stages that are due; it is entered around all that is sent for them."""

    def overtaken(self) -> GivenUp | None:
        """Why nothing more is to be submitted, asked before stages that are due; None if there is no reason."""
