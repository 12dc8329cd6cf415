"""How a report looks where its format leaves a choice: colours, masks, width and detail."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from baseten_jobs.secrecy import MASK, Values, without_values

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
    """What a format may follow. `target` tells apart the comments of several plans on one pull request.

    `verbose` is for readers who want every file of a workspace. `width` is that of the terminal, or 0. `dashboard` is
    the address where people look at jobs, empty if it is not known.
    """

    paint: Paint = plain
    values: Values = Values.PLAIN
    target: str = ""
    verbose: bool = False
    width: int = 0
    dashboard: str = ""

    def shown(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        """The changes without the values that are not to be shown."""
        from baseten_jobs.planning.masking import masked

        return tuple(masked(change, self.values) for change in changes)

    def overrides(self, request: JobRequest) -> tuple[Change, ...]:
        """The values of `--set`, as changes from unset."""
        from baseten_jobs.planning.diff import Change

        return self.shown(Change(field, None, value, given=True) for field, value in request.overrides)

    def unshown(self, request: JobRequest) -> tuple[str, ...]:
        """The values of a manifest's environment variables that are not to be shown."""
        from baseten_jobs.planning.masking import masked_values

        return masked_values(request.manifest, self.values, (field for field, _ in request.overrides))

    def said(self, outcome: Outcome) -> Outcome:
        """The outcome without values that are not to be shown, which a server's message may repeat."""
        values = self.unshown(outcome.action.request)
        texts = (outcome.error, outcome.unclear, outcome.warning)
        error, unclear, warning = (without_values(each, values, MASK) for each in texts)
        return replace(outcome, error=error, unclear=unclear, warning=warning)


PLAIN = Look()
