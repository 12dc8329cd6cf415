"""Outcomes of an apply -> the same after a wait for their jobs, which one search a look reads all at once."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from baseten_jobs.applying import stages
from baseten_jobs.applying.execute import Conflict
from baseten_jobs.applying.outcome import Applied, Awaited, Goal, Outcome, awaited
from baseten_jobs.applying.stages import AWAITED, GivenUp, Onward, OpenStages
from baseten_jobs.job.observation import ObservedJob, ObservedProject
from baseten_jobs.job.request import ProjectRef
from baseten_jobs.planning.plan import Action, ActionKey
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.observe import jobs_in, observe
from baseten_jobs.provider.outages import Tell, between_looks, patiently
from baseten_jobs.provider.presence import Presence
from baseten_jobs.provider.standstill import Standstill, standing_still

_FIRST, _LONGEST = 2.0, 10.0
"""Seconds between the first two looks, and between two looks at most."""


@dataclass(frozen=True)
class Waiting:
    """What to wait for, and for how many seconds at most."""

    goal: Goal = Goal.COMPLETED
    timeout: float | None = None


def wait(api: Api, result: Applied, waiting: Waiting, tell: Tell, onward: Onward | None = None) -> Iterator[Applied]:
    """Yields the outcomes before the first look and after each, until every wait is over or the time is up.

    It goes `onward` with the stages that wait for others. Yields none if there is no job to wait for. Raises ApiError
    after a long outage.
    """
    result = stages.begun(result) if onward else result
    watched = _watched(result)
    if not watched:
        return
    result = _with(result, dict.fromkeys(watched, Awaited()))
    yield result
    end = float("inf") if waiting.timeout is None else api.clock.now() + waiting.timeout
    jobs, opened = _Jobs(api, waiting.goal), OpenStages(api)
    look = _first_look(api, result, watched, jobs, tell, end)
    pause = _FIRST
    while True:
        began = api.clock.now()
        states = patiently(api, partial(_states, jobs, look), tell, end)
        result, due = opened.look(_with(result, states), states)
        yield result
        if onward and due:
            result = _gone_on(api, result, due, onward, tell, end)
            yield result
            if result.interrupted or result.unauthorised:
                return
            if set(watched := _watched(result)) - set(states):
                look, pause = _first_look(api, result, watched, jobs, tell, end), _FIRST
        if all(outcome.awaited is None or outcome.awaited.over for outcome in result.outcomes):
            return
        left = end - api.clock.now()
        if left <= 0:
            return
        api.clock.sleep(min(left, between_looks(pause, api.clock.now() - began)))
        pause = min(_LONGEST, pause * 1.5)


def _gone_on(
    api: Api, result: Applied, due: Mapping[ActionKey, Outcome], onward: Onward, tell: Tell, end: float
) -> Applied:
    """The result with what became of the stages that are due: reads are repeated, and creates never."""
    plan = patiently(api, partial(onward.planned, due), tell, end)
    if isinstance(plan, GivenUp):
        return stages.given_up(result, due, plan)
    try:
        return stages.gone_on(result, onward.carried_out(plan))
    except (Conflict, ApiError) as error:
        return stages.given_up(result, due, GivenUp(f"{error}; it was not submitted"))


def _watched(result: Applied) -> Mapping[str, str]:
    """The jobs that are looked at, those of other applies among them: project ids by job id, as far as known."""
    own = {each.job_id: "" for each in result.outcomes if each.fate in AWAITED and each.job_id}
    return {**stages.loaded_from(result), **own}


def _states(jobs: "_Jobs", look: Callable[[], Mapping[str, ObservedJob]]) -> Mapping[str, Awaited]:
    return jobs.look(look())


class _Jobs:
    """The jobs that are waited for, across looks; `homes` are project ids by job id, empty if not known."""

    def __init__(self, api: Api, goal: Goal) -> None:
        self.homes: dict[str, str] = {}
        self._api, self._goal = api, goal
        self._presence, self._standstill = Presence(api), Standstill()
        self._seen: dict[str, ObservedJob] = {}

    def look(self, searched: Mapping[str, ObservedJob]) -> Mapping[str, Awaited]:
        """How the wait for each job stands, by job id; `searched` are the jobs that a search shows."""
        self._seen |= self._presence.look(self.homes, searched)
        self._standstill.look(self._seen.values(), self._api.clock.now())
        return {job_id: self._state(job_id, self._seen.get(job_id)) for job_id in self.homes}

    def _state(self, job_id: str, job: ObservedJob | None) -> Awaited:
        stuck = job is not None and self._standstill.stuck(job)
        return awaited(job, self._goal, gone=self._presence.gone(job_id), stuck=stuck)


def _first_look(
    api: Api, result: Applied, watched: Mapping[str, str], jobs: _Jobs, tell: Tell, until: float
) -> Callable[[], Mapping[str, ObservedJob]]:
    """Returns a function that reads jobs by one search, of the one project or of all; `jobs` learns where each is."""
    refs = {outcome.action.request.project for outcome in result.outcomes}
    projects = patiently(api, lambda: observe(api, refs), tell, until).observation.projects
    homes = {outcome.job_id: _home(outcome.action, projects) for outcome in result.outcomes if outcome.job_id}
    jobs.homes |= {job_id: homes.get(job_id) or home for job_id, home in watched.items()}
    ids = {*(project.id for project in projects.values() if project.id), *filter(None, watched.values())}
    return lambda: _jobs(api, ids)


def _home(action: Action, projects: Mapping[ProjectRef, ObservedProject]) -> str:
    project = projects.get(action.request.project)
    return (project and project.id) or (action.job and action.job.project_id) or ""


def _jobs(api: Api, project_ids: Collection[str]) -> Mapping[str, ObservedJob]:
    rows = api.search_of(next(iter(project_ids))) if len(project_ids) == 1 else api.search()
    return {job.id: job for job in jobs_in(rows)}


def _with(result: Applied, states: Mapping[str, Awaited]) -> Applied:
    return replace(result, outcomes=tuple(_outcome(outcome, states) for outcome in result.outcomes))


def _outcome(outcome: Outcome, states: Mapping[str, Awaited]) -> Outcome:
    if outcome.fate not in AWAITED or outcome.job_id is None:
        return outcome
    state = states[outcome.job_id]
    why = standing_still(state.job) if state.stuck and state.job else ""
    return replace(outcome, awaited=state, unclear=outcome.unclear or why)
