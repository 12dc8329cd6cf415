"""A job that may live -> one that is terminal or gone, however often that takes."""

from baseten_jobs.api.client import Api
from baseten_jobs.api.errors import ApiError
from baseten_jobs.observation import ObservedJob, job_of
from baseten_jobs.observe import jobs_of


def stop_job(api: Api, project_id: str, job_id: str, patience: float) -> None:
    """Stop a job, and again until it is terminal or gone; raises ApiError after `patience` seconds."""
    end, attempt = api.clock.now() + patience, 0
    while True:
        failure: ApiError | None = None
        try:
            job: ObservedJob | None = job_of(api.stop(project_id, job_id))
        except ApiError as error:
            if error.status == 404:
                return
            if error.status != 400:
                raise
            failure, job = error, next(iter(jobs_of(lambda i: api.search(job_id=i), [job_id])[job_id]), None)
        if job is None or not job.live:
            return
        if api.clock.now() >= end:
            raise failure or ApiError(f"stop of job {job_id}", f"it still has the status {job.status}")
        api.clock.sleep(api.backoff.wait(attempt))
        attempt += 1
