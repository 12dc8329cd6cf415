"""Jobs of one manifest -> which of them a person made as a copy of another."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from baseten_jobs.job.names import JobName, read_job_name
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.job.times import epoch_of

DOUBLED = 120.0
"""Seconds after a job within which another one of its token is the same request, which something sent twice."""


def copies(jobs: Iterable[ObservedJob]) -> Mapping[str, ObservedJob]:
    """Returns the job that each copy was made of, by the copy's id; the jobs come oldest first.

    A person's copy has its original's whole name, token included, with or without a suffix, and came later than any
    request that something sent twice. Without a token, or without both times, no job counts as a copy.
    """
    jobs = tuple(jobs)
    if len(jobs) < 2:
        return {}
    found, originals = dict[str, ObservedJob](), dict[JobName, ObservedJob]()
    for job in jobs:
        name = read_job_name(job.name)
        if name is None or not name.token:
            continue
        original = originals.setdefault(name._replace(suffix=None), job)
        if (seconds_between(original, job) or 0.0) > DOUBLED:
            found[job.id] = original
    return found


def runs(live: Sequence[ObservedJob], copied: Collection[str]) -> tuple[ObservedJob, ...]:
    """Returns those of an identity's live jobs that may be duplicates; a copy counts only where nothing else lives."""
    return tuple(job for job in live if job.id not in copied) or tuple(live[:1])


def seconds_between(older: ObservedJob, younger: ObservedJob) -> float | None:
    """Returns how much later a job was created than another one; None if that is not known."""
    begun, made = epoch_of(older.created_at), epoch_of(younger.created_at)
    return None if begun is None or made is None else made - begun
