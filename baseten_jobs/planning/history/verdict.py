"""Whose code a job was submitted with, as far as its name and the history tell."""

from dataclasses import dataclass
from enum import Enum

from baseten_jobs.git.log import Revision
from baseten_jobs.planning.diff import Change


class Verdict(Enum):
    """What the code of a job is. PROVEN: the digest in the job's name is that of a committed spec with this code, which
    no commit holds whole."""

    COMMITTED = "committed"
    WORK_TREE = "work tree"
    PROVEN = "proven"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Provenance:
    """The verdict, the commit that it is about, if any, the reason of a doubt, and the files that differ."""

    verdict: Verdict
    revision: Revision | None = None
    reason: str = ""
    changes: tuple[Change, ...] = ()
