"""A create of a probe, as it was answered."""

from dataclasses import dataclass

from baseten_jobs.job.observation import ObservedJob


@dataclass(frozen=True)
class Sent:
    """One create: under which name, how it was answered, after how many seconds; `job` is the one that it made.

    `unknown` is True if no answer proves what it did.
    """

    name: str
    job: ObservedJob | None = None
    status: int | None = None
    reason: str = ""
    unknown: bool = False
    took: float = 0.0
    ended: float = 0.0
