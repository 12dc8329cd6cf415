"""A series -> columns of block characters, as high as its values."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from baseten_jobs.job.metrics import Series

_BLOCKS = " ▁▂▃▄▅▆▇█"
_EIGHTHS = 8
IDLE = "·"
"""The mark of a column in which a GPU was idle for long."""


@dataclass(frozen=True)
class Span:
    """A time between two moments in epoch seconds, drawn in so many columns; a sample counts for `hold` seconds."""

    start: float
    end: float
    width: int
    hold: float

    @property
    def each(self) -> float:
        """Seconds of one column."""
        return max((self.end - self.start) / self.width, 1e-9)

    def column(self, at: float) -> int:
        return min(self.width - 1, int((at - self.start) / self.each))


def means(series: Series, span: Span) -> list[float | None]:
    """The mean of each column's samples, else the sample before if it still counts; None where there is none."""
    found: list[list[float]] = [[] for _ in range(span.width)]
    for at, value in series:
        if span.start <= at <= span.end + span.each:
            found[span.column(at)].append(value)
    columns: list[float | None] = []
    left, last = 0.0, 0.0
    for values in found:
        if values:
            last, left = sum(values) / len(values), span.hold
        else:
            left -= span.each
        columns.append(last if left > 0 else None)
    return columns


def marks(stretches: Iterable[tuple[float, float]], span: Span) -> list[bool]:
    """True for each column whose middle lies within a stretch."""
    middles = [span.start + (column + 0.5) * span.each for column in range(span.width)]
    kept = tuple(stretches)
    return [any(start <= middle <= end for start, end in kept) for middle in middles]


def drawn(values: Sequence[float | None], top: float, rows: int = 1, marked: Sequence[bool] = ()) -> list[str]:
    """Rows of characters, the highest first; a value of `top` fills them all, and one of 0 is the lowest line.

    A `marked` column has the mark of idleness in the place of its value.
    """
    lines = []
    for row in reversed(range(rows)):
        cells = []
        for index, value in enumerate(values):
            if value is None:
                cells.append(" ")
            elif index < len(marked) and marked[index]:
                cells.append(IDLE if row == 0 else " ")
            else:
                cells.append(_BLOCKS[_level(value, top, rows, row)])
        lines.append("".join(cells))
    return lines


def _level(value: float, top: float, rows: int, row: int) -> int:
    whole = round(min(1.0, value / top) * rows * _EIGHTHS) if top > 0 else 0
    return max(1 if row == 0 else 0, min(_EIGHTHS, whole - row * _EIGHTHS))
