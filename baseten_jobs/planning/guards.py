"""Plan + policy -> why the plan must not be applied, before anything is sent."""

from baseten_jobs.job.cost import per_hour
from baseten_jobs.phrases import listed
from baseten_jobs.planning.plan import Plan, Policy, Verb


def refusals(plan: Plan, policy: Policy, *, strict: bool = False) -> tuple[str, ...]:
    """Why a guard forbids to apply this plan; empty if none does. Under `strict` a warning is a reason."""
    submits = plan.of(Verb.SUBMIT)
    gpus = sum(action.request.gpus for action in submits)
    found = []
    if policy.max_submits is not None and len(submits) > policy.max_submits:
        found.append(f"{len(submits)} jobs to submit, and --max-submits is {policy.max_submits}")
    if policy.max_gpus is not None and gpus > policy.max_gpus:
        found.append(f"{gpus} GPUs to submit, and --max-gpus is {policy.max_gpus}")
    if policy.max_cost_per_hour is not None:
        found += _too_dear(plan, policy.max_cost_per_hour)
    if strict:
        found += [f"--strict makes a warning an error: {warning}" for warning in plan.warnings]
    return tuple(found)


def _too_dear(plan: Plan, limit: float) -> list[str]:
    """Why a plan exceeds a limit in USD per hour; a job without a known price is a reason too."""
    bill, found = plan.cost, []
    if bill.priced > limit:
        found.append(f"{per_hour(bill.priced)} to submit, and --max-cost-per-hour is {per_hour(limit)}")
    if bill.unpriced:
        found.append(f"no price is known of {listed(bill.unpriced)}, so --max-cost-per-hour can't be checked")
    return found
