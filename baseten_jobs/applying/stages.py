"""Stages that an apply left waiting + how the jobs are that they load from -> those that are due, and what they do."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from baseten_jobs.applying.outcome import Applied, Awaited, End, Fate, Outcome
from baseten_jobs.applying.second_look import unless_new
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.job.times import epoch_of
from baseten_jobs.planning.plan import Action, ActionKey, Plan, Verb, Wait
from baseten_jobs.planning.stages import SYNCING, key_of
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.checkpoints import saved_by

AWAITED = frozenset({Fate.SUBMITTED, Fate.ADOPTED, Fate.UPDATED, Fate.KEPT})
"""What becomes of an action whose job is waited for."""

_AGAIN = 30.0
"""Seconds after which a stage that was not to be submitted yet is looked at again."""


@dataclass(frozen=True)
class GivenUp:
    """Why stages that are due stay on hold. It is no failure if it leaves them to another apply."""

    reason: str
    failure: bool = True


_NOT_SUBMITTED = GivenUp("what it waits for was not submitted")
_LEFT = GivenUp("what it waits for is left to a later apply", failure=False)


class Onward(Protocol):
    """How a wait goes on with the stages that are due."""

    def planned(self, due: Mapping[ActionKey, Outcome]) -> Plan | GivenUp:
        """The part of a plan made now that is about these stages, or why there is none. Only reads; raises ApiError."""

    def carried_out(self, plan: Plan) -> Applied:
        """What became of it. Raises ApiError only before the first create."""


def begun(result: Applied) -> Applied:
    """The outcomes, those of stages that the wait goes on with marked as open."""
    opened = _that_can_come(result, (each for each in result.outcomes if each.action.follows))
    return replace(
        result,
        outcomes=tuple(replace(o, awaited=Awaited()) if o.action.key in opened else o for o in result.outcomes),
    )


def _that_can_come(result: Applied, stages: Iterable[Outcome]) -> Collection[ActionKey]:
    """The stages of which each run that they wait for has a job, or is another one of them."""
    outcomes = _by_key(result)
    closed = {each.action.key: each.action for each in stages if each.fate is Fate.HELD}
    opened: set[ActionKey] = set()
    while more := [
        key
        for key, stage in closed.items()
        if all(key_of(w.upstream) in opened or _job_of(w, outcomes) is not None for w in stage.waits)
    ]:
        opened.update(more)
        closed = {key: stage for key, stage in closed.items() if key not in opened}
    return opened


def _job_of(wait: Wait, outcomes: Mapping[ActionKey, Outcome]) -> str | None:
    """The id of the job that is loaded from, if there is one by now."""
    outcome = outcomes.get(key_of(wait.upstream))
    if outcome is None:
        return wait.job.id if wait.job else None
    return outcome.job_id if outcome.fate in AWAITED else None


def _by_key(result: Applied) -> Mapping[ActionKey, Outcome]:
    return {each.action.key: each for each in result.outcomes}


def is_open(outcome: Outcome) -> bool:
    """True if it is of a stage that the wait goes on with."""
    return outcome.fate is Fate.HELD and outcome.awaited is not None


def loaded_from(result: Applied) -> Mapping[str, str]:
    """The jobs of other applies that open stages load from: project ids by job id."""
    jobs = (wait.job for each in result.outcomes if is_open(each) for wait in each.action.waits if wait.job)
    return {job.id: job.project_id for job in jobs}


class OpenStages:
    """The stages that are open, across looks."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._next: dict[ActionKey, float] = {}

    def look(self, result: Applied, states: Mapping[str, Awaited]) -> tuple[Applied, Mapping[ActionKey, Outcome]]:
        """The result in which stages stand still with what they wait for, and those that a plan tells something new of.

        These may go on now, or it is clear that they never will.
        """
        outcomes, now = dict(_by_key(result)), self._api.clock.now()
        runs = {key: self._runs(each, outcomes, states) for key, each in outcomes.items() if is_open(each)}
        due = {}
        for key, states_of in runs.items():
            if any(state is None or state.end is End.FAILED for _, state in states_of):
                due[key] = outcomes[key]
            elif all(state is not None and state.end is End.REACHED for _, state in states_of):
                due |= {key: outcomes[key]} if self._is_due(key, states_of, now) else {}
        stuck = _standing_still(outcomes, runs)
        return replace(
            result,
            outcomes=tuple(replace(o, awaited=Awaited(stuck=True)) if k in stuck else o for k, o in outcomes.items()),
        ), due

    def _runs(
        self, stage: Outcome, outcomes: Mapping[ActionKey, Outcome], states: Mapping[str, Awaited]
    ) -> Sequence[tuple[Wait, Awaited | None]]:
        """Each run that is waited for, and how it is; None if it will not come."""
        found = []
        for wait in stage.action.waits:
            upstream = outcomes.get(key_of(wait.upstream))
            waits = upstream is not None and is_open(upstream)
            found.append((wait, Awaited() if waits else states.get(_job_of(wait, outcomes) or "")))
        return found

    def _is_due(self, key: ActionKey, runs: Sequence[tuple[Wait, Awaited | None]], now: float) -> bool:
        """True if the checkpoints of all runs can be loaded, or could have been for an hour."""
        if now < self._next.get(key, now):
            return False
        self._next[key] = now + _AGAIN
        return all(self._has_saved(wait, state.job) for wait, state in runs if state and state.job)

    def _has_saved(self, wait: Wait, job: ObservedJob) -> bool:
        end = epoch_of(job.updated_at)
        late = end is not None and self._api.clock.wall() - end >= SYNCING
        return late or saved_by(self._api, job).has(wait.upstream.checkpoint)


def _standing_still(
    outcomes: Mapping[ActionKey, Outcome], runs: Mapping[ActionKey, Sequence[tuple[Wait, Awaited | None]]]
) -> Collection[ActionKey]:
    """The open stages that wait for a job which stands still, or for such a stage."""
    found: set[ActionKey] = set()
    while (
        more := {
            key
            for key, states in runs.items()
            if any((state and state.stuck) or key_of(wait.upstream) in found for wait, state in states)
        }
        - found
    ):
        found |= more
    return found


def part_of(plan: Plan, due: Mapping[ActionKey, Outcome]) -> Plan:
    """What a plan made now does about these stages: as they were compiled, packed and shown at the start.

    A stage is held if a job of its name came since then.
    """
    stages = {a.key: _as_shown(a, due[a.key]) for a in plan.actions if a.key in due}
    begun = {key for key, action in stages.items() if action.verb is Verb.SUBMIT or action.identity_lives}
    stops = (a for a in plan.actions if a.follows_a_submit and a.key.of_manifest in begun)
    return replace(plan, actions=(*stages.values(), *stops), orphans=())


def _as_shown(action: Action, held: Outcome) -> Action:
    if action.verb is not Verb.SUBMIT:
        return action
    shown = held.action.request
    if action.request.resumes is not None:
        return unless_new(held.action, replace(action, request=shown.resuming(*action.request.resumes)))
    jobs = zip(action.request.upstreams, action.loads, strict=True)
    shown = shown.loading({upstream.number: job.id for upstream, job in jobs})
    return unless_new(held.action, replace(action, request=shown))


def gone_on(result: Applied, applied: Applied) -> Applied:
    """The result with what became of the stages that were due.

    Each that still waits stays open, unless it is for a run that failed, which only a later apply runs again.
    """
    now, outcomes = dict(_by_key(applied)), _by_key(result)
    kept = tuple(_kept_open(now.pop(o.action.key), o, outcomes) if o.action.key in now else o for o in result.outcomes)
    return _closed_below(
        replace(
            result,
            outcomes=(*kept, *now.values()),
            interrupted=applied.interrupted,
            unauthorised=applied.unauthorised,
            notes=(*result.notes, *applied.notes),
        )
    )


def _kept_open(now: Outcome, before: Outcome, outcomes: Mapping[ActionKey, Outcome]) -> Outcome:
    if now.fate is not Fate.HELD or not now.action.follows:
        return replace(now, awaited=Awaited() if now.fate in AWAITED else None)
    if any(_failed(each) for each in _above(now, outcomes)):
        return _given_up(now, _LEFT)
    return replace(now, awaited=before.awaited)


def _above(stage: Outcome, outcomes: Mapping[ActionKey, Outcome]) -> Sequence[Outcome]:
    """What a stage waits for, as far as the same apply has it."""
    return [outcomes[key] for wait in stage.action.waits if (key := key_of(wait.upstream)) in outcomes]


def _failed(outcome: Outcome) -> bool:
    return outcome.awaited is not None and outcome.awaited.end is End.FAILED


def _closed_below(result: Applied) -> Applied:
    """The result in which what waits for a stage that is not submitted is on hold, too."""
    while True:
        outcomes = _by_key(result)
        above = {key: _above(each, outcomes) for key, each in outcomes.items() if is_open(each)}
        ended = {key: [up for up in ups if not is_open(up) and up.fate not in AWAITED] for key, ups in above.items()}
        if not any(ended.values()):
            return result
        for key in filter(ended.__getitem__, ended):
            failure = any(up.fate is not Fate.HELD or up.action.error for up in ended[key])
            result = given_up(result, {key}, _NOT_SUBMITTED if failure else _LEFT)


def given_up(result: Applied, due: Collection[ActionKey], why: GivenUp) -> Applied:
    """The result in which these stages stay on hold."""
    return replace(result, outcomes=tuple(_given_up(o, why) if o.action.key in due else o for o in result.outcomes))


def _given_up(outcome: Outcome, why: GivenUp) -> Outcome:
    action = outcome.action
    error = f"{action.request.name}: {why.reason}" if why.failure else action.error
    return replace(outcome, awaited=None, error=why.reason, action=replace(action, error=error))


def since(before: Applied, after: Applied) -> Applied:
    """What became of stages during a wait: their outcomes, and those of the stops that followed."""
    was = {each.action.key: _fate(each) for each in before.outcomes}
    changed = tuple(each for each in after.outcomes if was.get(each.action.key) != _fate(each))
    return replace(after, outcomes=changed, notes=after.notes[len(before.notes) :])


def _fate(outcome: Outcome) -> tuple[Fate, str, str]:
    return outcome.fate, outcome.error, outcome.action.error
