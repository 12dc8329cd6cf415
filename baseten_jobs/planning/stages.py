"""Requests + observation + saved checkpoints -> the plan in which submits load what is there, or wait for it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from baseten_jobs.job.claims import with_claims
from baseten_jobs.job.observation import Observation, ObservedJob, short
from baseten_jobs.job.request import JobRequest, Upstream
from baseten_jobs.job.saved import Saved
from baseten_jobs.job.times import epoch_of
from baseten_jobs.phrases import count, one_line
from baseten_jobs.planning.decide import Claimed, claimed_names, decide, make_plan
from baseten_jobs.planning.endings import ended
from baseten_jobs.planning.plan import Action, ActionKey, Plan, Policy, Verb, Wait
from baseten_jobs.planning.resumption import resumed, resumes

SYNCING = 3600.0
"""Seconds after a job's end within which its checkpoints may still be copied."""


class Stages:
    """The manifests of a plan, and those beside it whose checkpoints they load.

    `read` returns the checkpoints of a job, as far as they can be read; it is called once for each job.
    """

    def __init__(
        self,
        requests: Sequence[JobRequest],
        others: Iterable[JobRequest],
        policy: Policy,
        read: Callable[[ObservedJob], Saved],
    ) -> None:
        loaded = {key_of(upstream) for request in requests for upstream in request.upstreams}
        self.requests, self.policy = tuple(requests), policy
        self.others = tuple(request for request in others if _key(request) in loaded)
        self._upstream = {_key(each): each for each in (*self.requests, *self.others) if _key(each) in loaded}
        self._read, self._saved = read, dict[str, Saved]()
        self._runs: Mapping[ActionKey, Action] = {}
        self._observation = Observation({})

    def plan(self, observation: Observation, elsewhere: Claimed = MappingProxyType({})) -> Plan:
        """The plan by the decision table, with each stage held that waits for another."""
        if not self._upstream:
            return self.held(make_plan(self.requests, observation, self.policy, elsewhere))
        beside = claimed_names(self.others, observation)
        more = {of: {*elsewhere.get(of, ()), *beside.get(of, ())} for of in (*elsewhere, *beside)}
        made = make_plan(self.requests, observation, self.policy, more)
        everything = (*self.requests, *self.others)
        self._observation, claimed = with_claims(observation, everything), claimed_names(everything, observation)
        self._runs = {
            key: decide(
                replace(request, suspended=False),
                self._observation.project(request.project),
                self.policy,
                claimed[observation.project(request.project).id],
            )
            for key, request in self._upstream.items()
        }
        return self.held(made)

    def held(self, plan: Plan) -> Plan:
        """The plan in which each stage is held that waits for what is not there; the others know what they load.

        A retry that begins with a checkpoint of its own runs waits for no other's.
        """
        plan = self._resumed(plan)
        if not self._upstream:
            return plan
        known = {action.key: action for action in plan.actions if action.verb is not Verb.STOP}
        done: dict[ActionKey, Action] = {}
        for key in self._upstream_first(known):
            done[key] = self._staged(known[key], done, known)
        return _with(plan, done)

    def _resumed(self, plan: Plan) -> Plan:
        found: dict[ActionKey, Action] = {}
        for action in filter(resumes, plan.actions):
            named = plan.project_of(action).by_name.get(action.request.name, ())
            jobs = [job for job in named if job.identity == action.request.identity]
            found[action.key] = resumed(action, jobs, self._saved_by)
        return _with(plan, found) if found else plan

    def _upstream_first(self, known: Mapping[ActionKey, Action]) -> Iterable[ActionKey]:
        done: dict[ActionKey, None] = {}
        begun: set[ActionKey] = set()
        pending = list(known)[::-1]
        while pending:
            key = pending.pop()
            if key in begun:
                done[key] = None
                continue
            begun.add(key)
            above = (key_of(upstream) for upstream in known[key].request.upstreams)
            pending += [key, *(each for each in above if each in known and each not in begun)]
        return tuple(done)

    def _staged(self, action: Action, done: Mapping[ActionKey, Action], known: Mapping[ActionKey, Action]) -> Action:
        request = action.request
        if not request.upstreams or request.resumes or not (action.verb is Verb.SUBMIT or action.waits):
            return action
        found = {each.number: self._standing(each, done.get(key_of(each))) for each in request.upstreams}
        if waits := tuple(each for each in found.values() if isinstance(each, Wait)):
            return _waiting(action, waits)
        there = {number: job for number, job in found.items() if isinstance(job, ObservedJob)}
        whole = request.loading({number: job.id for number, job in there.items()})
        return replace(action, request=whole, loads=tuple(there.values()))

    def _standing(self, upstream: Upstream, planned: Action | None) -> ObservedJob | Wait:
        """The job whose checkpoint can be loaded, or why there is none yet."""
        run = self._runs[key_of(upstream)]
        if planned is not None and planned.verb is Verb.HOLD and not planned.request.suspended:
            run = planned
        job = run.job
        if run.verb in (Verb.KEEP, Verb.UPDATE) and job is not None:
            return self._of_run(upstream, job)
        if run.waits_to_retry and job is not None:
            return _retried(upstream, job, applied=planned is not None)
        if run.waits:
            broken = any(wait.broken for wait in run.waits)
            return Wait(upstream, "which waits itself", broken=broken)
        if run.verb is Verb.HOLD:
            told = f"job {job.id} {ended(job)}" if job is not None and not job.live else "on hold"
            told += ", and its retries are used up" if run.retry and run.retry.used_up else ""
            return Wait(upstream, told, job, broken=True)
        if self._upstream[key_of(upstream)].suspended:
            return Wait(upstream, "suspended")
        if planned is None:
            return Wait(upstream, f"no job yet; {_not_here(upstream)}", broken=True)
        return Wait(upstream, "to be submitted")

    def _of_run(self, upstream: Upstream, job: ObservedJob) -> ObservedJob | Wait:
        if job.identity != upstream.identity:
            return Wait(upstream, f"job {job.id} is of another attempt", job, broken=True)
        saved = self._saved_by(job)
        if job.live:
            shown = f", {count(saved.count, 'checkpoint')}" if not saved.problem else ""
            return Wait(upstream, f"{short(job.status)}{shown}", job)
        if saved.problem:
            return Wait(upstream, f"the checkpoints of job {job.id} can't be read: {saved.problem}", job, broken=True)
        if saved.has(upstream.checkpoint):
            return job
        name = "checkpoint" if upstream.checkpoint is None else f"'{one_line(upstream.checkpoint, 80)}'"
        now, end = self._observation.project(upstream.project).read_at, epoch_of(job.updated_at)
        fresh = now is not None and end is not None and now - end < SYNCING
        told = f"job {job.id} {ended(job)}, no synced {name}{' yet' if fresh else ''}"
        return Wait(upstream, told, job, broken=not fresh)

    def _saved_by(self, job: ObservedJob) -> Saved:
        key = f"{job.id} {job.status}"
        if key not in self._saved:
            self._saved[key] = self._read(job)
        return self._saved[key]


def _with(plan: Plan, decided: Mapping[ActionKey, Action]) -> Plan:
    """The plan with these actions, without the stops that were to follow what is on hold now."""
    held = {key for key, action in decided.items() if action.verb is Verb.HOLD}
    kept = (a for a in plan.actions if not (a.follows_a_submit and a.key.of_manifest in held))
    return replace(plan, actions=tuple(decided.get(a.key, a) if a.verb is not Verb.STOP else a for a in kept))


def _retried(upstream: Upstream, job: ObservedJob, *, applied: bool) -> Wait:
    """The wait for a run that ended and will be retried: nothing ends it if that is not applied here."""
    told = f"job {job.id} {ended(job)}, to be retried"
    return Wait(upstream, told if applied else f"{told}; {_not_here(upstream)}", job, broken=not applied)


def _not_here(upstream: Upstream) -> str:
    return f"{one_line(upstream.path, 200)} is not applied here"


def key_of(upstream: Upstream) -> ActionKey:
    """The key of the action of the manifest that is loaded from."""
    return ActionKey(upstream.project, upstream.name)


def _key(request: JobRequest) -> ActionKey:
    return ActionKey(request.project, request.name)


def _waiting(action: Action, waits: tuple[Wait, ...]) -> Action:
    """The stage on hold; an error if waiting alone leads nowhere, and a warning of each older run of it."""
    reason = "; ".join(dict.fromkeys(map(str, waits)))
    error = f"{action.request.name}: {reason}" if any(wait.broken for wait in waits) else ""
    older = () if action.waits else action.superseded
    runs_on = (f"job {job.id} of another spec runs on until then" for job in older)
    return replace(
        action,
        verb=Verb.HOLD,
        reason=reason,
        waits=waits,
        error=error,
        warnings=(*action.warnings, *runs_on),
        beside=(),
    )
