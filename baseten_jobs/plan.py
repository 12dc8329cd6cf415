"""Requests + observation + policy -> Plan: the decision table."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from baseten_jobs.capacity import Start
from baseten_jobs.cost import Bill, Cost, cost_of
from baseten_jobs.diff import Change
from baseten_jobs.history import Revision
from baseten_jobs.observation import Observation, ObservedJob, ObservedProject, StatusClass
from baseten_jobs.request import JobRequest, ProjectRef


class Verb(Enum):
    SUBMIT = "submit"
    UPDATE = "update"
    STOP = "stop"
    KEEP = "keep"
    HOLD = "hold"


@dataclass(frozen=True)
class Policy:
    """What the user permits; the limits are counted over one apply, and nothing means no limit.

    `history` bounds the revisions of a manifest that are looked through; `max_cost_per_hour` is in USD.
    """

    max_submits: int | None = 10
    max_gpus: int | None = None
    max_cost_per_hour: float | None = None
    retry_failed: frozenset[str] = frozenset()
    create_missing: frozenset[str] = frozenset()
    prune: bool = False
    history: int = 1000

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Policy":
        """From plain values, names in lists; raises TypeError for a name that is no field."""
        fields: dict[str, Any] = {n: frozenset(v) if isinstance(v, (list, tuple)) else v for n, v in values.items()}
        return cls(**fields)


@dataclass(frozen=True)
class Action:
    """One decision, with its reason; `job` is the one that it keeps, updates, stops or holds back for.

    `changes` are told against `previous`, the revision that runs as `older`; where git does not show it, `history`
    says why. `missing`: git says that the job was submitted long ago, and it is not there. `pruned`: a stop for a
    manifest that was deleted. `cost` and `starts` are told of submits, as far as the API tells them.
    """

    verb: Verb
    request: JobRequest
    reason: str
    job: ObservedJob | None = None
    older: ObservedJob | None = None
    superseded: tuple[ObservedJob, ...] = ()
    duplicates: tuple[ObservedJob, ...] = ()
    updates: Mapping[str, Any] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    previous: Revision | None = None
    history: str = ""
    warnings: tuple[str, ...] = ()
    error: str = ""
    cost: Cost | None = None
    starts: Start | None = None
    missing: bool = False
    pruned: bool = False

    @property
    def identity_lives(self) -> bool:
        """Whether the manifest's own job lives already, so that what it supersedes may be stopped."""
        own = self.job is not None and self.job.live and self.job.identity == self.request.identity
        return own and self.verb in (Verb.KEEP, Verb.UPDATE)


@dataclass(frozen=True)
class Orphan:
    """A live job whose manifest was deleted: what it was, and the commit that deleted it."""

    job: ObservedJob
    project: str
    deleted: Revision


@dataclass(frozen=True)
class Plan:
    """The actions, and what else a reader of the plan should know; `notes` are for the plan as a whole."""

    actions: tuple[Action, ...] = ()
    projects: Mapping[ProjectRef, ObservedProject] = field(default_factory=dict)
    orphans: tuple[Orphan, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def summary(self) -> dict[str, int]:
        counts = Counter(action.verb for action in self.actions)
        return {verb.value: counts[verb] for verb in Verb}

    @property
    def has_changes(self) -> bool:
        return any(action.verb in (Verb.SUBMIT, Verb.UPDATE, Verb.STOP) for action in self.actions)

    @property
    def errors(self) -> tuple[str, ...]:
        return tuple(action.error for action in self.actions if action.error)

    @property
    def cost(self) -> Bill:
        """What all submits cost together."""
        return Bill(tuple((a.request.name, a.cost or cost_of(a.request, ())) for a in self.of(Verb.SUBMIT)))

    def of(self, verb: Verb) -> tuple[Action, ...]:
        return tuple(action for action in self.actions if action.verb is verb)

    def project_of(self, action: Action) -> ObservedProject:
        return self.projects[action.request.project]

    @property
    def new_projects(self) -> tuple[ProjectRef, ...]:
        """Projects that a submit needs and nobody has made yet."""
        needed = {action.request.project: None for action in self.of(Verb.SUBMIT)}
        return tuple(ref for ref in needed if not self.projects[ref].exists)


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


def duplicate_warning(jobs: Sequence[ObservedJob]) -> str:
    """What a person reads of several live jobs of one identity, with the remedy."""
    ids = ", ".join(job.id for job in jobs)
    return f"duplicate: {ids} run the same spec; stop one with `baseten-jobs stop --job {jobs[-1].id}`"


def _listed(jobs: Sequence[ObservedJob]) -> str:
    return ", ".join(f"job {job.id}" + (f" ({job.gpus} GPUs)" if job.gpus else "") for job in jobs)
