"""`plan`: the decision table, and a saved plan."""

import click

from baseten_jobs import pipeline, validation
from baseten_jobs.api.connection import open_api
from baseten_jobs.api.pacing import Clock
from baseten_jobs.cli import options
from baseten_jobs.cli.session import Session, connection, guarded, or_default
from baseten_jobs.outcome import Exit
from baseten_jobs.plan import Plan, Policy, refusals
from baseten_jobs.report import json as as_json
from baseten_jobs.report import text as as_text
from baseten_jobs.saved import SavedPlan, planned
from baseten_jobs.sources import STDIN


@click.command("plan")
@options.paths
@options.output("text", "json")
@options.strict
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 where there is something to do.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False),
    default=None,
    metavar="FILE",
    help="Save the plan, for `apply --plan FILE`.",
)
@options.policy
@options.execution
@options.connection
def command(
    paths: tuple[str, ...],
    output: str,
    strict: bool,
    detailed_exitcode: bool,
    out: str | None,
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
    """Show what apply would do and why; nothing is written."""
    session, paths = Session(output), or_default(paths)
    if out and STDIN in paths:
        raise click.UsageError("--out can't remember what was read from standard input")
    where = connection(local, local_db, connect_timeout, read_timeout)
    policy = Policy(max_submits, max_gpus, frozenset(retry_failed))
    compiled = validation.compile_all(paths, session.stdin, strict)
    if not compiled.valid:
        return session.invalid(compiled.diagnostics)
    session.warn(compiled.diagnostics)

    def work() -> Exit:
        made = pipeline.make(open_api(where, Clock()), compiled, policy)
        if not made.valid:
            return session.invalid(made.diagnostics)
        refused = refusals(made.plan, policy)
        for refusal in refused:
            session.note(f"apply would refuse this: {refusal}")
        session.result(as_json.plan(made.plan) if session.json else as_text.plan(made.plan, session.paint))
        if out:
            saved_options = {
                "strict": strict,
                "max_submits": max_submits,
                "max_gpus": max_gpus,
                "retry_failed": sorted(retry_failed),
                "concurrency": concurrency,
                "settle": settle,
            }
            _save(out, SavedPlan(where.target, paths, saved_options, planned(made.plan)))
            session.note(f"saved to {out}; `baseten-jobs apply --plan {out}` applies just this")
        return _exit(made.plan, detailed_exitcode)

    return guarded(session, work)


def _exit(plan: Plan, detailed: bool) -> Exit:
    if plan.errors:
        return Exit.FAILED
    return Exit.CHANGES if detailed and plan.has_changes else Exit.DONE


def _save(path: str, plan: SavedPlan) -> None:
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(plan.dumped())
    except OSError as error:
        raise click.ClickException(f"{path} can't be written: {error.strerror}") from None
