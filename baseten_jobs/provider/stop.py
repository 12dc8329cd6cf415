"""A job that may live -> one that the server shows to be terminal or gone, however often that takes."""

from baseten_jobs.job.observation import ObservedJob, job_of, short
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.merging import as_one
from baseten_jobs.provider.snapshot import look_at

_WITHIN = 10.0
"""Seconds that one call may take at most, and that all calls together may take at least."""


def stop_job(api: Api, project_id: str, job_id: str, patience: float) -> None:
    """Stop a job, and again until the server shows it to be over: by its id, or by search and job list.

    What the stop itself answers proves nothing, neither a status nor a 404. Raises ApiError, after `patience` seconds
    where the job lives on or nothing shows how it is.
    """
    if not project_id:
        raise ApiError(f"stop of job {job_id}", "the server does not tell its project")
    end, attempt = api.clock.now() + max(patience, _WITHIN), 0
    prompt = api.hasty(3, _WITHIN, end)
    while True:
        failure: ApiError | None = None
        try:
            prompt.stop(project_id, job_id)
        except ApiError as error:
            if not error.passing and error.status not in (200, 400, 404, 409):
                raise
            failure = error
        try:
            job = _shown(prompt, project_id, job_id)
        except ApiError as error:
            failure = failure or error
        else:
            if job is None or not job.live:
                return
            failure = failure or ApiError(f"stop of job {job_id}", f"it still has the status {short(job.status)}")
        wait, left = api.backoff.wait(attempt), end - api.clock.now()
        if wait > left:
            raise failure
        api.waits.sleep(wait, str(failure), f"for {left:.0f} s at most")
        attempt += 1


def _shown(api: Api, project_id: str, job_id: str) -> ObservedJob | None:
    """Return the job by its id, else as search and job list show it; None if both were read and neither shows it.

    Raises ApiError if the job can't be read by its id, search or job list can't be read, and no live row is shown.
    """
    try:
        job = job_of(api.job(project_id, job_id))
        if job.id == job_id:
            return job
        unseen = ApiError(f"job {job_id}", f"the server answers with job {job.id} in its place")
    except ApiError as error:
        unseen = error
    look = look_at(api, [project_id])[project_id]
    rows = look.rows(job_id)
    if any(row.live for row in rows) or look.complete:
        return as_one(rows) if rows else None
    raise unseen
