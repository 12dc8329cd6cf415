"""A plan and what became of it -> the summary and the outputs of a step of GitHub Actions."""

import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from baseten_jobs.applying.outcome import Applied, Outcome
from baseten_jobs.cli import sink
from baseten_jobs.cli.session import Session
from baseten_jobs.manifest.diagnostics import Diagnostic
from baseten_jobs.phrases import Page, page
from baseten_jobs.planning.plan import Plan, Verb
from baseten_jobs.report import formats
from baseten_jobs.report.markdown_escape import prose
from baseten_jobs.report.style import Look

SUMMARY, OUTPUT = "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"
"""Files that the runner names in the environment, to be appended to."""


class Step:
    """One command as a step of a workflow: its summary, and the outputs that later steps decide on.

    `undone` heads the reason where a command ends early, such as `Not applied`. Without a plan the outputs are empty,
    as those of a step that never ran. The output `skipped` is empty until `go_on` or `skip` is called, then false or
    true. `target` is what a plan's comment is found by; it is None where a plan is not the result of the command.
    A plan links jobs to their pages on the `dashboard`.
    `job_ids` and `urls` have a line for each job that an apply submitted or found, and are written after it.
    """

    def __init__(self, undone: str, target: str | None = None, dashboard: str = "") -> None:
        self._undone, self._planned = undone, False
        self._skipped = ""
        self._made: list[Outcome] = []
        self._target, self._shown, self._dashboard = target or "", target is not None, dashboard

    def plan(self, session: Session, plan: Plan) -> None:
        self._planned = True
        _append(
            session, SUMMARY, lambda: formats.PLAN["markdown"](plan, replace(_look(session), dashboard=self._dashboard))
        )
        cost = plan.cost.usd_per_hour
        changes, price = "true" if plan.has_changes else "false", "" if cost is None else f"{cost:.2f}"
        _append(session, OUTPUT, lambda: self._outputs(changes, str(len(plan.of(Verb.SUBMIT))), price))

    def go_on(self) -> None:
        """Set the output `skipped` to false."""
        self._skipped = "false"

    def skip(self, session: Session, reason: str) -> None:
        """Write that the step is skipped and why; formats that have a document for it print it as the result too."""
        self._skipped = "true"
        told = formats.SKIPPED["markdown"](reason, session.look(self._target))
        _append(session, SUMMARY, lambda: told)
        _append(session, OUTPUT, lambda: self._outputs("", "", ""))
        session.note(reason)
        if session.output in formats.SKIPPED:
            session.result(formats.SKIPPED[session.output](reason, session.look(self._target)))

    def outcomes(self, session: Session, result: Applied) -> None:
        """Add the outcomes to the summary, below the plan, and their jobs to the outputs, beside those from before."""
        _append(session, SUMMARY, lambda: page(["", formats.APPLIED["markdown"](result, _look(session))]))
        self._made += [outcome for outcome in result.outcomes if outcome.made]
        jobs = {"job_ids": [each.job_id or "" for each in self._made], "urls": [each.url for each in self._made]}
        _append(session, OUTPUT, lambda: _written({name: page(filter(None, each)) for name, each in jobs.items()}))

    def end(self, session: Session, reason: str, found: Sequence[Diagnostic] = ()) -> None:
        """Write why there is no plan or, below a plan, why it was not carried out."""
        if self._planned:
            _append(session, SUMMARY, lambda: page(["", f"**{self._undone}:** {prose(reason, 1000)}", ""]))
            return
        told = formats.NO_PLAN["markdown"](reason, found, session.look(self._target))
        _append(session, SUMMARY, lambda: told)
        _append(session, OUTPUT, lambda: self._outputs("", "", ""))
        if session.output in formats.NO_PLAN and self._shown:
            session.result(told)

    def _outputs(self, has_changes: str, submits: str, cost_per_hour: str) -> Page:
        values = {
            "has_changes": has_changes, "submits": submits, "cost_per_hour": cost_per_hour, "skipped": self._skipped
        }  # fmt: skip
        return _written(values)


def _written(values: Mapping[str, str]) -> Page:
    end = f"end-{secrets.token_hex(16)}"
    return page([line for name, value in values.items() for line in (f"{name}<<{end}", value, end)] + [""])


def _look(session: Session) -> Look:
    return Look(values=session.values)


def _append(session: Session, variable: str, text: Callable[[], Page]) -> None:
    """Append to the file that `variable` names; where it can't be written, warn and go on."""
    path = os.environ.get(variable)
    if not path:
        return
    try:
        sink.append(path, text())
    except OSError as error:
        session.note(f"warning: {variable} can't be written: {error.strerror}")
