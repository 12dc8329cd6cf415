"""`plan`: the decision table, and a saved plan."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from baseten_jobs import compilation, pipeline
from baseten_jobs.applying.intent import Intent
from baseten_jobs.cli import options, sink, values_option
from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.github_step import Step
from baseten_jobs.cli.helped import HelpedCommand
from baseten_jobs.cli.options import STANDARD_OUTPUT
from baseten_jobs.cli.session import Session, guarded, inquiry, opened, or_default, still_there, target_of
from baseten_jobs.cli.tip_option import asked
from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.manifest.paths import check_landing
from baseten_jobs.manifest.sources import STDIN
from baseten_jobs.phrases import Page, one_line
from baseten_jobs.planning.plan import Plan, Policy
from baseten_jobs.planning.saved_plan import SavedPlan, planned
from baseten_jobs.planning.terms import Terms, command_line, sets_environment
from baseten_jobs.report import formats
from baseten_jobs.report.headline import refused
from baseten_jobs.secrecy import Values

if TYPE_CHECKING:
    from baseten_jobs.applying.execute import Execution
    from baseten_jobs.provider.api.connection import Connection


@click.command("plan", cls=HelpedCommand)
@options.output(*formats.PLAN)
@options.inputs
@options.if_tip
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 where there is something to do.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False),
    default=None,
    metavar="FILE",
    help="Save the plan, for `apply --plan FILE`; - is standard output, and the plan is told on standard error.",
)
@values_option.values
@options.whole_plan
@options.policy
@options.execution
@options.connection
def command(
    output: str,
    inputs: Inputs,
    if_tip: str | None,
    detailed_exitcode: bool,
    out: str | None,
    values: Values,
    verbose: bool,
    policy: Policy,
    execution: "Execution",
    connection: "Connection",
) -> Exit:
    """Show what apply would do and why; nothing is written."""
    paths = or_default(inputs.paths)
    terms = Terms.of(connection.target, replace(inputs, paths=paths), policy, if_tip)
    target = target_of(paths, connection)
    step = Step("Not saved", target, connection.dashboard)
    session = Session(output, values, verbose, step.end)
    if out == STANDARD_OUTPUT and output != "text":
        raise click.UsageError(f"--out - writes the saved plan where -o {output} would be written")
    if out and STDIN in paths:
        raise click.UsageError("--out can't remember what was read from standard input")
    if out and sets_environment(terms):
        raise click.UsageError("--out never holds a value of the environment, so it can't remember this --set")
    inputs = replace(inputs, paths=still_there(session, paths, prune=policy.prune))
    compiled = compilation.compile_all(inputs, session.stdin)
    session.passed_over(compiled.passed)
    if not compiled.valid:
        return session.invalid(compiled.diagnostics)
    session.warn(compiled.diagnostics)

    def work() -> Exit:
        tip = asked(session, step, if_tip or "", paths, compiled, "not planned")
        if isinstance(tip, Exit):
            return tip
        api, of_git = opened(connection), inquiry(policy, connection, paths, tip)
        made = pipeline.plan(api, compiled, Intent(terms, of_git, local=connection.local))
        if not made.valid:
            return session.invalid(made.diagnostics)
        session.warn(made.diagnostics)
        shown = replace(made.plan, refusals=made.refusals)
        for refusal in made.refusals:
            session.note(f"warning: {refused(refusal)}")
        step.plan(session, shown)
        if out:
            text = SavedPlan(terms, planned(made.plan)).dumped()
            if out == STANDARD_OUTPUT:
                session.note(formats.PLAN["text"](shown, session.look_err()))
                sink.out(Page(text), end="")
                return _exit(made.plan, detailed_exitcode, terms.strict)
            try:
                check_landing(out)
                Path(out).write_text(text, "utf-8")
            except OSError as error:
                return session.fail(f"{out} can't be written: {error.strerror}", Exit.FAILED)
            session.note(f"saved to {out}; `{_applying(out, terms, connection, inputs.allowed)}` applies just this")
        session.result(formats.PLAN[output](shown, replace(session.look(target), dashboard=connection.dashboard)))
        return _exit(made.plan, detailed_exitcode, terms.strict)

    return guarded(session, work)


def _applying(file: str, terms: Terms, connection: "Connection", allowed: tuple[str, ...]) -> str:
    """The command that applies a saved plan: it takes the options that the plan was made with."""
    database = connection.local_db
    where = () if database is None else ("--local",) if database == options.DEFAULT_DB else ("--local-db", database)
    granted = [word for folder in allowed for word in ("--allow-outside", folder)]
    words = ("baseten-jobs", "apply", "--plan", file, *where, *granted, *command_line(terms))
    return one_line(shlex.join(words), 2000)


def _exit(plan: Plan, detailed: bool, strict: bool) -> Exit:
    if strict and plan.warnings:
        return Exit.REFUSED
    if plan.errors:
        return Exit.FAILED
    return Exit.CHANGES if detailed and plan.has_changes else Exit.DONE
