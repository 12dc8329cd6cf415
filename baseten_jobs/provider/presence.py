"""Jobs that a search does not show -> where else the API shows them, and which of them are gone."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from baseten_jobs.job.observation import Observation, ObservedJob
from baseten_jobs.job.request import JobRequest, ProjectRef
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.merging import may_be_capped
from baseten_jobs.provider.observe import job_by_id, jobs_in, jobs_of, with_second_witness
from baseten_jobs.provider.status import Status, statuses

LOOKS = 3
"""The number of looks in a row that must miss a job before it counts as gone."""


class Presence:
    """Looks at jobs, one after another.

    A search may leave a job out for some seconds. So one that it misses is looked for in its project's job list, and
    it is gone only once both have missed it at three looks in a row, and its own address answers 404.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._missed: dict[str, int] = {}

    def look(self, wanted: Mapping[str, str], searched: Mapping[str, ObservedJob]) -> dict[str, ObservedJob]:
        """Return the wanted jobs that the API shows at this look; `searched` are the search's. Raises ApiError.

        `wanted` holds project ids by job id, empty where the project is not known.
        """
        found = {job_id: searched[job_id] for job_id in wanted if job_id in searched}
        found |= self._listed({job_id: wanted[job_id] for job_id in self._open(wanted, found)})
        missed = {job_id: self._missed.get(job_id, 0) + 1 for job_id in self._open(wanted, found)}
        for job_id in [job_id for job_id, times in missed.items() if times >= LOOKS]:
            if job := self._by_id(wanted[job_id], job_id):
                found[job_id], missed[job_id] = job, LOOKS - 1
        self._missed |= dict.fromkeys(found, 0) | missed
        return found

    def gone(self, job_id: str) -> bool:
        """True if the job was gone at the last look; it is not if a later look shows it again."""
        return self._missed.get(job_id, 0) >= LOOKS

    def _open(self, wanted: Iterable[str], found: Mapping[str, ObservedJob]) -> list[str]:
        return [job_id for job_id in wanted if job_id not in found and not self.gone(job_id)]

    def _listed(self, missing: Mapping[str, str]) -> dict[str, ObservedJob]:
        jobs = jobs_of(self._jobs, filter(None, missing.values()))
        return {job.id: job for rows in jobs.values() for job in rows if job.id in missing}

    def _jobs(self, project_id: str) -> list[dict[str, Any]]:
        try:
            return self._api.jobs(project_id)
        except ApiError as error:
            if error.status != 404:
                raise
            return []

    def _by_id(self, project_id: str, job_id: str) -> ObservedJob | None:
        if not project_id:
            return job_by_id(self._api, job_id)
        try:
            row = self._api.job(project_id, job_id)
        except ApiError as error:
            if error.status != 404:
                raise
            return None
        return next((job for job in jobs_in([{"training_project_id": project_id, **row}]) if job.id == job_id), None)


class Recall:
    """The jobs of the manifests, from one look at their states to the next."""

    def __init__(self, api: Api) -> None:
        self._api, self._presence = api, Presence(api)
        self._seen: dict[str, tuple[ProjectRef, ObservedJob]] = {}
        self._looked = False
        self.observation = Observation({})

    def rows(self, requests: Iterable[JobRequest], observation: Observation) -> tuple[Status, ...]:
        """Return each manifest's job by a search, and by further calls if that leaves one out; raises ApiError.

        At the first look further calls are made for manifests without a job, and where the search may have ended early;
        at later looks for jobs that the look before showed.
        """
        requests = tuple(requests)
        observation = self._completed(observation) if self._looked else self._doubted(requests, observation)
        self.observation = observation
        rows = statuses(requests, observation)
        self._seen = {job.id: (row.request.project, job) for row in rows for job in (row.job, *row.live) if job}
        self._looked = True
        return rows

    def _doubted(self, requests: Iterable[JobRequest], observation: Observation) -> Observation:
        absent = {row.request.project for row in statuses(requests, observation) if row.job is None}
        absent |= {ref for ref, project in observation.projects.items() if may_be_capped(project.rows)}
        doubted = sorted((ref for ref in absent if observation.project(ref).exists), key=str)
        return with_second_witness(self._api, observation, doubted) if doubted else observation

    def _completed(self, observation: Observation) -> Observation:
        """Return the observation with the jobs it lacks added until they are gone; unseen ones stay as they were."""
        searched = {job.id: job for project in observation.projects.values() for job in project.jobs}
        wanted = {job_id: job.project_id for job_id, (_, job) in self._seen.items()}
        found = self._presence.look(wanted, searched)
        projects = dict(observation.projects)
        for job_id, (ref, job) in self._seen.items():
            if job_id not in searched and ref in projects and not self._presence.gone(job_id):
                projects[ref] = replace(projects[ref], jobs=(*projects[ref].jobs, found.get(job_id, job)))
        return Observation(projects)
