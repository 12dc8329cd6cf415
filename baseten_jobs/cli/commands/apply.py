"""`apply`: plan, confirm, execute."""

from dataclasses import dataclass, replace

import click

from baseten_jobs import compilation, pipeline
from baseten_jobs.applying.execute import Conflict, Execution
from baseten_jobs.applying.in_flight import Ledger
from baseten_jobs.applying.upload import UploadFailed
from baseten_jobs.applying.wait import Waiting
from baseten_jobs.cli import options, sink
from baseten_jobs.cli.exit_rules import exit_of_apply
from baseten_jobs.cli.exits import Exit, worst
from baseten_jobs.cli.github_step import Step
from baseten_jobs.cli.interrupts import winding_up
from baseten_jobs.cli.progress import Progress, UploadProgress
from baseten_jobs.cli.saved_plan import read_plan
from baseten_jobs.cli.session import Session, guarded, inquiry, opened, or_default, still_there
from baseten_jobs.cli.tip_option import asked
from baseten_jobs.cli.wait_option import WaitingCommand, waited
from baseten_jobs.cli.wait_option import waiting as waiting_options
from baseten_jobs.manifest.overrides import Override
from baseten_jobs.phrases import page
from baseten_jobs.planning.guards import refusals
from baseten_jobs.planning.plan import Plan, Policy
from baseten_jobs.planning.saved_plan import SavedPlan
from baseten_jobs.planning.terms import Terms, differences, narrowed
from baseten_jobs.provider.api.connection import Connection
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.report import formats
from baseten_jobs.report import text as as_text


@dataclass(frozen=True)
class _Wanted:
    """What to apply, and how; a `saved` plan is compared with the one that is made now."""

    terms: Terms
    how: Execution
    where: Connection
    waiting: Waiting | None
    saved: SavedPlan | None = None
    confirmed: bool = False


@click.command("apply", cls=WaitingCommand)
@options.paths
@options.output(*formats.APPLIED)
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
    help="Apply just what `plan --out FILE` saved, with the same options; refused when anything differs by now.",
)
@options.show_values
@options.policy
@options.execution
@waiting_options
@options.connection
def command(
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
    terms = Terms(connection.target, or_default(paths), policy, strict, overrides, if_tip)
    saved = None
    if plan_file is not None:
        if paths:
            raise click.UsageError("--plan has decided on PATH already")
        try:
            saved = read_plan(plan_file)
        except ValueError as error:
            return session.fail(str(error), Exit.FAILED)
        terms = replace(terms, paths=saved.terms.paths)
        if refused := differences(saved.terms, terms):
            told = f"the plan was made with other options: {'; '.join(refused)}; nothing was sent"
            return session.fail(f"{told}, give the same or plan again", Exit.REFUSED)
        terms = narrowed(terms, saved.terms)
    wanted = _Wanted(terms, execution, connection, waiting, saved, confirmed=yes)
    paths = still_there(session, terms.paths, prune=terms.policy.prune)
    compiled = compilation.compile_all(paths, session.stdin, terms.strict, terms.overrides, allowed)
    if not compiled.valid:
        return session.invalid(compiled.diagnostics)
    session.warn(compiled.diagnostics)
    return guarded(session, lambda: _apply(session, step, wanted, compiled))


def _apply(session: Session, step: Step, wanted: _Wanted, compiled: compilation.Compiled) -> Exit:
    tip = asked(session, step, wanted.terms.if_tip or "", wanted.terms.paths, compiled, "not applied")
    if isinstance(tip, Exit):
        return tip
    policy = wanted.terms.policy
    api = opened(wanted.where)
    of_git = inquiry(policy, wanted.where, wanted.terms.paths, tip)
    made = pipeline.make(api, compiled, policy, of_git, rehearsal=wanted.where.local)
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
            result = pipeline.apply(api, plan, policy, _at_once(wanted), ledger, uploads, waited=asked_first)
    except (Conflict, UploadFailed, ApiError) as trouble:
        uploads.close()
        code = Exit.UNAUTHORISED if isinstance(trouble, ApiError) and trouble.unauthorised else Exit.FAILED
        return session.fail(f"{trouble}; nothing was submitted", worst([code, *unclear]))
    finally:
        uploads.close()
        progress.close()
    if session.output == "text" and (plan.has_changes or exit_of_apply(result) is not Exit.DONE):
        session.result(page(["", as_text.applied(result, session.look())]))
    step.outcomes(session, result)
    if wanted.waiting is not None and not (result.interrupted or result.unauthorised):
        result = waited(session, api, result, wanted.waiting)
        if session.output == "text":
            session.result(page(["", as_text.waited(result, session.look())]))
    if session.output != "text":
        session.result(formats.APPLIED[session.output](result, session.look()))
    if result.unauthorised:
        session.error(f"{result.unauthorised}; the rest was skipped")
    return exit_of_apply(result)


def _at_once(wanted: _Wanted) -> Execution:
    """The embedded API shows a job as soon as it is there, so nobody waits to look for twins."""
    if not wanted.where.local:
        return wanted.how
    return replace(wanted.how, windows=replace(wanted.how.windows, twins_after=0.0))


def _refusal(wanted: _Wanted, plan: Plan) -> str:
    if wanted.saved is not None and (differences := wanted.saved.stale(plan)):
        return f"the plan is stale: {'; '.join(differences[:5])}; nothing was sent, plan again"
    if refused := refusals(plan, wanted.terms.policy, strict=wanted.terms.strict):
        return f"refused: {'; '.join(refused)}; nothing was sent"
    if plan.has_changes and not wanted.confirmed and not sink.confirmed("Apply this plan?"):
        return "not confirmed, so nothing was sent; --yes confirms where there is no terminal"
    return ""
