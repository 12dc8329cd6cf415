"""`report`: one document for an issue, on how all jobs are and whether that needs a person."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from baseten_jobs import compilation, pipeline
from baseten_jobs.applying.intent import Intent
from baseten_jobs.cli import options, values_option
from baseten_jobs.cli.exit_rules import exit_of_report
from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.github_step import Step
from baseten_jobs.cli.helped import HelpedCommand
from baseten_jobs.cli.session import Session, guarded, inquiry, opened, or_default, still_there, target_of
from baseten_jobs.cli.tip_option import asked
from baseten_jobs.manifest.diagnostics import Diagnostic
from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.planning.plan import Policy
from baseten_jobs.planning.terms import Terms
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.report import formats
from baseten_jobs.report.style import Look
from baseten_jobs.secrecy import Values

if TYPE_CHECKING:
    from baseten_jobs.applying.execute import Execution
    from baseten_jobs.provider.api.connection import Connection


@click.command("report", cls=HelpedCommand)
@options.output(*formats.REPORT)
@options.inputs
@options.if_tip
@click.option(
    "--failed", multiple=True, metavar="TEXT", help="What went wrong before, to be told as well: it needs a person."
)
@values_option.values
@options.policy
@options.execution
@options.connection
def command(
    output: str,
    inputs: Inputs,
    if_tip: str | None,
    failed: tuple[str, ...],
    values: Values,
    policy: Policy,
    execution: "Execution",
    connection: "Connection",
) -> Exit:
    """Tell in one document, Markdown for an issue, how all jobs are and what they cost so far. It only reads.

    The document is never longer than GitHub allows: `baseten-jobs report | gh issue edit 7 --body-file -`. With
    `-o json` nothing is left out.

    Exits with 1 where anything needs a person: a job that failed or is on hold, an orphan, a job that does nothing, a
    status that is not known, manifests with errors, a plan that apply refuses; with 7 where a duplicate is live. It
    takes the options of apply, since these decide on what is told. Where the API gives no answer there is no document.
    """
    paths = or_default(inputs.paths)
    look = Look(values=values, target=target_of(paths, connection), dashboard=connection.dashboard)

    def unfit(session: Session, reason: str, found: Sequence[Diagnostic]) -> None:
        if found:
            without(session, reason, found)

    def without(session: Session, reason: str, found: Sequence[Diagnostic]) -> None:
        if output in formats.NO_REPORT:
            session.result(formats.NO_REPORT[output](reason, found, look))

    session = Session(output, values, ended=unfit)
    inputs = replace(inputs, paths=still_there(session, paths, prune=policy.prune))
    compiled = compilation.compile_all(inputs, session.stdin)
    if not compiled.valid:
        return session.invalid(compiled.diagnostics)

    def work() -> Exit:
        tip = asked(session, Step("Not reported"), if_tip or "", paths, compiled, "not reported")
        if isinstance(tip, Exit):
            return tip
        terms = Terms.of(connection.target, replace(inputs, paths=paths), policy, if_tip)
        intent = Intent(terms, inquiry(policy, connection, paths, tip), local=connection.local)
        try:
            api = opened(connection)
            made, rows = pipeline.report(api, compiled, intent)
        except ApiError as error:
            if error.unauthorised:
                without(session, str(error), ())
            raise
        if not made.valid:
            return session.invalid(made.diagnostics)
        alerts = (*failed, *(f"`apply` refuses all of it: {refusal}" for refusal in made.refusals))
        session.result(formats.REPORT[output](made.plan, rows, alerts, look, api.clock.wall()))
        return exit_of_report(made.plan, rows, alerts)

    return guarded(session, work)
