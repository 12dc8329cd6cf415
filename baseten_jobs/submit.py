"""One create, and what its answer proves: there is a job, there is none, or nobody knows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from baseten_jobs.api.answer import Answer
from baseten_jobs.api.client import Api
from baseten_jobs.api.errors import ApiError, Broken, NotSent
from baseten_jobs.diagnostics import one_line
from baseten_jobs.identity import parse_job_name
from baseten_jobs.observation import ObservedJob, job_of
from baseten_jobs.observe import job_by_id
from baseten_jobs.request import JobRequest
from baseten_jobs.stopping import stop_job

_ATTEMPTS = 8
_PATIENCE = 60.0
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
    return job_of(job)


def read_back(
    api: Api, project_id: str, request: JobRequest, created: Created, lost: Callable[[], object]
) -> Created | Refused:
    """The server must have kept the identity in the name, or the next plan could not find the job.

    Where it did not, `lost` is called at once, and the job is stopped.
    """
    job, name = created.job, created.job.name
    if name is None:
        name = _name_of(api, job.id)
    if parse_job_name(name) == request.identity:
        return Created(replace(job, name=name))
    lost()
    called = f"with the name '{one_line(name)}'" if name else "without a name"
    renamed = f"the server made job {job.id} {called}, so its identity is lost"
    try:
        stop_job(api, project_id, job.id, _PATIENCE)
    except ApiError as error:
        return Refused(f"{renamed}; it could not be stopped, stop it by hand: {error}", 0, job.id)
    return Refused(f"{renamed}; it was stopped, and nothing more is submitted", 0, job.id)


def _name_of(api: Api, job_id: str) -> str | None:
    """An answer that tells no name proves nothing yet."""
    try:
        job = job_by_id(api, job_id)
    except ApiError:
        return None
    return job.name if job else None
