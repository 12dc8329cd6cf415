"""Plan + what its runs took so far -> the plan with a stop of each that is over the limits of its manifest."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from baseten_jobs.job.copies import copies
from baseten_jobs.job.cost import Cost, Machine, cost_of, cost_of_gpus
from baseten_jobs.job.observation import Observation, ObservedJob
from baseten_jobs.job.run_limits import RunLimits, Spending
from baseten_jobs.job.run_spending import spending
from baseten_jobs.job.times import age
from baseten_jobs.planning.endings import STOPPED
from baseten_jobs.planning.plan import Action, ActionKey, Plan, Verb

Jobs = Collection[ObservedJob]

STOPPED_OVER_LIMIT = "stopped over its limit"
"""How the hold of a run begins that was stopped over a limit."""


@dataclass(frozen=True)
class Readings:
    """What can be read of runs, each by one function that raises no ApiError; what can't be read is left out.

    `first_lines` are in epoch seconds and `billed` in USD, both by job id; `now` is in epoch seconds.
    """

    now: float
    machines: Callable[[], Sequence[Machine]]
    first_lines: Callable[[Jobs, float], Mapping[str, float]]
    billed: Callable[[Jobs, float], Mapping[str, float]]


@dataclass(frozen=True)
class _Runs:
    """Runs of one identity, oldest first, of the manifest of an action; the last one is what its limits are about."""

    action: Action
    limits: RunLimits
    jobs: tuple[ObservedJob, ...]

    @property
    def last(self) -> ObservedJob:
        return self.jobs[-1]

    def over(self, took: Spending) -> str:
        """Which limit the runs are over, in words; empty if they are over none."""
        if self.limits.seconds is not None and took.seconds.exceeds(self.limits.seconds):
            return f"{self._ran} {age(took.seconds.least)}, and policy.max_duration is {age(self.limits.seconds)}"
        if self.limits.usd is not None and took.usd.exceeds(self.limits.usd):
            most = "" if took.usd.most is None else f", at most ${took.usd.most:,.2f}"
            return f"{self._cost} at least ${took.usd.least:,.2f}{most}, and policy.max_cost is ${self.limits.usd:,.2f}"
        return ""

    @property
    def _ran(self) -> str:
        return "its runs took" if len(self.jobs) > 1 else "it has run for"

    @property
    def _cost(self) -> str:
        return "its runs cost" if len(self.jobs) > 1 else "it has cost"


def with_limits(plan: Plan, readings: Readings) -> Plan:
    """The plan with stops of runs that are over their limits, and without retries that have nothing left of them.

    Logs and bills are read only where a limit could be reached by now, prices only where one is in USD.
    """
    found = tuple(_limited(plan))
    if not found:
        return plan
    prices = _prices(found, readings) if any(runs.limits.usd is not None for runs in found) else {}
    bounds = [(runs, spending(runs.jobs, readings.now, {}, prices, {})) for runs in found]
    near = [runs for runs, took in bounds if runs.limits.may_be_reached_by(took)]
    if not near:
        return plan
    costly = [runs for runs, took in bounds if took.usd.reaches(runs.limits.usd)]
    begins = readings.first_lines(_jobs(near), readings.now)
    bills = readings.billed(_jobs(costly), readings.now) if costly else {}
    taken = [(runs, spending(runs.jobs, readings.now, begins, prices, bills)) for runs in near]
    changed: dict[ActionKey, Action] = {}
    stops: dict[ActionKey, list[Action]] = {}
    planned = {action.job.id for action in plan.of(Verb.STOP) if action.job}
    for runs, took in taken:
        key = runs.action.key
        action = changed.get(key, runs.action)
        if runs.last.live:
            stop, action = _of_live(replace(runs, action=action), took)
            stops.setdefault(key, []).extend([stop] if stop and runs.last.id not in planned else [])
        else:
            action = _of_ended(replace(runs, action=action), took)
        changed[key] = action
    actions = (each for a in plan.actions for each in (changed.get(a.key, a), *stops.get(a.key, ())))
    held = {key for key, action in changed.items() if action.verb is Verb.HOLD}
    return replace(plan, actions=tuple(a for a in actions if not (a.follows_a_submit and a.key.of_manifest in held)))


def seen_again(plan: Plan, observation: Observation) -> Plan:
    """The plan without the stops over a limit of jobs that another look does not show alive, or names differently."""
    live = {
        job.id: job
        for project in observation.projects.values()
        for job in project.jobs
        if job.live and job.status_known
    }
    kept = tuple(a for a in plan.actions if not (a.over_limit and a.job) or a.job.id in live)
    seen = (replace(a, job=live[a.job.id]) if a.over_limit and a.job else a for a in kept)
    return replace(plan, actions=tuple(seen))


def _limited(plan: Plan) -> Iterator[_Runs]:
    """The runs of each identity of a manifest's name: up to each that lives, and all of its own if none does."""
    for action in plan.actions:
        limits = action.request.limits
        if limits is None or action.verb is Verb.STOP:
            continue
        named = plan.project_of(action).by_name.get(action.request.name, ())
        copied = copies(named)
        for live in named:
            if live.live and live.status_known and live.id not in copied:
                yield _Runs(action, limits, (*_before(live, named, copied), live))
        own = tuple(job for job in named if job.identity == action.request.identity and job.id not in copied)
        if own and not any(job.live for job in own) and (_retries(action) or _was_stopped(action)):
            yield _Runs(action, limits, own)


def _jobs(found: Iterable[_Runs]) -> Jobs:
    return tuple({job.id: job for runs in found for job in runs.jobs}.values())


def _before(live: ObservedJob, named: Iterable[ObservedJob], copied: Collection[str]) -> Iterator[ObservedJob]:
    for job in named:
        if job.identity == live.identity and not job.live and job.id not in copied and job.age_order < live.age_order:
            yield job


def _retries(action: Action) -> bool:
    return action.verb is Verb.SUBMIT or action.waits_to_retry


def _was_stopped(action: Action) -> bool:
    return action.verb is Verb.HOLD and action.reason.startswith(STOPPED)


def _prices(found: Iterable[_Runs], readings: Readings) -> Mapping[str, float]:
    """USD per hour by job id, as far as known: of the GPUs that a job has, or of the machine that its spec wants."""
    machines = readings.machines()
    prices = {}
    for runs in found:
        for job in runs.jobs:
            nodes = job.node_count or 1
            cost = Cost.unknown(nodes)
            if job.gpus:
                cost = cost_of_gpus(nodes, job.gpus // nodes, job.gpu_type or "", machines)
            elif job.identity == runs.action.request.identity:
                cost = cost_of(runs.action.request, machines)
            if cost.usd_per_hour is not None:
                prices[job.id] = cost.usd_per_hour
    return prices


def _of_live(runs: _Runs, took: Spending) -> tuple[Action | None, Action]:
    """A stop of the run if it is over a limit, and the manifest's action, with a warning if that is not clear."""
    action, job = runs.action, runs.last
    if told := runs.over(took):
        reason = f"over its limit: {told}"
        return Action(Verb.STOP, action.request, reason, job, over_limit=took), action
    if not took.begun and not job.queued:
        told = f"job {job.id} may be over its limit: no log line of it can be read, so its time is not known"
        return None, replace(action, warnings=(*action.warnings, told))
    if took.usd.most is None and runs.limits.usd is not None:
        told = f"job {job.id} may be over its limit of ${runs.limits.usd:,.2f}: neither its price nor its bill is known"
        return None, replace(action, warnings=(*action.warnings, told))
    return None, action


def _of_ended(runs: _Runs, took: Spending) -> Action:
    """The action for runs that have ended: a retry with nothing left is held, a stop over a limit is told as one."""
    action = runs.action
    if not (told := runs.over(took)):
        return action
    if not _retries(action):
        remedy = f"raise {action.request.attempt_field}, or the limit and `--retry-failed {action.request.name}`"
        return replace(action, reason=f"{STOPPED_OVER_LIMIT}: {told}: {remedy} (job {runs.last.id} was stopped)")
    used = f"used up: {told}: raise {action.request.attempt_field}, or the limit"
    return replace(
        action, verb=Verb.HOLD, reason=used, job=runs.last, error=f"{action.request.name}: {used}", beside=(), past=()
    )
