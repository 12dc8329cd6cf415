"""`checkpoints`: what a manifest's job saved: listed, downloaded, or written down for a deployment."""

import os
import re
import shutil
from collections.abc import Callable, Sequence

import click

from baseten_jobs.cli import options, runs_meant
from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.implied import ListsByDefault
from baseten_jobs.cli.interrupts import raising
from baseten_jobs.cli.job_names import CommandEnded
from baseten_jobs.cli.progress import UploadProgress
from baseten_jobs.cli.runs_meant import Meant
from baseten_jobs.cli.session import Session, guarded, opened
from baseten_jobs.job.checkpoint import Checkpoint, checkpoints_in, newest
from baseten_jobs.manifest.paths import check_landing
from baseten_jobs.phrases import human, listed, one_line, page
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.connection import Connection
from baseten_jobs.provider.downloads.fetching import FolderBusy, fetch
from baseten_jobs.provider.downloads.listing import files_of
from baseten_jobs.provider.downloads.outcome import Downloaded, Fate
from baseten_jobs.provider.downloads.partial import begun
from baseten_jobs.provider.downloads.places import Folder, is_whole
from baseten_jobs.provider.downloads.remote_files import RemoteFile, chosen
from baseten_jobs.report import checkpoint_list, download_list
from baseten_jobs.report import json as as_json
from baseten_jobs.report.checkpoint_list import Listed

_FAULTS = 20
"""Faults that are told one by one at most."""

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


@command.command("download")
@click.argument("name", metavar="[NAME]", required=False, shell_complete=options.complete_names)
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
@click.option("--job", "job_id", metavar="ID", help="The files of this job, managed or not.")
@options.files
@options.allow_outside
@options.output("text", "json")
@options.connection
def download(
    name: str | None,
    folder: str | None,
    ids: tuple[str, ...],
    latest: bool,
    patterns: tuple[str, ...],
    force: bool,
    job_id: str | None,
    paths: tuple[str, ...],
    allowed: tuple[str, ...],
    output: str,
    connection: Connection,
) -> Exit:
    """Download the files of checkpoints, of each node into DIR/node-<rank>/. NAME may be a glob that matches one.

    The API names the node and the path of a file, but not its checkpoint: a file is one of a checkpoint if the folders
    of its path have that checkpoint's id among them. Files that are whole are kept, and those that broke off are gone
    on with: after an interrupt or a failure the same command goes on. Nothing is written if any path leads out of DIR.

    Example: baseten-jobs checkpoints download qwen3-sft --latest --include '*.safetensors' --to weights
    """
    runs_meant.check_one(name, job_id)
    if latest and ids:
        raise click.UsageError("--latest and --checkpoint each choose: give one")
    session = Session(output)

    def work(api: Api) -> Exit:
        meant = runs_meant.one(session, api, paths, name, job_id, allowed)
        where = Folder(os.path.normpath(folder or os.path.join("checkpoints", _plain(meant.job.id))))
        wanted = _chosen(session, api, meant, ids, latest)
        files = chosen(files_of(api, meant.job), wanted, patterns)
        if not files:
            return session.fail(_nothing(meant, wanted, patterns), Exit.FAILED)
        try:
            check_landing(where.path)
            if faults := where.faults(files, replace=force):
                return session.fail(page(["nothing was written:", *_first(faults)]), Exit.FAILED)
            if lacking := _lacking(where, files):
                return session.fail(f"nothing was written: {lacking}", Exit.FAILED)
            return _told(session, where, _fetched(session, api, meant, files, where))
        except (OSError, FolderBusy) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            return session.fail(f"{one_line(where.path, 1024)} can't be written: {reason}", Exit.FAILED)

    return _called(session, connection, work)


def _chosen(session: Session, api: Api, meant: Meant, ids: tuple[str, ...], latest: bool) -> tuple[str, ...]:
    """The ids of the checkpoints that are asked for, none for all; a note for each that may not be whole yet."""
    found = _listed(api, meant).checkpoints
    if latest:
        last = newest(found)
        if last is None:
            raise CommandEnded(session.fail(f"no checkpoint of job {meant.job.id} is synced", Exit.FAILED))
        ids = (last.id,)
    for each in ids:
        if each not in {one.id for one in found}:
            session.note(f"warning: job {meant.job.id} lists no checkpoint '{one_line(each)}'{_known(found)}")
    for name in dict.fromkeys(one.id for one in found if not one.synced and (not ids or one.id in ids)):
        session.note(f"warning: {one_line(name)} is not synced: some of its files may be missing")
    return ids


def _known(found: Sequence[Checkpoint]) -> str:
    ids = [one_line(each.id, 60) for each in reversed(found)]
    return f"; it has {listed(ids)}" if ids else ""


def _nothing(meant: Meant, wanted: Sequence[str], patterns: Sequence[str]) -> str:
    of = f" of {listed([one_line(each) for each in wanted])}" if wanted else ""
    like = f" like {listed([one_line(each) for each in patterns])}" if patterns else ""
    return f"{one_line(meant.name)} (job {meant.job.id}) has no checkpoint file{like}{of}"


def _lacking(where: Folder, files: Sequence[RemoteFile]) -> str:
    """Why the disk has no room for these files; empty if it has."""
    needed = sum(f.size - begun(where.place(f), f) for f in files if not is_whole(where.place(f), f))
    there = where.path
    while not os.path.isdir(there):
        there = os.path.dirname(there) or os.curdir
    free = shutil.disk_usage(there).free
    return f"{human(needed)} are needed, and {human(free)} are free" if needed > free else ""


def _fetched(session: Session, api: Api, meant: Meant, files: Sequence[RemoteFile], where: Folder) -> Downloaded:
    progress = UploadProgress(session.output)
    try:
        with raising():
            return fetch(api, meant.job, files, where, progress)
    finally:
        progress.close()


def _told(session: Session, where: Folder, done: Downloaded) -> Exit:
    left = done.interrupted or done.of(Fate.FAILED) or done.of(Fate.LEFT)
    error = "interrupted" if done.interrupted else "not all files were downloaded" if left else ""
    if session.json:
        session.result(as_json.failure(error, **download_list.data(done, where.path)))
    else:
        session.result(download_list.text(done, where.path))
    if left:
        session.error(f"{error}; what is there stays, and the same command goes on")
    return Exit.INTERRUPTED if done.interrupted else Exit.FAILED if left else Exit.DONE


def _first(faults: Sequence[str]) -> list[str]:
    more = [f"  … and {len(faults) - _FAULTS} more"] if len(faults) > _FAULTS else []
    return [*(f"  {fault}" for fault in faults[:_FAULTS]), *more]


def _plain(job_id: str) -> str:
    """The id as the name of a folder, whatever a server makes of it."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", job_id) or "job"


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
