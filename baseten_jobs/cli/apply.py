"""`apply`: plan, confirm, execute."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from baseten_jobs import pipeline, validation
from baseten_jobs.api.connection import Connection, open_api
from baseten_jobs.api.pacing import Clock
from baseten_jobs.apply import Conflict, Execution, Ledger
from baseten_jobs.cli import options
from baseten_jobs.cli.interrupts import winding_up
from baseten_jobs.cli.progress import Progress
from baseten_jobs.cli.session import Session, connection, guarded, or_default
from baseten_jobs.outcome import Exit
from baseten_jobs.plan import Plan, Policy, refusals
from baseten_jobs.report import json as as_json
from baseten_jobs.report import text as as_text
from baseten_jobs.saved import SavedPlan, loaded
from baseten_jobs.settle import Windows

_DECIDED = ("paths", "strict", "max_submits", "max_gpus", "retry_failed")


@dataclass(frozen=True)
class _Wanted:
    """What to apply, and how: from the command line, or from a saved plan."""

    paths: tuple[str, ...]
    strict: bool
    policy: Policy
    how: Execution
    where: Connection
    saved: SavedPlan | None = None


@click.command("apply")
@options.paths
@options.output("text", "json")
@options.strict
@click.option("-y", "--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(dir_okay=False),
    default=None,
    metavar="FILE",
    help="Apply just what `plan --out FILE` saved; refused when anything differs by now.",
)
@options.policy
@options.execution
@options.connection
@click.pass_context
def command(
    context: click.Context,
    paths: tuple[str, ...],
    output: str,
    strict: bool,
    yes: bool,
    plan_file: str | None,
    max_submits: int,
    max_gpus: int | None,
    retry_failed: tuple[str, ...],
    concurrency: int,
    settle: float,
    local: bool,
    local_db: str | None,
    connect_timeout: float,
    read_timeout: float,
) -> Exit:
    """Plan, ask, and submit what changed. Applied again, it does nothing."""
    session = Session(output)
    where = connection(local, local_db, connect_timeout, read_timeout)
    wanted = _Wanted(
        or_default(paths),
        strict,
        Policy(max_submits, max_gpus, frozenset(retry_failed)),
        _execution(concurrency, settle, where),
        where,
    )
    if plan_file is not None:
        if fixed := options.given(context, *_DECIDED):
            raise click.UsageError(f"--plan has decided on {', '.join(fixed)} already")
        wanted = _from_plan(plan_file, wanted, options.given(context, "concurrency", "settle"))
        if wanted.saved is not None and wanted.saved.target != wanted.where.target:
            return session.fail(f"the plan is stale: it was made against {wanted.saved.target}", Exit.REFUSED)
    compiled = validation.compile_all(wanted.paths, session.stdin, wanted.strict)
    if not compiled.valid:
        return session.invalid(compiled.diagnostics)
    session.warn(compiled.diagnostics)
    return guarded(session, lambda: _apply(session, wanted, compiled, yes))


def _execution(concurrency: int, settle: float, where: Connection) -> Execution:
    return Execution(concurrency, Windows(settle, 0.0) if where.local else Windows(settle))


def _from_plan(path: str, wanted: _Wanted, overridden: tuple[str, ...]) -> _Wanted:
    try:
        saved = loaded(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise click.ClickException(f"{path} can't be read: {error.strerror}") from None
    except ValueError as error:
        raise click.ClickException(f"{path}: {error}") from None
    options_then: dict[str, Any] = dict(saved.options)
    where = wanted.where
    if saved.target.startswith("local:") and not where.local:
        where = Connection(local_db=saved.target.removeprefix("local:"))
    concurrency = wanted.how.concurrency if "concurrency" in overridden else options_then["concurrency"]
    settle = wanted.how.windows.settle if "settle" in overridden else options_then["settle"]
    policy = Policy(options_then["max_submits"], options_then["max_gpus"], frozenset(options_then["retry_failed"]))
    return _Wanted(saved.paths, options_then["strict"], policy, _execution(concurrency, settle, where), where, saved)


def _apply(session: Session, wanted: _Wanted, compiled: validation.Compiled, yes: bool) -> Exit:
    clock = Clock()
    api = open_api(wanted.where, clock)
    made = pipeline.make(api, compiled, wanted.policy)
    if not made.valid:
        return session.invalid(made.diagnostics)
    plan = made.plan
    if session.json:
        session.note(as_text.plan(plan))
    else:
        session.result(as_text.plan(plan, session.paint))
    if refusal := _refusal(wanted, plan, yes):
        return session.fail(refusal, Exit.REFUSED)
    progress = Progress(session.output)
    ledger = Ledger(progress)
    try:
        with winding_up(clock, ledger, as_json=session.json):
            result = pipeline.apply(api, plan, wanted.policy, wanted.how, ledger)
    except Conflict as conflict:
        return session.fail(f"{conflict}; nothing was submitted", Exit.FAILED)
    finally:
        progress.close()
    if session.json:
        error = result.unauthorised or ("interrupted" if result.interrupted else "")
        session.result(as_json.applied(result, error))
    elif plan.has_changes or result.exit_code is not Exit.DONE:
        session.result("\n" + as_text.applied(result, session.paint))
    if result.unauthorised:
        session.error(f"{result.unauthorised}; the rest was skipped")
    return result.exit_code


def _refusal(wanted: _Wanted, plan: Plan, yes: bool) -> str:
    if wanted.saved is not None and (differences := wanted.saved.stale(plan)):
        return f"the plan is stale: {'; '.join(differences[:5])}; nothing was sent, plan again"
    if refused := refusals(plan, wanted.policy):
        return f"refused: {'; '.join(refused)}; nothing was sent"
    if plan.has_changes and not yes and not _confirmed():
        return "not confirmed, so nothing was sent; --yes confirms where there is no terminal"
    return ""


def _confirmed() -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    return click.confirm("Apply this plan?", default=False, err=True)
