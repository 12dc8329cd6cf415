"""Outcomes of an apply -> the same after a wait for their jobs, which one search a look reads all at once."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from baseten_jobs.applying.outcome import Applied, Awaited, Fate, Goal, Outcome, awaited
from baseten_jobs.job.observation import ObservedJob, ObservedProject
from baseten_jobs.job.request import ProjectRef
from baseten_jobs.planning.plan import Action
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.observe import jobs_in, observe
from baseten_jobs.provider.outages import Tell, between_looks, patiently
from baseten_jobs.provider.presence import Presence
from baseten_jobs.provider.standstill import Standstill, standing_still

_FIRST, _LONGEST = 2.0, 10.0
"""Seconds between the first two looks, and between two looks at most."""

_AWAITED = frozenset({Fate.SUBMITTED, Fate.ADOPTED, Fate.UPDATED, Fate.KEPT})


@dataclass(frozen=True)
class Waiting:
    """What to wait for, and for how many seconds at most."""

    goal: Goal = Goal.COMPLETED
    timeout: float | None = None


def wait(api: Api, result: Applied, waiting: Waiting, tell: Tell) -> Iterator[Applied]:
    """Yields the outcomes before the first look and after each, until every wait is over or the time is up.

    Yields none if there is no job to wait for. Raises ApiError after a long outage.
    """
    states: Mapping[str, Awaited] = {o.job_id: Awaited() for o in result.outcomes if o.fate in _AWAITED and o.job_id}
    if not states:
        return
    yield _with(result, states)
    end = float("inf") if waiting.timeout is None else api.clock.now() + waiting.timeout
    look, homes = _first_look(api, result, tell, end)
    jobs = _Jobs(api, {job_id: homes.get(job_id, "") for job_id in states}, waiting.goal)
    pause = _FIRST
    while True:
        began = api.clock.now()
        states = patiently(api, lambda: jobs.look(look()), tell, end)
        yield _with(result, states)
        if all(state.over for state in states.values()):
            return
        left = end - api.clock.now()
        if left <= 0:
            return
        api.clock.sleep(min(left, between_looks(pause, api.clock.now() - began)))
        pause = min(_LONGEST, pause * 1.5)


class _Jobs:
    """The jobs that are waited for, across looks; `homes` are project ids by job id, empty if not known."""

    def __init__(self, api: Api, homes: Mapping[str, str], goal: Goal) -> None:
        self._api, self._homes, self._goal = api, homes, goal
        self._presence, self._standstill = Presence(api), Standstill()
        self._seen: dict[str, ObservedJob] = {}

    def look(self, searched: Mapping[str, ObservedJob]) -> Mapping[str, Awaited]:
        """How the wait for each job stands, by job id; `searched` are the jobs that a search shows."""
        self._seen |= self._presence.look(self._homes, searched)
        self._standstill.look(self._seen.values(), self._api.clock.now())
        return {job_id: self._state(job_id, self._seen.get(job_id)) for job_id in self._homes}

    def _state(self, job_id: str, job: ObservedJob | None) -> Awaited:
        stuck = job is not None and self._standstill.stuck(job)
        return awaited(job, self._goal, gone=self._presence.gone(job_id), stuck=stuck)


def _first_look(
    api: Api, result: Applied, tell: Tell, until: float
) -> tuple[Callable[[], Mapping[str, ObservedJob]], Mapping[str, str]]:
    """Returns a function that reads jobs by one search, of the one project or of all, and each job's project id."""
    refs = {outcome.action.request.project for outcome in result.outcomes}
    projects = patiently(api, lambda: observe(api, refs), tell, until).observation.projects
    ids = {project.id for project in projects.values() if project.id}
    homes = {outcome.job_id: _home(outcome.action, projects) for outcome in result.outcomes if outcome.job_id}
    return (lambda: _jobs(api, ids)), homes


def _home(action: Action, projects: Mapping[ProjectRef, ObservedProject]) -> str:
    project = projects.get(action.request.project)
    return (project and project.id) or (action.job and action.job.project_id) or ""


def _jobs(api: Api, project_ids: Collection[str]) -> Mapping[str, ObservedJob]:
    rows = api.search_of(next(iter(project_ids))) if len(project_ids) == 1 else api.search()
    return {job.id: job for job in jobs_in(rows)}


def _with(result: Applied, states: Mapping[str, Awaited]) -> Applied:
    return replace(result, outcomes=tuple(_outcome(outcome, states) for outcome in result.outcomes))


def _outcome(outcome: Outcome, states: Mapping[str, Awaited]) -> Outcome:
    if outcome.fate not in _AWAITED or outcome.job_id is None:
        return outcome
    state = states[outcome.job_id]
    why = standing_still(state.job) if state.stuck and state.job else ""
    return replace(outcome, awaited=state, unclear=outcome.unclear or why)
