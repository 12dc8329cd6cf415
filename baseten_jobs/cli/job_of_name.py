"""NAME and --job ID in one command -> the id alone, once that job is seen to be one of the name's."""

from collections.abc import Iterable
from dataclasses import replace

from baseten_jobs.cli import job_names
from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.job_names import Asked
from baseten_jobs.cli.session import CommandEnded, Session
from baseten_jobs.compilation import Compiled
from baseten_jobs.job.claims import with_claims
from baseten_jobs.job.observation import Observation, ObservedJob
from baseten_jobs.job.request import JobRequest
from baseten_jobs.phrases import listed, one_line, page
from baseten_jobs.pipeline import look
from baseten_jobs.provider.api.client import Api


def narrowed(session: Session, api: Api, asked: Asked) -> Asked:
    """The same, but by id alone where a NAME and ids are given: the ids choose among the jobs of the name.

    Raises CommandEnded where one is not a job of the name, of whatever spec, and ApiError.
    """
    if not (asked.names and asked.job_ids):
        return asked
    every = job_names.everything(session, asked.paths, asked.allowed)
    named = job_names.chosen(session, every, asked.names)
    jobs = job_names.jobs_by_id(session, api, asked.job_ids)
    observation, diagnostics = look(api, named, loads=False)
    if diagnostics:
        raise CommandEnded(session.invalid(diagnostics))
    claimed = _claimed(observation, every, jobs)
    if strange := [job for job in claimed if not _is_of(job, named.requests, observation)]:
        (name,) = asked.names
        told = [_told(job, one_line(name), named.requests, observation) for job in strange]
        raise CommandEnded(session.fail(page(told) if len(told) > 1 else told[0], Exit.FAILED))
    return replace(asked, names=())


def _claimed(observation: Observation, every: Compiled, jobs: Iterable[ObservedJob]) -> list[ObservedJob]:
    """The jobs; those in projects that were observed count as the manifests there claim them."""
    jobs = list(jobs)
    only = {
        ref: replace(project, jobs=tuple(job for job in jobs if job.project_id == project.id))
        for ref, project in observation.projects.items()
    }
    found = with_claims(Observation(only), [each for each in every.requests if each.project in only])
    counted = {job.id: job for project in found.projects.values() for job in project.jobs}
    return [counted.get(job.id, job) for job in jobs]


def _is_of(job: ObservedJob, requests: Iterable[JobRequest], observation: Observation) -> bool:
    return job.identity is not None and any(
        job.identity.name == request.name and job.project_id == observation.project(request.project).id
        for request in requests
    )


def _told(job: ObservedJob, name: str, requests: Iterable[JobRequest], observation: Observation) -> str:
    """Whose job it is, and that it is not the name's."""
    begin = f"job {one_line(job.id)} is not of '{name}'"
    if job.identity is None:
        return f"{begin}: it was started without this tool, as '{one_line(job.name or '')}'"
    if any(job.identity.name == request.name for request in requests):
        projects = listed(sorted({f"'{one_line(str(request.project))}'" for request in requests}))
        return f"{begin} in the project {projects}: it is a run of that name in another one, {one_line(job.project_id)}"
    return f"{begin}: it is a run of '{job.identity.name}'"
