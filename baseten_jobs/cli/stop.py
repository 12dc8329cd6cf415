"""`stop`: jobs by their manifest's name, or one by its id."""

import sys

import click

from baseten_jobs import pipeline, validation
from baseten_jobs.api.client import Api
from baseten_jobs.api.connection import Connection, open_api
from baseten_jobs.api.errors import ApiError
from baseten_jobs.api.pacing import Clock
from baseten_jobs.cli import options
from baseten_jobs.cli.session import Session, guarded, or_default
from baseten_jobs.observation import ObservedJob
from baseten_jobs.observe import job_by_id
from baseten_jobs.outcome import Exit
from baseten_jobs.report import json as as_json
from baseten_jobs.stopping import stop_job

_PATIENCE = 60.0


@click.command("stop")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--job", "job_ids", multiple=True, metavar="ID", help="Stop this job, managed or not.")
@options.files
@options.output("text", "json")
@click.option("-y", "--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
@options.connection
def command(
    names: tuple[str, ...],
    job_ids: tuple[str, ...],
    paths: tuple[str, ...],
    output: str,
    yes: bool,
    connection: Connection,
) -> Exit:
    """Stop the live jobs of manifests by NAME, or any job by its id; asks first."""
    if not names and not job_ids:
        raise click.UsageError("name a manifest, or a job with --job ID")
    session = Session(output)
    compiled = validation.Compiled((), (), ())
    if names:
        compiled = validation.compile_all(or_default(paths), session.stdin, strict=False)
        if not compiled.valid:
            return session.invalid(compiled.diagnostics)
        compiled, unknown = compiled.named(names)
        if unknown:
            return session.fail(f"no manifest has the name {', '.join(unknown)}", Exit.FAILED)
        if ambiguous := compiled.ambiguous():
            return session.fail(f"several manifests have the name {ambiguous}; choose one with -f", Exit.FAILED)

    def work() -> Exit:
        api = open_api(connection, Clock())
        rows, diagnostics = pipeline.status(api, compiled) if names else ((), ())
        if diagnostics:
            return session.invalid(diagnostics)
        jobs = [job for row in rows for job in (row.duplicates or ((row.job,) if row.job else ())) if job.live]
        for job_id in job_ids:
            found = job_by_id(api, job_id)
            jobs += [found] if found else []
        missing = [i for i in job_ids if all(i != job.id for job in jobs)]
        if missing:
            return session.fail(f"there is no job {', '.join(missing)}", Exit.FAILED)
        return _stop(session, api, [job for job in jobs if job.live], yes)

    return guarded(session, work)


def _stop(session: Session, api: Api, jobs: list[ObservedJob], yes: bool) -> Exit:
    for job in jobs:
        session.note(f"  job {job.id}  {job.status}  {job.name}")
    if jobs and not yes:
        asked = sys.stdin.isatty() and sys.stderr.isatty()
        if not asked or not click.confirm(f"Stop {len(jobs)}?", default=False, err=True):
            return session.fail("not confirmed, so nothing was stopped; --yes confirms", Exit.REFUSED)
    stopped, failed = [], []
    for job in jobs:
        try:
            stop_job(api, job.project_id, job.id, _PATIENCE)
            stopped.append(job.id)
        except ApiError as error:
            failed.append(f"job {job.id} could not be stopped: {error}")
            session.error(failed[-1])
            if error.status == 401:
                session.result(as_json.failure(failed[-1], stopped=stopped)) if session.json else None
                return Exit.UNAUTHORISED
    if session.json:
        session.result(as_json.failure("; ".join(failed), stopped=stopped))
    else:
        session.result("\n".join(f"stopped job {job_id}" for job_id in stopped) or "nothing to stop")
    return Exit.FAILED if failed else Exit.DONE
