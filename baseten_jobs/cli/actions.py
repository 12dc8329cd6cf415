"""What GitHub Actions is told where a command runs there: the step's summary and its outputs."""

import os
import secrets
from collections.abc import Callable, Mapping

from baseten_jobs import report
from baseten_jobs.cli.session import Session
from baseten_jobs.outcome import Applied
from baseten_jobs.plan import Plan, Verb
from baseten_jobs.report.look import Look
from baseten_jobs.report.quoting import prose

SUMMARY, OUTPUT = "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"
"""Files that the runner names in the environment, to be appended to."""


def tell_plan(session: Session, plan: Plan) -> None:
    """The plan as the step's summary, and what later steps decide on as its outputs."""
    look = Look(show_values=session.show_values)
    _append(session, SUMMARY, lambda: report.PLAN["markdown"](plan, look))
    _append(session, OUTPUT, lambda: _outputs(plan))


def tell_outcomes(session: Session, result: Applied) -> None:
    """What became of the plan, below it in the step's summary."""
    _append(session, SUMMARY, lambda: "\n" + report.APPLIED["markdown"](result))


def tell_end(session: Session, reason: str) -> None:
    """Why the plan was not applied, below it in the step's summary."""
    _append(session, SUMMARY, lambda: f"\n**Not applied:** {prose(reason, 1000)}\n")


def _outputs(plan: Plan) -> str:
    cost = plan.cost.usd_per_hour
    values: Mapping[str, str] = {
        "has_changes": "true" if plan.has_changes else "false",
        "submits": str(len(plan.of(Verb.SUBMIT))),
        "cost_per_hour": "" if cost is None else f"{cost:.2f}",
    }
    end = f"end-{secrets.token_hex(16)}"
    return "".join(f"{name}<<{end}\n{value}\n{end}\n" for name, value in values.items())


def _append(session: Session, variable: str, text: Callable[[], str]) -> None:
    """A file that can't be written is not what the command is about."""
    path = os.environ.get(variable)
    if not path:
        return
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(text())
    except OSError as error:
        session.note(f"warning: {variable} can't be written: {error.strerror}")
