"""Live jobs and orphans, before somebody is asked whether to stop them -> lines with what each is and holds."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.phrases import as_counted, columns, count, one_line, padded
from baseten_jobs.planning.duplicates import in_words
from baseten_jobs.planning.plan import Orphan, Plan, Verb
from baseten_jobs.report.text import revision


class Listed(NamedTuple):
    """A job, with the name of its manifest, or else its own, and of its project."""

    name: str
    project: str
    job: ObservedJob


def listed(orphan: Orphan) -> Listed:
    job = orphan.job
    return Listed(job.identity.name if job.identity else job.name or "", orphan.project, job)


def in_order(found: Iterable[Listed]) -> tuple[Listed, ...]:
    """The jobs by name, `lr-2` before `lr-10`."""
    return tuple(sorted(found, key=lambda each: as_counted(each.name)))


def prunable(plan: Plan) -> tuple[Orphan, ...]:
    """The orphans that the plan of `apply --prune` stops."""
    stopped = {action.job.id for action in plan.of(Verb.STOP) if action.pruned and action.job}
    return tuple(orphan for orphan in plan.orphans if orphan.job.id in stopped)


def jobs(found: Sequence[Listed], now: float) -> list[str]:
    """A line for each job, in columns; `now` is in epoch seconds."""
    rows = [tuple(_cells(each, now)) for each in found]
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    return ["  " + "  ".join(map(padded, row, widths)).rstrip() for row in rows]


def pruned(plan: Plan, now: float) -> list[str]:
    """The orphans that `stop --orphans` stops, and below them those that it leaves alone."""
    stops = prunable(plan)
    left = [orphan for orphan in plan.orphans if orphan not in stops]
    heading = [f"{count(len(left), 'orphan')} left alone:"] if left else []
    return [*_orphans(stops, now), *heading, *_orphans(left, now), *_notes(plan)]


def beside(plan: Plan, chosen: Collection[Orphan], now: float) -> list[str]:
    """These orphans of a plan as what goes on beside the jobs that are stopped, and how each is stopped."""
    stops = prunable(plan)
    found = [orphan for orphan in plan.orphans if orphan in chosen]
    heading = [f"{count(len(found), 'orphan')} beside, not stopped by this:"] if found else []
    remedy = "`baseten-jobs stop --orphans` stops it"
    lines = _orphans(found, now, {orphan.job.id: remedy for orphan in stops})
    return [*heading, *lines, *_notes(plan)]


def _orphans(found: Sequence[Orphan], now: float, remedies: dict[str, str] | None = None) -> Iterator[str]:
    """Two lines for each: the job, and which commit deleted its manifest, with a doubt or a remedy."""
    for row, orphan in zip(jobs([listed(each) for each in found], now), found, strict=True):
        yield row
        told = [f"its manifest was deleted in {revision(orphan.deleted)}"]
        told += [orphan.doubt] if orphan.doubt else []
        told += [(remedies or {}).get(orphan.job.id, "")]
        yield "      " + "; ".join(filter(None, told))


def _notes(plan: Plan) -> Iterable[str]:
    return (f"note: {note}" for note in plan.notes)


def _cells(of: Listed, now: float) -> Iterable[str]:
    job = of.job
    gpus = f"{job.gpus} {job.gpu_type or 'GPU'}" if job.gpus else "-"
    return one_line(of.name, 80), f"job {job.id}", in_words(job, now), gpus, one_line(of.project, 60)
