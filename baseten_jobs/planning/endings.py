"""A job that ended -> how that is told, and the reason of a hold that only a person lifts."""

from collections.abc import Sequence

from baseten_jobs.job.observation import ObservedJob, StatusClass, short
from baseten_jobs.job.request import JobRequest

STOPPED = "stopped by a person"
"""How the hold of a job that was stopped begins, unless git shows that a newer revision superseded it."""

_KINDS = {StatusClass.STOPPED: STOPPED, StatusClass.INTERRUPTED: "preempted"}
_ENDS = {
    StatusClass.FAILED: "failed",
    StatusClass.STOPPED: "was stopped",
    StatusClass.INTERRUPTED: "was preempted",
    StatusClass.DONE: "completed",
}


def ended(job: ObservedJob) -> str:
    """How a job ended, as the end of a sentence about it."""
    return _ENDS.get(job.status_class, f"has the status {short(job.status)}")


def failed_before(request: JobRequest, job: ObservedJob, later: Sequence[ObservedJob]) -> str:
    """How the last job of this attempt ended, and the two remedies; `later` are jobs of later attempts."""
    highest = max([request.attempt, *map(attempt_of, later)])
    if highest > request.attempt:
        what = f"raise {request.attempt_field} to {highest + 1}, or `--retry-failed {request.name}`"
        return f"of an older attempt: {what} (attempt {highest} {ended(later[-1])} as well, job {later[-1].id})"
    return f"{_KINDS.get(job.status_class, 'failed before')}: {remedy(request)} (job {job.id} {ended(job)})"


def remedy(request: JobRequest) -> str:
    """What a person may do, so that a spec whose job ended runs again."""
    return f"raise {request.attempt_field}, or `--retry-failed {request.name}`"


def attempt_of(job: ObservedJob) -> int:
    return job.identity.attempt if job.identity else 1
