"""A job -> the commit of git's history that wrote its spec."""

from dataclasses import dataclass

from baseten_jobs.git.log import Revision


@dataclass(frozen=True)
class SpecCommit:
    """The commit that wrote a job's spec, or the `problem` that it is not known for."""

    revision: Revision | None = None
    subject: str = ""
    problem: str = ""
