"""What lives in the projects of manifests -> the jobs that are of none of them."""

from dataclasses import dataclass

from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.planning.plan import Orphan


@dataclass(frozen=True)
class Unclaimed:
    """Live jobs whose manifest was deleted, and those that no manifest here names.

    Each of the latter comes with the name of its project. `problem` says why some may be missing, or be of the other
    kind.
    """

    orphans: tuple[Orphan, ...] = ()
    unmanaged: tuple[tuple[ObservedJob, str], ...] = ()
    problem: str = ""
