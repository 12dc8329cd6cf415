"""Client + job -> the checkpoints that it saved; what can't be read is a problem in words, never a failure."""

from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.job.saved import Saved, saved_in
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError


def saved_by(api: Api, job: ObservedJob) -> Saved:
    """Return the checkpoints of a job, by one call; raises no ApiError."""
    try:
        return saved_in(api.checkpoints(job.project_id, job.id))
    except ApiError as error:
        return Saved(problem=str(error))
