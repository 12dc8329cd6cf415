"""Plan with stops of runs that are over their limits -> the plan with those alone that git bears out."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

from baseten_jobs.git.objects import NotWhole
from baseten_jobs.git.process import GitError
from baseten_jobs.git.repository import NotInGit, Repository
from baseten_jobs.job.names import parse_job_name
from baseten_jobs.job.request import JobRequest
from baseten_jobs.manifest.sources import read_raw
from baseten_jobs.phrases import one_line
from baseten_jobs.planning.history.branch_tip import Tip
from baseten_jobs.planning.history.lookup import Evidence
from baseten_jobs.planning.history.orphans import of_another
from baseten_jobs.planning.history.review import Inquiry
from baseten_jobs.planning.plan import Action, ActionKey, Plan, Verb


def with_proven_limits(
    plan: Plan, repository: Repository | NotInGit, inquiry: Inquiry, ask_tip: Callable[[], Tip | None]
) -> Plan:
    """The plan without the stops over a limit that are in doubt; their manifests' actions get a warning each.

    A run is stopped if this repository's history has its spec, and HEAD the limit, and if the branch that decides is
    not further: `ask_tip` looks at it, returns None where there is no remote, and raises GitError. Outside of any
    repository there is nothing to ask, and the plan stays as it is.
    """
    stops = [stop for stop in plan.of(Verb.STOP) if stop.over_limit]
    if not stops or (isinstance(repository, NotInGit) and not repository.refused):
        return plan
    doubts = {stop.key: why for stop in stops if (why := _of_job(stop, inquiry))}
    left = [stop for stop in stops if stop.key not in doubts]
    if isinstance(repository, NotInGit):
        doubts |= dict.fromkeys((stop.key for stop in left), repository.reason)
    elif left:
        try:
            doubts |= _of_history(plan, left, repository, inquiry, ask_tip)
        except (GitError, NotWhole) as error:
            doubts |= dict.fromkeys((stop.key for stop in left), f"git can't tell its spec's history: {error}")
    return _without(plan, doubts)


def _of_job(stop: Action, inquiry: Inquiry) -> str:
    """Why the job alone, as the API shows it, must not be stopped."""
    job = stop.job
    if job is None or job.disputed:
        return "search and job list name it differently"
    owner = inquiry.other_owner(job)
    return of_another(owner) if owner else ""


def _of_history(
    plan: Plan, stops: Iterable[Action], repository: Repository, inquiry: Inquiry, ask_tip: Callable[[], Tip | None]
) -> dict[ActionKey, str]:
    requests = [action.request for action in plan.actions]
    evidence = Evidence(repository, requests, inquiry.policy.history, inquiry.now - timedelta(days=7))
    at_head = repository.manifests_at_head()
    found = {stop.key: _unproven(stop, plan, evidence, repository, at_head) for stop in stops}
    if all(found.values()):
        return found
    tip = ask_tip()
    if tip is not None and tip.overtaken:
        told = (
            f"{one_line(tip.branch)} is at {tip.commit[:7]} by now, and this is {tip.head[:7]}, so its own run decides"
        )
        return {key: why or told for key, why in found.items()}
    return {key: why for key, why in found.items() if why}


def _unproven(stop: Action, plan: Plan, evidence: Evidence, repository: Repository, at_head: Mapping[str, str]) -> str:
    request, job = stop.request, stop.job
    was = (parse_job_name(job.name) or job.identity) if job else None
    path = evidence.paths[request.path]
    if was is None or path is None:
        return "the manifest is not in the git repository of the rest"
    if request.overrides:
        return "`--set` is laid over its manifest"
    changed = next((each for each in _sources(request, evidence) if not _as_committed(each, repository, at_head)), None)
    if changed is not None:
        return f"{one_line(changed, 200)} is not as HEAD has it"
    if evidence.of(was.name).find_in_project(was, plan.project_of(stop)) is None:
        return "this clone is shallow" if repository.shallow else "its spec is not in this repository's history"
    return ""


def _sources(request: JobRequest, evidence: Evidence) -> Iterable[str]:
    """The files that decide on a manifest's limits: its own, and those of the Defaults that it extends."""
    limits = (("policy", "max_duration"), ("policy", "max_cost"))
    given = (request.path, *(request.stands_in(path) for path in limits))
    return dict.fromkeys(each for each in given if each)


def _as_committed(path: str, repository: Repository, at_head: Mapping[str, str]) -> bool:
    """True if a file of the work tree is as HEAD has it, but for the ends of its lines."""
    inside = repository.path_of(path)
    blob = at_head.get(inside or "")
    here = read_raw(path)
    if blob is None or here is None:
        return False
    (there,) = repository.contents((blob,))
    return here.replace(b"\r\n", b"\n") == there.replace(b"\r\n", b"\n")


def _without(plan: Plan, doubts: dict[ActionKey, str]) -> Plan:
    told: dict[ActionKey, list[str]] = {}
    for stop in plan.of(Verb.STOP):
        if stop.key in doubts:
            job = stop.job.id if stop.job else ""
            remedy = f"`baseten-jobs stop --job {job}` stops it"
            why = f"job {job} is {stop.reason}, and is not stopped: {doubts[stop.key]}; {remedy}"
            told.setdefault(stop.key.of_manifest, []).append(why)
    return replace(
        plan,
        actions=tuple(
            replace(a, warnings=(*a.warnings, *told.get(a.key, ()))) if a.key in told else a
            for a in plan.actions
            if a.key not in doubts
        ),
    )
