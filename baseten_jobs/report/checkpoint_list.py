"""Checkpoints of jobs -> a table that fits its terminal, or the rows of a document."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from baseten_jobs.job.checkpoint import Checkpoint, newest
from baseten_jobs.job.times import moment
from baseten_jobs.phrases import Page, columns, count, cut, escaped, human, one_line, padded, page
from baseten_jobs.report.job_fields import document as with_format
from baseten_jobs.report.style import PLAIN, Look


class Listed(NamedTuple):
    """What a job saved: the name of its manifest, its name as a plan shows it, its id, and its checkpoints."""

    name: str
    run: str
    job_id: str
    checkpoints: tuple[Checkpoint, ...]


_Column = Callable[[Listed, Checkpoint], str]
_COLUMNS: Mapping[str, _Column] = MappingProxyType(
    {
        "NAME": lambda of, each: one_line(of.name, 40),
        "CHECKPOINT": lambda of, each: one_line(each.id, 60),
        "STEP": lambda of, each: "" if each.step is None else str(each.step),
        "SAVED": lambda of, each: moment(each.epoch) if each.epoch else one_line(each.created_at, 30),
        "TYPE": lambda of, each: one_line(each.kind, 12),
        "SIZE": lambda of, each: "?" if each.size is None else human(each.size),
        "SYNC": lambda of, each: one_line(each.sync.lower(), 12) or "-",
        "JOB": lambda of, each: one_line(of.job_id, 20),
    }
)
_FIRST_TO_GO = ("JOB", "TYPE", "STEP", "SAVED", "SIZE")
"""Columns that a narrow terminal has no room for, in this order."""
_GAP = "  "


def text(found: Sequence[Listed], look: Look = PLAIN) -> Page:
    """A row for each checkpoint, the oldest of a job first, and a last line with what there is in all."""
    rows = [(of, each) for of in found for each in of.checkpoints]
    if not rows:
        return page([_none(found)])
    cells = {name: [escaped(column(*row)) for row in rows] for name, column in _COLUMNS.items()}
    if len(found) == 1:
        del cells["NAME"]
    widths = {name: max(map(columns, (name, *column))) for name, column in cells.items() if any(column)}
    for name in _FIRST_TO_GO if look.width else ():
        if sum(widths.values()) + len(_GAP) * (len(widths) - 1) > look.width:
            widths.pop(name, None)
    lines = [_line([look.paint(padded(name, width), "bright_black") for name, width in widths.items()])]
    for index, (_, each) in enumerate(rows):
        texts = {name: padded(cut(cells[name][index], width), width) for name, width in widths.items()}
        texts["SYNC"] = look.paint(texts["SYNC"], "green" if each.synced else "yellow")
        lines.append(_line(list(texts.values())))
    return page([*lines, "", _summary(found)])


def document(found: Sequence[Listed]) -> Page:
    return with_format({"jobs": _data(found)})


def _data(found: Sequence[Listed]) -> list[Mapping[str, Any]]:
    return [
        {
            "name": of.name,
            "job_name": of.run,
            "job_id": of.job_id,
            "latest": (latest := newest(of.checkpoints)) and latest.id,
            "checkpoints": [_row(each) for each in of.checkpoints],
        }
        for of in found
    ]


def _row(each: Checkpoint) -> Mapping[str, Any]:
    return {
        "checkpoint_id": each.id,
        "step": each.step,
        "created_at": each.created_at or None,
        "type": each.kind or None,
        "size_bytes": each.size,
        "sync_status": each.sync or None,
        "synced": each.synced,
        "base_model": each.base_model or None,
    }


def _none(found: Sequence[Listed]) -> str:
    return f"no checkpoint of {', '.join(f'job {of.job_id}' for of in found)}"


def _summary(found: Sequence[Listed]) -> str:
    every = [each for of in found for each in of.checkpoints]
    told = f"{count(len(every), 'checkpoint')}, {human(sum(each.size or 0 for each in every))}"
    latest = newest(found[0].checkpoints) if len(found) == 1 else None
    return f"{told}; the newest that is synced: {one_line(latest.id, 60)}." if latest else f"{told}."


def _line(cells: Sequence[str]) -> str:
    return _GAP.join(cells).rstrip()
