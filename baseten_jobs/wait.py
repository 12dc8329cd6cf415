"""What an apply did -> the same after a wait for its jobs, with one search a look for all of them."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from baseten_jobs.api.client import Api
from baseten_jobs.observation import ObservedJob
from baseten_jobs.observe import jobs_in, observe
from baseten_jobs.outcome import Applied, Fate, Outcome
from baseten_jobs.patience import Tell, between_looks, patiently
from baseten_jobs.waiting import Awaited, End, Goal, awaited

_FIRST, _LONGEST = 2.0, 10.0
"""Seconds between the first two looks, and between two looks at most."""

_GONE = 3
"""Searches in a row that no longer show a job which was there."""

_AWAITED = frozenset({Fate.SUBMITTED, Fate.ADOPTED, Fate.UPDATED, Fate.KEPT})


@dataclass(frozen=True)
class Waiting:
    """What to wait for, and for how many seconds at most."""

    goal: Goal = Goal.COMPLETED
    timeout: float | None = None


def wait(api: Api, result: Applied, waiting: Waiting, tell: Tell) -> Iterator[Applied]:
    """The outcomes after each look, until nothing is open or the time is up; raises ApiError after a long outage."""
    ids = [outcome.job_id for outcome in result.outcomes if outcome.fate in _AWAITED and outcome.job_id]
    if not ids:
        return
    end = None if waiting.timeout is None else api.clock.now() + waiting.timeout
    look = _first_look(api, result, tell)
    seen: dict[str, ObservedJob] = {}
    missed = dict.fromkeys(ids, 0)
    pause = _FIRST
    while True:
        began = api.clock.now()
        shown = patiently(api, look, tell)
        missed = {job_id: 0 if job_id in shown else missed[job_id] + 1 for job_id in ids}
        seen |= {job_id: shown[job_id] for job_id in ids if job_id in shown}
        states = {job_id: _state(seen.get(job_id), missed[job_id], waiting.goal) for job_id in ids}
        yield replace(result, outcomes=tuple(_outcome(outcome, states) for outcome in result.outcomes))
        if all(state.end is not End.OPEN for state in states.values()):
            return
        left = float("inf") if end is None else end - api.clock.now()
        if left <= 0:
            return
        api.clock.sleep(min(left, between_looks(pause, api.clock.now() - began)))
        pause = min(_LONGEST, pause * 1.5)


def _first_look(api: Api, result: Applied, tell: Tell) -> Callable[[], Mapping[str, ObservedJob]]:
    """How to look: by a search of the one project, or of all of the organisation's."""
    refs = {outcome.action.request.project for outcome in result.outcomes}
    projects = patiently(api, lambda: observe(api, refs), tell).observation.projects.values()
    return lambda: _jobs(api, {project.id for project in projects if project.id})


def _jobs(api: Api, project_ids: Collection[str]) -> Mapping[str, ObservedJob]:
    rows = api.search_of(next(iter(project_ids))) if len(project_ids) == 1 else api.search()
    return {job.id: job for job in jobs_in(rows)}


def _state(job: ObservedJob | None, missed: int, goal: Goal) -> Awaited:
    state = awaited(job, goal)
    if job is not None and state.end is End.OPEN and missed >= _GONE:
        return Awaited(job, End.FAILED, gone=True)
    return state


def _outcome(outcome: Outcome, states: Mapping[str, Awaited]) -> Outcome:
    if outcome.fate not in _AWAITED or outcome.job_id is None:
        return outcome
    return replace(outcome, awaited=states[outcome.job_id])
