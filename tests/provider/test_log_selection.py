"""Parts of logs, and logs of several jobs: the last lines, some levels and nodes, a span of time, behind labels."""

import json
from collections.abc import Sequence
from typing import Any, cast

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baseten_jobs.emulator.settings import Behaviour, Durations
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.log_pages import LIMIT, LogLine, Reading, begin, read
from baseten_jobs.provider.log_tail import last_lines
from baseten_jobs.report.log_lines import on_terminal, text
from tests.support.operating import Desk, Open, desk, open_desk
from tests.support.world import StandingClock

__all__ = ["desk", "open_desk"]

MILLI = 1_000_000
DAY = 86_400_000
JOB = ObservedJob("j", "x--406c699c57ab", "TRAINING_JOB_RUNNING", "", "p")


class Shown:
    """A server that holds these lines, and shows at most a page of them, the newest first; the end may be its last."""

    def __init__(self, lines: Sequence[LogLine], now: int, *, inclusive: bool = False) -> None:
        self.lines, self.inclusive, self.asked = lines, inclusive, 0
        self.clock = StandingClock()
        self.clock.wall = lambda: now / 1000  # type: ignore[method-assign]
        self.now = now

    def logs(
        self, project: str, job: str, start: int, end: int | None, limit: int, **more: Any
    ) -> list[dict[str, Any]]:
        self.asked += 1
        end = self.now if end is None else end
        assert 0 <= end - start <= 7 * DAY
        end += self.inclusive
        found = sorted(
            (line for line in self.lines if start <= line.millis < end), key=lambda line: line.nanos, reverse=True
        )
        shown = found[:limit]
        return [{"timestamp": str(line.nanos), "message": line.message, "replica": line.replica} for line in shown]


lines = st.lists(
    st.builds(
        lambda at, message, replica: LogLine(at * MILLI, message, replica),
        st.sampled_from([5, 6, 7, 50, 1000]),
        st.sampled_from("ab"),
        st.sampled_from(["g00r0", "g00r1"]),
    ),
    min_size=1,
    max_size=60,
)


@settings(deadline=None)
@given(lines, st.integers(1, 70), st.booleans(), st.integers(0, 30))
def test_the_last_lines_are_the_last_of_all_lines(
    told: list[LogLine], count: int, inclusive: bool, hidden: int
) -> None:
    """Whether or not the server counts the end of its window in, and wherever its pages end."""
    padding = [LogLine((2000 + number) * MILLI, "late", "g00r2") for number in range(LIMIT - hidden)]
    served = Shown([*told, *padding], 4000, inclusive=inclusive)
    reading = begin(0, 4000)
    every = sorted([*told, *padding], key=lambda line: line.nanos)
    found = last_lines(cast(Api, served), JOB, reading, count)
    assert [line.nanos for line in found] == [line.nanos for line in every[-count:]]
    of_two = last_lines(cast(Api, served), JOB, reading, count, holds=lambda line: line.replica != "g00r2")
    assert [line.nanos for line in of_two] == [
        line.nanos for line in sorted(told, key=lambda each: each.nanos)[-count:]
    ]


def test_the_last_lines_of_a_long_log_are_looked_for_window_by_window() -> None:
    served = Shown([LogLine(DAY * MILLI, "first")], 30 * DAY)
    assert [line.message for line in last_lines(cast(Api, served), JOB, begin(0, 30 * DAY), 5)] == ["first"]
    assert served.asked == 5
    assert last_lines(cast(Api, served), JOB, begin(0, 30 * DAY, DAY), 5) == ()
    assert last_lines(cast(Api, served), JOB, begin(5, 30 * DAY, 5), 5) == ()


def test_the_log_of_a_job_that_ended_long_ago_is_read_from_its_end() -> None:
    ended = ObservedJob("j", None, "TRAINING_JOB_COMPLETED", "", "p", updated_at="1970-01-02T00:00:10Z")
    served = Shown([LogLine(DAY * MILLI, "first")], 300 * DAY)
    assert [line.message for line in last_lines(cast(Api, served), ended, begin(0, 300 * DAY), 5)] == ["first"]
    assert served.asked == 1


@settings(deadline=None)
@given(lines, st.integers(0, 1100), st.integers(1, 5))
def test_what_is_read_until_a_time_is_what_was_written_before_it(told: list[LogLine], until: int, limit: int) -> None:
    reading, found = begin(0, 2000, until), list[LogLine]()
    limit += len(told)
    while not reading.whole:
        reading, new = _page(reading, told, limit)
        found += new
    assert sorted(found) == sorted(line for line in told if line.millis < until)


def _page(reading: Reading, told: Sequence[LogLine], limit: int) -> tuple[Reading, tuple[LogLine, ...]]:
    start, end = reading.window
    page = [line for line in told if start <= line.millis < (2000 if end is None else end)]
    return read(reading, sorted(page)[:limit], 2000, limit)


def test_a_level_a_node_a_span_and_a_tail_are_chosen(desk: Desk) -> None:
    desk.applied("x")

    def rows(*arguments: str) -> list[dict[str, Any]]:
        desk.clock.time = 59.5  # a limit of rates may have waited a little
        ran = desk("logs", "x", "-o", "jsonl", *arguments)
        assert ran.code == 0, ran.err
        return [json.loads(line) for line in ran.out.splitlines()]

    every = rows()
    assert rows("--tail", "7") == every[-7:]
    assert rows("--level", "Warning") == [row for row in every if row["level"] in ("WARNING", "ERROR")]
    second = [row for row in every if row["replica"] == "g00r1"]
    assert len(second) == 1
    assert rows("--node", "1") == rows("--node", "g00r1") == second
    assert rows("--node", "1", "--node", "0") == [row for row in every if row["replica"]]
    assert rows("--node", "7") == []
    cut = "2027-01-15T08:00:30Z"
    assert rows("--until", cut) == rows("--until", "30s") == [row for row in every if row["time"] < cut[:-1]]
    assert rows("--until", cut, "--tail", "3") == rows("--until", cut)[-3:]
    assert rows("--until", "1h") == rows("--until", "1h", "--tail", "3") == []
    assert rows("--tail", "9", "--level", "error") == []


def test_a_tail_is_followed_from_there_on(open_desk: Open) -> None:
    desk = open_desk(durations=Durations(running=60))
    desk.applied("x")
    desk.clock.time = 40
    every = desk("logs", "x").out.splitlines()
    ran = desk("logs", "x", "-f", "--tail", "3")
    shown = ran.out.splitlines()
    assert (ran.code, shown[:3]) == (0, every[-3:])
    assert shown == desk("logs", "x").out.splitlines()[-len(shown) :]


def test_lines_of_several_jobs_come_by_time_behind_their_names(desk: Desk) -> None:
    desk.applied("lr-1")
    desk.clock.time = 5
    desk.applied("lr-10")
    desk.clock.time = 12
    ran = desk("logs", "lr-*")
    assert ran.code == 0
    labels = [line.partition("  ")[0].rstrip() for line in ran.out.splitlines()]
    assert set(labels) == {"lr-1", "lr-10"}
    bare = [line[7:] for line in ran.out.splitlines()]
    assert bare == sorted(bare, key=lambda line: line[:24])
    for name in ("lr-1", "lr-10"):
        alone = desk("logs", name).out.splitlines()
        assert alone == [line for line, label in zip(bare, labels, strict=True) if label == name]
    ran = desk("logs", "lr-1", "lr-10", "-o", "raw", "--tail", "1")
    assert [line.split()[0] for line in ran.out.splitlines()] == ["lr-1", "lr-10"]
    rows = [json.loads(line) for line in desk("logs", "*", "-o", "jsonl").out.splitlines()]
    assert len(rows) == len(labels)
    assert {row["name"]: row["job_id"] for row in rows} == {
        job["name"].partition("--")[0]: job["id"] for job in desk.jobs()
    }
    documents = desk("logs", "*", "-o", "json").json["logs"]
    assert sum(len(each["lines"]) for each in documents) == len(labels)
    assert [each["name"] for each in documents] == ["lr-1", "lr-10"]


def test_jobs_are_named_by_id_and_each_is_read_once(desk: Desk) -> None:
    one, two = desk.applied("a", "b")
    desk.clock.time = 10
    shown = desk("logs", "--job", two, "--job", one, "--job", two).out.splitlines()
    assert len(shown) == len(desk("logs", "a").out.splitlines()) + len(desk("logs", "b").out.splitlines())
    assert {line.split()[0] for line in shown} == {one, two}


def test_several_logs_are_followed_until_the_last_job_ends(open_desk: Open) -> None:
    desk = open_desk(behaviour=Behaviour(fail=("bad--*",)), durations=Durations(running=30))
    desk.applied("bad")
    desk.clock.time = 20
    good, gone = desk.applied("good", "gone")
    desk.later(10, lambda: httpx.delete(f"{desk.url}/_emulator/jobs/{gone}", verify=False))
    ran = desk("logs", "*", "-f")
    assert ran.code == 1
    shown = [line.split(maxsplit=2)[::2] for line in ran.out.splitlines()]
    assert ["good", "training job completed"] in shown
    assert ["bad", "start command exited with code 1"] in shown
    assert f"good: job {good} is completed\n" in ran.err
    assert "bad: job " in ran.err
    assert f"job {gone} not found" in ran.err


def test_a_name_without_a_job_is_told_and_the_others_are_shown(open_desk: Open) -> None:
    desk = open_desk(durations=Durations(running=10))
    desk.applied("x")
    desk.write("y")
    ran = desk("logs", "*")
    assert (ran.code, ran.err) == (0, "y is not submitted\n")
    assert desk("logs", "*", "-f").code == 1
    desk.write("z")
    ran = desk("logs", "[yz]")
    assert (ran.code, ran.err) == (1, "error: y is not submitted\nz is not submitted\n")


@pytest.mark.parametrize(
    ("label", "shown"),
    [("lr-1", "lr-1  1970-01-01T00:00:00.000Z  one\n"), ("a\x1b[2J", "a\\x1b[2J  1970-01-01T00:00:00.000Z  one\n")],
)
def test_no_row_of_a_message_passes_for_another_jobs(label: str, shown: str) -> None:
    line = LogLine(0, "one\nlr-2  two")
    assert on_terminal(line, label=label) == f"{shown}{' ' * (len(shown) - 4)}lr-2  two"
    assert text(line, label) == f"{shown}{shown.partition('  ')[0]}  lr-2  two"
