"""Live jobs of one identity -> the warning on them, and each in words."""

from collections.abc import Sequence

from baseten_jobs.job.observation import ObservedJob, short
from baseten_jobs.job.times import age, epoch_of


def duplicate_warning(jobs: Sequence[ObservedJob], now: float | None) -> str:
    """The warning on several live jobs of one identity, with the remedy; `now` is in epoch seconds."""
    ids, told = ", ".join(job.id for job in jobs), "; ".join(f"{job.id} {in_words(job, now)}" for job in jobs)
    return f"duplicate: {ids} run the same spec; stop one with `baseten-jobs stop --job {jobs[-1].id}` ({told})"


def in_words(job: ObservedJob, now: float | None) -> str:
    """`running, 2h14m old`."""
    created = epoch_of(job.created_at)
    old = "" if now is None or created is None else f", {age(now - created)} old"
    return f"{short(job.status)}{old}"
