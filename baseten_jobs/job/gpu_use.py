"""Metrics of a job -> how much its GPUs are used, and whether they have been idle for long; what is in doubt is not."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from baseten_jobs.job.times import epoch_of

SPAN = 3900.0
"""Seconds of metrics, up to now, that the whole answer needs."""

_MEAN_OVER, _IDLE_FOR, _FIRST = 600.0, 1800.0, 3600.0
_GAP = 300.0
"""Seconds without a sample after which a series is stale."""

_AHEAD = 60.0
"""Seconds that a sample may be ahead of the clock that it is held against."""

_LOW, _MOST = 0.05, 1.05
"""The use below which a GPU is idle; and the highest that a fraction may be: some are a little above one."""

Sample = tuple[float, float]
"""A time in epoch seconds, and a fraction."""


@dataclass(frozen=True)
class GpuUse:
    """The mean use of all GPUs over the last ten minutes, as a fraction; None where it is not known.

    They are `idle` if the job has run for an hour and every sample of every GPU of the last half hour is below 5%.
    """

    mean: float | None = None
    idle: bool = False


UNKNOWN = GpuUse()

IDLE = "its GPUs are idle: below 5% on every node for half an hour; `baseten-jobs logs` shows what it does"
"""The warning of a job whose GPUs are."""


def gpu_use(metrics: Mapping[str, Any], now: float, nodes: int | None = None, gpus: int | None = None) -> GpuUse:
    """Returns the use of the GPUs by the answer of the API's metrics call (`GetTrainingJobMetricsResponseV1`).

    `now` is in epoch seconds by the clock that dated the samples. The job has so many `nodes` and, on each, `gpus`;
    None where that is not known. The use is not known unless as many have fresh samples.
    """
    shown = [tuple(series.values()) for series in _nodes(metrics, nodes, now)]
    fresh = [series for series in shown if len(series) >= (gpus or 1) and all(_fresh(each, now) for each in series)]
    if not shown or len(fresh) < (nodes or len(shown)):
        return UNKNOWN
    every = [each for series in fresh for each in series]
    means = [_mean(value for at, value in each if at > now - _MEAN_OVER) for each in every]
    ran_long = all(min(each)[0] <= now - _FIRST for each in every)
    return GpuUse(_mean(means), ran_long and all(_idle(each, now) for each in every))


def _nodes(metrics: Mapping[str, Any], nodes: int | None, now: float) -> list[Mapping[str, Sequence[Sample]]]:
    """The samples of each node's GPUs; those of the leader, which stand beside, where a single node is not listed."""
    found: dict[str, dict[str, list[Sample]]] = defaultdict(lambda: defaultdict(list))
    rows = _list(metrics.get("per_node_metrics"))
    if not rows and nodes in (None, 1):
        rows = [{"node_id": "", "metrics": metrics}]
    for row in map(_mapping, rows):
        node = found[str(row.get("node_id"))]
        for rank, points in _mapping(_mapping(row.get("metrics")).get("gpu_utilization")).items():
            node[str(rank)] += _samples(points, now)
    return list(found.values())


def _samples(points: Any, now: float) -> Iterator[Sample]:
    """Those that have a time which is not yet to come, and a fraction: any other is as if it were missing."""
    for point in map(_mapping, _list(points)):
        at, value = epoch_of(str(point.get("timestamp"))), point.get("value")
        if at is None or at > now + _AHEAD or isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if 0 <= value <= _MOST:
            yield at, min(1.0, float(value))


def _fresh(series: Sequence[Sample], now: float) -> bool:
    return any(at >= now - _GAP for at, _ in series)


def _idle(series: Sequence[Sample], now: float) -> bool:
    """True if all samples are low since half an hour ago or a little earlier, and none is long after the one before."""
    since = max((at for at, _ in series if at <= now - _IDLE_FOR), default=None)
    if since is None:
        return False
    counted = sorted(sample for sample in series if sample[0] >= since)
    times = [now - _IDLE_FOR - _GAP, *(at for at, _ in counted), now]
    dense = all(later - earlier <= _GAP for earlier, later in pairwise(times))
    return dense and all(value < _LOW for _, value in counted)


def _mean(values: Iterable[float]) -> float:
    found = tuple(values)
    return sum(found) / len(found)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
