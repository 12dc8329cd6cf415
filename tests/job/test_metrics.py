"""Metrics of the API's answers: series in order, idle stretches, and nothing that makes no sense."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.job.metrics import GAP, LOW, Gpu, Metrics, Node, idle_stretches, metrics_of
from tests.job.test_gpu_use import NOW, anything, point


def node(name: str, **series: Any) -> dict[str, Any]:
    return {"node_id": name, "metrics": series}


def test_rows_of_one_node_are_one_and_samples_come_in_order() -> None:
    late, early = point(NOW - 10, 2e9), point(NOW - 70, 1e9)
    answer = {
        "per_node_metrics": [
            node("n0", gpu_utilization={"10": [point(NOW, 0.5)], "2": []}, cpu_usage=[point(NOW, 3.5)]),
            node("n1", ephemeral_storage={"usage_bytes": [late, early], "utilization": [point(NOW, 1.02)]}),
            node("n0", gpu_memory_usage_bytes={"2": [late]}, cpu_memory_usage_bytes=[late, early]),
        ],
        "cache": {"usage_bytes": [late], "utilization": []},
    }
    ordered = ((NOW - 70, 1e9), (NOW - 10, 2e9))
    gpus = (Gpu("2", (), ordered[1:]), Gpu("10", ((NOW, 0.5),)))
    first = Node("n0", gpus, ((NOW, 3.5),), ordered)
    assert metrics_of(answer, NOW) == Metrics((first, Node("n1", disk=ordered, disk_share=((NOW, 1.0),))), ordered[1:])


@pytest.mark.parametrize(
    ("value", "kept"),
    [(0, True), (1e12, True), (-1, False), (float("nan"), False), (float("inf"), False), (10**400, False),
     (True, False), ("3", False), (None, False)],
    ids=repr,
)  # fmt: skip
def test_only_numbers_that_are_possible_are_kept(value: Any, kept: bool) -> None:
    (found,) = metrics_of({"cpu_memory_usage_bytes": [point(NOW, value)]}, NOW).nodes
    assert bool(found.memory) is kept


_FIELDS = ("per_node_metrics", "gpu_utilization", "gpu_memory_usage_bytes", "cpu_usage", "ephemeral_storage", "cache")


@given(st.dictionaries(st.sampled_from(_FIELDS), anything))
def test_no_answer_is_too_odd(answer: dict[str, Any]) -> None:
    for each in metrics_of(answer, NOW).gpus:
        assert all(at <= NOW + 60 and 0 <= value <= 1 for at, value in each.use)


MINUTES = st.lists(st.sampled_from([0.0, 0.0, 0.0, LOW - 0.001, LOW, 0.9, None]), max_size=80)


def use_of(values: list[float | None]) -> tuple[tuple[float, float], ...]:
    """A sample a minute; None is one that is missing."""
    return tuple((60.0 * minute, value) for minute, value in enumerate(values) if value is not None)


@given(MINUTES)
def test_a_stretch_is_long_low_and_without_a_gap_and_the_longest_that_is(values: list[float | None]) -> None:
    use = use_of(values)
    found = idle_stretches(use)
    for start, end in found:
        assert end - start >= GAP
        inside = [(at, value) for at, value in use if start <= at < end]
        assert all(value < LOW for _, value in inside)
        times = [*(at for at, _ in inside), end]
        assert all(later - earlier <= GAP for earlier, later in itertools.pairwise(times))
    assert list(found) == sorted(found)
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(found))
    run: list[float] = []
    for at, value in [*use, (1e9, 1.0)]:
        if run and (value >= LOW or at - run[-1] > GAP):
            assert run[-1] - run[0] < GAP or any(start == run[0] and end >= run[-1] for start, end in found)
            run = []
        run += [at] if value < LOW else []


def test_idleness_ends_with_the_next_sample_that_is_not() -> None:
    assert idle_stretches(use_of([0.9, *[0.0] * 6, 0.9, 0.9, 0.0, 0.9])) == ((60.0, 420.0),)
    assert idle_stretches(use_of([0.0] * 5)) == ()
    assert idle_stretches(use_of([0.0] * 6)) == ((0.0, 300.0),)
    assert idle_stretches(use_of([0.0] * 6 + [None] * 5 + [0.0] * 6)) == ((0.0, 300.0), (660.0, 960.0))
    assert idle_stretches(use_of([0.0] * 6 + [None] * 5 + [0.0] * 6), 900.0) == ((0.0, 960.0),)
    assert idle_stretches(()) == ()
