"""`apply`: plan, confirm, execute."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import click

from baseten_jobs import compilation, pipeline
from baseten_jobs.applying.execute import Execution
from baseten_jobs.applying.in_flight import Ledger
from baseten_jobs.applying.intent import Done, Failed, Intent, Invalid, NotApplied, Planned
from baseten_jobs.applying.outcome import Goal
from baseten_jobs.applying.stages import GivenUp, Onward, since
from baseten_jobs.applying.upload import Sent
from baseten_jobs.applying.wait import Waiting
from baseten_jobs.cli import options, sink, values_option
from baseten_jobs.cli.exit_rules import exit_of_apply
from baseten_jobs.cli.exits import Exit, worst
from baseten_jobs.cli.github_step import Step
from baseten_jobs.cli.interrupts import winding_up
from baseten_jobs.cli.last_words import tell_last_words
from baseten_jobs.cli.progress import ByteProgress, Progress
from baseten_jobs.cli.saved_plan import read_plan
from baseten_jobs.cli.session import Session, guarded, inquiry, opened, or_default, still_there
from baseten_jobs.cli.tip_option import asked, overtaken
from baseten_jobs.cli.wait_option import WaitingCommand, waited
from baseten_jobs.cli.wait_option import waiting as waiting_options
from baseten_jobs.job.names import Signature
from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.phrases import prose
from baseten_jobs.planning.plan import Plan, Policy
from baseten_jobs.planning.terms import Terms
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.connection import Connection
from baseten_jobs.report import formats
from baseten_jobs.report import text as as_text
from baseten_jobs.secrecy import Values


class _Operator:
    """Who runs the command: sees the plan where reports go, and is asked on the terminal."""

    def __init__(self, session: Session, step: Step, api: Api, overtaken: Callable[[], GivenUp | None]) -> None:
        self.session, self.step, self.api = session, step, api
        self.overtaken = overtaken

    def show(self, planned: Planned) -> None:
        session = self.session
        session.warn(planned.diagnostics)
        if session.output == "text":
            session.result(as_text.plan(planned.plan, session.look()))
        else:
            session.note(as_text.plan(planned.plan, session.look_err()))
        self.step.plan(session, planned.plan)

    def confirm(self) -> bool:
        return sink.confirmed("Apply this plan?")

    @contextmanager
    def watch(self) -> Iterator[tuple[Ledger, Sent]]:
        """Within, there are bars, and a signal winds up."""
        progress, uploads = Progress(self.session.output), ByteProgress(self.session.output)
        ledger = Ledger(progress)
        try:
            with winding_up(self.api.clock, ledger, as_json=self.session.json):
                yield ledger, uploads
        finally:
            uploads.close()
            progress.close()

    @contextmanager
    def watch_on(self) -> Iterator[Ledger]:
        """Within, a signal winds up; what comes of it is told by the wait."""
        ledger = Ledger()
        with winding_up(self.api.clock, ledger, as_json=self.session.json):
            yield ledger


@click.command("apply", cls=WaitingCommand)
@options.output(*formats.APPLIED)
@options.inputs
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
@click.option(
    "--limits-only",
    is_flag=True,
    help="Only stop runs that are over their `policy.max_duration` or `max_cost`, also where other manifests have "
    "errors or a guard forbids to submit; --strict does not count.",
)
@values_option.values
@options.whole_plan
@options.policy
@options.execution
@waiting_options
@options.connection
def command(
    output: str,
    inputs: Inputs,
    if_tip: str | None,
    yes: bool,
    plan_file: str | None,
    limits_only: bool,
    values: Values,
    verbose: bool,
    policy: Policy,
    execution: Execution,
    waiting: Waiting | None,
    connection: Connection,
) -> Exit:
    """Plan, ask, and submit what changed. Applied again, it does nothing."""
    step = Step("Not applied", dashboard=connection.dashboard)
    session = Session(output, values, verbose, step.end)
    saved = None
    if limits_only and (plan_file is not None or waiting is not None):
        raise click.UsageError("--limits-only submits nothing, and takes no --plan and no --wait")
    if plan_file is not None:
        if inputs.paths:
            raise click.UsageError("--plan has decided on PATH already")
        try:
            saved = read_plan(plan_file)
        except ValueError as error:
            return session.fail(str(error), Exit.FAILED)
    given = replace(inputs, paths=or_default(inputs.paths))
    terms = pipeline.agreed(Terms.of(connection.target, given, policy, if_tip), saved)
    if isinstance(terms, NotApplied):
        return session.fail(terms.reason, Exit.REFUSED)
    paths = still_there(session, terms.paths, prune=terms.policy.prune)
    compiling = compilation.compile_sound if limits_only else compilation.compile_all
    compiled = compiling(replace(inputs, paths=paths, strict=terms.strict and not limits_only), session.stdin)
    session.passed_over(compiled.passed)
    if not compiled.valid and not limits_only:
        return session.invalid(compiled.diagnostics)
    session.warn(compiled.diagnostics)

    def work() -> Exit:
        tip = asked(session, step, terms.if_tip or "", terms.paths, compiled, "not applied")
        if isinstance(tip, Exit):
            return tip
        api, of_git = opened(connection), inquiry(terms.policy, connection, terms.paths, tip)
        how = replace(execution, signature=Signature(of_git.owner))
        goes_on = waiting is not None and waiting.goal is Goal.COMPLETED
        intent = Intent(
            terms, of_git, how, saved, confirmed=yes, local=connection.local, goes_on=goes_on, limits_only=limits_only
        )
        operator = _Operator(session, step, api, partial(overtaken, terms.if_tip, terms.paths, compiled))
        ended = pipeline.apply(api, compiled, intent, operator)
        match ended:
            case Invalid():
                return session.invalid(ended.diagnostics)
            case NotApplied():
                return session.fail(ended.reason, _at_least(Exit.REFUSED, ended.plan))
            case Failed():
                code = Exit.UNAUTHORISED if ended.unauthorised else Exit.FAILED
                return session.fail(ended.reason, _at_least(code, ended.plan))
            case Done():
                onward = pipeline.Onward(api, compiled, intent, operator) if goes_on else None
                code = _told(session, step, api, ended, waiting, onward)
                return code if compiled.valid else worst([code, Exit.FAILED])

    return guarded(session, work)


def _at_least(code: Exit, plan: Plan) -> Exit:
    """The exit code of a plan that was not carried out: that of its duplicates where it is worse."""
    return worst([code, *(Exit.UNCLEAR for action in plan.actions if action.duplicates)])


def _told(session: Session, step: Step, api: Api, done: Done, waiting: Waiting | None, onward: Onward | None) -> Exit:
    """Print what became of the plan, and wait for its jobs where that is asked for."""
    result = done.applied
    if session.output == "text" and (done.plan.has_changes or exit_of_apply(result) is not Exit.DONE):
        session.result(prose(["", as_text.applied(result, session.look())]))
    step.outcomes(session, result)
    if waiting is not None and not (result.interrupted or result.unauthorised):
        result = waited(session, api, result, waiting, onward)
        later = since(done.applied, result)
        if later.outcomes:
            step.outcomes(session, later)
            if session.output == "text":
                session.result(prose(["", as_text.applied(later, session.look())]))
        if session.output == "text":
            session.result(prose(["", as_text.waited(result, session.look())]))
    if session.output != "text":
        session.result(formats.APPLIED[session.output](result, session.look()))
    if waiting is not None and not result.interrupted:
        tell_last_words(session, api, result)
    if result.unauthorised:
        session.error(f"{result.unauthorised}; the rest was skipped")
    return exit_of_apply(result)
