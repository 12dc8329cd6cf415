"""A stage of a chain, or a retry -> what is told of what it loads, of what it waits for, and of what comes then."""

from collections.abc import Iterable, Mapping
from typing import Any

from baseten_jobs.job.request import JobRequest, Upstream
from baseten_jobs.phrases import count
from baseten_jobs.planning.plan import Action
from baseten_jobs.provider.status import Status
from baseten_jobs.report import retries


def then(action: Action) -> str:
    """What a later apply does with a stage, or a retry, that waits."""
    cost = action.cost or count(action.request.gpus, "GPU")
    return f"then: submit {action.request.job_name} · {cost}"


def when_later(actions: Iterable[Action]) -> str:
    """When a later apply submits what waits: `as stages end`, `as retries are due`, or both."""
    kinds = {action.waits_to_retry: None for action in actions}
    told = (text for waits, text in ((False, "as stages end"), (True, "as retries are due")) if waits in kinds)
    return " and ".join(told)


def stand_in(request: JobRequest) -> str:
    """What stands in the body of a stage in the place of a job's id."""
    names = ", ".join(dict.fromkeys(upstream.name for upstream in request.upstreams))
    return f"apply fills in the job of {names}, once that has completed and its checkpoints are synced"


def of_request(request: JobRequest) -> Mapping[str, Any]:
    """For JSON: the manifests whose jobs `apply` fills in, by the numbers of the checkpoints."""
    upstreams = [{"checkpoint": each.number, **_run(each)} for each in request.upstreams]
    return {"upstreams": upstreams} if upstreams else {}


def of_action(action: Action) -> Mapping[str, Any]:
    """For JSON: what a stage or a retry waits for; `then` is None if nothing that goes on by itself ends the wait."""
    retry = retries.of_retry(action.retry)
    if not action.waits:
        return {**retry, **({"then": "submit"} if action.waits_to_retry else {})}
    waits = [
        {**_run(each.upstream), "state": each.state, "job_id": each.job.id if each.job else None}
        for each in action.waits
    ]
    return {**retry, "waits_for": waits, "then": "submit" if action.submits_later else None}


def of_status(row: Status) -> Mapping[str, Any]:
    """For JSON: the manifests whose jobs a stage without a job waits for, and the retry of a job that ended."""
    waits = [{"name": each.name, "state": each.state} for each in row.waits]
    return {**({"waits_for": waits} if waits else {}), **retries.of_retry(row.retry)}


def _run(upstream: Upstream) -> Mapping[str, Any]:
    return {
        "name": upstream.name,
        "project": upstream.project.name or upstream.project.id,
        "digest": upstream.digest,
        "attempt": upstream.attempt,
    }
