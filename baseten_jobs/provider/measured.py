"""A job's metrics over a span of time, or why they could not be read."""

from dataclasses import dataclass

from baseten_jobs.job.metrics import Metrics
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.provider.trouble import Trouble


@dataclass(frozen=True)
class Measured:
    """A job's metrics between two times, in epoch seconds, with a sample each `step` seconds.

    `name` is what the job was asked for by. `trouble` is None if the metrics were read.
    """

    name: str
    job: ObservedJob
    start: float
    end: float
    step: int
    metrics: Metrics
    trouble: Trouble | None = None
