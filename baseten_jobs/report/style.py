"""How a report is to look, as far as its format leaves a choice."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from baseten_jobs.secrecy import without_values

if TYPE_CHECKING:
    from baseten_jobs.applying.outcome import Outcome
    from baseten_jobs.job.request import JobRequest
    from baseten_jobs.planning.diff import Change

Paint = Callable[[str, str], str]
"""A text and the name of a colour -> the text as it is shown."""


def plain(text: str, colour: str) -> str:
    return text


@dataclass(frozen=True)
class Look:
    """What a format may heed; `target` tells the comment of one plan from that of another in a pull request.

    `verbose` is for readers who want every file of a workspace. `width` is that of the terminal, or 0.
    """

    paint: Paint = plain
    show_values: bool = False
    target: str = ""
    verbose: bool = False
    width: int = 0

    def shown(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        """Changes as they may be shown: values of environment variables are masked."""
        from baseten_jobs.planning.diff import masked

        return tuple(change if self.show_values else masked(change) for change in changes)

    def overrides(self, request: JobRequest) -> tuple[Change, ...]:
        """What was set from outside, as changes of what was unset."""
        from baseten_jobs.planning.diff import Change

        return self.shown(Change(field, None, value) for field, value in request.overrides)

    def said(self, outcome: Outcome) -> Outcome:
        """An outcome without the values of the environment that a server may have echoed."""
        from baseten_jobs.planning.diff import MASK, environment_values

        values = () if self.show_values else environment_values(outcome.action.request.manifest)
        error, unclear = (without_values(each, values, MASK) for each in (outcome.error, outcome.unclear))
        return replace(outcome, error=error, unclear=unclear)


PLAIN = Look()
