"""A job -> the checkpoints that it kept, and the end of its log, as far as they could be read."""

from dataclasses import dataclass

from baseten_jobs.job.checkpoint import Checkpoint
from baseten_jobs.provider.log_pages import LogLine


@dataclass(frozen=True)
class Particulars:
    """What is read of one job. `checkpoints` are the oldest first; `log` has lines of a job that failed only.

    Either is None if it was not asked for, or could not be read: then its problem says why.
    """

    checkpoints: tuple[Checkpoint, ...] | None = None
    checkpoints_problem: str = ""
    log: tuple[LogLine, ...] | None = None
    log_problem: str = ""
