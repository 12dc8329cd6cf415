"""Client -> Observation: the projects that manifests name, and their jobs, in a constant number of calls."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from baseten_jobs.api.client import Api
from baseten_jobs.api.errors import ApiError
from baseten_jobs.diagnostics import nearest
from baseten_jobs.observation import Observation, ObservedJob, ObservedProject, job_of
from baseten_jobs.request import ProjectRef

T = TypeVar("T")
R = TypeVar("R")

_READERS = 8


@dataclass(frozen=True)
class Unresolved:
    """A project that can't be told from its name, and why."""

    ref: ProjectRef
    message: str
    hint: str = ""


@dataclass(frozen=True)
class Observed:
    observation: Observation
    unresolved: tuple[Unresolved, ...] = ()


def observe(api: Api, refs: Iterable[ProjectRef]) -> Observed:
    """Resolve the projects by one list call, and search each for its jobs; raises ApiError."""
    refs = tuple(dict.fromkeys(refs))
    listed = api.projects() if refs else []
    teams: list[dict[str, Any]] | None = None
    found: list[ObservedProject] = []
    unresolved: list[Unresolved] = []
    for ref in refs:
        project = _resolved(ref, listed)
        if isinstance(project, ObservedProject) and not project.exists and ref.team:
            teams = api.teams() if teams is None else teams
            project = _in_team(project, teams)
        (unresolved if isinstance(project, Unresolved) else found).append(project)  # type: ignore[arg-type]
    jobs = jobs_of(api.search_of, [project.id for project in found if project.id])
    projects = {p.ref: replace(p, jobs=jobs[p.id]) if p.id else p for p in found}
    return Observed(Observation(projects), tuple(unresolved))


def _resolved(ref: ProjectRef, listed: Sequence[Mapping[str, Any]]) -> ObservedProject | Unresolved:
    if ref.id is not None:
        matches = [p for p in listed if p.get("id") == ref.id]
        if not matches:
            near = nearest(ref.id, [str(p.get("id")) for p in listed])
            return Unresolved(
                ref, f"there is no project with the id '{ref.id}'", f"did you mean '{near}'?" if near else ""
            )
    else:
        matches = [p for p in listed if p.get("name") == ref.name and ref.team in (None, p.get("team_name"))]
    if not matches:
        return ObservedProject(ref, name=ref.name or "", team=ref.team)
    if len(matches) > 1:
        teams = ", ".join(sorted(f"'{p.get('team_name')}'" for p in matches))
        return Unresolved(ref, f"several teams have a project '{ref.name}'", f"give metadata.team: one of {teams}")
    match = matches[0]
    if ref.team is not None and match.get("team_name") not in (None, ref.team):
        return Unresolved(ref, f"the project '{ref.id}' belongs to the team '{match.get('team_name')}'")
    return ObservedProject(ref, str(match["id"]), str(match.get("name") or ""), match.get("team_name"))


def _in_team(project: ObservedProject, teams: Sequence[Mapping[str, Any]]) -> ObservedProject | Unresolved:
    """A project that is to be made needs its team's id."""
    for team in teams:
        if team.get("name") == project.ref.team:
            return replace(project, team_id=str(team["id"]))
    names = [str(team.get("name")) for team in teams]
    near = nearest(project.ref.team or "", names)
    hint = f"did you mean '{near}'?" if near else f"there are {', '.join(sorted(names)) or 'none'}"
    return Unresolved(project.ref, f"there is no team '{project.ref.team}'", hint)


def with_second_witness(api: Api, observation: Observation, refs: Iterable[ProjectRef]) -> Observation:
    """Read the job lists of these projects beside their searches: a job that either shows counts.

    Where the two disagree both are read once more; if they still do, the project carries a note.
    Raises ApiError: absence needs both to succeed.
    """
    ids = list(dict.fromkeys(p.id for ref in refs if (p := observation.project(ref)).id))
    searched = {p.id: p.jobs for p in observation.projects.values() if p.id in ids}
    merged, notes = _both(api, [i for i in ids if i], searched)
    projects = {
        ref: replace(p, jobs=merged[p.id], notes=notes.get(p.id, ())) if p.id in merged else p
        for ref, p in observation.projects.items()
    }
    return Observation(projects)


def _both(
    api: Api, ids: Sequence[str], searched: Mapping[Any, tuple[ObservedJob, ...]]
) -> tuple[dict[Any, tuple[ObservedJob, ...]], dict[Any, tuple[str, ...]]]:
    listed = jobs_of(api.jobs, ids)
    merged = {i: _merged(searched[i], listed[i]) for i in ids}
    doubtful = [i for i in ids if _ids(searched[i]) != _ids(listed[i])]
    notes: dict[Any, tuple[str, ...]] = {}
    if doubtful:
        again, listed_again = jobs_of(api.search_of, doubtful), jobs_of(api.jobs, doubtful)
        for i in doubtful:
            merged[i] = _merged(merged[i], again[i], listed_again[i])
            if differing := _ids(again[i]) ^ _ids(listed_again[i]):
                shown = ", ".join(sorted(differing)[:5])
                notes[i] = (f"search and job list of the project disagree on {len(differing)} jobs ({shown})",)
    return merged, notes


def _ids(jobs: Iterable[ObservedJob]) -> frozenset[str]:
    return frozenset(job.id for job in jobs)


def _merged(*readings: Iterable[ObservedJob]) -> tuple[ObservedJob, ...]:
    """Every job that any reading shows, as the last one shows it."""
    return tuple({job.id: job for reading in readings for job in reading}.values())


def jobs_of(
    read: Callable[[str], list[dict[str, Any]]], project_ids: Iterable[str]
) -> dict[str, tuple[ObservedJob, ...]]:
    """The jobs of several projects, read side by side; raises ApiError. Another project's job is none of them."""
    ids = tuple(dict.fromkeys(project_ids))
    return dict(zip(ids, _side_by_side(lambda i: _jobs(read(i), i), ids), strict=True))


def _side_by_side(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    if len(items) < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(min(_READERS, len(items))) as pool:
        return list(pool.map(work, items))


def _jobs(rows: Iterable[Mapping[str, Any]], project_id: str) -> tuple[ObservedJob, ...]:
    jobs = (job if job.project_id else replace(job, project_id=project_id) for job in jobs_in(rows))
    return tuple(job for job in jobs if job.project_id == project_id)


def jobs_in(rows: Iterable[Mapping[str, Any]]) -> list[ObservedJob]:
    """The jobs that rows of the API show; raises ApiError for a row that is none."""
    try:
        return [job_of(row) for row in rows]
    except KeyError as missing:
        raise ApiError("reading jobs", f"the answer holds a job without {missing}") from None


def job_data(api: Api, job_id: str) -> Mapping[str, Any] | None:
    """A job as the API sends it, or nothing where the search does not show it; raises ApiError."""
    return next((data for data in api.search(job_id=job_id) if data.get("id") == job_id), None)


def job_by_id(api: Api, job_id: str) -> ObservedJob | None:
    """A job by its bare id, or nothing where the search does not show it; raises ApiError."""
    return next((job for job in jobs_in(api.search(job_id=job_id)) if job.id == job_id), None)
