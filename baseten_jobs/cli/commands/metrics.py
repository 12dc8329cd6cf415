"""`metrics`: how much the jobs of manifests use of their GPUs, CPUs, memory and disks."""

from collections.abc import Callable
from dataclasses import replace

import click

from baseten_jobs.cli import job_names, job_options, options, sink
from baseten_jobs.cli.exits import Exit, worst
from baseten_jobs.cli.helped import HelpedCommand
from baseten_jobs.cli.job_names import Asked
from baseten_jobs.cli.job_of_name import narrowed
from baseten_jobs.cli.moment_option import Moment, MomentType
from baseten_jobs.cli.session import Session, guarded, opened
from baseten_jobs.phrases import page
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.connection import Connection
from baseten_jobs.provider.measured import Measured
from baseten_jobs.provider.metrics_reader import measured
from baseten_jobs.provider.standstill import LONGEST, Standstill, standing_still
from baseten_jobs.report import formats, metrics_table
from baseten_jobs.report.style import Look

_DRAWN, _PRINTED = 15.0, 60.0
"""Seconds between two looks of a watch: where it is drawn, and where each is a line."""

_CHARACTERS = "▁█·"


@click.command("metrics", cls=HelpedCommand)
@click.option(
    "--since",
    type=MomentType(),
    default="1h",
    show_default=True,
    help="From 1h, 6h or 3d before now, or before the job's end, on; or from a time, in UTC.",
)
@click.option(
    "-w", "--watch", is_flag=True, help="Go on until no job lives: drawn again on a terminal, else a line a minute."
)
@job_options.jobs("The metrics of this job, managed or not.")
@options.output(*formats.METRICS)
@options.connection
def command(
    since: Moment,
    watch: bool,
    asked: Asked,
    output: str,
    connection: Connection,
) -> Exit:
    """Draw how much jobs use of their GPUs, CPUs, memory and disks. NAME may be a glob, such as 'lr-*'.

    Where there is no terminal, and with -o table, a table shows the last values. Every value is in -o csv and -o json.
    A stretch of five minutes or more with a GPU below 5% is marked with dots, and listed.
    """
    if watch and output in ("csv", "json"):
        raise click.UsageError(f"-o {output} is one document, and --watch goes on")
    session = Session(output)

    def work() -> Exit:
        api = opened(connection)
        jobs, _ = job_names.named_jobs(session, api, narrowed(session, api, asked))
        every = measured(api, [(each.name, each.job) for each in jobs], since)
        if watch:
            return _watched(session, api, every, since)
        session.result(formats.METRICS[output](every, _look(session)))
        return job_names.told_troubles(session, every)

    return guarded(session, work)


def _look(session: Session) -> Look:
    """The look of a report; without a width on a terminal that can't show what charts are made of."""
    look = session.look()
    return look if sink.can_show(_CHARACTERS) else replace(look, width=0)


def _watched(session: Session, api: Api, every: tuple[Measured, ...], since: Callable[[float], float]) -> Exit:
    """Show the metrics again and again, until no job lives, or can be read, or each stands still."""
    screen, standstill = sink.screen(), Standstill()
    note = session.note if screen is None else screen.above
    read_at = api.clock.now()
    while True:
        now = api.clock.now()
        if screen is None:
            session.result(page(metrics_table.line(each) for each in every))
        else:
            screen.draw(formats.METRICS[session.output](every, _look(session)))
        standstill.look([each.job for each in every], now)
        live = [each for each in every if each.job.live and (each.trouble is None or each.trouble.passing)]
        stuck = [each.job for each in live if standstill.stuck(each.job)]
        read_at = read_at if all(each.trouble for each in live) else now
        if len(stuck) == len(live) or now - read_at >= LONGEST:
            break
        api.clock.sleep(_PRINTED if screen is None else _DRAWN)
        again = iter(measured(api, [(each.name, each.job) for each in live], since))
        every = tuple(next(again) if each in live else each for each in every)
    for job in stuck:
        note(f"warning: {standing_still(job)}")
    return worst([job_names.told_troubles(session, every), *(Exit.UNCLEAR for _ in stuck)])
