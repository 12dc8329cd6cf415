"""A job that may live -> one that is terminal or gone, however often that takes."""

from baseten_jobs.api.client import Api
from baseten_jobs.api.errors import ApiError
from baseten_jobs.observation import ObservedJob, job_of
from baseten_jobs.observe import job_by_id


def stop_job(api: Api, project_id: str, job_id: str, patience: float) -> None:
    """Stop a job, and again until it is terminal or gone; raises ApiError after `patience` seconds.

    Only what the server shows counts: a 404 while a search still shows the job live has another cause.
    """
    if not project_id:
        raise ApiError(f"stop of job {job_id}", "the server does not tell its project")
    end, attempt = api.clock.now() + patience, 0
    while True:
        failure: ApiError | None = None
        job: ObservedJob | None
        try:
            job = job_of({"id": job_id, **api.stop(project_id, job_id)})
        except ApiError as error:
            if error.status not in (400, 404):
                raise
            failure, job = error, job_by_id(api, job_id)
            if error.status == 404 and job is None:
                return
        if job is not None and not job.live:
            return
        if api.clock.now() >= end:
            status = job.status if job else "unknown"
            raise failure or ApiError(f"stop of job {job_id}", f"it still has the status {status}")
        api.clock.sleep(api.backoff.wait(attempt))
        attempt += 1
