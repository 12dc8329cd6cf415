"""Metrics of jobs -> lines drawn with characters for a terminal; a table where there is none."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from baseten_jobs.job.metrics import Gpu, Node, Series
from baseten_jobs.job.times import moment
from baseten_jobs.phrases import Page, cut, one_line, padded, page
from baseten_jobs.provider.measured import Measured
from baseten_jobs.report import idleness, metrics_table
from baseten_jobs.report.chart import IDLE, Span, drawn, marks, means
from baseten_jobs.report.style import PLAIN, Look

_NARROWEST = 40
"""Columns of a terminal below which a table is shown."""

_AXIS = ("100% ", "     ", "     ", "  0% ")
_IN_A_ROW = (16, 8, 4, 2, 1)
_LEAST_CELL = 8
_GAP = "  "
_LABEL, _VALUE = 8, 18
_HOLD = 1.6
"""Times the distance of two samples for which one counts."""


def metrics(every: Sequence[Measured], look: Look = PLAIN) -> Page:
    if look.width < _NARROWEST:
        return metrics_table.metrics(every, look)
    lines: list[str] = []
    for each in every:
        lines += ["", *_job(each, look)] if lines else _job(each, look)
    return page(lines)


def _job(each: Measured, look: Look) -> Iterator[str]:
    yield from (cut(line, look.width) for line in metrics_table.heading(each))
    if each.metrics.empty:
        return
    if any(gpu.use for gpu in each.metrics.gpus):
        yield ""
        yield from _mean(each, look)
    for node in each.metrics.nodes:
        yield ""
        if node.id:
            yield cut(one_line(node.id, 60), look.width)
        yield from _gpus(node, each, look)
        yield from _rows(node, each, look)
    if each.metrics.cache:
        top = 1.0 if each.metrics.cache_share else 0.0
        told = metrics_table.disk(each.metrics.cache, each.metrics.cache_share)
        yield _row("cache", each.metrics.cache_share or each.metrics.cache, told, top, each, look)
    if idle := idleness.told(each):
        yield ""
        yield from (look.paint(cut(line, look.width), "yellow") for line in idle)


def _mean(each: Measured, look: Look) -> Iterator[str]:
    """The mean of all GPUs over time, four rows high, with the times below it."""
    gpus = each.metrics.gpus
    span = _span(each, look.width - len(_AXIS[0]))
    columns = [means(gpu.use, span) for gpu in gpus]
    values = [_known([column[index] for column in columns]) for index in range(span.width)]
    idle = [all(column) for column in zip(*(marks(idleness.idle_of(gpu, each), span) for gpu in gpus), strict=True)]
    last = [gpu.use[-1][1] for gpu in gpus if gpu.use]
    told = f"GPU use {sum(last) / len(last):.0%}"
    yield told if len(gpus) == 1 else f"{told}, the mean of {len(gpus)}"
    for axis, row in zip(_AXIS, drawn(values, 1.0, len(_AXIS), idle), strict=True):
        yield f"{axis}{_painted(row.rstrip(), look)}"
    start, end = moment(each.start)[11:16], moment(each.end)[11:16]
    yield f"{' ' * len(_AXIS[0])}{start}{' ' * (span.width - len(start) - len(end))}{end}"


def _known(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _gpus(node: Node, each: Measured, look: Look) -> Iterator[str]:
    """Small multiples: each GPU with its rank, its use, and its memory; as many in a row as there is room for."""
    shown, room = node.gpus, look.width - len(_GAP)
    in_a_row = next(n for n in _IN_A_ROW if n == 1 or (n < 2 * len(shown) and _cell_width(n, room) >= _LEAST_CELL))
    width = _cell_width(in_a_row, room)
    for first in range(0, len(shown), in_a_row):
        for row in zip(*(_cell(gpu, width, each, look) for gpu in shown[first : first + in_a_row]), strict=True):
            yield f"{_GAP}{_GAP.join(row)}".rstrip()


def _cell_width(in_a_row: int, room: int) -> int:
    return (room + len(_GAP)) // in_a_row - len(_GAP)


def _cell(gpu: Gpu, width: int, each: Measured, look: Look) -> list[str]:
    span = _span(each, width)
    rows = drawn(means(gpu.use, span), 1.0, 2, marks(idleness.idle_of(gpu, each), span))
    head = f"{one_line(gpu.rank, 10)} {metrics_table.percent(gpu.use)}"
    texts = [cut(head, width), metrics_table.size(gpu.memory)]
    return [padded(texts[0], width), *(_painted(row, look) for row in rows), padded(cut(texts[1], width), width)]


def _rows(node: Node, each: Measured, look: Look) -> Iterator[str]:
    yield _row("CPU", node.cpu, metrics_table.cores(node.cpu), 0.0, each, look)
    yield _row("memory", node.memory, metrics_table.size(node.memory), 0.0, each, look)
    told, top = metrics_table.disk(node.disk, node.disk_share), 1.0 if node.disk_share else 0.0
    yield _row("disk", node.disk_share or node.disk, told, top, each, look)


def _row(label: str, series: Series, told: str, top: float, each: Measured, look: Look) -> str:
    """One row for a series, up to its own highest value if there is no `top`."""
    span = _span(each, max(8, look.width - len(_GAP) - _LABEL - _VALUE - len(_GAP)))
    (row,) = drawn(means(series, span), top or max((value for _, value in series), default=1.0))
    return f"{_GAP}{padded(label, _LABEL)}{row}{_GAP}{told}".rstrip()


def _span(each: Measured, width: int) -> Span:
    return Span(each.start, each.end, width, _HOLD * each.step)


def _painted(row: str, look: Look) -> str:
    """The row with its idle columns in yellow, and the rest in the colour of what runs."""
    runs = ((idle, "".join(cells)) for idle, cells in groupby(row, lambda cell: cell == IDLE))
    return "".join(look.paint(run, "yellow" if idle else "cyan") if run.strip() else run for idle, run in runs)
