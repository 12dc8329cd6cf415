"""`status`: how the manifests' jobs are, once or until all have ended."""

from collections.abc import Callable

import click

from baseten_jobs import pipeline
from baseten_jobs.cli import job_names, job_options, options, sink
from baseten_jobs.cli.descriptions import descriptions
from baseten_jobs.cli.exit_rules import exit_of_statuses
from baseten_jobs.cli.exits import Exit, worst
from baseten_jobs.cli.helped import HelpedCommand
from baseten_jobs.cli.job_of_name import narrowed
from baseten_jobs.cli.screen import Screen
from baseten_jobs.cli.session import Session, guarded, inquiry, opened, or_default
from baseten_jobs.compilation import Compiled
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.planning.plan import Policy
from baseten_jobs.planning.unclaimed import Unclaimed
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.connection import Connection
from baseten_jobs.provider.outages import between_looks, patiently
from baseten_jobs.provider.presence import Recall
from baseten_jobs.provider.standstill import Standstill, standing_still
from baseten_jobs.provider.status import Status, by_itself, changes
from baseten_jobs.provider.status_reader import Survey
from baseten_jobs.report import formats
from baseten_jobs.report.status_more import More

Rows = tuple[Status, ...]
Stuck = tuple[ObservedJob, ...]

_POLL = 5.0
_LINES = 3
"""Of the log of a job that failed, with -v."""


@click.command("status", cls=HelpedCommand)
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=options.complete_names)
@click.option("-w", "--watch", is_flag=True, help="Go on until no job lives: redrawn on a terminal, else by changes.")
@click.option(
    "--exit-status",
    is_flag=True,
    help="Exit with 1 where a job ended without completing or was never submitted, with 7 where one has not ended.",
)
@click.option("--job", "job_ids", multiple=True, metavar="ID", help="Show this job, managed or not.")
@click.option("-v", "--verbose", is_flag=True, help="Show of each job its commit, user, machines, page and last lines.")
@options.files
@options.allow_outside
@options.output(*formats.STATUS)
@options.connection
def command(
    names: tuple[str, ...],
    watch: bool,
    exit_status: bool,
    job_ids: tuple[str, ...],
    verbose: bool,
    paths: tuple[str, ...],
    allowed: tuple[str, ...],
    output: str,
    connection: Connection,
) -> Exit:
    """Show the job of each manifest, of those with these names, or jobs by id. Exits with 7 where a duplicate is live.

    NAME may be a glob, such as 'qwen3-*'. Without one, a line below tells of live jobs that no manifest has: orphans,
    whose manifest was deleted, and others.

    The cost is what a job cost at most: the time since it was created at Baseten's price. A ? behind it: the job has a
    status that is not known here, and counts as running. A watch ends with 7 once such a job, and no other, is left,
    and has not changed for ten minutes.
    """
    asked = job_options.asked_of(names, job_ids, paths, allowed)
    session = Session(output)

    def work() -> Exit:
        compiled = job_names.manifests(session, paths, names, allowed) if not job_ids else None
        api = opened(connection)
        narrowed(session, api, asked)
        survey, recall = Survey(api), Recall(api)

        def look() -> Rows:
            rows = job_names.rows(session, api, compiled, recall) if compiled else ()
            return survey.of((*rows, *map(by_itself, job_names.jobs_by_id(session, api, job_ids))))

        rows = look()
        stuck: Stuck = ()
        if watch:
            rows, stuck = _watched(session, api, rows, look)
        if not (watch and not session.json):
            found = compiled if compiled and not names else None
            unclaimed = _unclaimed(api, found, recall, connection, paths) if found else None
            told = descriptions(api, rows, rows, paths, _LINES, short=True) if verbose else ()
            more = More({each.row.job.id: each for each in told if each.row.job}, unclaimed)
            session.result(formats.STATUS[output](rows, session.look(), more))
        return worst([exit_of_statuses(rows, by_state=exit_status), *(Exit.UNCLEAR for _ in stuck)])

    return guarded(session, work)


def _unclaimed(
    api: Api, compiled: Compiled, recall: Recall, connection: Connection, paths: tuple[str, ...]
) -> Unclaimed:
    return pipeline.beside(api, compiled, recall.observation, inquiry(Policy(), connection, or_default(paths)))


def _watched(session: Session, api: Api, rows: Rows, look: Callable[[], Rows]) -> tuple[Rows, Stuck]:
    """Read and show the rows until no job lives, or each stands still; returns the last rows, and those jobs."""
    standstill = Standstill()
    screen = sink.screen() if not session.json else None
    note = session.note if screen is None else screen.above
    _show(session, screen, (), rows, api.clock.wall())
    took = 0.0
    while True:
        live = [job for row in rows for job in row.live]
        standstill.look(live, api.clock.now())
        stuck = tuple(filter(standstill.stuck, live))
        if len(stuck) == len(live):
            break
        api.clock.sleep(between_looks(_POLL, took))
        began = api.clock.now()
        before, rows = rows, patiently(api, look, note)
        took = api.clock.now() - began
        _show(session, screen, before, rows, api.clock.wall())
    for job in stuck:
        note(f"warning: {standing_still(job)}")
    return rows, stuck


def _show(session: Session, screen: Screen | None, before: Rows, rows: Rows, now: float) -> None:
    """Redraw the table on a terminal; elsewhere print a line for each change since `before`. `now` is epoch seconds."""
    if screen is not None:
        screen.draw(formats.STATUS[session.output](rows, session.look()))
        return
    tell = session.note if session.json else session.result
    for line in changes(before, rows, now):
        tell(line)
