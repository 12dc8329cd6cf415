"""A plan + the use of GPUs by job -> the same plan, whose kept jobs tell whether they are idle."""

from collections.abc import Mapping
from dataclasses import replace

from baseten_jobs.job.gpu_use import UNKNOWN, GpuUse
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.job.times import epoch_of
from baseten_jobs.planning.plan import Plan, Verb

_FIRST = 3600.0
"""Seconds of a job in which it counts as busy, whatever its GPUs do."""


def old_enough(plan: Plan, now: float) -> tuple[ObservedJob, ...]:
    """The live jobs that the plan keeps, and that may count as idle by now, in epoch seconds."""
    kept = (action.job for action in plan.of(Verb.KEEP) if action.job and action.job.live)
    return tuple(job for job in kept if (created := epoch_of(job.created_at)) is None or created <= now - _FIRST)


def with_idle(plan: Plan, uses: Mapping[str, GpuUse]) -> Plan:
    """Return the plan with each kept job whose GPUs are idle marked."""
    if not any(use.idle for use in uses.values()):
        return plan
    actions = (
        replace(action, idle=uses.get(action.job.id, UNKNOWN).idle)
        if action.verb is Verb.KEEP and action.job
        else action
        for action in plan.actions
    )
    return replace(plan, actions=tuple(actions))
