"""`code`: what a job was submitted with, and whether it is the code of its commit."""

import tempfile
from dataclasses import replace
from os.path import dirname, realpath
from typing import BinaryIO, cast

import click

from baseten_jobs.cli import job_options, options, runs_meant
from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.helped import HelpedCommand
from baseten_jobs.cli.interrupts import raising
from baseten_jobs.cli.job_names import Asked
from baseten_jobs.cli.progress import ByteProgress
from baseten_jobs.cli.runs_meant import Meant
from baseten_jobs.cli.session import Session, guarded, opened, or_default
from baseten_jobs.git.repository import first_repository
from baseten_jobs.job.content import File, content_digest
from baseten_jobs.job.names import parse_job_name
from baseten_jobs.manifest.paths import check_landing
from baseten_jobs.manifest.sources import STDIN
from baseten_jobs.phrases import count, one_line, page
from baseten_jobs.planning.history.provenance import provenance
from baseten_jobs.planning.history.verdict import Provenance, Verdict
from baseten_jobs.planning.plan import Policy
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.connection import Connection
from baseten_jobs.provider.api.link import LinkFailed
from baseten_jobs.provider.downloads.archive import NoCode, fetch_archive
from baseten_jobs.report import code_list
from baseten_jobs.report.code_list import Submitted
from baseten_jobs.workspace.unpacking import NotAnArchive, files_in, unpack

_FAULTS = 20
"""Faults that are told one by one at most."""

_EXITS = {Verdict.OTHER: Exit.FAILED, Verdict.UNKNOWN: Exit.UNCLEAR}


@click.command("code", cls=HelpedCommand)
@click.option(
    "--out",
    metavar="DIR",
    shell_complete=options.complete_paths,
    help="Unpack it into this folder, which has to be new or empty.",
)
@job_options.one_job("The code of this job, managed or not.")
@options.verbose
@options.output("text", "json")
@options.connection
def command(
    out: str | None,
    asked: Asked,
    verbose: bool,
    output: str,
    connection: Connection,
) -> Exit:
    """Download what a job was submitted with, and say whether it is the code of its commit.

    The digest of spec and code is worked out again from the files, and compared with the one in the job's name. Exits
    with 1 if the files are not those of the commit, and with 7 if that can't be told. NAME may be a glob that matches
    one manifest. With --out, nothing is unpacked if a path or a link in the archive leads out of DIR.
    """
    session = Session(output, verbose=verbose)

    def work() -> Exit:
        api = opened(connection)
        try:
            meant = runs_meant.one(session, api, asked)
            with raising(), tempfile.TemporaryFile() as archive:
                _fetch(session, api, meant, cast(BinaryIO, archive))
                return _told(session, meant, cast(BinaryIO, archive), asked.paths, out)
        except NoCode as error:
            return session.fail(f"{error} of {one_line(meant.name)}", Exit.FAILED)
        except (LinkFailed, NotAnArchive) as error:
            return session.fail(f"the code of job {meant.job.id} can't be had: {error}", Exit.FAILED)
        except OSError as error:
            reason = error.strerror or str(error)
            return session.fail(
                f"{one_line(out or tempfile.gettempdir(), 1024)} can't be written: {reason}", Exit.FAILED
            )

    return guarded(session, work)


def _fetch(session: Session, api: Api, meant: Meant, archive: BinaryIO) -> None:
    progress = ByteProgress(session.output)
    try:
        archives = fetch_archive(api, meant.job, archive, progress)
    finally:
        progress.close()
    if archives > 1:
        session.note(f"note: job {meant.job.id} has {count(archives, 'archive')}, and this is the first")


def _told(session: Session, meant: Meant, archive: BinaryIO, paths: tuple[str, ...], out: str | None) -> Exit:
    found = files_in(archive)
    if found.faults:
        more = [f"  … and {len(found.faults) - _FAULTS} more"] if len(found.faults) > _FAULTS else []
        told = [f"  {fault}" for fault in found.faults[:_FAULTS]]
        return session.fail(page([f"the archive of job {meant.job.id} is refused:", *told, *more]), Exit.FAILED)
    whose = _whose(meant, found.files, paths)
    digest = content_digest(found.files)
    submitted = Submitted(meant.name, meant.run, meant.job.id, found.files, digest, whose)
    if out:
        check_landing(out)
        unpack(archive, out)
        submitted = replace(submitted, out=out)
    session.result(code_list.document(submitted) if session.json else code_list.text(submitted, session.look()))
    return _EXITS.get(submitted.provenance.verdict, Exit.DONE)


def _whose(meant: Meant, files: tuple[File, ...], paths: tuple[str, ...]) -> Provenance:
    """The identity is that of the job's own name: what a manifest adopts has no digest of its code in it."""
    request = meant.request
    place = [request.path] if request else [path for path in or_default(paths) if path != STDIN]
    folders = dict.fromkeys(dirname(realpath(path)) for path in place)
    with first_repository(folders or (".",)) as repository:
        return provenance(repository, request, parse_job_name(meant.job.name), files, Policy().history)
