"""`apply`: plan, confirm, execute."""

from dataclasses import dataclass, replace
from pathlib import Path

import click

from baseten_jobs import pipeline, report, validation
from baseten_jobs.api.connection import Connection
from baseten_jobs.api.errors import ApiError
from baseten_jobs.apply import Conflict, Execution
from baseten_jobs.cli import options, sink
from baseten_jobs.cli.actions import Step
from baseten_jobs.cli.interrupts import winding_up
from baseten_jobs.cli.progress import Progress, UploadProgress
from baseten_jobs.cli.session import Session, guarded, inquiry, opened, or_default, still_there
from baseten_jobs.cli.tip import asked
from baseten_jobs.cli.waiting import WaitingCommand, waited
from baseten_jobs.cli.waiting import waiting as waiting_options
from baseten_jobs.exits import Exit, worst
from baseten_jobs.guards import refusals
from baseten_jobs.ledger import Ledger
from baseten_jobs.overrides import Override, parse_override
from baseten_jobs.plan import Plan, Policy
from baseten_jobs.printable import page
from baseten_jobs.report import text as as_text
from baseten_jobs.saved import SavedPlan, loaded, policy_of
from baseten_jobs.settle import Windows
from baseten_jobs.tip import is_branch
from baseten_jobs.upload import UploadFailed
from baseten_jobs.wait import Waiting


@dataclass(frozen=True)
class _Wanted:
    """What to apply, and how: from the command line, or from a saved plan."""

    paths: tuple[str, ...]
    strict: bool
    overrides: tuple[Override, ...]
    policy: Policy
    how: Execution
    where: Connection
    waiting: Waiting | None
    if_tip: str | None = None
    saved: SavedPlan | None = None
    confirmed: bool = False


@click.command("apply", cls=WaitingCommand)
@options.paths
@options.output(*report.APPLIED)
@options.strict
@options.overrides
@options.allow_outside
@options.if_tip
@click.option("-y", "--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(dir_okay=False),
    default=None,
    metavar="FILE",
    help="Apply just what `plan --out FILE` saved; refused when anything differs by now.",
)
@options.show_values
@options.policy
@options.execution
@waiting_options
@options.connection
@click.pass_context
def command(
    context: click.Context,
    paths: tuple[str, ...],
    output: str,
    strict: bool,
    overrides: tuple[Override, ...],
    allowed: tuple[str, ...],
    if_tip: str | None,
    yes: bool,
    plan_file: str | None,
    show_values: bool,
    policy: Policy,
    execution: Execution,
    waiting: Waiting | None,
    connection: Connection,
) -> Exit:
    """Plan, ask, and submit what changed. Applied again, it does nothing."""
    step = Step("Not applied")
    session = Session(output, show_values, ended=step.end)
    wanted = _Wanted(or_default(paths), strict, overrides, policy, execution, connection, waiting, if_tip)
    if plan_file is not None:
        if fixed := options.given(context, ("paths", "strict", "overrides", *options.POLICY_NAMES)):
            raise click.UsageError(f"--plan has decided on {', '.join(fixed)} already")
        try:
            wanted = _from_plan(plan_file, wanted, options.given(context, ("concurrency", "settle")))
        except ValueError as error:
            return session.fail(f"{plan_file}: {error}", Exit.FAILED)
        if wanted.saved is not None and wanted.saved.target != wanted.where.target:
            return session.fail(f"the plan is stale: it was made against {wanted.saved.target}", Exit.REFUSED)
        if if_tip is not None and wanted.if_tip != if_tip:
            raise click.UsageError(f"--plan has decided on --if-tip {wanted.if_tip} already")
    paths = still_there(session, wanted.paths, prune=wanted.policy.prune)
    compiled = validation.compile_all(paths, session.stdin, wanted.strict, wanted.overrides, allowed)
    if not compiled.valid:
        return session.invalid(compiled.diagnostics)
    session.warn(compiled.diagnostics)
    return guarded(session, lambda: _apply(session, step, replace(wanted, confirmed=yes), compiled))


def _from_plan(path: str, wanted: _Wanted, overridden: tuple[str, ...]) -> _Wanted:
    """What a saved plan says; raises ValueError for a file that is none."""
    try:
        saved = loaded(Path(path).read_text(encoding="utf-8"))
        policy, strict = policy_of(saved.options), bool(saved.options["strict"])
        overrides = tuple(map(parse_override, saved.options["set"]))
        concurrency, settle = int(saved.options["concurrency"]), float(saved.options["settle"])
        if_tip = saved.options.get("if_tip")
        if if_tip is not None and not (isinstance(if_tip, str) and is_branch(if_tip)):
            raise ValueError(f"the plan's option 'if_tip' can't be {if_tip!r}")
        if not (1 <= concurrency <= 64 and 0 <= settle <= 1e6):
            raise ValueError("the plan's concurrency or settle is out of bounds")
    except OSError as error:
        raise ValueError(f"this can't be read: {error.strerror}") from None
    except (KeyError, TypeError) as error:
        raise ValueError(f"the plan is not whole: {error}") from None
    where = wanted.where
    if saved.target.startswith("local:") and not where.local:
        where = Connection(local_db=saved.target.removeprefix("local:"))
    how = Execution(
        wanted.how.concurrency if "concurrency" in overridden else concurrency,
        wanted.how.windows if "settle" in overridden else Windows(settle),
    )
    return _Wanted(saved.paths, strict, overrides, policy, how, where, wanted.waiting, if_tip or wanted.if_tip, saved)


def _apply(session: Session, step: Step, wanted: _Wanted, compiled: validation.Compiled) -> Exit:
    tip = asked(session, step, wanted.if_tip or "", wanted.paths, compiled, "not applied")
    if isinstance(tip, Exit):
        return tip
    api = opened(wanted.where)
    of_git = inquiry(wanted.policy, wanted.where, wanted.paths, tip)
    made = pipeline.make(api, compiled, wanted.policy, of_git, rehearsal=wanted.where.local)
    if not made.valid:
        return session.invalid(made.diagnostics)
    session.warn(made.diagnostics)
    plan = made.plan
    if session.output == "text":
        session.result(as_text.plan(plan, session.look()))
    else:
        session.note(as_text.plan(plan, session.look_err()))
    step.plan(session, plan)
    unclear = [Exit.UNCLEAR for action in plan.actions if action.duplicates]
    if refusal := _refusal(wanted, plan):
        return session.fail(refusal, worst([Exit.REFUSED, *unclear]))
    progress, uploads = Progress(session.output), UploadProgress(session.output)
    ledger = Ledger(progress)
    try:
        with winding_up(api.clock, ledger, as_json=session.json):
            asked_first = plan.has_changes and not wanted.confirmed
            result = pipeline.apply(api, plan, wanted.policy, _at_once(wanted), ledger, uploads, waited=asked_first)
    except (Conflict, UploadFailed, ApiError) as trouble:
        uploads.close()
        code = Exit.UNAUTHORISED if isinstance(trouble, ApiError) and trouble.unauthorised else Exit.FAILED
        return session.fail(f"{trouble}; nothing was submitted", worst([code, *unclear]))
    finally:
        uploads.close()
        progress.close()
    if session.output == "text" and (plan.has_changes or result.exit_code is not Exit.DONE):
        session.result(page(["", as_text.applied(result, session.look())]))
    step.outcomes(session, result)
    if wanted.waiting is not None and not (result.interrupted or result.unauthorised):
        result = waited(session, api, result, wanted.waiting)
        if session.output == "text":
            session.result(page(["", as_text.waited(result, session.look())]))
    if session.output != "text":
        session.result(report.APPLIED[session.output](result, session.look()))
    if result.unauthorised:
        session.error(f"{result.unauthorised}; the rest was skipped")
    return result.exit_code


def _at_once(wanted: _Wanted) -> Execution:
    """The embedded API shows a job as soon as it is there, so nobody waits to look for twins."""
    if not wanted.where.local:
        return wanted.how
    return replace(wanted.how, windows=replace(wanted.how.windows, twins_after=0.0))


def _refusal(wanted: _Wanted, plan: Plan) -> str:
    if wanted.saved is not None and (differences := wanted.saved.stale(plan)):
        return f"the plan is stale: {'; '.join(differences[:5])}; nothing was sent, plan again"
    if refused := refusals(plan, wanted.policy, strict=wanted.strict):
        return f"refused: {'; '.join(refused)}; nothing was sent"
    if plan.has_changes and not wanted.confirmed and not sink.confirmed("Apply this plan?"):
        return "not confirmed, so nothing was sent; --yes confirms where there is no terminal"
    return ""
