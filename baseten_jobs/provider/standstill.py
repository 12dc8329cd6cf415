"""Looks at jobs, one after another -> those of a status not known here that have not changed for ten minutes."""

from collections.abc import Iterable

from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.phrases import one_line

LONGEST = 600.0
"""Seconds without a change after which a job whose status is not known here is waited for no longer."""


class Standstill:
    """Jobs that may live, or may have ended with a new status, so that no wait for one may last for ever."""

    def __init__(self) -> None:
        self._since: dict[str, tuple[tuple[str, str], float]] = {}
        self._now = 0.0

    def look(self, jobs: Iterable[ObservedJob], now: float) -> None:
        """Remember jobs as of `now`, in seconds of any one clock; a new status or `updated_at` is a change."""
        self._now = now
        for job in jobs:
            shown = (job.status, job.updated_at)
            if self._since.get(job.id, ((), 0.0))[0] != shown:
                self._since[job.id] = (shown, now)

    def stuck(self, job: ObservedJob) -> bool:
        """True if the job, of a status that is not known here, was the same at every look of the last ten minutes."""
        _, since = self._since.get(job.id, (None, self._now))
        return not job.status_known and self._now - since >= LONGEST


def standing_still(job: ObservedJob) -> str:
    """Return the sentence for a job that is waited for no longer."""
    return (
        f"job {job.id} has the status '{one_line(job.status, 60)}', which is not known here, and has not changed"
        f" for {LONGEST / 60:.0f} minutes: it is waited for no longer"
    )
