"""`checkpoints`: what a manifest's job saved: listed, downloaded, or written down for a deployment."""

from collections.abc import Callable

import click

from baseten_jobs.cli import options, runs_meant
from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.implied import ListsByDefault
from baseten_jobs.cli.job_names import CommandEnded
from baseten_jobs.cli.runs_meant import Meant
from baseten_jobs.cli.session import Session, guarded, opened
from baseten_jobs.job.checkpoint import checkpoints_in, newest
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.connection import Connection
from baseten_jobs.report import checkpoint_list
from baseten_jobs.report import json as as_json
from baseten_jobs.report.checkpoint_list import Listed

_HELP = {"help_option_names": ["-h", "--help"]}


@click.group("checkpoints", cls=ListsByDefault, context_settings=_HELP, subcommand_metavar="[NAME | COMMAND] ...")
def command() -> None:
    """List the checkpoints of a manifest's job, download their files, or write down how to deploy one.

    `checkpoints NAME` is `checkpoints list NAME`, which a manifest called like a command needs.

    Example: baseten-jobs checkpoints download qwen3-sft --latest --to weights
    """


@command.command("list")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=options.complete_names)
@click.option("--latest", is_flag=True, help="Only the newest checkpoint of each job that is synced whole.")
@click.option("--job", "job_ids", multiple=True, metavar="ID", help="The checkpoints of this job, managed or not.")
@options.files
@options.allow_outside
@options.output("text", "json")
@options.connection
def listing(
    names: tuple[str, ...],
    latest: bool,
    job_ids: tuple[str, ...],
    paths: tuple[str, ...],
    allowed: tuple[str, ...],
    output: str,
    connection: Connection,
) -> Exit:
    """List the checkpoints of each manifest's live job, or else of the last job of its spec. NAME may be a glob.

    SYNC is whether all of a checkpoint was copied out of the job: only then can it be downloaded whole.

    Example: baseten-jobs checkpoints qwen3-sft --latest -o json
    """
    if not (names or job_ids):
        raise click.UsageError("name a manifest, or a job with --job ID")
    session = Session(output)

    def work(api: Api) -> Exit:
        found = [_listed(api, each) for each in runs_meant.several(session, api, paths, names, job_ids, allowed)]
        if latest:
            found = [each._replace(checkpoints=tuple(filter(None, [newest(each.checkpoints)]))) for each in found]
        if session.json:
            session.result(as_json.failure("", jobs=checkpoint_list.data(found)))
        else:
            session.result(checkpoint_list.text(found, session.look()))
        return Exit.FAILED if latest and not all(each.checkpoints for each in found) else Exit.DONE

    return _called(session, connection, work)


def _called(session: Session, connection: Connection, work: Callable[[Api], Exit]) -> Exit:
    def guarded_work() -> Exit:
        try:
            return work(opened(connection))
        except CommandEnded as end:
            return end.code

    return guarded(session, guarded_work)


def _listed(api: Api, meant: Meant) -> Listed:
    rows = api.checkpoints(meant.job.project_id, meant.job.id)
    return Listed(meant.name, meant.run, meant.job.id, checkpoints_in(rows))
