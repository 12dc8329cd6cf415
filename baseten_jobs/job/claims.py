"""Requests + observation -> the observation in which jobs that manifests claim count as theirs."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from baseten_jobs.job.identity import Identity
from baseten_jobs.job.names import parse_job_name
from baseten_jobs.job.observation import Observation, ObservedJob, ObservedProject
from baseten_jobs.job.request import JobRequest


def with_claims(observation: Observation, requests: Iterable[JobRequest]) -> Observation:
    """The same projects, with `counts_as` set on the jobs that `adopts` or `renamed_from` of a request names."""
    claiming: dict[str | None, list[JobRequest]] = {}
    for request in requests:
        if request.adopts is not None or request.renamed_from:
            claiming.setdefault(observation.project(request.project).id, []).append(request)
    if not claiming:
        return observation
    projects = {ref: _counted(project, claiming.get(project.id, ())) for ref, project in observation.projects.items()}
    return Observation(projects)


def _counted(project: ObservedProject, requests: Iterable[JobRequest]) -> ObservedProject:
    adopted = {request.adopts.job_id: request.adopts.identity for request in requests if request.adopts is not None}
    renamed = {name: request.name for request in requests for name in request.renamed_from}
    if not adopted and not renamed:
        return project
    return replace(project, jobs=tuple(_counting(job, adopted, renamed) for job in project.jobs))


def _counting(job: ObservedJob, adopted: Mapping[str, Identity], renamed: Mapping[str, str]) -> ObservedJob:
    if job.id in adopted:
        return replace(job, counts_as=adopted[job.id])
    own = parse_job_name(job.name) if renamed else None
    if own is not None and own.name in renamed:
        return replace(job, counts_as=own._replace(name=renamed[own.name]))
    return job


def not_there(observation: Observation, requests: Iterable[JobRequest]) -> tuple[JobRequest, ...]:
    """Returns the requests that adopt a job which the search of their project does not show."""
    return tuple(
        request
        for request in requests
        if request.adopts is not None
        and all(job.id != request.adopts.job_id for job in observation.project(request.project).jobs)
    )
