"""`logs`: what a manifest's job wrote, and goes on to write."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import click

from baseten_jobs.cli import job_names, options, sink
from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.session import Session, guarded, opened
from baseten_jobs.job.observation import ObservedJob, StatusClass, short
from baseten_jobs.job.times import epoch_of
from baseten_jobs.manifest.durations import seconds_of
from baseten_jobs.phrases import one_line, page
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.connection import Connection
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.log_pages import LogLine
from baseten_jobs.provider.log_reader import Heard, follow, lines_so_far
from baseten_jobs.provider.standstill import standing_still
from baseten_jobs.report import json as as_json
from baseten_jobs.report import log_lines as as_lines

_DOCUMENT = 256 << 20
"""About how many bytes of log lines are collected for one document."""


class _Since(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A duration or a time -> a function that takes the present time and returns the start, both in epoch seconds."""

    name = "DURATION|TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if (back := seconds_of(value)) is not None:
            return lambda now: now - back
        if (moment := epoch_of(value)) is not None:
            return lambda now: moment
        return self.fail(f"'{value}' is no duration such as 10m or 2h, and no time such as 2026-11-22T10:00:00Z")


@click.command("logs")
@click.argument("names", nargs=-1, metavar="[NAME]", shell_complete=options.complete_names)
@click.option("-f", "--follow", "following", is_flag=True, help="Go on until the job ends; exits as the job did.")
@click.option("--since", type=_Since(), help="Only lines from 10m, 2h or 3d ago on, or from a time, in UTC.")
@click.option("--job", "job_id", metavar="ID", help="The log of this job, managed or not.")
@options.long_files
@options.allow_outside
@options.output("text", "raw", "jsonl", "json")
@options.connection
def command(
    names: tuple[str, ...],
    following: bool,
    since: Any,
    job_id: str | None,
    paths: tuple[str, ...],
    allowed: tuple[str, ...],
    output: str,
    connection: Connection,
) -> Exit:
    """Print the log of a manifest's job, from its start. NAME may be a glob that matches one manifest.

    With -f: until the job ends, and then 0 if it completed, else 1; or 7, where it has a status that is not known here
    and does not change for ten minutes. On a terminal, and where GitHub's runner reads them, escape sequences are taken
    out of the lines; elsewhere lines are as the job wrote them.
    """
    if len(names) > 1:
        raise click.UsageError("logs takes one NAME; -f follows here, a path comes with --file PATH")
    if (not names) == (job_id is None):
        raise click.UsageError("name a manifest, or a job with --job ID")
    if following and output == "json":
        raise click.UsageError("-o json is one document at the end; -o jsonl follows, one line each")
    session = Session(output)

    def work() -> Exit:
        api = opened(connection)
        try:
            job = (
                job_names.jobs_by_id(session, api, [job_id])[0]
                if job_id
                else _job(session, api, paths, names[0], allowed)
            )
        except job_names.CommandEnded as end:
            return end.code
        start = since(api.clock.wall()) if since else None
        read = follow if following else lines_so_far
        ended = _print(session, read(api, job, start, session.note), job)
        return _end(session, ended) if following else Exit.DONE

    return guarded(session, work)


def _job(session: Session, api: Api, paths: tuple[str, ...], name: str, allowed: tuple[str, ...]) -> ObservedJob:
    """The live job of the manifest's name, else the last job of its own spec; raises CommandEnded without one."""
    (row,) = job_names.rows(session, api, job_names.manifest(session, paths, name, allowed))
    live = job_names.live_jobs(session, [row])
    job = live[0][1] if live else row.job
    if job is None:
        waits = "".join(f"; it waits for {wait}" for wait in row.waits)
        raise job_names.CommandEnded(session.fail(f"{row.request.name} is not submitted{waits}", Exit.FAILED))
    if job.identity != row.request.identity:
        session.note(f"job {job.id} runs another spec of {row.request.name} than the manifest's: {job.name}")
    return job


def _print(session: Session, heard: Iterator[Heard], job: ObservedJob) -> ObservedJob:
    """Print each line as it comes, or all as one document at the end; returns the job as it was last read."""
    told: list[LogLine] = []
    crowded = weight = 0
    for each in heard:
        job, crowded = each.job, each.crowded
        if session.output == "json":
            told += each.lines
            weight += sum(line.weight for line in each.lines)
            if weight > _DOCUMENT:
                raise ApiError(f"logs of job {job.id}", "they are too long for one document; -o jsonl prints each line")
        elif each.lines:
            _tell(session, each.lines)
    if crowded:
        session.note("warning: more than 1000 lines in one millisecond, of which the API shows no more")
    if session.json:
        session.result(as_json.log(job, told))
    return job


def _tell(session: Session, lines: Sequence[LogLine]) -> None:
    """Print lines without escape sequences for a terminal or GitHub's runner, else as the job wrote them."""
    if session.output == "jsonl":
        session.result(page(map(as_lines.jsonl, lines)))
    elif session.on_terminal or sink.read_by_runner():
        session.result(page(as_lines.TO_BE_READ[session.output](line, session.paint) for line in lines))
    else:
        sink.out_as_written("\n".join(as_lines.AS_WRITTEN[session.output](line) for line in lines))


def _end(session: Session, job: ObservedJob) -> Exit:
    if job.live:
        session.note(f"warning: {standing_still(job)}")
        return Exit.UNCLEAR
    job = replace(job, error_message=job.error_message if job.status_class is not StatusClass.DONE else None)
    why = f": {one_line(job.error_message, 300)}" if job.error_message else ""
    session.note(f"job {job.id} is {short(job.status)}{why}")
    return Exit.DONE if job.status_class is StatusClass.DONE else Exit.FAILED
