"""Runs -> how many there are, and what they took together, by manifest, author, project or week."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import fsum
from types import MappingProxyType

from baseten_jobs.planning.records.run import Figure, Run

NOBODY = "not in git"
"""In the place of an author where git does not have a run's spec."""

WEEK = "week"


@dataclass(frozen=True)
class Sum:
    """What several runs took together; by week only on the days of that week.

    Of its cost `billed` is no upper bound.
    """

    key: str
    runs: int
    live: int
    usd: Figure
    gpu_hours: Figure
    billed: float = 0.0


_KEYS: Mapping[str, Callable[[Run], str]] = MappingProxyType(
    {
        "manifest": lambda run: run.name,
        "author": lambda run: run.commit.revision.author if run.commit else NOBODY,
        "project": lambda run: run.project,
    }
)
BY = (*_KEYS, WEEK)
"""What runs may be summed up by."""


def summed(runs: Sequence[Run], by: str) -> tuple[Sum, ...]:
    """The sums, those that cost most first; weeks in order, the newest first."""
    if by == WEEK:
        return by_week(runs)
    grouped: dict[str, list[Run]] = {}
    for run in runs:
        grouped.setdefault(_KEYS[by](run), []).append(run)
    sums = (total(each, key) for key, each in grouped.items())
    return tuple(sorted(sums, key=lambda each: (-(each.usd.value or 0.0), each.key)))


def total(runs: Sequence[Run], key: str = "") -> Sum:
    figures = tuple(run.usd for run in runs)
    hours = Figure.sum(run.gpu_hours for run in runs)
    return Sum(key, len(runs), sum(run.job.live for run in runs), Figure.sum(figures), hours, _billed(figures))


def _billed(figures: Iterable[Figure]) -> float:
    return fsum(figure.value or 0.0 for figure in figures if figure.exact)


def by_week(runs: Iterable[Run]) -> tuple[Sum, ...]:
    """A sum for each week, such as `2026-W48`, of the days on which runs ran, the newest first."""
    found: dict[str, list[tuple[Run, Figure, Figure]]] = {}
    for run in runs:
        gpus = run.job.gpus
        for day in run.days:
            if week := week_of(day.date):
                hours = day.seconds.times(None if gpus is None else gpus / 3600)
                found.setdefault(week, []).append((run, day.usd, hours))
    return tuple(_of_week(week, found[week]) for week in sorted(found, reverse=True))


def _of_week(week: str, parts: Sequence[tuple[Run, Figure, Figure]]) -> Sum:
    runs = {run.job.id: run for run, _, _ in parts}
    return Sum(
        week,
        len(runs),
        sum(run.job.live for run in runs.values()),
        Figure.sum(usd for _, usd, _ in parts),
        Figure.sum(hours for _, _, hours in parts),
        _billed(usd for _, usd, _ in parts),
    )


def week_of(day: str) -> str:
    """The week of a day, by ISO 8601; empty for what is no day."""
    try:
        year, week, _ = date.fromisoformat(day).isocalendar()
    except ValueError:
        return ""
    return f"{year}-W{week:02}"


def begin_of(week: str) -> date:
    """The Monday of a week such as `2026-W48`."""
    return date.fromisoformat(f"{week}-1")
