"""Requests + observation + policy -> Plan: the decision table."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from baseten_jobs.job.claims import with_claims
from baseten_jobs.job.copies import copies, runs
from baseten_jobs.job.cost import same_gpu
from baseten_jobs.job.identity import Identity
from baseten_jobs.job.observation import Observation, ObservedJob, ObservedProject, StatusClass, short
from baseten_jobs.job.request import JobRequest
from baseten_jobs.job.settings import Difference, differences, update_body
from baseten_jobs.phrases import one_line
from baseten_jobs.planning.diff import Change
from baseten_jobs.planning.duplicates import duplicate_warning
from baseten_jobs.planning.endings import attempt_of
from baseten_jobs.planning.holds import doubted
from baseten_jobs.planning.masking import masked
from baseten_jobs.planning.plan import Action, Beside, Plan, Policy, Verb
from baseten_jobs.planning.retrying import after_end, asked_for
from baseten_jobs.secrecy import Values

Claimed = Mapping[str | None, Collection[str]]
"""The names that manifests have, or had, by their project's id; None for projects that do not exist yet."""


def make_plan(
    requests: Iterable[JobRequest], observation: Observation, policy: Policy, elsewhere: Claimed = MappingProxyType({})
) -> Plan:
    """Decide for each request, in the order given; a stop follows the action that supersedes its job.

    `elsewhere` are names that manifests have which are not among the requests.
    """
    requests = tuple(requests)
    observation = with_claims(observation, requests)
    claimed = {of: {*names, *elsewhere.get(of, ())} for of, names in claimed_names(requests, observation).items()}
    actions: list[Action] = []
    for request in requests:
        project = observation.project(request.project)
        action = decide(request, project, policy, claimed[project.id])
        actions += [action, *_stops(action)]
    return Plan(tuple(actions), {request.project: observation.project(request.project) for request in requests})


def claimed_names(requests: Iterable[JobRequest], observation: Observation) -> Claimed:
    claimed: dict[str | None, set[str]] = {}
    for request in requests:
        claimed.setdefault(observation.project(request.project).id, set()).update(request.names)
    return claimed


def decide(request: JobRequest, project: ObservedProject, policy: Policy, claimed: Collection[str] = ()) -> Action:
    """Decide for one manifest, by the decision table; `claimed` are the names that manifests of its project have."""
    named, own = project.by_name.get(request.name, ()), request.identity
    attempts = _attempts(named, own)
    same = tuple(job for job in named if attempts.get(job.id) == own.attempt)
    older = tuple(job for job in named if attempts.get(job.id, 0) < own.attempt)
    later = tuple(job for job in named if attempts.get(job.id, 0) > own.attempt)
    copied = copies(named)
    action = _row(request, project, (same, older, later), copied, policy)
    notes = [
        f"job {job.id} is a copy that a person made of job {copied[job.id].id}; no apply stops it"
        for job in named
        if job.live and job.id in copied
    ]
    notes += [
        f"job {job.id} has the status {short(job.status)}, not known here and counted as live"
        for job in named
        if not job.status_known
    ]
    action = replace(action, notes=(*action.notes, *notes))
    if action.verb is Verb.SUBMIT or action.waits_to_retry:
        action = replace(action, past=tuple(sorted(job.id for job in named)))
    if action.verb is Verb.SUBMIT:
        action = doubted(action, project, policy, claimed, first=not named)
    return _with_superseded(action, tuple(job for job in older if job.live and job.id not in copied))


def _attempts(jobs: Iterable[ObservedJob], own: Identity) -> Mapping[str, int]:
    """The attempts of the jobs with an identity's spec, by job id.

    Most jobs of a name have another spec: they are recognised by their name's start, and not parsed.
    """
    begin = f"{own.name}--{own.digest}"
    near = (job for job in jobs if job.counts_as is not None or (job.name or "").startswith(begin))
    return {job.id: was.attempt for job in near if (was := job.identity) is not None and was.digest == own.digest}


def _row(
    request: JobRequest,
    project: ObservedProject,
    attempts: tuple[Sequence[ObservedJob], Sequence[ObservedJob], Sequence[ObservedJob]],
    copied: Collection[str],
    policy: Policy,
) -> Action:
    """Decide by the jobs of this attempt, of older and of later ones; a copy counts as a run, and as no duplicate.

    A job whose status is not known here may live: only its whole name, and no glob, has it submitted again.
    """
    same, older, later = attempts
    retried, by_name = policy.retries(request.name), request.name in policy.retry_failed
    live = tuple(job for job in same if job.live and not (by_name and not job.status_known))
    running = runs(live, copied)
    ran = running or tuple(job for job in same if job.status_class is StatusClass.DONE)
    later_ran = tuple(job for job in later if job.ran)
    if request.suspended:
        return Action(Verb.HOLD, request, "suspended", live[0] if live else None)
    if len(running) > 1:
        warning = duplicate_warning(running, project.read_at)
        return Action(Verb.KEEP, request, "duplicate", running[0], duplicates=running, warnings=(warning,))
    if ran:
        return _unchanged(request, ran[-1])
    if later_ran:
        attempt = attempt_of(later_ran[-1])
        return Action(Verb.KEEP, request, f"ran already as attempt {attempt}", later_ran[-1])
    if same:
        return asked_for(request, same) if retried else after_end(request, same, later, project)
    if not older:
        return Action(Verb.SUBMIT, request, "new")
    compared = [job for job in older if job.live][-1:] or [older[-1]]
    return _changed(request, compared[0])


def _unchanged(request: JobRequest, job: ObservedJob) -> Action:
    different = differences(request.settings, job.settings)
    listed = ", ".join(map(_in_words, different))
    if job.pending and different:
        changes = tuple(map(_change, different))
        return Action(Verb.UPDATE, request, listed, job, updates=update_body(different), changes=changes)
    reason = "unchanged" if job.live else f"unchanged: job {job.id} completed"
    notes = (f"{listed} has no effect: job {job.id} waits no longer",) if different else ()
    return Action(Verb.KEEP, request, reason, job, notes=notes)


def _change(difference: Difference) -> Change:
    return Change(difference.field, difference.old, difference.new)


def _in_words(difference: Difference) -> str:
    """`priority 0 → 10`; no value that may be a secret."""
    shown = masked(_change(difference), Values.NONE)
    return f"{difference.name} {_plain(shown.old)} → {_plain(shown.new)}"


def _plain(value: Any) -> str:
    return one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _changed(request: JobRequest, older: ObservedJob) -> Action:
    """A submit that replaces `older`: the live job of another spec, or the newest."""
    was = older.identity
    assert was is not None
    if was.digest != request.identity.digest:
        return Action(Verb.SUBMIT, request, f"changed: {was.digest} → {request.identity.digest}", older=older)
    attempts = Change("metadata.attempt", was.attempt, request.attempt)
    reason = f"changed: attempt {was.attempt} → {request.attempt}"
    return Action(Verb.SUBMIT, request, reason, older=older, changes=(attempts,))


# What a changed spec leaves running


def _with_superseded(action: Action, superseded: tuple[ObservedJob, ...]) -> Action:
    """The action with the live runs of other specs of its name, and with a note, warning or error on them."""
    if not superseded:
        return action
    action = replace(action, superseded=superseded)
    if action.request.suspended or action.doubt is not None or action.waits_to_retry:
        return replace(action, notes=(*action.notes, *map(_runs_on, superseded)))
    at_rest = action.verb is Verb.HOLD or (action.verb is Verb.KEEP and action.job is not None and not action.job.live)
    if at_rest:
        return _not_what_git_says(action)
    if action.request.stop_superseded:
        return replace(action, notes=(*action.notes, *(_younger(job, action) for job in _left_running(action))))
    if action.verb is Verb.SUBMIT:
        return replace(action, beside=tuple(map(Beside, superseded)))
    return replace(action, notes=(*action.notes, *map(_runs_on, superseded)))


def _not_what_git_says(action: Action) -> Action:
    """The action with an error or a warning: no job of the manifest's own spec lives, and one of another spec does."""
    stop = f"`baseten-jobs stop --job {action.superseded[-1].id}` stops it"
    said = f"{_listed_jobs(action.superseded)} still runs, which is not what git says; {stop}"
    if action.verb is Verb.HOLD or action.request.stop_superseded:
        return replace(action, error=f"{action.request.name}: {said}")
    return replace(action, warnings=(*action.warnings, said))


def _runs_on(job: ObservedJob) -> str:
    return f"{_listed_jobs([job])} of another spec runs on"


def _younger(job: ObservedJob, action: Action) -> str:
    own = f"job {action.job.id}" if action.job else "the manifest's own job"
    return (
        f"job {job.id} of another spec is not stopped: it was created after {own}; "
        f"`baseten-jobs stop --job {job.id}` stops it"
    )


def _stops(action: Action) -> list[Action]:
    """A stop for each run that the manifest's policy wants stopped, once its own identity lives."""
    if not action.request.stop_superseded or not (action.verb is Verb.SUBMIT or action.identity_lives):
        return []
    left = {job.id for job in _left_running(action)}
    return [
        Action(Verb.STOP, action.request, f"superseded by {action.job_name}", job)
        for job in action.superseded
        if job.id not in left and not job.disputed
    ]


def _left_running(action: Action) -> tuple[ObservedJob, ...]:
    """The superseded runs that are younger than the kept job, or of unknown age: they were started to run beside it."""
    kept = action.job
    if action.verb is Verb.SUBMIT or kept is None:
        return ()
    return tuple(
        job for job in action.superseded if not (job.created_at and kept.created_at) or job.age_order >= kept.age_order
    )


def revealed(request: JobRequest, job: ObservedJob) -> tuple[Change, ...]:
    """The fields that the API shows of a job and in which a request differs: GPUs, nodes, and what can be updated."""
    compute = request.training_job.get("compute", {})
    wanted = compute.get("accelerator")
    nodes = job.node_count or 1
    seen = f"{job.gpu_type}:{job.gpus // nodes}" if job.gpu_type and job.gpus else None
    asked = f"{wanted['accelerator']}:{wanted['count']}" if wanted else None
    same = same_gpu(seen or "", asked or "")
    found = [Change("spec.compute.accelerator", seen, asked)] if not same and job.gpus is not None else []
    if job.node_count is not None and job.node_count != request.nodes:
        found.append(Change("spec.compute.node_count", job.node_count, request.nodes))
    return (*found, *map(_change, differences(request.settings, job.settings)))


def _listed_jobs(jobs: Sequence[ObservedJob]) -> str:
    """`job wfmmjzx (32 GPUs), job rpvn3xm`."""
    return ", ".join(f"job {job.id}" + (f" ({job.gpus} GPUs)" if job.gpus else "") for job in jobs)
