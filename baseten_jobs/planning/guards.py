"""Plan + policy -> why the plan must not be applied, before anything is sent."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from baseten_jobs.job.cost import per_hour
from baseten_jobs.phrases import listed
from baseten_jobs.planning.plan import Plan, Policy, Verb

if TYPE_CHECKING:
    from baseten_jobs.manifest.folder_policies.chain import CostLimit


def refusals(
    plan: Plan, policy: Policy, limits: "Mapping[str, CostLimit]" = MappingProxyType({}), *, strict: bool = False
) -> tuple[str, ...]:
    """Why a guard forbids to apply this plan; empty if none does. Under `strict` a warning is a reason.

    `limits` has what each job of a manifest file may cost, by its path.
    """
    submits = plan.of(Verb.SUBMIT)
    gpus = sum(action.request.gpus for action in submits)
    found = []
    if policy.max_submits is not None and len(submits) > policy.max_submits:
        found.append(f"{len(submits)} jobs to submit, and --max-submits is {policy.max_submits}")
    if policy.max_gpus is not None and gpus > policy.max_gpus:
        found.append(f"{gpus} GPUs to submit, and --max-gpus is {policy.max_gpus}")
    if policy.max_cost_per_hour is not None:
        found += _too_dear(plan, policy.max_cost_per_hour)
    found += _beyond(plan, limits)
    if strict:
        found += [f"--strict makes a warning an error: {warning}" for warning in plan.warnings]
    return tuple(found)


def _beyond(plan: Plan, limits: "Mapping[str, CostLimit]") -> Iterator[str]:
    """Why a job exceeds what a Policy lets it cost; that its price is not known is a reason too."""
    for action in plan.of(Verb.SUBMIT) if limits else ():
        request, limit = action.request, limits.get(action.request.path)
        usd = action.cost.usd_per_hour if action.cost else None
        if limit is not None and (usd is None or usd > limit.usd_per_hour):
            costs = "has no known price" if usd is None else f"costs {per_hour(usd)}"
            yield f"{request.name} {costs}, and a job may cost {per_hour(limit.usd_per_hour)} by {limit.place}"


def _too_dear(plan: Plan, limit: float) -> list[str]:
    """Why a plan exceeds a limit in USD per hour; a job without a known price is a reason too."""
    bill, found = plan.cost, []
    if bill.priced > limit:
        found.append(f"{per_hour(bill.priced)} to submit, and --max-cost-per-hour is {per_hour(limit)}")
    if bill.unpriced:
        found.append(f"no price is known of {listed(bill.unpriced)}, so --max-cost-per-hour can't be checked")
    return found
