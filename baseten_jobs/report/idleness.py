"""Metrics of a job -> when its GPUs were idle, in rows of GPUs that were so at the same time."""

from collections.abc import Iterable, Sequence

from baseten_jobs.job.metrics import GAP, Gpu, idle_stretches
from baseten_jobs.job.times import age, moment
from baseten_jobs.phrases import one_line
from baseten_jobs.provider.measured import Measured

_MOST = 8


def idle_of(gpu: Gpu, each: Measured) -> tuple[tuple[float, float], ...]:
    """When a GPU was idle; samples that lie far apart, as over days, are no gap."""
    return idle_stretches(gpu.use, max(GAP, 2.0 * each.step))


def told(each: Measured) -> list[str]:
    """A line for each stretch of idleness, the oldest first."""
    found: dict[tuple[float, float, str], list[str]] = {}
    for node in each.metrics.nodes:
        for gpu in node.gpus:
            for start, end in idle_of(gpu, each):
                found.setdefault((start, end, node.id), []).append(gpu.rank)
    lines = [_line(start, end, node, ranks) for (start, end, node), ranks in sorted(found.items())]
    more = len(lines) - _MOST
    return [*lines[:_MOST], *([f"and {more} more times"] if more > 0 else [])]


def total(stretches: Iterable[tuple[float, float]]) -> str:
    """How long they are together; empty if there are none."""
    seconds = sum(end - start for start, end in stretches)
    return age(seconds) if seconds else ""


def _line(start: float, end: float, node: str, ranks: Sequence[str]) -> str:
    where = f"{one_line(node, 60)} " if node else ""
    return f"idle: {where}{_gpus(ranks)} from {moment(start)[11:16]} to {moment(end)[11:16]} ({age(end - start)})"


def _gpus(ranks: Sequence[str]) -> str:
    if len(ranks) == 1:
        return f"GPU {one_line(ranks[0], 20)}"
    first = ranks[0]
    row = [str(int(first) + number) for number in range(len(ranks))] if first.isdecimal() and first.isascii() else []
    return f"GPUs {first} to {ranks[-1]}" if row == list(ranks) else f"GPUs {one_line(', '.join(ranks), 60)}"
