"""Jobs + git -> the commit that wrote the spec of each: its author, its date and its subject."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from baseten_jobs.git.objects import NotWhole
from baseten_jobs.git.process import GitError
from baseten_jobs.git.repository import NotInGit, Repository
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.job.request import JobRequest
from baseten_jobs.planning.history.lookup import Evidence
from baseten_jobs.planning.history.review import CODE_NOT_FOUND, NOT_FOUND, own_identity
from baseten_jobs.planning.plan import Policy
from baseten_jobs.planning.spec_commit import SpecCommit

_NO_SPEC = "the job's name, which another tool made, leads to no spec"
_SHALLOW = "its commit is not in this shallow clone: clone with `fetch-depth: 0`"


def spec_commits(
    repository: Repository | NotInGit, jobs: Iterable[tuple[ObservedJob, JobRequest]], now: datetime
) -> Mapping[str, SpecCommit]:
    """Return the commit of each job's spec, by the job's id; of a job with a manifest its file is looked at first."""
    jobs = tuple(jobs)
    if isinstance(repository, NotInGit):
        return {job.id: SpecCommit(problem=repository.reason) for job, _ in jobs}
    try:
        return _found(repository, jobs, now)
    except (GitError, NotWhole) as error:
        return {job.id: SpecCommit(problem=str(error)) for job, _ in jobs}


def _found(
    repository: Repository, jobs: Sequence[tuple[ObservedJob, JobRequest]], now: datetime
) -> Mapping[str, SpecCommit]:
    if all(own_identity(job) is None for job, _ in jobs):
        return {job.id: SpecCommit(problem=_NO_SPEC) for job, _ in jobs}
    requests = [request for _, request in jobs if request.path]
    evidence = Evidence(repository, requests, Policy.history, now)
    found = {job.id: _of_job(evidence, job, request) for job, request in jobs}
    commits = dict.fromkeys(each.revision.commit for each in found.values() if each.revision)
    subjects = repository.subjects(tuple(commits))
    return {
        job_id: replace(each, subject=subjects[each.revision.commit]) if each.revision else each
        for job_id, each in found.items()
    }


def _of_job(evidence: Evidence, job: ObservedJob, request: JobRequest) -> SpecCommit:
    identity = own_identity(job)
    if identity is None:
        return SpecCommit(problem=_NO_SPEC)
    found = evidence.of(identity.name).find(identity, evidence.paths.get(request.path))
    if found is not None:
        return SpecCommit(found.revision)
    if evidence.repository.shallow:
        return SpecCommit(problem=_SHALLOW)
    return SpecCommit(problem=CODE_NOT_FOUND if evidence.carries_code(identity.name) else NOT_FOUND)
