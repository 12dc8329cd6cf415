"""Rows of cells -> the lines of a table, in columns of a terminal."""

from collections.abc import Sequence

from baseten_jobs.phrases import columns, escaped, padded
from baseten_jobs.report.style import Look

_GAP = "  "


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], look: Look, *, drop: Sequence[str] = ()) -> list[str]:
    """A line for the heads and one for each row; columns without a text are left out.

    On a terminal that is too narrow the columns of `drop` are left out, one after the other.
    """
    cells = {head: [escaped(row[index]) for row in rows] for index, head in enumerate(heads)}
    cells = {head: column for head, column in cells.items() if any(column)}
    widths = {head: max(map(columns, (head, *column))) for head, column in cells.items()}
    for head in drop if look.width else ():
        if sum(widths.values()) + len(_GAP) * (len(widths) - 1) > look.width:
            widths.pop(head, None)
    first = _GAP.join(look.paint(padded(head, width), "bright_black") for head, width in widths.items())
    lines = (
        _GAP.join(padded(cells[head][index], width) for head, width in widths.items()) for index in range(len(rows))
    )
    return [first.rstrip(), *(line.rstrip() for line in lines)]
