"""`metrics`, against the embedded API."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from baseten_jobs.emulator.settings import Behaviour, Durations
from tests.cli.test_command_line import terminal
from tests.support.operating import Desk, Open, desk, open_desk

__all__ = ["desk", "open_desk"]

HOUR = 3600.0
LONG = Durations(created=1, deploying=2, running=HOUR)


@pytest.fixture
def hung(open_desk: Open) -> Iterator[Desk]:
    """`bad` stalls an hour after it began to run; `good` has completed then."""
    desk = open_desk(durations=LONG, behaviour=Behaviour(stall=("bad--*",)))
    desk.applied("bad", "good")
    return desk


def test_the_last_hour_of_each_job_is_told(hung: Desk) -> None:
    hung.clock.time = 1.5 * HOUR
    ran = hung("metrics", "*", "-o", "json")
    assert ran.code == 0, ran.err
    bad, good = ran.json["metrics"]
    assert (bad["to"], good["to"]) == ("2027-01-15T09:30:00Z", "2027-01-15T09:00:03Z")
    assert (bad["from"], good["from"]) == ("2027-01-15T08:30:00Z", "2027-01-15T08:00:03Z")
    assert [len(node["gpus"]) for each in (bad, good) for node in each["nodes"]] == [8] * 4
    assert all(len(gpu["idle"]) == 1 and 1700 < gpu["idle"][0]["seconds"] <= 1830 for gpu in bad["nodes"][0]["gpus"])
    assert all(gpu["idle"] == [] and 110 <= len(gpu["use"]) <= 121 for gpu in good["nodes"][1]["gpus"])


def test_a_span_begins_where_it_is_asked_to(hung: Desk) -> None:
    hung.clock.time = HOUR
    for since in ("10m", "2027-01-15T08:50:00Z"):
        (told,) = hung("metrics", "bad", "--since", since, "-o", "json").json["metrics"]
        assert (told["from"], told["step_seconds"]) == ("2027-01-15T08:50:00Z", 15)
    (whole,) = hung("metrics", "bad", "--since", "30d", "-o", "json").json["metrics"]
    assert whole["from"].startswith("2027-01-15T08:00:0")


def test_a_table_is_printed_where_there_is_no_terminal(hung: Desk) -> None:
    hung.clock.time = 1.5 * HOUR
    told = hung("metrics", "bad").out
    assert told == hung("metrics", "bad", "-o", "table").out
    assert told.count("  29m\n") + told.count("  30m\n") == 16
    assert "\x1b" not in told
    assert hung("metrics", "bad", "-o", "csv").out.startswith(
        "time,name,job_id,node,gpu,metric,value\n2027-01-15T08:30"
    )
    (job,) = [job["id"] for job in hung.jobs() if job["name"].startswith("bad")]
    assert hung("metrics", "--job", job).out == told.replace("bad  ", f"{job}  ")


def test_a_job_that_waits_has_no_metrics(open_desk: Open) -> None:
    desk = open_desk(behaviour=Behaviour(queue=("x--*",)))
    desk.applied("x")
    ran = desk("metrics", "x")
    assert (ran.code, ran.out.splitlines()[1][:15]) == (0, "    no metrics ")


def test_a_watch_prints_a_line_a_minute_until_the_jobs_have_ended(hung: Desk) -> None:
    hung.clock.time = 0.9 * HOUR
    (bad,) = [job["id"] for job in hung.jobs() if job["name"].startswith("bad")]
    hung.later(600, lambda: hung.force(bad, "STOPPED"))
    ran = hung("metrics", "*", "--watch")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert 20 <= len(lines) <= 26
    assert "  good  GPU use 9" in lines[1] or "  good  GPU use 8" in lines[1]
    assert hung.clock.time < 0.9 * HOUR + 800


def test_a_job_that_is_deleted_meanwhile_ends_the_watch(hung: Desk) -> None:
    hung.clock.time = 60
    for job in hung.jobs():
        hung.later(100, lambda job=job: httpx.delete(f"{hung.url}/_emulator/jobs/{job['id']}", verify=False))
    ran = hung("metrics", "*", "--watch")
    assert (ran.code, ran.err.count("404 Not Found")) == (1, 2)


def test_metrics_that_can_not_be_read_are_a_failure(open_desk: Open) -> None:
    desk = open_desk()
    desk.applied("x")
    desk.clock.time = 60
    desk = open_desk("read-error=1")
    ran = desk("metrics", "x", "-o", "json")
    assert ran.code == 1
    assert "error" in ran.json


@pytest.mark.parametrize(
    "arguments",
    [[], ["x", "--watch", "-o", "json"], ["x", "--watch", "-o", "csv"], ["x", "--since", "soon"]],
    ids=" ".join,
)
def test_wrong_usage_is_told_as_such(desk: Desk, arguments: list[str]) -> None:
    assert desk("metrics", *arguments).code == 64


@pytest.mark.parametrize(
    ("environment", "drawn", "coloured"),
    [({}, True, True), ({"NO_COLOR": "1"}, True, False), ({"PYTHONIOENCODING": "ascii"}, False, True)],
    ids=["terminal", "NO_COLOR", "ascii"],
)
def test_a_terminal_is_drawn_on(
    hung: Desk, environment: dict[str, str], drawn: bool, coloured: bool, tmp_path: Path
) -> None:
    hung.clock.time = 0.5 * HOUR
    with terminal("metrics", "bad", TERM="xterm", **{"NO_COLOR": "", **environment}) as shown:
        assert shown.ends() == 0
    assert ("▇▇▇" in shown.shown or "███" in shown.shown) is drawn
    assert ("\x1b[" in shown.shown) is coloured
    assert "Traceback" not in shown.shown
