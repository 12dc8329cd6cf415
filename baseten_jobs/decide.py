"""Requests + observation + policy -> Plan: the decision table."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from baseten_jobs.diff import Change
from baseten_jobs.observation import Observation, ObservedJob, ObservedProject, StatusClass
from baseten_jobs.plan import Action, Plan, Policy, Verb, duplicate_warning
from baseten_jobs.request import JobRequest


def make_plan(requests: Iterable[JobRequest], observation: Observation, policy: Policy) -> Plan:
    """Decide for each request, in the order given; a stop follows the action that supersedes its job."""
    requests = tuple(requests)
    claimed: dict[str | None, set[str]] = {}
    for request in requests:
        claimed.setdefault(observation.project(request.project).id, set()).add(request.name)
    actions: list[Action] = []
    for request in requests:
        project = observation.project(request.project)
        action = decide(request, project, policy, claimed[project.id])
        actions.append(action)
        if request.stop_superseded and (action.verb is Verb.SUBMIT or action.identity_lives):
            actions += [
                Action(Verb.STOP, request, f"superseded by {request.job_name}", job) for job in action.superseded
            ]
    return Plan(tuple(actions), {request.project: observation.project(request.project) for request in requests})


def decide(request: JobRequest, project: ObservedProject, policy: Policy, claimed: Collection[str] = ()) -> Action:
    """The decision table for one manifest; `claimed` are the names that manifests of its project have."""
    named, own = project.by_name.get(request.name, ()), request.identity
    attempts = _attempts(named, f"{own.name}--{own.digest}")
    same = tuple(job for job in named if attempts.get(job.id) == own.attempt)
    older = tuple(job for job in named if attempts.get(job.id, 0) < own.attempt)
    later = tuple(job for job in named if attempts.get(job.id, 0) > own.attempt and job.ran)
    action = _row(request, same, older, later[-1] if later else None, policy)
    superseded = tuple(job for job in older if job.live)
    warnings = list(action.warnings)
    warnings += [
        f"job {job.id} has the status {job.status}, not known here and counted as live"
        for job in named
        if not job.status_known
    ]
    if superseded and action.verb is Verb.HOLD and same and not request.suspended:
        action = replace(action, error=f"{request.name}: {_listed(superseded)} still runs, which is not what git says")
    elif superseded and not request.stop_superseded:
        warnings.append(f"{_listed(superseded)} of another spec runs on; `policy.on_change: stop` would stop it")
    if action.verb is Verb.SUBMIT:
        warnings += [
            f"renamed? job {job.id} runs this spec as '{job.identity.name}'"
            for job in project.live_by_digest.get(own.digest, ())
            if job.identity and job.identity.name not in claimed
        ]
    return replace(action, superseded=superseded, warnings=tuple(warnings))


def _attempts(jobs: Iterable[ObservedJob], begin: str) -> Mapping[str, int]:
    """The attempts, by id, of those managed jobs whose names begin with a name and digest: most are of another."""
    return {job.id: job.identity.attempt for job in jobs if (job.name or "").startswith(begin) and job.identity}


def _row(
    request: JobRequest,
    same: Sequence[ObservedJob],
    older: Sequence[ObservedJob],
    later_attempt: ObservedJob | None,
    policy: Policy,
) -> Action:
    live = tuple(job for job in same if job.live)
    ran = live or tuple(job for job in same if job.ran)
    if request.suspended:
        return Action(Verb.HOLD, request, "suspended", live[0] if live else None)
    if len(live) > 1:
        return Action(Verb.KEEP, request, "duplicate", live[0], duplicates=live, warnings=(duplicate_warning(live),))
    if ran:
        return _unchanged(request, ran[-1])
    if later_attempt is not None and later_attempt.identity:
        return Action(Verb.KEEP, request, f"ran already as attempt {later_attempt.identity.attempt}", later_attempt)
    if same and request.name not in policy.retry_failed:
        return Action(Verb.HOLD, request, _failed_before(request, same[-1]), same[-1])
    if same:
        return Action(Verb.SUBMIT, request, f"retried: job {same[-1].id} {_ended(same[-1])}")
    if not older:
        return Action(Verb.SUBMIT, request, "new")
    compared = [job for job in older if job.live][-1:] or [older[-1]]
    return _changed(request, compared[0])


_SCHEDULING = {"priority": "spec.priority", "availability_model": "spec.compute.availability_model"}


def _unchanged(request: JobRequest, job: ObservedJob) -> Action:
    different = {
        name: wanted
        for name, wanted in request.scheduling.items()
        if getattr(job, name) is not None and getattr(job, name) != wanted
    }
    listed = ", ".join(f"{name} {getattr(job, name)} → {wanted}" for name, wanted in different.items())
    if job.pending and different:
        changes = tuple(Change(_SCHEDULING[name], getattr(job, name), wanted) for name, wanted in different.items())
        return Action(Verb.UPDATE, request, listed, job, updates=different, changes=changes)
    reason = "unchanged" if job.live else f"unchanged: job {job.id} completed"
    warnings = (f"{listed} has no effect: job {job.id} waits no longer",) if different else ()
    return Action(Verb.KEEP, request, reason, job, warnings=warnings)


def _failed_before(request: JobRequest, job: ObservedJob) -> str:
    remedy = f"raise `metadata.attempt`, or `--retry-failed {request.name}`"
    return f"failed before: {remedy} (job {job.id} {_ended(job)})"


def _ended(job: ObservedJob) -> str:
    return "failed" if job.status_class is StatusClass.FAILED else "was stopped"


def _changed(request: JobRequest, older: ObservedJob) -> Action:
    """A submit that replaces `older`: the live job of another spec, or the newest."""
    was = older.identity
    assert was is not None
    if was.digest != request.identity.digest:
        return Action(Verb.SUBMIT, request, f"changed: {was.digest} → {request.identity.digest}", older=older)
    attempts = Change("metadata.attempt", was.attempt, request.attempt)
    reason = f"changed: attempt {was.attempt} → {request.attempt}"
    return Action(Verb.SUBMIT, request, reason, older=older, changes=(attempts,))


def revealed(request: JobRequest, job: ObservedJob) -> tuple[Change, ...]:
    """What the API itself shows to differ from a job: GPUs, nodes, priority, availability."""
    compute = request.training_job.get("compute", {})
    wanted = compute.get("accelerator")
    nodes = job.node_count or 1
    seen = f"{job.gpu_type}:{job.gpus // nodes}" if job.gpu_type and job.gpus else None
    asked = f"{wanted['accelerator']}:{wanted['count']}" if wanted else None
    same = (seen or "").replace("-", "_") == (asked or "").replace("-", "_")
    found = [Change("spec.compute.accelerator", seen, asked)] if not same and job.gpus is not None else []
    if job.node_count is not None and job.node_count != request.nodes:
        found.append(Change("spec.compute.node_count", job.node_count, request.nodes))
    found += [
        Change(_SCHEDULING[name], getattr(job, name), value)
        for name, value in request.scheduling.items()
        if getattr(job, name) not in (None, value)
    ]
    return tuple(found)


def _listed(jobs: Sequence[ObservedJob]) -> str:
    return ", ".join(f"job {job.id}" + (f" ({job.gpus} GPUs)" if job.gpus else "") for job in jobs)
