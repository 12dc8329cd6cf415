"""One create, and what its answer proves: there is a job, there is none, or nobody knows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from baseten_jobs.api.client import Answer, Api
from baseten_jobs.api.errors import Broken, NotSent
from baseten_jobs.observation import ObservedJob, job_of
from baseten_jobs.request import JobRequest

_ATTEMPTS = 8
_NOBODY_KNOWS = frozenset({408, 409, 425, 499})


@dataclass(frozen=True)
class Created:
    """The server answered with a job."""

    job: ObservedJob


@dataclass(frozen=True)
class NotCreated:
    """Certainly no job was made, however often it was tried; `interrupted` where nobody tries any more."""

    reason: str
    interrupted: bool = False


@dataclass(frozen=True)
class Refused:
    """The server said no, and will say so again."""

    reason: str
    status: int
    job_id: str | None = None


@dataclass(frozen=True)
class Unknown:
    """Something was sent and no answer proves what came of it."""

    reason: str


Proof = Created | NotCreated | Refused | Unknown


def create(api: Api, project_id: str, request: JobRequest, over: Callable[[], bool] = lambda: False) -> Proof:
    """Send creates until one may have arrived; only what is certain to have made no job is sent again.

    `over` is asked before that: nothing is sent again once the apply as a whole has ended.
    """
    reason = "the apply was interrupted"
    for attempt in range(_ATTEMPTS):
        asked: float | None = None
        try:
            answer = api.create_once(project_id, request.body)
        except NotSent as error:
            reason = str(error)
        except Broken as error:
            return Unknown(str(error))
        else:
            if answer.status != 429:
                return proof_of(answer)
            reason, asked = str(answer.error()), answer.retry_after
        if attempt < _ATTEMPTS - 1 and (api.clock.pause(api.backoff.wait(attempt, asked)) or over()):
            return NotCreated(reason, interrupted=True)
    return NotCreated(reason)


def proof_of(answer: Answer) -> Proof:
    """What a whole answer to a create proves. A 429 is for the caller, who may send again."""
    if answer.ok:
        job = _job_in(answer.data or {})
        return Created(job) if job else Unknown(f"{answer.call}: the answer holds no training_job.id")
    if 400 <= answer.status < 500 and answer.status not in _NOBODY_KNOWS:
        return Refused(str(answer.error()), answer.status)
    return Unknown(str(answer.error()))


def _job_in(data: Mapping[str, Any]) -> ObservedJob | None:
    job = data.get("training_job")
    if not isinstance(job, dict) or not isinstance(job.get("id"), str) or not job["id"]:
        return None
    return job_of({"current_status": "", **job})
