"""An answer of the API's metrics call -> the series of each node and GPU, without what makes no sense."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from baseten_jobs.job.times import epoch_of

LOW = 0.05
"""The use below which a GPU is idle."""

GAP = 300.0
"""Seconds without a sample after which a series is stale; a stretch of idleness is at least as long."""

_AHEAD = 60.0
"""Seconds that a sample may be ahead of the clock that it is held against."""

_MOST_SHARE, _MOST = 1.05, 1e18
"""The highest that a fraction may be, for some are a little above one; and any other value."""

Sample = tuple[float, float]
"""A time in epoch seconds, and a value."""

Series = tuple[Sample, ...]
"""Samples, oldest first."""


@dataclass(frozen=True)
class Gpu:
    """One GPU: its rank on its node, how much it is used, as a fraction, and its memory that is used, in bytes."""

    rank: str
    use: Series = ()
    memory: Series = ()


@dataclass(frozen=True)
class Node:
    """One node; `cpu` is in cores, `memory` and `disk` are in bytes, and `disk_share` is the used part of the disk."""

    id: str
    gpus: tuple[Gpu, ...] = ()
    cpu: Series = ()
    memory: Series = ()
    disk: Series = ()
    disk_share: Series = ()


@dataclass(frozen=True)
class Metrics:
    """What a job uses, and what of the project's cache is used, in bytes and as a fraction."""

    nodes: tuple[Node, ...] = ()
    cache: Series = ()
    cache_share: Series = ()

    @property
    def gpus(self) -> tuple[Gpu, ...]:
        return tuple(gpu for node in self.nodes for gpu in node.gpus)

    @property
    def empty(self) -> bool:
        """True if there is no sample of any node."""
        return not any(
            (*node.cpu, *node.memory, *node.disk, *(sample for gpu in node.gpus for sample in (*gpu.use, *gpu.memory)))
            for node in self.nodes
        )


def metrics_of(answer: Mapping[str, Any], now: float, nodes: int | None = None) -> Metrics:
    """The series of an answer (`GetTrainingJobMetricsResponseV1`) for a job of so many `nodes`, None if not known.

    `now` is in epoch seconds by the clock that dated the samples. The leader's series, which stand beside those of the
    nodes, are those of a single node that is not listed.
    """
    rows = _list(answer.get("per_node_metrics"))
    if not rows and nodes in (None, 1):
        rows = [{"node_id": "", "metrics": answer}]
    found: dict[str, _Collected] = defaultdict(_Collected)
    for row in map(_mapping, rows):
        found[str(row.get("node_id"))].add(_mapping(row.get("metrics")), now)
    cache = _mapping(answer.get("cache"))
    return Metrics(
        tuple(collected.node(name) for name, collected in found.items()),
        _in_order(_samples(cache.get("usage_bytes"), now, _MOST)),
        _in_order(_samples(cache.get("utilization"), now, _MOST_SHARE)),
    )


def idle_stretches(use: Series, gap: float = GAP) -> tuple[tuple[float, float], ...]:
    """When a GPU was idle for at least five minutes: from its first low sample to the next that is not, or the last.

    A time without samples, of more than `gap` seconds, is not idle.
    """
    found: list[tuple[float, float]] = []
    began: float | None = None
    last = 0.0
    for at, value in use:
        if began is not None and (value >= LOW or at - last > gap):
            found.append((began, last if at - last > gap else at))
            began = None
        if began is None and value < LOW:
            began = at
        last = at
    found += [] if began is None else [(began, last)]
    return tuple((start, end) for start, end in found if end - start >= GAP)


@dataclass
class _Collected:
    """The samples of one node, of all its rows."""

    use: dict[str, list[Sample]] = field(default_factory=lambda: defaultdict(list))
    gpu_memory: dict[str, list[Sample]] = field(default_factory=lambda: defaultdict(list))
    cpu: list[Sample] = field(default_factory=list)
    memory: list[Sample] = field(default_factory=list)
    disk: list[Sample] = field(default_factory=list)
    disk_share: list[Sample] = field(default_factory=list)

    def add(self, metrics: Mapping[str, Any], now: float) -> None:
        for rank, points in _mapping(metrics.get("gpu_utilization")).items():
            self.use[str(rank)] += _samples(points, now, _MOST_SHARE)
        for rank, points in _mapping(metrics.get("gpu_memory_usage_bytes")).items():
            self.gpu_memory[str(rank)] += _samples(points, now, _MOST)
        self.cpu += _samples(metrics.get("cpu_usage"), now, _MOST)
        self.memory += _samples(metrics.get("cpu_memory_usage_bytes"), now, _MOST)
        disk = _mapping(metrics.get("ephemeral_storage"))
        self.disk += _samples(disk.get("usage_bytes"), now, _MOST)
        self.disk_share += _samples(disk.get("utilization"), now, _MOST_SHARE)

    def node(self, name: str) -> Node:
        ranks = sorted(self.use.keys() | self.gpu_memory.keys(), key=lambda rank: (len(rank), rank))
        gpus = (Gpu(r, _in_order(self.use.get(r, ())), _in_order(self.gpu_memory.get(r, ()))) for r in ranks)
        disk, share = _in_order(self.disk), _in_order(self.disk_share)
        return Node(name, tuple(gpus), _in_order(self.cpu), _in_order(self.memory), disk, share)


def _in_order(samples: Iterable[Sample]) -> Series:
    return tuple(sorted(samples))


def _samples(points: Any, now: float, most: float) -> Iterator[Sample]:
    """Those that have a time which is not yet to come, and a number that is possible; a share is one at most."""
    for point in map(_mapping, _list(points)):
        at, value = epoch_of(str(point.get("timestamp"))), point.get("value")
        if at is None or at > now + _AHEAD or isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if 0 <= value <= most:
            yield at, min(1.0, float(value)) if most == _MOST_SHARE else float(value)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
