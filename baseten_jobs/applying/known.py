"""What is known of creates: what one is for, its lost job, its second job, and what became of it."""

from dataclasses import dataclass
from typing import NamedTuple

from baseten_jobs.job.identity import Identity


class CreateKey(NamedTuple):
    """What a create is for: an identity in a project. Proofs and jobs are matched by it."""

    project_id: str
    identity: Identity


class Second(NamedTuple):
    """An own job that an older one of its identity precedes."""

    project_id: str
    id: str


@dataclass(frozen=True)
class Lost:
    """A create's job that has another name than was asked for; `here` is True if it is in the project asked for."""

    job_id: str
    words: str
    here: bool


@dataclass(frozen=True)
class Settled:
    """What became of one create.

    `job_id` is the job of its identity, None if none was found; `adopted` is True if it is another than the create
    returned, and `name` what the provider calls it. `unclear` is empty, or says why a person should look.
    """

    job_id: str | None
    adopted: bool = False
    unclear: str = ""
    name: str | None = None
