"""`runs`: every run of the manifests in this repository's history, and what differs between two."""

import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from baseten_jobs.cli import options, values_option
from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.helped import HelpedCommand
from baseten_jobs.cli.moment_option import MomentType
from baseten_jobs.cli.run_record import NoSuchRun, Wanted, recorded
from baseten_jobs.cli.session import Session, guarded, opened
from baseten_jobs.git.objects import NotWhole
from baseten_jobs.git.process import GitError
from baseten_jobs.git.repository import NotInGit, first_repository
from baseten_jobs.phrases import one_line
from baseten_jobs.planning.history.run_commits import RunCommits
from baseten_jobs.planning.records.record import Telling
from baseten_jobs.planning.records.sums import BY
from baseten_jobs.report import formats
from baseten_jobs.secrecy import Values

if TYPE_CHECKING:
    from baseten_jobs.provider.api.connection import Connection

_DIFF = "diff"

Work = Callable[[RunCommits], Exit]


class _Runs(HelpedCommand):
    """`runs NAME...`, and `runs diff A B`; a manifest that is called `diff` comes behind `--`."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if args[:1] == [_DIFF]:
            return diff.make_context(f"{info_name} {_DIFF}", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


_place = click.option(
    "-C", "--repository", "folder", default=".", metavar="DIR", type=click.Path(exists=True, file_okay=False),
    shell_complete=options.complete_paths, help="A folder in the repository (default: this one).",
)  # fmt: skip


@click.command("runs", cls=_Runs)
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=options.complete_names)
@click.option("--since", type=MomentType(), help="Only runs that lived in the last 12h or 7d, or after a time, in UTC.")
@click.option("--by", type=click.Choice(BY), default=None, help="Show sums instead of runs.")
@click.option("--all", "every", is_flag=True, help="List the jobs, too, that no manifest ever had.")
@values_option.values
@_place
@options.output(*formats.RUNS)
@options.connection
def command(
    names: tuple[str, ...],
    since: Any,
    by: str | None,
    every: bool,
    values: Values,
    folder: str,
    output: str,
    connection: "Connection",
) -> Exit:
    """Show every run of the manifests in this repository's history, living and deleted ones, or of those named.

    NAME may be a glob, such as 'qwen3-*'. Each run comes with the commit that wrote its spec. Its cost is what was
    billed so far; with ≤ in front it is the most that it can be, by time and price. A run started when its job was
    created.

    `runs --since 7d --by author` sums up a week, `runs -o html > runs.html` writes a page for a browser, and
    `runs diff A B` shows what differs between two runs: job ids, or names with a digest.
    """
    session = Session(output, values)

    def work(commits: RunCommits) -> Exit:
        record = recorded(opened(connection), commits, Wanted(names, since))
        if output == "html":
            from baseten_jobs.cli.run_pairs import steps

            record = replace(record, steps=steps(commits, record.runs))
        for note in record.notes:
            session.note(f"note: {note}")
        session.result(formats.RUNS[output](record, Telling(by or "", every), session.look()))
        return Exit.DONE

    return _in_repository(session, folder, work)


@click.command("runs diff", cls=HelpedCommand)
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@values_option.values
@click.option("-v", "--verbose", is_flag=True, help="Show the lines of the code that differ, and every file.")
@_place
@options.output(*formats.RUN_DIFF)
@options.connection
def diff(a: str, b: str, values: Values, verbose: bool, folder: str, output: str, connection: "Connection") -> Exit:
    """Show what differs between the specs, and the code, of two runs.

    A and B are ids of jobs, or names such as 'qwen3-8b-sft--7fd2db879ec0'. The specs, and the files of a workspace,
    come out of git: what it does not have is said. -v shows the lines of the code.
    """
    from baseten_jobs.cli.run_pairs import compared, pair_of

    session = Session(output, values, verbose)

    def work(commits: RunCommits) -> Exit:
        pair = pair_of(recorded(opened(connection), commits, Wanted()), (a, b))
        session.result(formats.RUN_DIFF[output](pair, compared(commits, *pair, by_line=True), session.look()))
        return Exit.DONE

    return _in_repository(session, folder, work)


def _in_repository(session: Session, folder: str, work: Work) -> Exit:
    with first_repository((os.path.realpath(folder),)) as repository:
        if isinstance(repository, NotInGit):
            return session.fail(repository.reason, Exit.FAILED)
        try:
            commits = RunCommits(repository)
            return guarded(session, lambda: work(commits))
        except NoSuchRun as error:
            return session.fail(str(error), Exit.FAILED)
        except (GitError, NotWhole) as error:
            return session.fail(one_line(str(error), 500), Exit.FAILED)
