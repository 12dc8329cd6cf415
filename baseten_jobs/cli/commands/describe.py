"""`describe`: all that git and the API tell of a job, by its manifest's name or its id."""

from dataclasses import replace

import click

from baseten_jobs.cli import job_names, job_options, options
from baseten_jobs.cli.descriptions import descriptions, heirs_of
from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.helped import HelpedCommand
from baseten_jobs.cli.job_names import Asked
from baseten_jobs.cli.job_of_name import narrowed
from baseten_jobs.cli.session import Session, guarded, opened
from baseten_jobs.job.request import JobRequest
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.connection import Connection
from baseten_jobs.provider.status import Status, by_itself
from baseten_jobs.provider.status_reader import Survey
from baseten_jobs.report import formats

_LINES = 20


@click.command("describe", cls=HelpedCommand)
@job_options.jobs("Describe this job, managed or not.")
@options.output(*formats.DESCRIBED)
@options.connection
def command(
    asked: Asked,
    output: str,
    connection: Connection,
) -> Exit:
    """Tell all that is known of the jobs of these manifests, or of jobs by id.

    That is: the commit that wrote its spec, who submitted it, its page, machines, cost, checkpoints, retries, what
    waits for it, its error, and the last 20 lines of its log if it failed. NAME may be a glob, such as 'qwen3-*'. What
    can't be read is told in its place, and hides nothing else.

    \b
    Example: baseten-jobs describe qwen3-8b-sft
    """
    session = Session(output)

    def work() -> Exit:
        api = opened(connection)
        meant = narrowed(session, api, asked)
        rows, beside = _named(session, api, meant) if meant.names else ((), ())
        by_id = tuple(map(by_itself, job_names.jobs_by_id(session, api, meant.job_ids)))
        surveyed = Survey(api).of((*rows, *by_id))
        session.result(
            formats.DESCRIBED[output](descriptions(api, surveyed, beside, asked.paths, _LINES), session.look())
        )
        return Exit.DONE

    return guarded(session, work)


def _named(session: Session, api: Api, asked: Asked) -> tuple[tuple[Status, ...], tuple[Status, ...]]:
    """The rows of the manifests that are meant, and beside them those of what loads from their jobs."""
    compiled = job_names.everything(session, asked.paths, asked.allowed)
    meant = job_names.chosen(session, compiled, asked.names)
    wanted = {_key(request) for request in meant.requests}
    heirs = heirs_of(compiled, {request.name for request in meant.requests})
    kept = tuple(e for e in compiled.manifests if _key(e.request) in wanted or e.request.name in heirs)
    others = tuple(each for each in compiled.manifests if each not in kept)
    found = job_names.rows(session, api, replace(compiled, manifests=kept, upstreams=(*compiled.upstreams, *others)))
    return tuple(row for row in found if _key(row.request) in wanted), found


def _key(request: JobRequest) -> tuple[object, str]:
    return request.project, request.name
