"""Client -> Observation: the projects that manifests name, and their jobs, in a constant number of calls."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from baseten_jobs.job.observation import Observation, ObservedJob, ObservedProject, job_of
from baseten_jobs.job.project_resolution import Listed, Unresolved, in_team
from baseten_jobs.job.request import ProjectRef
from baseten_jobs.phrases import one_line
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.merging import Compared, Contradiction, ShownJobs, compared, once_each

T = TypeVar("T")
R = TypeVar("R")

_READERS = 8


@dataclass(frozen=True)
class Observed:
    observation: Observation
    unresolved: tuple[Unresolved, ...] = ()


def observe(api: Api, refs: Iterable[ProjectRef]) -> Observed:
    """Resolve the projects by one list call, and search each for its jobs; raises ApiError."""
    refs = tuple(dict.fromkeys(refs))
    listed = Listed(api.projects() if refs else ())
    teams: list[dict[str, Any]] | None = None
    found: list[ObservedProject] = []
    unresolved: list[Unresolved] = []
    for ref in refs:
        project = listed.resolved(ref)
        if isinstance(project, ObservedProject) and not project.exists and ref.team:
            teams = api.teams() if teams is None else teams
            project = in_team(project, teams)
        (unresolved if isinstance(project, Unresolved) else found).append(project)  # type: ignore[arg-type]
    projects = {project.ref: project for project in with_jobs(api, found)}
    return Observed(Observation(projects), tuple(unresolved))


def with_jobs(api: Api, projects: Iterable[ObservedProject]) -> tuple[ObservedProject, ...]:
    """The projects with the jobs that a search of each shows; raises ApiError."""
    projects = tuple(projects)
    shown = _shown(api.search_of, [project.id for project in projects if project.id])
    now = api.clock.wall()
    return tuple(
        replace(project, jobs=tuple(shown[project.id].jobs.values()), rows=shown[project.id].rows, read_at=now)
        if project.id
        else project
        for project in projects
    )


def with_second_witness(api: Api, observation: Observation, refs: Iterable[ProjectRef]) -> Observation:
    """Read the job lists of these projects beside their searches: a job that either shows counts.

    Where the two disagree both are read once more; if they still do, the project carries a note. Where the search
    ended early the list alone tells which jobs are not there. Raises ApiError: absence needs both to succeed, and a
    job that they show as two managed ones makes neither worth believing.
    """
    wanted = {p.id: p for ref in refs if (p := observation.project(ref)).id}
    found = _both(api, {i: ShownJobs({job.id: job for job in p.jobs}, p.rows) for i, p in wanted.items() if i})
    return Observation(
        {ref: _witnessed(p, found[p.id]) if p.id in found else p for ref, p in observation.projects.items()}
    )


def _both(api: Api, searched: Mapping[str, ShownJobs]) -> Mapping[str | None, Compared]:
    """Compare search and job list of each project, by its id; both are read once more if they disagree."""
    listed = _shown(api.jobs, searched)
    found: dict[str | None, Compared] = {i: compared(searched[i], listed[i]) for i in searched}
    if doubtful := [i for i in searched if found[i].doubts]:
        again, listed_again = _shown(api.search_of, doubtful), _shown(api.jobs, doubtful)
        found |= {i: compared(again[i], listed_again[i], found[i].ever_shown) for i in doubtful}
    return found


def _witnessed(project: ObservedProject, found: Compared) -> ObservedProject:
    try:
        jobs = tuple(found.jobs.values())
    except Contradiction as contradiction:
        raise ApiError(f"search and job list of project {project.id}", str(contradiction)) from None
    notes = (found.note,) if found.note else ()
    return replace(project, jobs=jobs, notes=notes, capped=found.capped, unlike=found.unlike)


def jobs_of(
    read: Callable[[str], list[dict[str, Any]]], project_ids: Iterable[str]
) -> dict[str, tuple[ObservedJob, ...]]:
    """The jobs of several projects, read side by side; raises ApiError, also for a job of another project."""
    return {project_id: tuple(shown.jobs.values()) for project_id, shown in _shown(read, project_ids).items()}


def _shown(read: Callable[[str], list[dict[str, Any]]], project_ids: Iterable[str]) -> dict[str, ShownJobs]:
    ids = tuple(dict.fromkeys(project_ids))
    return dict(zip(ids, _side_by_side(lambda i: _jobs(read(i), i), ids), strict=True))


def _side_by_side(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    if len(items) < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(min(_READERS, len(items))) as pool:
        return list(pool.map(work, items))


def _jobs(rows: Sequence[Mapping[str, Any]], project_id: str) -> ShownJobs:
    jobs = _once_each(rows)
    others = [job for job in jobs.values() if job.project_id != project_id]
    if strange := next((job for job in others if job.project_id), None):
        what = f"the answer shows job {one_line(strange.id)} of another project, '{one_line(strange.project_id)}'"
        raise ApiError(f"jobs of project {one_line(project_id)}", what)
    return ShownJobs({**jobs, **{job.id: replace(job, project_id=project_id) for job in others}}, len(rows))


def jobs_in(rows: Iterable[Mapping[str, Any]]) -> list[ObservedJob]:
    """Return the jobs of rows of the API, each once; raises ApiError for rows that can't be read."""
    return list(_once_each(rows).values())


def _once_each(rows: Iterable[Mapping[str, Any]]) -> dict[str, ObservedJob]:
    try:
        return once_each(map(job_of, rows))
    except KeyError as missing:
        raise ApiError("reading jobs", f"the answer holds a job without {missing}") from None
    except Contradiction as contradiction:
        raise ApiError("reading jobs", str(contradiction)) from None


def job_data(api: Api, job_id: str) -> Mapping[str, Any] | None:
    """Return a job as the API sends it, or None if the search does not show it; raises ApiError."""
    rows = [row for row in _rows_of(api, job_id) if row.get("id") == job_id]
    return {name: value for row in rows for name, value in row.items() if value is not None} if rows else None


def job_by_id(api: Api, job_id: str) -> ObservedJob | None:
    """Return a job by its id alone, or None if the search does not show it; raises ApiError."""
    return next((job for job in jobs_in(_rows_of(api, job_id)) if job.id == job_id), None)


def _rows_of(api: Api, job_id: str) -> list[dict[str, Any]]:
    """Return the rows of a search by id: none for an id that is not text, as a command line may hold any bytes."""
    return api.search(job_id=job_id) if job_id.isascii() or job_id.encode("utf-8", "ignore").decode() == job_id else []
