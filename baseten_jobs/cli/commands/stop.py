"""`stop`: jobs by their manifest's name, or one by its id."""

from collections.abc import Sequence

import click

from baseten_jobs.cli import job_names, options, sink
from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.session import Session, guarded, opened
from baseten_jobs.phrases import page
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.connection import Connection
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.status import Status, by_itself
from baseten_jobs.provider.stop import stop_job
from baseten_jobs.report import json as as_json
from baseten_jobs.report import stop_list
from baseten_jobs.report.stop_list import Listed

_PATIENCE = 60.0


@click.command("stop")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=options.complete_names)
@click.option("--job", "job_ids", multiple=True, metavar="ID", help="Stop this job, managed or not.")
@options.files
@options.allow_outside
@options.output("text", "json")
@click.option("-y", "--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
@options.connection
def command(
    names: tuple[str, ...],
    job_ids: tuple[str, ...],
    paths: tuple[str, ...],
    allowed: tuple[str, ...],
    output: str,
    yes: bool,
    connection: Connection,
) -> Exit:
    """Stop the live job of each manifest by NAME, which may be a glob such as 'qwen3-*', or any job by its id.

    The jobs are listed, and it asks first. Where several jobs of one name live, these are listed, and none of any name
    is stopped: choose with --job ID.
    """
    if not names and not job_ids:
        raise click.UsageError("name a manifest, or a job with --job ID")
    session = Session(output)

    def work() -> Exit:
        try:
            compiled = job_names.manifests(session, paths, names, allowed) if names else None
            api = opened(connection)
            rows = job_names.rows(session, api, compiled) if compiled else ()
            live = job_names.live_jobs(session, rows)
            by_id = [(by_itself(job), job) for job in job_names.jobs_by_id(session, api, job_ids)]
        except job_names.CommandEnded as end:
            return end.code
        _tell_others(session, rows)
        found = {
            job.id: Listed(row.request.name, str(row.request.project), job) for row, job in (*by_id, *live) if job.live
        }
        return _stop(session, api, tuple(found.values()), yes)

    return guarded(session, work)


def _tell_others(session: Session, rows: tuple[Status, ...]) -> None:
    for row in rows:
        for job in row.others:
            session.note(f"job {job.id} runs another spec of {row.request.name} than the manifest's")


def _stop(session: Session, api: Api, found: Sequence[Listed], yes: bool) -> Exit:
    jobs = [each.job for each in found]
    if found:
        session.note(page(stop_list.jobs(found, api.clock.wall())))
    if jobs and not yes and not sink.confirmed(f"Stop {len(jobs)}?"):
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
        session.result(page([f"stopped job {job_id}" for job_id in stopped] or ["nothing to stop"]))
    return Exit.FAILED if failed else Exit.DONE
