"""The ended jobs of an identity + what its manifest says of retries -> which retry comes next, and when."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from baseten_jobs.job.copies import DOUBLED, seconds_between
from baseten_jobs.job.names import read_job_name
from baseten_jobs.job.observation import ObservedJob, StatusClass
from baseten_jobs.job.retry_policy import RetryPolicy
from baseten_jobs.job.times import epoch_of


@dataclass(frozen=True)
class Retry:
    """One more run of an identity, after the end of the job `of`.

    Its `number` stands in its job's name. `used` counts the retries before it, of `limit`; that is None where a person
    asks for it. It is `due` from then on, in epoch seconds; None for at once. It is `disputed` while search and job
    list do not show all jobs of the identity alike.
    """

    number: int
    of: ObservedJob
    used: int = 0
    limit: int | None = None
    due: float | None = None
    disputed: bool = False

    @property
    def used_up(self) -> bool:
        """True if there were as many retries as there may be, so that this one never starts by itself."""
        return self.limit is not None and self.used >= self.limit

    def starts(self, now: float | None) -> bool:
        """True if it may start at a time in epoch seconds; None if that is not known."""
        due = self.due is None or (now is not None and now >= self.due)
        return due and not self.disputed and not self.used_up


def retry_by_hand(jobs: Sequence[ObservedJob]) -> Retry:
    """Returns the retry that a person asks for; `jobs` are all of an identity, oldest first."""
    return Retry(_highest(jobs) + 1, jobs[-1], _used(jobs))


def next_retry(jobs: Sequence[ObservedJob], policy: RetryPolicy | None, unlike: Collection[str] = ()) -> Retry | None:
    """Returns the retry that follows by itself, if any; `jobs` are all of an identity, oldest first.

    The newest job decides, by its explicit status, and only where no job may live, is done, or was stopped by a person
    at the end. `unlike` are ids of jobs that search and job list do not show alike.
    """
    runs = [job for job in jobs if not _made_twice(job, jobs)]
    if policy is None or not policy.limit or not runs or any(job.ran for job in jobs):
        return None
    newest = runs[-1]
    created, ended = epoch_of(newest.created_at), epoch_of(newest.updated_at)
    if newest.status not in policy.when or created is None or ended is None:
        return None
    if not all(_is_over_before(job, newest) for job in runs[:-1]):
        return None
    used = _used(jobs)
    due = max(created, ended) + policy.delay_after(used)
    return Retry(_highest(jobs) + 1, newest, used, policy.limit, due, any(job.id in unlike for job in jobs))


def _highest(jobs: Sequence[ObservedJob]) -> int:
    """The highest number of a retry in the names of jobs; 0 if none is one."""
    return max((name.retry for job in jobs if (name := read_job_name(job.name))), default=0)


def _used(jobs: Sequence[ObservedJob]) -> int:
    """How many retries there were, by their numbers or by their jobs, whichever is more: a name may have been cut."""
    return max(_highest(jobs), sum(not _made_twice(job, jobs) for job in jobs) - 1)


def _made_twice(job: ObservedJob, jobs: Sequence[ObservedJob]) -> bool:
    """True for a job that was stopped since another create had made an older one of the same run, which lived on."""
    name, ended = read_job_name(job.name), epoch_of(job.updated_at)
    if job.status_class is not StatusClass.STOPPED or name is None or not name.token or ended is None:
        return False
    for older in jobs:
        first, apart = read_job_name(older.name), seconds_between(older, job)
        if older.age_order >= job.age_order or first is None or not first.token or apart is None:
            continue
        copied = first.token == name.token and apart > DOUBLED
        if first.retry == name.retry and not copied and (epoch_of(older.updated_at) or 0.0) > ended:
            return True
    return False


def _is_over_before(job: ObservedJob, newest: ObservedJob) -> bool:
    """True if a job is surely older than the newest one, and, if it was stopped, was so before that one ended."""
    apart, stopped, ended = seconds_between(job, newest), epoch_of(job.updated_at), epoch_of(newest.updated_at)
    if job.status_class is not StatusClass.STOPPED:
        return apart is not None
    return apart is not None and apart > 0.0 and stopped is not None and ended is not None and stopped <= ended
