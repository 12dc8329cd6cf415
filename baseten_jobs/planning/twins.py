"""Plan with duplicates -> the plan with a stop of each that another create made by accident, and that still waits."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from baseten_jobs.job.copies import seconds_between
from baseten_jobs.job.names import NO_OWNER, read_job_name
from baseten_jobs.job.observation import ObservedJob, short
from baseten_jobs.planning.duplicates import duplicate_warning
from baseten_jobs.planning.plan import Action, Plan, Policy, Verb

_APART = 2.0
"""Seconds between two creations within which it is not known which came first: times may be whole seconds."""


def owners_of(owner: str, policy: Policy) -> frozenset[str]:
    """The letters of whose twins may be stopped: this repository's, and those that its user gave for it."""
    return frozenset({owner, *policy.owner_too}) - {"", NO_OWNER}


def with_twin_stops(plan: Plan, owners: Collection[str]) -> Plan:
    """The plan with stops of accidental twins, as far as one reading can tell; the apply takes two more.

    Their manifests' actions keep the duplicates that are left, with the warning; no warning if none is left.
    """
    actions: list[Action] = []
    for action in plan.actions:
        stops = _stops(plan, action, owners) if action.duplicates else ()
        actions += [_after(plan, action, stops), *stops]
    return replace(plan, actions=tuple(actions))


def why_not_stopped(job: ObservedJob, older: ObservedJob, jobs: Sequence[ObservedJob], owners: Collection[str]) -> str:
    """Why a job is not surely an accidental twin of an older one that still waits; empty if it is.

    `jobs` are all of their identity, of any status, oldest first.
    """
    name, first = read_job_name(job.name), read_job_name(older.name)
    if not job.queued:
        return f"it is {short(job.status)}"
    if not older.live or not older.status_known:
        return f"the older job {older.id} is {short(older.status)}"
    if job.disputed or older.disputed:
        return "search and job list name it differently"
    if name is None or first is None or not name.token or name.identity != first.identity or name.retry != first.retry:
        return "its name does not tell by which create it came"
    if name.owner != first.owner or name.owner not in owners:
        return "it is not surely of this repository"
    if not job.user or job.user != older.user:
        return "it is not known that the same user made both"
    if (seconds_between(older, job) or 0.0) <= _APART:
        return "it is not clear which came first"
    before = (read_job_name(each.name) for each in jobs if each.age_order < job.age_order)
    if any(each is None or each.token in ("", name.token) for each in before):
        return "it may be a copy of an older job"
    return ""


def _stops(plan: Plan, action: Action, owners: Collection[str]) -> tuple[Action, ...]:
    project, request = plan.project_of(action), action.request
    jobs = [job for job in project.by_name.get(request.name, ()) if job.identity == request.identity]
    first, *rest = action.duplicates
    reason = f"made by another create of the spec of job {first.id}, and still waits"
    return tuple(
        Action(Verb.STOP, request, reason, job, twin_of=first)
        for job in rest
        if not why_not_stopped(job, first, jobs, owners)
    )


def _after(plan: Plan, action: Action, stops: Collection[Action]) -> Action:
    if not stops:
        return action
    stopped = {stop.job.id for stop in stops if stop.job}
    left = tuple(job for job in action.duplicates if job.id not in stopped)
    if len(left) > 1:
        warnings = (duplicate_warning(left, plan.project_of(action).read_at),)
        return replace(action, duplicates=left, warnings=warnings)
    return replace(action, reason="unchanged", duplicates=(), warnings=())
