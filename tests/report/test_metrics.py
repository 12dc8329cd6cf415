"""Metrics as lines of characters, as a table, as CSV and JSON."""

import csv
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.job.metrics import Gpu, Metrics, Node, Series
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.phrases import columns
from baseten_jobs.provider.measured import Measured
from baseten_jobs.provider.trouble import Trouble
from baseten_jobs.report import formats
from baseten_jobs.report.chart import IDLE, Span, drawn, marks, means
from baseten_jobs.report.metrics_table import line
from baseten_jobs.report.style import Look, plain

START = 1_800_000_000.0
JOB = ObservedJob("wfmmjzx", "x--406c699c57ab", "TRAINING_JOB_RUNNING", "", "p", 16, "H100", 2)


def steady(value: float, *, until: int = 121) -> Series:
    """A sample each half minute of an hour; 0 from one on."""
    return tuple((START + 30.0 * n, value if n < until else 0.0) for n in range(121))


def measured(nodes: int = 2, gpus: int = 8, name: str = "x") -> Measured:
    """GPU 3 of the first node is idle for the last ten minutes."""
    made = [
        Node(
            f"node-{rank}",
            tuple(
                Gpu(str(n), steady(0.9, until=100 if (rank, n) == (0, 3) else 121), steady(61.2 * 2**30))
                for n in range(gpus)
            ),
            steady(12.4), steady(101 * 2**30), steady(120 * 2**30), steady(0.24),
        )
        for rank in range(nodes)
    ]  # fmt: skip
    return Measured(name, JOB, START, START + 3600, 30, Metrics(tuple(made)))


ONE = """\
x  running  16 H100  job wfmmjzx
2027-01-15 08:00 to 2027-01-15 09:00 UTC, a sample eac…

GPU use 90%
100% ▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅
     ██████████████████████████████████████████████████
     ██████████████████████████████████████████████████
  0% ██████████████████████████████████████████████████
     08:00                                        09:00

node-0
  0 90%
  ▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆
  █████████████████████████████████████████████████████
  61.2 GiB
  CPU     █████████████████████████  12.4 cores
  memory  █████████████████████████  101 GiB
  disk    ▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂  120 GiB (24%)"""


def test_a_gpu_is_drawn() -> None:
    assert formats.METRICS["text"]([measured(1, 1)], Look(width=55)) == ONE


@pytest.mark.parametrize(("width", "in_a_row"), [(40, 4), (60, 4), (80, 8), (120, 8), (200, 8)])
def test_what_is_drawn_fits_its_terminal_and_the_gpus_stand_in_rows(width: int, in_a_row: int) -> None:
    told = formats.METRICS["text"]([measured(), measured(name="y" * 300)], Look(width=width))
    assert max(map(columns, told.splitlines())) <= width
    heads = [row.split() for row in told.splitlines() if row.startswith("  0 90%")]
    assert [len(head) // 2 for head in heads] == [in_a_row] * 4


def test_sixteen_gpus_of_a_node_are_one_row_where_there_is_room() -> None:
    told = formats.METRICS["text"]([measured(1, 16)], Look(width=200))
    (head,) = [row.split() for row in told.splitlines() if row.startswith("  0 90%")]
    assert head[::2] == [str(number) for number in range(16)]


def test_idle_stretches_are_marked_and_listed_and_coloured() -> None:
    told = formats.METRICS["text"]([measured()], Look(width=80)).splitlines()
    assert told[-1] == "idle: node-0 GPU 3 from 08:50 to 09:00 (10m)"
    (row,) = [row for row in told if IDLE in row]
    assert row.split() == ["████████"] * 3 + ["███████·"] + ["████████"] * 4
    painted = formats.METRICS["text"]([measured()], Look(lambda text, colour: f"<{colour}>{text}", width=80))
    assert "<cyan>███████<yellow>·" in painted
    all_idle = replace(measured(), metrics=Metrics((Node("", (Gpu("0", steady(0.0)), Gpu("1", steady(0.0)))),)))
    told = formats.METRICS["text"]([all_idle], Look(width=80)).splitlines()
    assert f"  0% {IDLE * 75}" in told
    assert told[-1] == "idle: GPUs 0 to 1 from 08:00 to 09:00 (1h)"


def test_without_a_terminal_there_is_a_table() -> None:
    told = formats.METRICS["text"]([measured(1, 4)]).splitlines()
    assert told[3:9] == [
        "NODE    GPU  USE  MEAN  LOWEST  HIGHEST  MEMORY    IDLE",
        "node-0  0    90%  90%   90%     90%      61.2 GiB",
        "node-0  1    90%  90%   90%     90%      61.2 GiB",
        "node-0  2    90%  90%   90%     90%      61.2 GiB",
        "node-0  3    0%   74%   0%      90%      61.2 GiB  10m",
        "",
    ]
    assert told[9:] == ["NODE    CPU         MEMORY   DISK", "node-0  12.4 cores  101 GiB  120 GiB (24%)"]
    assert formats.METRICS["table"]([measured()], Look(width=80)) == formats.METRICS["table"]([measured()])
    assert max(map(len, formats.METRICS["table"]([measured()], Look(width=44)).splitlines()[2:])) <= 44


@pytest.mark.parametrize("width", [0, 80])
def test_no_metrics_and_what_can_not_be_read_are_told(width: int) -> None:
    none = replace(measured(), metrics=Metrics())
    trouble = replace(none, trouble=Trouble("GET /metrics: 500"))
    assert formats.METRICS["text"]([none, trouble], Look(width=width)) == (
        "x  running  16 H100  job wfmmjzx\n    no metrics from 2027-01-15 08:00 to 2027-01-15 09:00\n\n"
        "x  running  16 H100  job wfmmjzx\n    metrics can't be read: GET /metrics: 500"
    )
    assert line(none) == "2027-01-15T09:00:00Z  x  no metrics"


def test_every_value_is_in_csv_and_in_json() -> None:
    each = measured(1, 2)
    rows = list(csv.DictReader(formats.METRICS["csv"]([each]).splitlines()))
    assert len(rows) == (2 * 2 + 4) * 121
    assert rows[0] == {
        "time": "2027-01-15T08:00:00Z", "name": "x", "job_id": "wfmmjzx", "node": "node-0", "gpu": "0",
        "metric": "gpu_use", "value": "0.9",
    }  # fmt: skip
    assert {row["metric"] for row in rows} == {
        "gpu_use", "gpu_memory_bytes", "cpu_cores", "memory_bytes", "disk_bytes", "disk_use",
    }  # fmt: skip
    (told,) = json.loads(formats.METRICS["json"]([measured()]))["metrics"]
    assert (told["name"], told["from"], told["step_seconds"]) == ("x", "2027-01-15T08:00:00Z", 30)
    assert [len(gpu["use"]) for node in told["nodes"] for gpu in node["gpus"]] == [121] * 16
    assert told["nodes"][0]["gpus"][3]["idle"] == [
        {"from": "2027-01-15T08:50:00Z", "to": "2027-01-15T09:00:00Z", "seconds": 600}
    ]
    assert json.loads(formats.METRICS["json"]([replace(each, trouble=Trouble("no"))]))["metrics"][0]["error"] == "no"


@given(st.text(), st.text())
def test_hostile_names_of_nodes_are_fields_and_no_formulas(name: str, rank: str) -> None:
    each = replace(measured(), metrics=Metrics((Node(name, (Gpu(rank, ((START, 0.5),)),)),)))
    told = formats.METRICS["csv"]([each])
    (row,) = csv.DictReader(told.splitlines())
    assert (row["metric"], row["value"]) == ("gpu_use", "0.5")
    assert not row["node"].startswith(("=", "+", "-", "@"))
    for width in (0, 80):
        shown = formats.METRICS["text"]([each], Look(width=width))
        assert all(c.isprintable() or c in "\n\u200c\u200d" for c in shown)


values = st.lists(st.none() | st.floats(0, 100), max_size=40)


@given(values, st.integers(1, 5))
def test_columns_are_as_high_as_their_values(shown: list[float | None], rows: int) -> None:
    lines = drawn(shown, 100.0, rows)
    assert [len(row) for row in lines] == [len(shown)] * rows
    heights = [sum(" ▁▂▃▄▅▆▇█".index(row[n]) for row in lines) for n in range(len(shown))]
    for value, height in zip(shown, heights, strict=True):
        assert height == (0 if value is None else max(1, round(value / 100 * 8 * rows)))


@given(st.lists(st.tuples(st.floats(0, 3600), st.floats(0, 1)), max_size=50), st.integers(1, 100))
def test_a_column_is_the_mean_of_what_was_measured_then(samples: list[tuple[float, float]], width: int) -> None:
    span = Span(0.0, 3600.0, width, 48.0)
    found = means(tuple(sorted(samples)), span)
    assert len(found) == width
    known = [value for value in found if value is not None]
    measured_values = [value for _, value in samples]
    assert bool(known) is bool(samples)
    assert all(min(measured_values) - 1e-9 <= value <= max(measured_values) + 1e-9 for value in known)
    assert len(marks([(0.0, 1800.0)], span)) == width


def test_a_sample_counts_until_the_next_is_due_and_no_longer() -> None:
    assert means(((0.0, 0.5), (40.0, 1.0)), Span(0.0, 100.0, 10, 25.0)) == [
        0.5, 0.5, 0.5, None, 1.0, 1.0, 1.0, None, None, None,
    ]  # fmt: skip
    assert plain("x", "red") == "x"
