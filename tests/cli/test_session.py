"""`session`, against the embedded API: codes are for a terminal alone, and time is added once."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.cli.commands.session import _extended
from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.session import Session
from baseten_jobs.emulator.settings import Durations
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.job.sessions import sessions_of
from baseten_jobs.provider.job_sessions import JobSessions
from baseten_jobs.provider.observe import jobs_in
from baseten_jobs.provider.session_reader import read_sessions
from baseten_jobs.provider.trouble import Trouble
from baseten_jobs.report import formats
from baseten_jobs.report.style import Look
from baseten_jobs.secrecy import Values
from tests.cli.test_command_line import terminal
from tests.support.operating import Desk, Open, desk, open_desk
from tests.support.world import Fault, World, answered, lost

__all__ = ["desk", "open_desk"]

SESSION = "  interactive_session: {trigger: on_startup, timeout_minutes: 90}\n"


@pytest.fixture
def opened(open_desk: Open) -> Desk:
    """`x` runs with a session on each of its two nodes, and `y` without."""
    desk = open_desk(durations=Durations(running=7200))
    desk.write("x", more=SESSION)
    desk.write("y")
    assert desk("apply", "--yes").code == 0
    desk.clock.time = 3603
    return desk


def codes(desk: Desk) -> list[str]:
    (job,) = [job for job in desk.jobs() if job["name"].startswith("x")]
    path = f"{desk.url}/v1/training_projects/{job['training_project_id']}/jobs/{job['id']}/auth_codes"
    rows = httpx.get(path, headers={"Authorization": "Bearer a-key"}, verify=False).json()["auth_codes"]
    return [row["auth_code"] for row in rows]


def test_a_row_for_each_node_tells_the_time_left_and_where_to_sign_in(opened: Desk) -> None:
    first, second = codes(opened)
    ran = opened("session", "x", "--show-values")
    assert (ran.code, ran.err) == (0, "")
    heading, heads, *rows = (line.split() for line in ran.out.splitlines())
    assert (heading[0], heading[-2]) == ("x", "job")
    assert heads == ["NODE", "STATE", "TIME", "LEFT", "CODE", "LINK", "TUNNEL", "FOLDER"]
    assert [row[:5] for row in rows] == [
        ["g00r0", "active", "30m", first, "https://github.com/login/device"],
        ["g00r1", "active", "30m", second, "https://github.com/login/device"],
    ]


def test_that_there_is_none_is_said(opened: Desk) -> None:
    ran = opened("session", "y")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[1:] == ["    no active session; Baseten shows active ones only"]
    assert opened("session", "y", "-o", "json").json["sessions"][0]["sessions"] == []
    ran = opened("session", "y", "--extend", "60", "--yes", "-o", "json")
    assert (ran.code, ran.json["error"]) == (1, "there is no active session, so nothing was extended")


@pytest.mark.parametrize("arguments", [[], ["-o", "json"], ["--extend", "5", "--yes"]], ids=" ".join)
def test_no_code_is_in_a_pipe_or_a_document_unless_it_is_asked_for(opened: Desk, arguments: list[str]) -> None:
    found = codes(opened)
    ran = opened("session", "*", *arguments)
    assert ran.code == 0
    assert not any(code in ran.out + ran.err for code in found)
    assert ran.err.endswith("codes are masked here; --show-values shows them\n")
    shown = opened("session", "*", *arguments, "--show-values")
    assert all(code in shown.out for code in found)
    assert "masked" not in shown.err


@pytest.mark.parametrize(
    ("environment", "shown"),
    [({}, True), ({"CI": "true"}, False), ({"GITHUB_ACTIONS": "true"}, False)],
    ids=["terminal", "CI", "GitHub Actions"],
)
def test_codes_are_shown_on_a_terminal_outside_ci(opened: Desk, environment: dict[str, str], shown: bool) -> None:
    (code, _) = codes(opened)
    quiet = {"CI": "", "GITHUB_ACTIONS": "", "NO_COLOR": "1", **environment}
    with terminal("session", "x", **quiet) as seen:
        assert seen.ends() == 0
    assert (code in seen.shown) is shown


def test_a_document_tells_everything_of_a_session(opened: Desk) -> None:
    (code, _) = codes(opened)
    found = opened("session", "x", "--show-values", "-o", "json").json["sessions"][0]["sessions"][0]
    assert 1700 < found.pop("seconds_left") <= 1800
    identifier = found.pop("session_id")
    assert found == {
        "node": "g00r0", "state": "active", "expires_at": "2027-01-15T09:30:03.000000Z", "auth_code": code,
        "auth_url": "https://github.com/login/device", "tunnel_name": f"training-{identifier}",
        "working_directory": "/b10/workspace",
    }  # fmt: skip


# More time


def left(desk: Desk) -> list[int]:
    (found,) = desk("session", "x", "-o", "json").json["sessions"]
    return [round(each["seconds_left"] / 60) for each in found["sessions"]]


def test_time_is_added_to_each_active_session_once_it_is_confirmed(opened: Desk) -> None:
    ran = opened("session", "*", "--extend", "60")
    assert (ran.code, left(opened)) == (8, [30, 30])
    assert ran.err.count("time left: 30m") == ran.err.count("  x  g00r") == 2
    assert "--yes confirms" in ran.err
    ran = opened("session", "*", "--extend", "60", "--yes")
    assert (ran.code, ran.out.count("  1h30m  ")) == (0, 2)
    assert left(opened) == [90, 90]


@pytest.mark.parametrize(("typed", "code", "minutes"), [("y\n", 0, 90), ("n\n", 8, 30)])
def test_it_asks_on_a_terminal(opened: Desk, typed: str, code: int, minutes: int) -> None:
    with terminal("session", "x", "--extend", "60") as shown:
        assert "Extend 2 sessions by 60 minutes?" in shown.until("[y/N]")
        shown.types(typed)
        assert shown.ends() == code
    assert left(opened) == [minutes, minutes]


@pytest.mark.parametrize(
    ("fault", "unclear"),
    [(answered(400, {"message": "no"}), False), (answered(502), True), (lost(), True), (answered(200, "<html>"), True)],
    ids=["refused", "bad gateway", "no answer", "no JSON"],
)
def test_a_call_to_extend_is_never_sent_twice_and_a_failure_is_told(
    tmp_path: Path, fault: Fault, unclear: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    world = World(tmp_path)
    world.write(more=SESSION)
    world.apply()
    world.clock.time = 30
    every = read_sessions(world.api, [("x", job) for job in jobs_in(world.jobs())])
    ((session,),) = (each.sessions for each in every)
    (job,) = world.jobs()
    call = f"/v1/training_projects/{job['training_project_id']}/jobs/{job['id']}/interactive_sessions/{session.id}"
    world.habit(fault, call)
    assert _extended(Session(), world.api, every, 60, yes=True) is Exit.FAILED
    assert world.between.calls.count(call) == 1
    told = capfd.readouterr().err
    assert f"session {session.id} of x could not be extended: PATCH " in told
    assert ("it may have been extended" in told) is unclear


def test_sessions_that_can_not_be_read_are_told_and_are_1(opened: Desk) -> None:
    for job in opened.jobs():
        assert httpx.delete(f"{opened.url}/_emulator/jobs/{job['id']}", verify=False).is_success
    gone = opened("session", "x")
    assert (gone.code, gone.err) == (1, "error: x is not submitted\n")
    told = formats.SESSIONS["text"]([JobSessions("x", JOB, trouble=Trouble("GET /auth_codes: 500"))])
    assert told.splitlines()[1] == "    sessions can't be read: GET /auth_codes: 500"


# What the API may answer

JOB = ObservedJob("j", None, "TRAINING_JOB_RUNNING", "", "p")
ROW = {"session_id": "s", "replica_id": "g00r0", "auth_code": "4F64-C0D9", "auth_url": "https://g/x?user_code=4F64C0D9"}


def test_a_link_that_holds_the_code_is_masked_too() -> None:
    every = [JobSessions("x", JOB, sessions_of([ROW, {**ROW, "auth_url": "https://g/4F64-C0D9/4F64C0D9#4f64"}]))]
    for name in formats.SESSIONS:
        told = formats.SESSIONS[name](every)
        assert "4F64" not in told.upper()
        assert "https://g/***/***" in told
        assert "https://g/x?user_code=4F64C0D9" in formats.SESSIONS[name](every, Look(values=Values.ALL))
    assert "4F64" not in repr(every)


@pytest.mark.parametrize(
    ("expires", "left", "state"),
    [("1970-01-01T01:00:00Z", "59m", "active"), ("1970-01-01T00:00:01Z", "none", "expired"),
     ("soon", "not told", "active"), (None, "not told", "active"), (7, "not told", "active")],
)  # fmt: skip
def test_the_time_left_is_told_as_far_as_it_is_known(expires: Any, left: str, state: str) -> None:
    every = [JobSessions("x", JOB, sessions_of([{**ROW, "expires_at": expires}]), 10.0)]
    row = formats.SESSIONS["text"](every).splitlines()[-1]
    assert row.startswith(f"g00r0  {state}")
    assert f"  {left}  " in row


@given(
    st.dictionaries(st.sampled_from([*ROW, "tunnel_name", "working_directory", "expires_at"]), st.none() | st.text())
)
def test_no_row_is_too_odd_and_none_commands_a_terminal(row: dict[str, Any]) -> None:
    every = [JobSessions("x", JOB, sessions_of([row]))]
    shown = formats.SESSIONS["text"](every, Look(values=Values.ALL, width=80))
    assert all(c.isprintable() or c in "\n\u200c\u200d" for c in shown)
    assert len(shown.splitlines()) in (2, 3)
