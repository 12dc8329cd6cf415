"""The use of GPUs, from metrics that may be late, few, in any order, or no metrics at all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.job.gpu_use import UNKNOWN, GpuUse, gpu_use

NOW = 1_800_000_000.0
MINUTES = range(-64, 1)

Point = dict[str, Any]
Nodes = dict[str, dict[str, list[Point]]]


def point(at: float, value: Any) -> Point:
    return {"timestamp": datetime.fromtimestamp(at, UTC).isoformat(), "value": value}


def steady(value: float, nodes: int = 2, gpus: int = 2, minutes: Sequence[int] = MINUTES, now: float = NOW) -> Nodes:
    return {
        f"node-{rank}": {str(gpu): [point(now + 60 * minute, value) for minute in minutes] for gpu in range(gpus)}
        for rank in range(nodes)
    }


def answer(nodes: Nodes) -> Mapping[str, Any]:
    """As the API answers: the leader's series stand beside those of the nodes."""
    leader = next(iter(nodes.values()), {})
    rows = [{"node_id": name, "metrics": {"gpu_utilization": gpus}} for name, gpus in nodes.items()]
    return {"gpu_utilization": leader, "per_node_metrics": rows}


def use(nodes: Nodes, now: float = NOW, *, of: int = 2, gpus: int = 2) -> GpuUse:
    found = gpu_use(answer(nodes), now, of, gpus)
    return replace(found, mean=None if found.mean is None else round(found.mean, 6))


def test_the_mean_is_over_all_gpus_of_all_nodes_in_the_last_ten_minutes() -> None:
    nodes = steady(0.9)
    for minute, each in enumerate(nodes["node-1"]["1"], MINUTES[0]):
        each["value"] = 0.1 if minute > -10 else 1.0
    assert use(nodes) == GpuUse(0.7)


IDLE = GpuUse(0.0, idle=True)


def dropped(series: list[Point], first: int, last: int) -> None:
    """Without the samples of these minutes."""
    series[:] = series[: first - MINUTES[0]] + series[last + 1 - MINUTES[0] :]


def changed(series: list[Point], minute: int, value: Any) -> None:
    series[minute - MINUTES[0]]["value"] = value


DOUBTS: Mapping[str, tuple[Callable[[list[Point]], object], GpuUse]] = {
    "nothing": (lambda _: None, IDLE),
    "four minutes late": (lambda series: dropped(series, -3, 0), IDLE),
    "six minutes late": (lambda series: dropped(series, -5, 0), UNKNOWN),
    "no sample": (list.clear, UNKNOWN),
    "a gap of five minutes": (lambda series: dropped(series, -23, -20), IDLE),
    "a gap of six minutes": (lambda series: dropped(series, -23, -19), GpuUse(0.0)),
    "a gap before the half hour": (lambda series: dropped(series, -50, -36), IDLE),
    "nothing before the half hour": (lambda series: dropped(series, -64, -31), GpuUse(0.0)),
    "not there for the first minutes": (lambda series: dropped(series, -64, -60), GpuUse(0.0)),
    "busy for one sample": (lambda series: changed(series, -30, 0.05), GpuUse(0.0)),
    "a little below the bound": (lambda series: changed(series, -30, 0.0499), IDLE),
    "busy before": (lambda series: changed(series, -31, 1.0), IDLE),
    "not a number": (lambda series: changed(series, -20, float("nan")), IDLE),
    "no numbers for long": (lambda series: [changed(series, -m, float("nan")) for m in range(15, 25)], GpuUse(0.0)),
    "in percent": (lambda series: [changed(series, -m, 87.0) for m in range(60)], UNKNOWN),
    "a time to come": (lambda series: series.append(point(NOW + 3600, 1.0)), IDLE),
    "only a time to come": (lambda series: series.__setitem__(slice(None), [point(NOW + 3600, 0.0)]), UNKNOWN),
    "a clock a minute ahead": (lambda series: series.append(point(NOW + 59, 0.0)), IDLE),
    "no time": (lambda series: series.append({"value": 1.0}), IDLE),
    "no value": (lambda series: series.append({"timestamp": series[-1]["timestamp"]}), IDLE),
    "a truth": (lambda series: changed(series, -20, True), IDLE),
    "a huge number": (lambda series: changed(series, -20, 10**400), IDLE),
}
"""What is wrong with one GPU's series of a job that is idle, and what is known then."""


@pytest.mark.parametrize(("spoil", "known"), DOUBTS.values(), ids=DOUBTS.keys())
def test_what_is_in_doubt_is_neither_known_nor_idle(spoil: Callable[[list[Point]], object], known: GpuUse) -> None:
    nodes = steady(0.0)
    spoil(nodes["node-1"]["1"])
    assert use(nodes) == known


def test_every_node_and_gpu_has_to_be_there() -> None:
    assert use(steady(0.0, nodes=1)) == UNKNOWN
    assert use(steady(0.0, gpus=1)) == UNKNOWN
    assert use({**steady(0.0), "node-1": {}}) == UNKNOWN
    assert use({}) == UNKNOWN
    assert gpu_use(answer(steady(0.0)), NOW).idle


def test_a_node_that_was_replaced_does_not_count() -> None:
    gone = {"node-9": steady(1.0, minutes=range(-64, -20))["node-0"]}
    assert use({**gone, **steady(0.0)}) == IDLE
    assert use({**gone, **steady(0.0, nodes=1)}) == UNKNOWN


def test_a_single_node_may_be_told_by_the_leaders_series_alone() -> None:
    leader = {"gpu_utilization": steady(0.5)["node-0"]}
    assert gpu_use(leader, NOW, 1, 2) == GpuUse(0.5)
    assert gpu_use({**leader, "per_node_metrics": []}, NOW, None, 2) == GpuUse(0.5)
    assert gpu_use(leader, NOW, 2, 2) == UNKNOWN


values = st.floats(0.0, 1.0)


@st.composite
def jobs(draw: st.DrawFn) -> Nodes:
    """Two nodes of two GPUs, each used as it likes, with samples when it likes."""
    low = draw(st.sampled_from([0.04, 1.0]))
    minutes = st.lists(st.sampled_from(MINUTES), min_size=1, unique=True)
    kept = draw(st.one_of(st.just(list(MINUTES)), minutes))
    nodes = steady(0.0, minutes=kept)
    for gpus in nodes.values():
        for series in gpus.values():
            for each in series:
                each["value"] = draw(st.floats(0.0, low)) if draw(st.integers(0, 9)) == 0 else 0.0
    return nodes


def every(nodes: Nodes) -> list[list[Point]]:
    return [series for gpus in nodes.values() for series in gpus.values()]


@given(jobs(), st.randoms(use_true_random=False))
def test_the_order_of_samples_gpus_and_nodes_does_not_matter(nodes: Nodes, chance: Random) -> None:
    before = use(nodes)
    for series in every(nodes):
        chance.shuffle(series)
    assert use(dict(reversed(nodes.items()))) == before


@given(jobs(), st.integers(-(10**9), 10**9))
def test_only_the_distance_to_the_servers_clock_counts(nodes: Nodes, by: int) -> None:
    before = use(nodes)
    for each in (each for series in every(nodes) for each in series):
        each["timestamp"] = datetime.fromtimestamp(
            datetime.fromisoformat(each["timestamp"]).timestamp() + by, UTC
        ).isoformat()
    assert use(nodes, NOW + by) == before


@given(jobs(), st.sampled_from(range(4)), st.sampled_from(range(-30, 1)), st.floats(0.05, 1.0))
def test_one_busy_sample_is_enough(nodes: Nodes, number: int, minute: int, value: float) -> None:
    every(nodes)[number].append(point(NOW + 60 * minute, value))
    assert not use(nodes).idle


@given(jobs(), st.sampled_from(range(4)), st.sampled_from(range(64)), st.sampled_from(range(64)))
def test_fewer_samples_never_make_a_job_idle(nodes: Nodes, number: int, first: int, count: int) -> None:
    series, before = every(nodes)[number], use(nodes)
    high = any(each["value"] >= 0.05 for each in series)
    del series[first : first + count]
    assert before.idle or high or not use(nodes).idle


@given(jobs())
def test_a_mean_lies_between_what_was_measured(nodes: Nodes) -> None:
    found = gpu_use(answer(nodes), NOW, 2, 2)
    measured = [each["value"] for series in every(nodes) for each in series]
    assert found.mean is None or min(measured) - 1e-9 <= found.mean <= max(measured) + 1e-9
    assert not (found.idle and found.mean is None)


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just("2027-01-15T08:00Z")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(("per_node_metrics", "metrics", "gpu_utilization", "node_id", "timestamp", "value", "0")),
        inner,
    ),
    max_leaves=20,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(("per_node_metrics", "gpu_utilization")), anything))
def test_no_answer_at_all_is_too_odd(metrics: dict[str, Any]) -> None:
    assert not gpu_use(metrics, NOW).idle
