"""Plan -> the plan where a project that was missing turned out to hold jobs: submits may only drop out."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from baseten_jobs.api.client import Api
from baseten_jobs.decide import decide
from baseten_jobs.observation import Observation, ObservedProject
from baseten_jobs.observe import observe, with_second_witness
from baseten_jobs.plan import Action, Plan, Policy, Verb
from baseten_jobs.request import ProjectRef


def decided_again(
    actions: Iterable[Action],
    projects: Mapping[ProjectRef, ObservedProject],
    held: Collection[ProjectRef],
    policy: Policy,
) -> Iterator[Action]:
    """The actions, after the submits to projects that hold jobs after all were decided again."""
    for action in actions:
        again = action
        if action.verb is Verb.SUBMIT and action.request.project in held:
            again = decide(action.request, projects[action.request.project], policy)
            if again.verb not in (Verb.SUBMIT, Verb.KEEP, Verb.HOLD):
                again = replace(again, verb=Verb.KEEP)
        yield action if again.verb is Verb.SUBMIT else again


def seen_again(api: Api, plan: Plan, policy: Policy) -> Plan:
    """Look for missing projects once more before code is uploaded for their jobs, as somebody may have made them since.

    They are not made here: should the upload fail, nothing is left behind. Raises ApiError.
    """
    missing = {
        action.request.project
        for action in plan.of(Verb.SUBMIT)
        if action.request.content is not None and not plan.project_of(action).exists
    }
    if not missing or api.clock.interrupted.is_set():
        return plan
    seen = observe(api, sorted(missing, key=str)).observation
    found = {ref: project for ref, project in seen.projects.items() if project.exists}
    if not found:
        return plan
    projects = {**plan.projects, **with_second_witness(api, Observation(found), found).projects}
    return replace(plan, actions=tuple(decided_again(plan.actions, projects, found, policy)), projects=projects)
