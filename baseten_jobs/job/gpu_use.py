"""Metrics of a job -> how much its GPUs are used, and whether they have been idle for long; what is in doubt is not."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from baseten_jobs.job.metrics import GAP, LOW, Series, metrics_of

SPAN = 3900.0
"""Seconds of metrics, up to now, that the whole answer needs."""

_MEAN_OVER, _IDLE_FOR, _FIRST = 600.0, 1800.0, 3600.0


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
    shown = [tuple(gpu.use for gpu in node.gpus) for node in metrics_of(metrics, now, nodes).nodes]
    fresh = [series for series in shown if len(series) >= (gpus or 1) and all(_fresh(each, now) for each in series)]
    if not shown or len(fresh) < (nodes or len(shown)):
        return UNKNOWN
    every = [each for series in fresh for each in series]
    means = [_mean(value for at, value in each if at > now - _MEAN_OVER) for each in every]
    ran_long = all(min(each)[0] <= now - _FIRST for each in every)
    return GpuUse(_mean(means), ran_long and all(_idle(each, now) for each in every))


def _fresh(series: Series, now: float) -> bool:
    return any(at >= now - GAP for at, _ in series)


def _idle(series: Series, now: float) -> bool:
    """True if all samples are low since half an hour ago or a little earlier, and none is long after the one before."""
    since = max((at for at, _ in series if at <= now - _IDLE_FOR), default=None)
    if since is None:
        return False
    counted = sorted(sample for sample in series if sample[0] >= since)
    times = [now - _IDLE_FOR - GAP, *(at for at, _ in counted), now]
    dense = all(later - earlier <= GAP for earlier, later in pairwise(times))
    return dense and all(value < LOW for _, value in counted)


def _mean(values: Iterable[float]) -> float:
    found = tuple(values)
    return sum(found) / len(found)
