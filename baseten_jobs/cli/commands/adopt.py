"""`adopt`: a job that runs already, written into its manifest."""

import os
from codecs import BOM_UTF8
from pathlib import Path
from typing import Any

import click

from baseten_jobs.cli import job_names, options
from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.helped import HelpedCommand
from baseten_jobs.cli.session import Session, guarded, opened
from baseten_jobs.job.identity import SHOWN
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.job.request import JobRequest
from baseten_jobs.manifest import edit
from baseten_jobs.manifest.document import Document
from baseten_jobs.manifest.paths import check_landing
from baseten_jobs.manifest.sources import STDIN
from baseten_jobs.phrases import one_line
from baseten_jobs.pipeline import look
from baseten_jobs.planning.decide import revealed
from baseten_jobs.provider.api.connection import Connection
from baseten_jobs.report import json as as_json
from baseten_jobs.report.word_diff import told


@click.command("adopt", cls=HelpedCommand)
@click.argument("name", metavar="NAME", shell_complete=options.complete_names)
@click.option("--job", "job_id", metavar="ID", required=True, help="The job that runs the manifest's spec.")
@options.files
@options.allow_outside
@options.output("text", "json")
@options.connection
def command(
    name: str,
    job_id: str,
    paths: tuple[str, ...],
    allowed: tuple[str, ...],
    output: str,
    connection: Connection,
) -> Exit:
    """Write into the manifest NAME that a job, started without this tool, runs its spec as it is now.

    From the next plan on the job counts as the manifest's own: it is not submitted again. Nothing is sent. NAME may be
    a glob that matches one manifest.
    """
    session = Session(output)

    def work() -> Exit:
        compiled = job_names.manifest(session, paths, name, allowed)
        api = opened(connection)
        (job,) = job_names.jobs_by_id(session, api, [job_id])
        (manifest,) = compiled.manifests
        document, request = manifest.document, manifest.request
        observation, diagnostics = look(api, compiled)
        if diagnostics:
            return session.invalid(diagnostics)
        if refusal := _refusal(request, observation.project(request.project).id, job, document):
            return session.fail(refusal, Exit.FAILED)
        for change in revealed(request, job):
            session.note(f"warning: {change.field} is {told(change.new)} here, and {told(change.old)} of job {job.id}")
        return _write(session, document, request, job)

    return guarded(session, work)


def _refusal(request: JobRequest, project_id: str | None, job: ObservedJob, document: Document) -> str:
    """Why a manifest can't adopt a job; empty if it can."""
    if document.path == STDIN or os.path.islink(document.path):
        return f"{document.path} can't be written to; name the file itself"
    if project_id is None or job.project_id != project_id:
        return f"job {job.id} is not in the project '{request.project}'"
    if job.identity == request.identity:
        return f"job {job.id} is {request.name}'s own already: {one_line(job.name or '')}"
    if job.identity is not None and job.identity.name != request.name:
        of = f"job {job.id} is a run of another manifest, '{job.identity.name}'"
        return f"{of}: `metadata.renamed_from` claims that name"
    return ""


def _write(session: Session, document: Document, request: JobRequest, job: ObservedJob) -> Exit:
    adopts: dict[str, Any] = {"job": job.id, "digest": request.digest[:SHOWN]}
    adopts |= {"attempt": request.attempt} if request.attempt > 1 else {}
    field, path = edit.written(document, adopts), Path(document.path)
    section = edit.section(document)
    try:
        check_landing(document.path)
        raw = path.read_bytes()
        mark = raw[: len(BOM_UTF8)] if raw.startswith(BOM_UTF8) else b""
        text = edit.adopting(document, raw.removeprefix(mark).decode("utf-8"), adopts)
        if text is None:
            return session.fail(f"{path}:{document.line}: write it into `{section}` yourself: {field}", Exit.FAILED)
        path.write_bytes(mark + text.encode("utf-8"))
    except OSError as error:
        return session.fail(f"{one_line(str(path))} can't be written: {error.strerror}", Exit.FAILED)
    if session.json:
        session.result(as_json.adopted(request, adopts))
    else:
        session.result(f"{one_line(document.path, 1024)}: {section}: {field}")
        session.result(f"commit it: from then on job {job.id} counts as {request.name}'s own")
    return Exit.DONE
