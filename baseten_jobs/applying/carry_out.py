"""A confirmed plan -> what became of it: first every upload, then all else."""

from dataclasses import replace

from baseten_jobs.applying.execute import Execution, execute
from baseten_jobs.applying.in_flight import Ledger
from baseten_jobs.applying.outcome import Applied
from baseten_jobs.applying.second_look import looked_at_again
from baseten_jobs.applying.upload import Sent, upload_workspaces
from baseten_jobs.job.request import JobRequest
from baseten_jobs.planning.plan import Plan, Policy, Verb
from baseten_jobs.provider.api.client import Api


def carry_out(
    api: Api,
    plan: Plan,
    policy: Policy,
    how: Execution,
    ledger: Ledger,
    sent: Sent = lambda done, total, text: None,
    *,
    waited: bool = False,
    goes_on: bool = False,
) -> Applied:
    """Carry out a confirmed plan: first every upload of what is still to be submitted, then everything else.

    An apply that `goes_on` uploads what later stages need, too. Where somebody was `waited` for, and around uploads,
    the provider is looked at again: what is not to be done any more drops out. Raises Conflict, UploadFailed and
    ApiError only before the first create.
    """
    dropped: tuple[str, ...] = ()
    if waited or _with_code(plan, goes_on):
        plan, dropped = looked_at_again(api, plan, policy)
    if needed := _with_code(plan, goes_on):
        plan, since = looked_at_again(api, upload_workspaces(api, plan, needed, sent), policy)
        dropped += since
    return replace(execute(api, plan, policy, how, ledger), notes=dropped)


def _with_code(plan: Plan, goes_on: bool) -> tuple[JobRequest, ...]:
    """What has code that is needed, now or by the stages that the apply goes on with."""
    needed = (each for each in plan.actions if each.verb is Verb.SUBMIT or (goes_on and each.follows))
    return tuple(action.request for action in needed if action.request.content is not None)
