"""`logs`: what the jobs of manifests wrote, and go on to write."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import click

from baseten_jobs.cli import job_names, job_options, options, sink
from baseten_jobs.cli.exits import Exit, worst
from baseten_jobs.cli.helped import HelpedCommand
from baseten_jobs.cli.job_names import Asked, Named
from baseten_jobs.cli.job_of_name import narrowed
from baseten_jobs.cli.moment_option import Moment, MomentType
from baseten_jobs.cli.session import Session, guarded, opened
from baseten_jobs.job.observation import ObservedJob, StatusClass, short
from baseten_jobs.phrases import Page, columns, cut, one_line, padded, page
from baseten_jobs.provider.api.connection import Connection
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.log_pages import LogLine
from baseten_jobs.provider.log_reader import Heard, Selection, follow, lines_so_far
from baseten_jobs.provider.standstill import standing_still
from baseten_jobs.report import json as as_json
from baseten_jobs.report import log_lines as as_lines

_DOCUMENT = 256 << 20
"""About how many bytes of log lines are collected for one document."""

_LEVELS = ("debug", "info", "warning", "error")
_OF_FILES = (".yaml", ".yml", "/")
"""Ends of what is no manifest's name: elsewhere -f stands before a path."""

_MOST_LABEL = 40
_MOST_TAIL = 100_000


@click.command("logs", cls=HelpedCommand)
@click.option("-f", "--follow", "following", is_flag=True, help="Go on until the jobs end; exits as they did.")
@click.option("--tail", type=click.IntRange(1, _MOST_TAIL), metavar="N", help="Only the last N lines of each job.")
@click.option("--since", type=MomentType(), help="Only lines from 10m, 2h or 3d ago on, or from a time, in UTC.")
@click.option("--until", type=MomentType(), help="Only lines from before 10m, 2h or 3d ago, or before a time.")
@click.option(
    "--level",
    type=click.Choice(_LEVELS, case_sensitive=False),
    help="Only lines of at least this level; lines without one are left out.",
)
@click.option(
    "--node", "nodes", multiple=True, metavar="RANK", help="Only lines of this node, such as 0 or g00r0; repeatable."
)
@job_options.jobs("The log of this job, managed or not.", "--file")
@options.output("text", "raw", "jsonl", "json")
@options.connection
def command(
    following: bool,
    tail: int | None,
    since: Moment | None,
    until: Moment | None,
    level: str | None,
    nodes: tuple[str, ...],
    asked: Asked,
    output: str,
    connection: Connection,
) -> Exit:
    """Print the logs of manifests' jobs, from their start. NAME may be a glob, such as 'lr-*'.

    Lines of several jobs come in the order of their times, each behind the name of its manifest.

    With -f: until the jobs end, and then 0 if all completed, else 1; or 7, where one has a status that is not known
    here and does not change for ten minutes. On a terminal, and where GitHub's runner reads them, escape sequences are
    taken out of the lines; elsewhere lines are as the job wrote them.
    """
    if following and any(name.endswith(_OF_FILES) for name in asked.names):
        raise click.UsageError("-f follows here, a path comes with --file PATH")
    if following and output == "json":
        raise click.UsageError("-o json is one document at the end; -o jsonl follows, one line each")
    if following and until:
        raise click.UsageError("--until has an end, and -f goes on")
    session = Session(output)

    def work() -> Exit:
        api = opened(connection)
        meant = narrowed(session, api, asked)
        jobs, complete = job_names.named_jobs(session, api, meant)
        now = api.clock.wall()
        start, ends = since(now) if since else None, until(now) if until else None
        wanted = Selection(start, ends, level and level.upper(), frozenset(nodes), tail)
        printer = _Printer(session, jobs, meant.several)
        heard = (follow if following else lines_so_far)(api, [each.job for each in jobs], wanted, session.note)
        last = printer.print(heard)
        if not following:
            return Exit.DONE
        ended = [_end(session, each.name if meant.several else "", last[each.job.id]) for each in jobs]
        return worst([*ended, *([] if complete else [Exit.FAILED])])

    return guarded(session, work)


class _Printer:
    """Prints lines as they come, or all as one document at the end; with several jobs each behind its label."""

    def __init__(self, session: Session, jobs: Sequence[Named], several: bool) -> None:
        self._session, self._several = session, several
        self._begun = {each.job.id: Heard((), each.job) for each in jobs}
        self._names = {each.job.id: each.name for each in jobs}
        shown = {job_id: cut(name, _MOST_LABEL) for job_id, name in self._names.items()} if several else {}
        width = max(map(columns, shown.values()), default=0)
        self._labels = {job_id: padded(label, width) for job_id, label in shown.items()}

    def print(self, heard: Iterator[Heard]) -> Mapping[str, Heard]:
        """Returns what was heard last of each job."""
        session, last, weight = self._session, dict(self._begun), 0
        told: dict[str, list[LogLine]] = {job_id: [] for job_id in self._names}
        for each in heard:
            last[each.job.id] = each
            if session.json:
                told[each.job.id] += each.lines
                weight += sum(line.weight for line in each.lines)
                if weight > _DOCUMENT:
                    few = "they are too long for one document; -o jsonl prints each line"
                    raise ApiError(f"logs of job {each.job.id}", few)
            elif each.lines:
                self._tell(each)
        if any(each.crowded for each in last.values()):
            session.note("warning: more than 1000 lines in one millisecond, of which the API shows no more")
        if session.json:
            session.result(self._document(last, told))
        return last

    def _document(self, last: Mapping[str, Heard], told: Mapping[str, list[LogLine]]) -> Page:
        if self._several:
            return as_json.logs((name, last[job_id].job, told[job_id]) for job_id, name in self._names.items())
        ((job_id, lines),) = told.items()
        return as_json.log(last[job_id].job, lines)

    def _tell(self, heard: Heard) -> None:
        """Print lines without escape sequences for a terminal or GitHub's runner, else as the job wrote them."""
        session, job_id = self._session, heard.job.id
        label = self._labels.get(job_id, "")
        if session.output == "jsonl":
            more = {"name": self._names[job_id], "job_id": job_id} if self._several else {}
            session.result(page(as_lines.jsonl(line, **more) for line in heard.lines))
        elif session.on_terminal or sink.read_by_runner():
            show = as_lines.TO_BE_READ[session.output]
            session.result(page(show(line, session.paint, label) for line in heard.lines))
        else:
            sink.out_as_written("\n".join(as_lines.AS_WRITTEN[session.output](line, label) for line in heard.lines))


def _end(session: Session, name: str, last: Heard) -> Exit:
    job: ObservedJob = last.job
    if last.gone:
        return Exit.FAILED
    if job.live:
        session.note(f"warning: {standing_still(job)}")
        return Exit.UNCLEAR
    job = replace(job, error_message=job.error_message if job.status_class is not StatusClass.DONE else None)
    why = f": {one_line(job.error_message, 300)}" if job.error_message else ""
    session.note(f"{name}{': ' if name else ''}job {job.id} is {short(job.status)}{why}")
    return Exit.DONE if job.status_class is StatusClass.DONE else Exit.FAILED
