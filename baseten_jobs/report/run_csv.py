"""Runs, or their sums -> CSV that a spreadsheet opens without taking any cell for a formula."""

import csv
from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from unicodedata import normalize

from baseten_jobs.job.observation import short
from baseten_jobs.job.times import epoch_of
from baseten_jobs.phrases import Page, escaped
from baseten_jobs.planning.records.record import Record, Telling
from baseten_jobs.planning.records.run import Figure, Run
from baseten_jobs.planning.records.sums import summed
from baseten_jobs.report import run_cells
from baseten_jobs.report.style import PLAIN, Look

_FORMULA = ("=", "+", "-", "@")
"""What a cell begins with that spreadsheets take for a formula, in full width too (OWASP, CSV injection)."""

_HEAD = (
    "started", "ended", "name", "project", "run", "attempt", "retry", "state", "gpus", "gpu_type", "nodes", "seconds",
    "seconds_at_most", "usd", "usd_at_most", "gpu_hours", "commit", "author", "committed", "subject", "path", "job_id",
    "owner", "user", "error",
)  # fmt: skip
_SUMS = ("runs", "live", "gpu_hours", "gpu_hours_at_most", "usd", "usd_at_most")

Cell = str | int | float | None


def runs(record: Record, telling: Telling, look: Look = PLAIN) -> Page:
    """A line for each run, or for each sum; with all `others` behind the runs, which have no manifest's name."""
    if telling.by:
        return _written([(telling.by, *_SUMS), *_sums(record, telling)])
    others = _others(record) if telling.others else ()
    return _written([_HEAD, *map(_run, record.runs), *others])


def _run(run: Run) -> Sequence[Cell]:
    revision = run.commit.revision if run.commit else None
    job = run.job
    return (
        run_cells.instant(run.started), run_cells.instant(run.ended), run.name, run.project, run.run_name,
        run.identity.attempt, run.retry, run.state, job.gpus, job.gpu_type, job.node_count,
        *_figure(run.seconds, 0), *_figure(run.usd, 2), _figure(run.gpu_hours, 2)[0],
        revision.commit if revision else "", run_cells.author(run), revision.date if revision else "",
        run_cells.subject(run), revision.path if revision else "", job.id, run.owner, job.user, job.error_message,
    )  # fmt: skip


def _others(record: Record) -> Iterable[Sequence[Cell]]:
    for project, job in record.others.jobs:
        ended = None if job.live else epoch_of(job.updated_at)
        told: dict[str, Cell] = {
            "started": run_cells.instant(epoch_of(job.created_at)), "ended": run_cells.instant(ended),
            "project": project, "run": job.name, "state": short(job.status), "gpus": job.gpus,
            "gpu_type": job.gpu_type, "nodes": job.node_count, "job_id": job.id, "user": job.user,
            "error": job.error_message,
        }  # fmt: skip
        yield [told.get(name) for name in _HEAD]


def _sums(record: Record, telling: Telling) -> Iterable[Sequence[Cell]]:
    for each in summed(record.runs, telling.by):
        yield each.key, each.runs, each.live, *_figure(each.gpu_hours, 2), *_figure(each.usd, 2)


def _figure(figure: Figure, digits: int) -> tuple[Cell, Cell]:
    """The number, and `yes` where it is an upper bound."""
    value = None if figure.value is None else round(figure.value, digits) if digits else int(figure.value)
    return value, "" if figure.exact or value is None else "yes"


def _written(rows: Iterable[Sequence[Cell]]) -> Page:
    lines: list[str] = []
    writer = csv.writer(SimpleNamespace(write=lines.append), lineterminator="")
    writer.writerows([_safe(cell) for cell in row] for row in rows)
    return Page("\n".join(lines))


def _safe(cell: Cell) -> Cell:
    """A text with an apostrophe in front where it would be a formula; each text in one line."""
    if not isinstance(cell, str):
        return cell
    text = escaped(cell)
    begins = normalize("NFKC", cell.lstrip().removeprefix("\ufeff").lstrip()[:1])
    return f"'{text}" if begins in _FORMULA else text
