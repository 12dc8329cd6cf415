"""A manifest whose jobs have all ended -> one more submit of it, or the hold that time or a person lifts."""

from collections.abc import Sequence

from baseten_jobs.job.observation import ObservedJob, ObservedProject
from baseten_jobs.job.request import JobRequest
from baseten_jobs.job.retries import Retry, next_retry, retry_by_hand
from baseten_jobs.job.times import age, moment
from baseten_jobs.planning.endings import ended, failed_before, remedy
from baseten_jobs.planning.plan import Action, Verb


def asked_for(request: JobRequest, same: Sequence[ObservedJob]) -> Action:
    """The submit that a person asks for with `--retry-failed`; `same` are the jobs of its identity, oldest first."""
    retry = retry_by_hand(same)
    reason = f"retried: job {retry.of.id} {ended(retry.of)}"
    return Action(Verb.SUBMIT, request.as_retry(retry.number), reason, retry=retry)


def after_end(
    request: JobRequest, same: Sequence[ObservedJob], later: Sequence[ObservedJob], project: ObservedProject
) -> Action:
    """What `policy.retry` says of the jobs of an identity, of which none lives or is done; the hold if it says nothing.

    `later` are those of later attempts: beside them an older one is not run again by itself.
    """
    retry = None if later else next_retry(same, request.retries, project.unlike)
    if retry is None:
        return Action(Verb.HOLD, request, failed_before(request, same[-1], later), same[-1])
    if retry.used_up:
        reason = f"used up: job {retry.of.id} {ended(retry.of)} after {retry.used} of {retry.limit} retries"
        reason = f"{reason}: {remedy(request)}"
        return Action(Verb.HOLD, request, reason, retry.of, error=f"{request.name}: {reason}", retry=retry)
    numbered = request.as_retry(retry.number)
    if retry.starts(project.read_at):
        reason = f"retried: job {retry.of.id} {ended(retry.of)}, {_which(retry)}"
        return Action(Verb.SUBMIT, numbered, reason, retry=retry)
    return Action(Verb.HOLD, numbered, _until(retry, project.read_at), retry.of, retry=retry)


def _until(retry: Retry, now: float | None) -> str:
    """What a retry waits for, in words."""
    told = f"waits to be retried: job {retry.of.id} {ended(retry.of)}, {_which(retry)}"
    if retry.disputed:
        return f"{told}, once search and job list show its jobs alike"
    left = "" if now is None or retry.due is None else f", in {age(max(1.0, retry.due - now))}"
    return f"{told}{left}" + (f" ({moment(retry.due)})" if retry.due is not None else "")


def _which(retry: Retry) -> str:
    return f"retry {retry.used + 1} of {retry.limit}"
