"""A project's id -> what its two witnesses, search and job list, show of its jobs at one moment."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

from baseten_jobs.job.identity import Identity
from baseten_jobs.job.observation import JobsByName, ObservedJob
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.merging import as_one
from baseten_jobs.provider.observe import jobs_in

_READERS = 8


@dataclass(frozen=True)
class Snapshot:
    """The jobs that search and job list of a project gave, each once in either, those of other projects too.

    `searched` or `listed` is None if its read failed.
    """

    project_id: str
    searched: tuple[ObservedJob, ...] | None = None
    listed: tuple[ObservedJob, ...] | None = None

    @property
    def complete(self) -> bool:
        """True if both search and job list were read."""
        return self.searched is not None and self.listed is not None

    @property
    def blind(self) -> bool:
        return self.searched is None and self.listed is None

    def rows(self, job_id: str) -> tuple[ObservedJob, ...]:
        """Return the job's row of the search and that of the job list, as far as they show it."""
        return tuple(witness[job_id] for witness in self._witnesses if job_id in witness)

    def job(self, job_id: str) -> ObservedJob | None:
        rows = self.rows(job_id)
        return as_one(rows) if rows else None

    def same(self, identity: Identity) -> tuple[ObservedJob, ...]:
        """Return the project's own jobs of this identity that search or job list shows, oldest first."""
        rows = self._by_name.get(identity.name, ())
        ids = dict.fromkeys(row.id for row in rows if row.identity == identity)
        jobs = (as_one(self.rows(job_id)) for job_id in ids)
        return tuple(sorted(jobs, key=lambda job: job.age_order))

    def surely_ran(self, job_id: str) -> bool:
        """True if every row of the job says that it lives or is done."""
        rows = self.rows(job_id)
        return bool(rows) and all(row.ran for row in rows)

    def agrees(self, job_id: str) -> bool:
        """True if both search and job list show the job."""
        return len(self.rows(job_id)) == 2

    @cached_property
    def _witnesses(self) -> tuple[Mapping[str, ObservedJob], ...]:
        return tuple({job.id: job for job in jobs} for jobs in (self.searched, self.listed) if jobs is not None)

    @cached_property
    def _by_name(self) -> JobsByName:
        own = ("", self.project_id)
        return JobsByName(job for witness in self._witnesses for job in witness.values() if job.project_id in own)


def look_at(api: Api, project_ids: Iterable[str]) -> dict[str, Snapshot]:
    """Look once at each project, all reads in parallel. One that fails is None in its Snapshot; raises no ApiError."""
    ids = sorted(set(project_ids))
    reads = [(read, project_id) for project_id in ids for read in (api.search_of, api.jobs)]

    def read(number: int) -> tuple[ObservedJob, ...] | None:
        ask, project_id = reads[number]
        try:
            return tuple(jobs_in(ask(project_id)))
        except ApiError:
            return None

    if not ids:
        return {}
    with ThreadPoolExecutor(min(_READERS, len(reads))) as pool:
        rows = list(pool.map(read, range(len(reads))))
    pairs = zip(ids, rows[::2], rows[1::2], strict=True)
    return {project_id: Snapshot(project_id, searched, listed) for project_id, searched, listed in pairs}
