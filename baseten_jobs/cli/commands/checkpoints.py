"""`checkpoints`: what a manifest's job saved: listed, downloaded, or written down for a deployment."""

import os
import re
import shlex
from collections.abc import Callable, Sequence

import click

from baseten_jobs.cli import download_run, job_options, options, runs_meant
from baseten_jobs.cli.checkpoint_choice import chosen_ids, listed_of, to_deploy
from baseten_jobs.cli.deployment import deployment_of
from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.implied import ListsByDefault
from baseten_jobs.cli.job_names import Asked
from baseten_jobs.cli.job_of_name import narrowed
from baseten_jobs.cli.runs_meant import Meant
from baseten_jobs.cli.session import Session, guarded, opened
from baseten_jobs.job.checkpoint import newest
from baseten_jobs.manifest.paths import check_landing
from baseten_jobs.phrases import listed, one_line, page
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.connection import Connection
from baseten_jobs.provider.downloads.fetching import FolderBusy
from baseten_jobs.provider.downloads.listing import files_of
from baseten_jobs.provider.downloads.places import Folder
from baseten_jobs.provider.downloads.remote_files import chosen
from baseten_jobs.report import checkpoint_list, truss_deployment
from baseten_jobs.report import json as as_json
from baseten_jobs.report.truss_deployment import Deployment

_HELP = {"help_option_names": ["-h", "--help"]}


@click.group("checkpoints", cls=ListsByDefault, context_settings=_HELP, subcommand_metavar="[NAME | COMMAND] ...")
def command() -> None:
    """List the checkpoints of a manifest's job, download their files, or write down how to deploy one.

    `checkpoints NAME` is `checkpoints list NAME`, which a manifest called like a command needs.
    """


@command.command("list", short_help="List checkpoints; need not be said.")
@click.option("--latest", is_flag=True, help="Only the newest checkpoint of each job that is synced whole.")
@job_options.jobs("The checkpoints of this job, managed or not.")
@options.output("text", "json")
@options.connection
def listing(
    latest: bool,
    asked: Asked,
    output: str,
    connection: Connection,
) -> Exit:
    """List the checkpoints of each manifest's live job, or else of the last job of its spec. NAME may be a glob.

    SYNC is whether all of a checkpoint was copied out of the job: only then can it be downloaded whole.
    """
    session = Session(output)

    def work(api: Api) -> Exit:
        found = [listed_of(api, each) for each in runs_meant.several(session, api, narrowed(session, api, asked))]
        if latest:
            found = [each._replace(checkpoints=tuple(filter(None, [newest(each.checkpoints)]))) for each in found]
        if session.json:
            session.result(checkpoint_list.document(found))
        else:
            session.result(checkpoint_list.text(found, session.look()))
        return Exit.FAILED if latest and not all(each.checkpoints for each in found) else Exit.DONE

    return _called(session, connection, work)


@command.command("download", short_help="Download their files.")
@click.option(
    "--to",
    "folder",
    metavar="DIR",
    shell_complete=options.complete_paths,
    help="Write below this folder, instead of checkpoints/<job id>.",
)
@click.option("--checkpoint", "ids", multiple=True, metavar="ID", help="Only the files of this checkpoint. Repeatable.")
@click.option("--latest", is_flag=True, help="Only those of the newest checkpoint that is synced whole.")
@click.option(
    "--include",
    "patterns",
    multiple=True,
    metavar="PATTERN",
    help="Only files that this glob matches: by their own name, or with a / in it by the whole path. Repeatable.",
)
@click.option("--force", is_flag=True, help="Replace files that are there and are not what the job has.")
@job_options.one_job("The files of this job, managed or not.")
@options.output("text", "json")
@options.connection
def download(
    folder: str | None,
    ids: tuple[str, ...],
    latest: bool,
    patterns: tuple[str, ...],
    force: bool,
    asked: Asked,
    output: str,
    connection: Connection,
) -> Exit:
    """Download the files of checkpoints, of each node into DIR/node-<rank>/. NAME may be a glob that matches one.

    The API names the node and the path of a file, but not its checkpoint: a file is one of a checkpoint if the folders
    of its path have that checkpoint's id among them. Files that are whole are kept, and those that broke off are gone
    on with: after an interrupt or a failure the same command goes on. Nothing is written if any path leads out of DIR.
    """
    if latest and ids:
        raise click.UsageError("--latest and --checkpoint each choose: give one")
    session = Session(output)

    def work(api: Api) -> Exit:
        meant = runs_meant.one(session, api, asked)
        where = Folder(os.path.normpath(folder or os.path.join("checkpoints", _plain(meant.job.id))))
        wanted = chosen_ids(session, api, meant, ids, latest)
        files = chosen(files_of(api, meant.job), wanted, patterns)
        if not files:
            return session.fail(_nothing(meant, wanted, patterns), Exit.FAILED)
        try:
            check_landing(where.path)
            if faults := where.faults(files, replace=force):
                return session.fail(page(["nothing was written:", *download_run.first(faults)]), Exit.FAILED)
            if short := download_run.lacking(where, files):
                return session.fail(f"nothing was written: {short}", Exit.FAILED)
            return download_run.told(session, where, download_run.fetched(session, api, meant, files, where))
        except (OSError, FolderBusy) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            return session.fail(f"{one_line(where.path, 1024)} can't be written: {reason}", Exit.FAILED)

    return _called(session, connection, work)


@command.command("deploy", short_help="Write the truss client's file to deploy one.")
@click.option(
    "--checkpoint",
    "ids",
    multiple=True,
    metavar="ID",
    help="Deploy this checkpoint, and not the newest that is synced whole. Repeatable for LoRA.",
)
@click.option(
    "--out",
    metavar="FILE",
    shell_complete=options.complete_paths,
    help="Write this file, or standard output with -, instead of deploy-<name>.py.",
)
@click.option("--force", is_flag=True, help="Overwrite the file if it is there already.")
@job_options.one_job("Of this job, managed or not.")
@options.output("text", "json")
@options.connection
def deploy(
    ids: tuple[str, ...],
    out: str | None,
    force: bool,
    asked: Asked,
    output: str,
    connection: Connection,
) -> Exit:
    """Write the file from which the truss client deploys a checkpoint, and print the command; nothing is deployed.

    It has the checkpoint, its base model, the GPUs of one node of the job, and the secret that the manifest gives as
    HF_TOKEN. NAME may be a glob that matches one manifest.
    """
    session = Session(output)

    def work(api: Api) -> Exit:
        meant = runs_meant.one(session, api, asked)
        wanted = deployment_of(meant, to_deploy(session, api, meant, ids))
        if wanted.fault:
            return session.fail(wanted.fault, Exit.FAILED)
        path = out or f"deploy-{wanted.model}.py"
        text = truss_deployment.text(wanted)
        try:
            if path != options.STANDARD_OUTPUT:
                _write(path, text, force=force)
        except FileExistsError:
            return session.fail(f"{one_line(path, 1024)} is there already; --force overwrites it", Exit.FAILED)
        except OSError as error:
            return session.fail(f"{one_line(path, 1024)} can't be written: {error.strerror}", Exit.FAILED)
        return _written(session, wanted, path, text)

    return _called(session, connection, work)


def _write(path: str, text: str, *, force: bool) -> None:
    """Raises OSError, and FileExistsError unless it may be overwritten."""
    check_landing(path)
    with open(path, "w" if force else "x", encoding="utf-8") as file:
        file.write(f"{text}\n")


def _written(session: Session, wanted: Deployment, path: str, text: str) -> Exit:
    shown = "FILE" if path == options.STANDARD_OUTPUT else path
    command = ["truss", "train", "deploy_checkpoints", "--config", shown]
    if session.json:
        ids = [each.id for each in wanted.checkpoints]
        session.result(
            as_json.failure(
                "", job_id=wanted.job_id, checkpoints=ids, path=None if shown == "FILE" else path, config=text,
                command=command, gaps=list(wanted.gaps),
            )
        )  # fmt: skip
    elif path == options.STANDARD_OUTPUT:
        session.result(text)
    else:
        session.result(shlex.join(command))
    for gap in wanted.gaps:
        session.note(f"note: {gap}")
    return Exit.DONE


def _nothing(meant: Meant, wanted: Sequence[str], patterns: Sequence[str]) -> str:
    of = f" of {listed([one_line(each) for each in wanted])}" if wanted else ""
    like = f" like {listed([one_line(each) for each in patterns])}" if patterns else ""
    return f"{one_line(meant.name)} (job {meant.job.id}) has no checkpoint file{like}{of}"


def _plain(job_id: str) -> str:
    """The id as the name of a folder, whatever a server makes of it."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", job_id) or "job"


def _called(session: Session, connection: Connection, work: Callable[[Api], Exit]) -> Exit:
    return guarded(session, lambda: work(opened(connection)))
