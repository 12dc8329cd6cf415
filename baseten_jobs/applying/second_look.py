"""Plan -> the plan after a later look at the provider: submits and stops may drop out, and none is added."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from baseten_jobs.job.claims import with_claims
from baseten_jobs.job.observation import Observation, ObservedProject
from baseten_jobs.job.request import ProjectRef
from baseten_jobs.planning.decide import claimed_names, decide, make_plan
from baseten_jobs.planning.plan import Action, ActionKey, Plan, Policy, Verb
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.observe import observe, with_second_witness


def decided_again(
    actions: Iterable[Action],
    projects: Mapping[ProjectRef, ObservedProject],
    read: Collection[ProjectRef],
    policy: Policy,
    known: Collection[str] = (),
) -> Iterator[Action]:
    """The actions; each submit into a project `read` again is decided anew, and stays or becomes a keep or hold.

    `known` are the ids of the jobs that the plan has seen: they are no reason to hold a submit now, since the
    plan was made with them.
    """
    actions = tuple(actions)
    requests = [action.request for action in actions if action.verb is not Verb.STOP]
    observation = with_claims(Observation(projects), requests)
    claimed = claimed_names(requests, observation)
    for action in actions:
        again = action
        if action.verb is Verb.SUBMIT and action.request.project in read:
            project = observation.project(action.request.project)
            again = unless_new(action, decide(action.request, project, policy, claimed[project.id]))
            if again.doubt is not None and again.job is not None and again.job.id in known:
                again = action
            if again.verb not in (Verb.SUBMIT, Verb.KEEP, Verb.HOLD):
                again = replace(again, verb=Verb.KEEP)
        yield action if again.verb is Verb.SUBMIT else again


def unless_new(before: Action, now: Action) -> Action:
    """The decision made now; a hold if it is a submit, and there is a job of its name that the plan has not seen."""
    unseen = sorted(set(now.past) - set(before.past))
    if now.verb is not Verb.SUBMIT or not unseen:
        return now
    came = f"job {unseen[0]} of this name came since the plan was made: plan again"
    return replace(now, verb=Verb.HOLD, reason=came, error=f"{now.request.name}: {came}", beside=(), past=())


def looked_at_again(api: Api, plan: Plan, policy: Policy) -> tuple[Plan, tuple[str, ...]]:
    """The plan after a fresh look at the projects of its submits and stops, and a sentence for each that dropped out.

    Reads nothing if the plan has neither. Raises ApiError, also if a project can't be found any more.
    """
    due = [action for action in plan.actions if action.verb in (Verb.SUBMIT, Verb.STOP)]
    refs = tuple(dict.fromkeys(action.request.project for action in due))
    if not refs or api.clock.interrupted.is_set():
        return plan, ()
    observed = observe(api, refs)
    for problem in observed.unresolved:
        raise ApiError("looking again", problem.message)
    submitted = tuple(dict.fromkeys(action.request.project for action in plan.of(Verb.SUBMIT)))
    there = [ref for ref in submitted if observed.observation.project(ref).exists]
    seen = with_second_witness(api, observed.observation, there) if there else observed.observation
    projects = {**plan.projects, **{ref: seen.project(ref) for ref in refs}}
    known = frozenset(job.id for project in plan.projects.values() for job in project.jobs)
    decided = tuple(decided_again(plan.actions, projects, submitted, policy, known))
    wanted = _wanted_stops(decided, Observation(projects), policy)
    kept = tuple(a for a in decided if a.verb is not Verb.STOP or a.key in wanted)
    claimed = with_claims(Observation(projects), [action.request for action in kept]).projects
    return replace(plan, actions=kept, projects=claimed), _dropped(plan.actions, kept)


def _wanted_stops(actions: Iterable[Action], observation: Observation, policy: Policy) -> frozenset[ActionKey]:
    """The keys of the stops that the decision table makes now, and of those of orphans and twins that still live."""
    actions = tuple(actions)
    requests = [action.request for action in actions if action.verb is not Verb.STOP]
    submitted = {action.key for action in actions if action.verb is Verb.SUBMIT}
    now = make_plan(requests, observation, policy)
    lives = {action.key for action in now.actions if action.identity_lives}
    stops = {stop.key for stop in now.of(Verb.STOP) if stop.key.of_manifest in submitted | lives}
    live = {job.id for project in observation.projects.values() for job in project.jobs if job.live}
    pruned = {a.key for a in actions if (a.pruned or a.over_limit) and a.job and a.job.id in live}
    twins = {a.key for a in actions if a.twin_of and a.job and {a.job.id, a.twin_of.id} <= live}
    return frozenset(stops | pruned | twins)


def _dropped(before: Iterable[Action], after: Iterable[Action]) -> tuple[str, ...]:
    now = {action.key: action for action in after}
    return tuple(
        f"{action.request.name} is not submitted any more: {now[action.key].reason}"
        if action.verb is Verb.SUBMIT
        else f"job {action.job.id if action.job else ''} is not stopped any more: it ended, or is wanted again"
        for action in before
        if (action.verb is Verb.SUBMIT and now[action.key].verb is not Verb.SUBMIT)
        or (action.verb is Verb.STOP and action.key not in now)
    )
