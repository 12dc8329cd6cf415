"""A job's log: every line once and in order, whatever the API's windows do, and nothing that takes over a terminal."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baseten_jobs.emulator.settings import Behaviour, Durations
from baseten_jobs.job.times import age, epoch_of
from baseten_jobs.manifest.durations import seconds_of
from baseten_jobs.provider.log_pages import LogLine, Reading, again, begin, read
from baseten_jobs.provider.log_reader import ALL, follow
from baseten_jobs.provider.observe import job_by_id
from baseten_jobs.report.log_lines import harmless, on_terminal
from tests.support.operating import Desk, Open, desk, open_desk
from tests.support.world import START, Send, World

__all__ = ["desk", "open_desk"]

MILLI = 1_000_000
DAY = 86_400_000


@dataclass
class Log:
    """A server's log: each line with the time, in milliseconds, from which on it is shown."""

    lines: Sequence[tuple[LogLine, int]]
    limit: int
    asked: list[tuple[int, int | None]] = field(default_factory=list)

    def page(self, reading: Reading, now: int) -> list[LogLine]:
        start, end = reading.window
        self.asked.append((start, end))
        end = now if end is None else end
        assert 0 <= end - start <= 7 * DAY
        found = [line for line, shown in self.lines if shown <= now and start <= line.millis < end]
        return sorted(found, key=lambda line: line.nanos)[: self.limit]


def read_on(log: Log, reading: Reading, now: int) -> tuple[Reading, list[LogLine]]:
    """Everything that the server shows by now."""
    told: list[LogLine] = []
    for _ in range(1000):
        reading, new = read(reading, log.page(reading, now), now, log.limit)
        told += new
        if reading.whole:
            return reading, told
    raise AssertionError("the reading comes to no end")


line = st.builds(
    lambda millis, nanos, message, replica: LogLine(millis * MILLI + nanos, message, replica),
    st.integers(0, 40_000),
    st.sampled_from([0, 1]),
    st.sampled_from(["loss 1", "loss 2"]),
    st.sampled_from([None, "g00r0"]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(line, st.integers(0, 30_000)), max_size=40), st.integers(1, 5))
def test_every_line_is_told_once_however_late_it_comes(lines: list[tuple[LogLine, int]], limit: int) -> None:
    """Equal lines of one nanosecond too; and in order, where none came late."""
    crowd = max(Counter(each.millis for each, _ in lines).values(), default=0)
    log = Log([(each, each.millis + late) for each, late in lines], limit + crowd)
    reading, told = begin(0, 0), []
    for now in range(1, 110_000, 4_000):
        reading, new = read_on(log, again(reading, 90_000, now), now)
        told += new
    assert Counter(told) == Counter(each for each, _ in lines)
    if not any(late for _, late in lines):
        assert told == sorted(told, key=lambda each: each.nanos)
    assert reading.crowded == 0


def test_lines_older_than_a_window_are_read_window_by_window() -> None:
    lines = [(LogLine(day * DAY * MILLI, f"day {day}"), 0) for day in (1, 2, 20, 29)]
    log = Log(lines, 1000)
    reading, told = read_on(log, begin(0, 30 * DAY), 30 * DAY)
    assert [each.message for each in told] == ["day 1", "day 2", "day 20", "day 29"]
    assert len(log.asked) == 5
    assert log.asked[-1][1] is None
    assert read_on(log, again(reading, 5_000, 30 * DAY), 30 * DAY)[1] == []


def test_more_lines_in_a_millisecond_than_the_api_shows_are_counted() -> None:
    log = Log([(LogLine(MILLI, str(number)), 0) for number in range(5)] + [(LogLine(3 * MILLI, "after"), 0)], 3)
    reading, told = read_on(log, begin(0, 10), 10)
    assert [each.message for each in told] == ["0", "1", "2", "after"]
    assert reading.crowded == 1


def test_a_line_from_the_future_is_told_once_and_hides_none_that_come_after_it() -> None:
    early = [(LogLine(second * 1000 * MILLI, f"at {second}"), second * 1000) for second in range(1, 700, 2)]
    ahead = [(LogLine(600_000 * MILLI, "from a node whose clock is ahead"), 2_000)]
    lines = [*early, *ahead]
    log, told, reading = Log(lines, 1000), [], begin(0, 0)
    shown = dict(lines)
    for now in range(3_000, 720_000, 3_000):
        page = [each for each, since in lines if since <= now and each.millis >= reading.window.start]
        reading, new = read(reading, page, now, log.limit)
        told += new
        assert {each for each in shown if shown[each] <= now} == set(told)
        reading = again(reading, 5_000, now)
        assert reading.window.start <= now
    assert Counter(told) == Counter(each for each, _ in lines)


@pytest.mark.parametrize("millis", [10**12, 10**25])
def test_more_lines_from_the_future_than_a_page_holds_are_read(millis: int) -> None:
    page = [LogLine((millis + number) * MILLI, str(number)) for number in range(1000)]
    reading, new = read(begin(0, 5_000), page, 5_000)
    assert len(new) == 999
    assert reading.newest == 5_000
    assert again(reading, 5_000, 6_000).window.start == 0


# Following


@pytest.mark.slow
def test_ten_thousand_lines_over_twelve_minutes_are_told_once_and_in_order(tmp_path: Path) -> None:
    world = World(tmp_path, {"durations": Durations(running=720, line=0.072)})
    world.write()
    world.apply()
    job = job_by_id(world.api, world.jobs()[0]["id"])
    assert job is not None
    notes: list[str] = []
    heard = list(follow(world.api, [job], ALL, notes.append))
    lines = [each for some in heard for each in some.lines]
    steps = [each.message for each in lines if each.message.startswith("step ")]
    assert [int(step.split()[1].rstrip(":")) for step in steps] == list(range(1, 10_000))
    assert [each.message for each in lines if not each.message.startswith("step ")] == [
        "training job created", "pulling image hello-world:1", "+ train --lr 1e-4", "training job completed",
    ]  # fmt: skip
    assert [each.nanos for each in lines] == sorted(each.nanos for each in lines)
    assert heard[-1].job.status == "TRAINING_JOB_COMPLETED"
    assert 720 < world.clock.time < 750
    assert notes == []


def _world_with_a_job(tmp_path: Path, **durations: float) -> World:
    world = World(tmp_path, {"durations": Durations(**durations)})
    world.write()
    world.apply()
    return world


def _messages(world: World, notes: list[str]) -> list[str]:
    job = job_by_id(world.api, world.jobs()[0]["id"])
    assert job is not None
    return [each.message for heard in follow(world.api, [job], ALL, notes.append) for each in heard.lines]


def test_a_node_whose_lines_come_late_loses_none(tmp_path: Path) -> None:
    world = _world_with_a_job(tmp_path, running=100)
    call = f"/v1/training_projects/{world.api.projects()[0]['id']}/jobs/{world.jobs()[0]['id']}/logs"

    def late(request: httpx.Request, send: Send) -> httpx.Response:
        """Every seventh step is shown 25 seconds after it was written."""
        data, now = send(request).json(), (START + world.clock.time) * 1e9
        data["logs"] = [
            row
            for row in data["logs"]
            if int(row["timestamp"]) < now - 25e9 or not row["message"].startswith("step") or _step(row) % 7
        ]
        return httpx.Response(200, request=request, json=data)

    def _step(row: dict[str, str]) -> int:
        return int(row["message"].split()[1].rstrip(":"))

    world.fault(call, *[late] * 1000)
    steps = sorted(
        int(message.split()[1].rstrip(":")) for message in _messages(world, []) if message.startswith("step")
    )
    # The last of them would have come after the log was read for the last time.
    assert [number for number in range(1, 100) if number not in steps] == [91, 98]


def test_an_outage_is_told_once_and_waited_out(tmp_path: Path) -> None:
    world = _world_with_a_job(tmp_path, running=30)
    job = world.jobs()[0]
    whole = _messages(World(tmp_path), [])

    def down(request: httpx.Request, send: Send) -> httpx.Response:
        return httpx.Response(503, request=request, json={"message": "maintenance"})

    call = f"/v1/training_projects/{job['training_project_id']}/jobs/{job['id']}/logs"
    world.fault(call, lambda request, send: send(request), *[down] * 40)
    notes: list[str] = []
    assert Counter(_messages(world, notes)) >= Counter(whole)
    assert len(notes) == 2
    assert "503" in notes[0]
    assert notes[1] == "the API answers again"


# The command


def test_a_log_is_followed_until_the_job_ends_and_the_exit_follows_the_job(open_desk: Open) -> None:
    desk = open_desk(behaviour=Behaviour(fail=("bad--*",)), durations=Durations(running=30))
    desk.applied("good", "bad")
    ran = desk("logs", "good", "-f")
    assert ran.code == 0
    assert [row.partition("  ")[2] for row in ran.out.splitlines()][:3] == [
        "training job created", "pulling image i:1", "g00r0  + train",
    ]  # fmt: skip
    assert ran.out.splitlines()[-1] == "2027-01-15T08:00:33.000Z  training job completed"
    assert ran.err.endswith("is completed\n")
    ran = desk("logs", "bad", "-f", "-o", "raw")
    assert ran.code == 1
    assert ran.out.splitlines()[-1] == "start command exited with code 1"
    assert ran.err.endswith("is failed: a start command exited with code 1\n")
    assert desk("logs", "bad").code == 0


def test_a_job_that_is_stopped_meanwhile_ends_the_log(desk: Desk) -> None:
    (job,) = desk.applied("x")
    desk.later(20, lambda: desk.force(job, "STOPPED"))
    ran = desk("logs", "x", "-f", "-o", "jsonl")
    assert (ran.code, desk.clock.time < 60) == (1, True)
    rows = [json.loads(row) for row in ran.out.splitlines()]
    assert rows[-1]["message"] == "training job stopped by a user"
    assert rows[0] == {
        "timestamp": "1800000000000000000", "time": "2027-01-15T08:00:00.000Z", "replica": None, "level": "INFO",
        "message": "training job created",
    }  # fmt: skip


def test_a_job_that_is_deleted_meanwhile_is_told(desk: Desk) -> None:
    (job,) = desk.applied("x")
    desk.later(20, lambda: httpx.delete(f"{desk.url}/_emulator/jobs/{job}", verify=False))
    ran = desk("logs", "x", "-f")
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert job in ran.err


def test_a_reader_that_has_had_enough_ends_the_log_quietly(desk: Desk) -> None:
    desk.applied("x")
    desk.clock.time = 60
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "baseten_jobs", "logs", "x"]
    ran = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, timeout=30)
    os.close(writer)
    assert (ran.returncode, ran.stderr) == (141, b"")


@pytest.mark.parametrize(
    ("since", "first"),
    [("10s", "step 28"), ("2027-01-15T08:00:20Z", "step 17"), ("2027-01-15T10:00:20+02:00", "step 17")],
)
def test_a_log_begins_where_it_is_asked_to(desk: Desk, since: str, first: str) -> None:
    desk.applied("x")
    desk.clock.time = 40.5
    ran = desk("logs", "x", "--since", since, "-o", "raw")
    assert ran.out.splitlines()[0].partition(":")[0] == first
    assert ran.out.splitlines()[-1].partition(":")[0] == "step 37"


def test_a_whole_log_is_one_document(desk: Desk) -> None:
    (job,) = desk.applied("x")
    desk.clock.time = 10
    document = desk("logs", "x", "-o", "json").json
    assert document["job"]["job_id"] == job
    assert len(document["lines"]) == 10


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["x", "-f", "-o", "json"],
        ["x", "--since", "soon"],
        ["x", "-f", "specs/x.yaml"],
        ["x", "-f", "--until", "1m"],
        ["x", "--tail", "0"],
        ["x", "--level", "loud"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_told_as_such(desk: Desk, arguments: list[str]) -> None:
    ran = desk("logs", *arguments)
    assert (ran.code, ran.out) == (64, "")
    assert "error: " in ran.err


def test_a_name_that_no_manifest_has_suggests_the_nearest(desk: Desk) -> None:
    desk.applied("qwen3-sft")
    for command in ("logs", "status", "stop"):
        ran = desk(command, "qwen-sft")
        assert ran.code == 1
        assert "no manifest has the name 'qwen-sft'; did you mean 'qwen3-sft'?" in ran.err


def test_a_manifest_without_a_job_has_no_log(desk: Desk) -> None:
    desk.write()
    ran = desk("logs", "x")
    assert (ran.code, ran.err) == (1, "error: x is not submitted\n")


def test_several_live_jobs_of_a_name_are_listed_and_one_is_chosen(desk: Desk) -> None:
    (old,) = desk.applied("x")
    desk.write("x", command="other")
    assert desk("apply", "--yes").code == 0
    new = desk.jobs()[-1]["id"]
    for command in (["logs"], ["stop", "--yes"]):
        ran = desk(*command, "x")
        assert ran.code == 1
        assert "x has 2 live jobs; choose one with --job ID:" in ran.err
        assert all(f"  {job}  running  since 2027-01-15T08:00" in ran.err for job in (old, new))
    assert desk("stop", "--job", old, "--yes").code == 0
    assert desk("logs", "x").code == 0


def test_the_log_of_the_job_that_runs_is_shown_where_the_manifest_has_moved_on(desk: Desk) -> None:
    (job,) = desk.applied("x")
    desk.write("x", command="other")
    ran = desk("logs", "x", "-o", "raw")
    assert (ran.code, ran.out.splitlines()[0]) == (0, "training job created")
    assert f"job {job} runs another spec of x than the manifest's" in ran.err


# What a terminal is spared


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;owned\x07title", "title"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b[2J\x1b[Hclear", "clear"),
        ("\x9b31mc1", "c1"),
        ("\x1bPdcs\x1b\\x", "x"),
        ("\x1bc reset", " reset"),
        ("bell\a back\b", "bell\\x07 back\\x08"),
        ("\x1b", "\\x1b"),
        ("\r 10%\r 20%\r", " 20%"),
        ("a\tb", "a   b"),
        ("evil\u202etxt", "evil\\u202etxt"),
        ("lone \ud800", "lone \\ud800"),
        ("日本 👩\u200d🔬 é", "日本 👩\u200d🔬 é"),
    ],
    ids=repr,
)
def test_what_a_job_writes_can_not_take_over_a_terminal(message: str, shown: str) -> None:
    assert harmless(message) == shown


def test_a_row_of_a_message_can_not_pass_for_another_line() -> None:
    told = on_terminal(LogLine(0, "one\n1970-01-01T00:00:00.000Z  two", "g00r0"))
    assert told == (
        "1970-01-01T00:00:00.000Z  g00r0  one\n                                 1970-01-01T00:00:00.000Z  two"
    )


@given(st.text())
def test_no_control_character_reaches_a_terminal(message: str) -> None:
    assert all(c.isprintable() or c in "\n\u200c\u200d" for c in harmless(message))


# Moments


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("2h", 7200), ("1h30m", 5400), ("3d", 259_200), ("0s", 0)]
    + [(text, None) for text in ("", "10", "m", "1.5h", "-1h", "30m1h", "٣m", "9999999999s", "99999d")],
)
def test_a_duration_is_read(text: str, seconds: int | None) -> None:
    assert seconds_of(text) == seconds


def test_a_time_without_a_zone_is_utc() -> None:
    assert epoch_of("1970-01-02") == 86_400
    assert epoch_of("1970-01-01T01:00:00+01:00") == 0
    assert epoch_of("yesterday") is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0s"), (59.9, "59s"), (60, "1m"), (3661, "1h1m"), (7200, "2h"), (90_061, "1d1h"), (86_459, "1d")],
)
def test_an_age_has_two_units_from_hours_on(seconds: float, text: str) -> None:
    assert age(seconds) == text
