"""One create -> what its answer proves: a job was made, none was made, or neither is known."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from baseten_jobs.applying.plausibility import contradiction
from baseten_jobs.job.names import JobName
from baseten_jobs.job.observation import ObservedJob, job_of
from baseten_jobs.provider.api.answer import Answer
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import Broken, NotSent
from baseten_jobs.provider.api.pacing import nth

_ATTEMPTS = 8
_NOBODY_KNOWS = frozenset({408, 409, 425, 499})
_TAKEN = 409


@dataclass(frozen=True)
class Created:
    """The server answered with a job that, as far as is known, is new; it may have another name than asked for."""

    job: ObservedJob


@dataclass(frozen=True)
class NotCreated:
    """No job was made by any attempt; `interrupted` is True if the apply ended before all attempts were made."""

    reason: str
    interrupted: bool = False


@dataclass(frozen=True)
class CreateRefused:
    """The server refused the create for good, with this status."""

    reason: str
    status: int


@dataclass(frozen=True)
class CreateUnknown:
    """A create was sent, and no answer proves what it did; `taken` is True if it says that the name is taken."""

    reason: str
    taken: bool = False


Proof = Created | NotCreated | CreateRefused | CreateUnknown


@dataclass(frozen=True)
class Asked:
    """The job that a create is to make, under which name, and where; `seen` are the ids of jobs from before."""

    project_id: str
    name: JobName
    training_job: Mapping[str, Any]
    seen: Collection[str] = ()


def create(api: Api, asked: Asked, over: Callable[[], bool] = lambda: False) -> Proof:
    """Send a create, and again if it did not reach the server or was answered with a 429: up to 8 times in all.

    It is not sent again once `over` returns True.
    """
    reason = "the apply was interrupted"
    for attempt in range(_ATTEMPTS):
        wait: float | None = None
        try:
            answer = api.create_once(asked.project_id, {"training_job": asked.training_job})
        except NotSent as error:
            reason = str(error)
        except Broken as error:
            return CreateUnknown(str(error))
        else:
            if answer.status != 429:
                return _proof_of(answer, asked)
            reason, wait = str(answer.error()), answer.retry_after
        if attempt < _ATTEMPTS - 1:
            pause = api.backoff.wait(attempt, wait)
            if api.waits.pause(pause, reason, nth(attempt + 2, _ATTEMPTS)) or over():
                return NotCreated(reason, interrupted=True)
    return NotCreated(reason)


def _proof_of(answer: Answer, asked: Asked) -> Proof:
    """What a whole answer to a create proves; for any status but 429."""
    if answer.ok:
        job = _job_in(answer.data or {})
        if job is None:
            return CreateUnknown(f"{answer.call}: the answer holds no training_job.id")
        doubt = contradiction(job, asked.project_id, asked.name, asked.seen, answer.sent)
        return CreateUnknown(f"{answer.call}: {doubt}") if doubt else Created(job)
    if 400 <= answer.status < 500 and answer.status not in _NOBODY_KNOWS:
        return CreateRefused(str(answer.error()), answer.status)
    return CreateUnknown(str(answer.error()), taken=answer.status == _TAKEN)


def _job_in(data: Mapping[str, Any]) -> ObservedJob | None:
    job = data.get("training_job")
    if not isinstance(job, dict) or not isinstance(job.get("id"), str) or not job["id"]:
        return None
    return job_of(job)
