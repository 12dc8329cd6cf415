"""Plan + policy -> why the plan must not be applied, before anything is sent."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from baseten_jobs.job.cost import Bill, per_hour, usd_of
from baseten_jobs.phrases import listed
from baseten_jobs.planning.plan import Action, Plan, Policy, Verb

if TYPE_CHECKING:
    from baseten_jobs.manifest.folder_policies.chain import CostLimit


def refusals(
    plan: Plan,
    policy: Policy,
    limits: "Mapping[str, CostLimit]" = MappingProxyType({}),
    *,
    strict: bool = False,
    goes_on: bool = False,
) -> tuple[str, ...]:
    """Why a guard forbids to apply this plan; empty if none does. Under `strict` a warning is a reason.

    `limits` has what each job of a manifest file may cost, by its path. What follows a submit counts with it, and so
    does whatever follows where the apply `goes_on`: a chain is agreed to as a whole.
    """
    counted = _counted(plan, goes_on)
    submits, bill = counted.of(Verb.SUBMIT), counted.cost
    gpus = sum(action.request.gpus for action in submits)
    later = len(submits) - len(plan.of(Verb.SUBMIT))
    of_which = f", {later} of them once others have run," if later else ","
    found = []
    if policy.max_submits is not None and len(submits) > policy.max_submits:
        found.append(f"{len(submits)} jobs to submit{of_which} and --max-submits is {policy.max_submits}")
    if policy.max_gpus is not None and gpus > policy.max_gpus:
        of_jobs = f" in {len(submits)} jobs" if later else ""
        found.append(f"{gpus} GPUs to submit{of_jobs}{of_which} and --max-gpus is {policy.max_gpus}")
    if policy.max_cost_per_hour is not None:
        found += _too_dear(bill, policy.max_cost_per_hour)
    found += _beyond(submits, limits)
    if strict:
        found += [f"--strict makes a warning an error: {warning}" for warning in plan.warnings]
    return tuple(found)


def _counted(plan: Plan, goes_on: bool) -> Plan:
    """The plan with the stages that follow among its submits."""
    if not (goes_on or plan.of(Verb.SUBMIT)):
        return plan
    later = {action.key for action in plan.actions if action.follows}
    return replace(plan, actions=tuple(replace(a, verb=Verb.SUBMIT) if a.key in later else a for a in plan.actions))


def _beyond(submits: Sequence[Action], limits: "Mapping[str, CostLimit]") -> Iterator[str]:
    """Why a job exceeds what a Policy lets it cost; that its price is not known is a reason too."""
    for action in submits if limits else ():
        request, limit = action.request, limits.get(action.request.path)
        usd = usd_of(action.cost)
        if limit is not None and (usd is None or usd > limit.usd_per_hour):
            costs = "has no known price" if usd is None else f"costs {per_hour(usd)}"
            yield f"{request.name} {costs}, and a job may cost {per_hour(limit.usd_per_hour)} by {limit.place}"


def _too_dear(bill: Bill, limit: float) -> list[str]:
    """Why jobs exceed a limit in USD per hour; a job without a known price is a reason too."""
    found = []
    if bill.priced > limit:
        found.append(f"{per_hour(bill.priced)} to submit, and --max-cost-per-hour is {per_hour(limit)}")
    if bill.unpriced:
        found.append(f"no price is known of {listed(bill.unpriced)}, so --max-cost-per-hour can't be checked")
    return found
