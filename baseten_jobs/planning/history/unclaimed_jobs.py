"""Manifests, what was observed of their projects, and git -> the live jobs there that are of none of them."""

from collections.abc import Callable, Iterable, Sequence

from baseten_jobs.git.objects import NotWhole
from baseten_jobs.git.process import GitError
from baseten_jobs.git.repository import NotInGit, Repository
from baseten_jobs.job.claims import with_claims
from baseten_jobs.job.observation import Observation, ObservedJob, ObservedProject
from baseten_jobs.job.request import JobRequest
from baseten_jobs.planning.history.lookup import Evidence
from baseten_jobs.planning.history.orphans import Observe, Orphans
from baseten_jobs.planning.history.review import Inquiry
from baseten_jobs.planning.plan import Action, Plan, Verb
from baseten_jobs.planning.unclaimed import Unclaimed


def unclaimed(
    requests: Sequence[JobRequest],
    observation: Observation,
    repository: Repository | NotInGit,
    inquiry: Inquiry,
    observe: Observe,
) -> Unclaimed:
    """Return what lives in the observed projects beside the jobs of these requests; raises ApiError.

    Orphans are also looked for, by `observe`, in projects that only deleted manifests name. A job of a manifest that
    lies elsewhere in the work tree is neither.
    """
    requests = [request for request in requests if request.project in observation.projects]
    observation = with_claims(observation, requests)
    plan = Plan(tuple(Action(Verb.KEEP, request, "") for request in requests), observation.projects)
    if isinstance(repository, NotInGit):
        return Unclaimed(unmanaged=_others(plan), problem=repository.reason if repository.refused else "")
    try:
        evidence = Evidence(repository, requests, inquiry.policy.history, inquiry.now)
        orphans = Orphans(evidence, False, (), inquiry.newer, inquiry.other_owner)
        listed = orphans.listed(plan, observe).orphans
        known = frozenset(orphan.job.id for orphan in listed)
        return Unclaimed(listed, _others(plan, known, orphans.in_work_tree))
    except (GitError, NotWhole) as error:
        return Unclaimed(unmanaged=_others(plan), problem=str(error))


def _others(
    plan: Plan,
    known: Iterable[str] = (),
    has_manifest: Callable[[str, ObservedProject], bool] = lambda name, project: False,
) -> tuple[tuple[ObservedJob, str], ...]:
    """The live jobs of a plan's projects that are neither `known` nor of a manifest, the oldest first."""
    claimed = {(plan.project_of(action).id, name) for action in plan.actions for name in action.request.names}
    known = frozenset(known)
    found = {}
    for project in plan.projects.values():
        for job in project.jobs:
            name = job.identity.name if job.identity else None
            if not job.live or job.id in known or (project.id, name) in claimed:
                continue
            if name is None or not has_manifest(name, project):
                found[job.id] = (job, project.name)
    return tuple(sorted(found.values(), key=lambda pair: pair[0].age_order))
