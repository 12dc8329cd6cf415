"""All runs that were asked for, beside what is told of them together."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.planning.records.between import Between
from baseten_jobs.planning.records.run import Run


@dataclass(frozen=True)
class Others:
    """The jobs in the same projects that no manifest of this repository's history has, each with its project's name."""

    jobs: tuple[tuple[str, ObservedJob], ...] = ()

    @property
    def live(self) -> int:
        return sum(job.live for _, job in self.jobs)


@dataclass(frozen=True)
class Step:
    """A run's manifest's run before it, and what changed since then."""

    before: Run
    between: Between


@dataclass(frozen=True)
class Record:
    """The runs, the newest first; `now` and `since` are in epoch seconds, `title` is the repository's name.

    `billed` is False where costs are upper bounds alone, as bills can't be read. `steps` are by job id; they are read
    for those formats alone that show them.
    """

    runs: tuple[Run, ...] = ()
    others: Others = field(default_factory=Others)
    now: float = 0.0
    since: float | None = None
    billed: bool = True
    notes: tuple[str, ...] = ()
    title: str = ""
    steps: Mapping[str, Step] = field(default_factory=dict)


@dataclass(frozen=True)
class Telling:
    """How a record is told: summed up `by` one of BY, or by run if that is empty; with all `others` listed."""

    by: str = ""
    others: bool = False
