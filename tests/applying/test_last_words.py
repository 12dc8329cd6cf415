"""What a failed `apply --wait` shows of the logs: few lines, no secret, and never another exit code."""

from pathlib import Path

import pytest

from baseten_jobs.applying.wait import Waiting, wait
from baseten_jobs.cli.last_words import tell_last_words
from baseten_jobs.cli.session import Session
from baseten_jobs.emulator.settings import Behaviour, Durations
from baseten_jobs.provider.log_pages import LogLine
from baseten_jobs.report.last_words import last_words
from tests.support.operating import Desk, Open, desk, open_desk
from tests.support.world import World, answered, never

__all__ = ["desk", "open_desk"]

QUICK = Durations(created=1, deploying=1, running=12)


def failing(open_desk: Open, *faults: str) -> Desk:
    return open_desk(*faults, behaviour=Behaviour(fail=("bad*",)), durations=QUICK)


def test_the_last_lines_of_what_failed_are_shown(open_desk: Open) -> None:
    desk = failing(open_desk)
    for name in ("bad", "good"):
        desk.write(name)
    ran = desk("apply", "--yes", "--wait")
    assert ran.code == 1
    (bad,) = [job["id"] for job in desk.jobs() if job["name"].startswith("bad")]
    heading, *rows = ran.err[ran.err.index("bad: the end of") :].splitlines()
    assert heading == f"bad: the end of the log of job {bad}:"
    whole = desk("logs", "bad").out.splitlines()
    assert rows == [f"    {row}" for row in whole[-20:]]
    assert "good: the end" not in ran.err
    assert desk("apply", "--yes", "--wait", "-o", "json").json["results"]


def test_a_log_that_can_not_be_read_is_told_and_is_no_failure(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    world = World(tmp_path, {"behaviour": Behaviour(fail=("bad*",)), "durations": QUICK})
    world.write("bad")
    *_, result = wait(world.api, world.apply(), Waiting(), lambda text: None)
    (job,) = world.jobs()
    path = f"/v1/training_projects/{job['training_project_id']}/jobs/{job['id']}/logs"
    for trouble in (answered(500), answered(403), answered(200, {"logs": [{"message": "x"}]}), never()):
        world.habit(trouble, path)
        began = world.clock.time
        tell_last_words(Session(), world.api, result)
        told = capfd.readouterr()
        assert told.out == ""
        assert told.err.startswith(f"bad: the end of the log of job {job['id']} can't be read: ")
        assert told.err.count("\n") == 1
        assert world.clock.time - began < 30


def test_of_many_failed_jobs_five_are_shown(open_desk: Open) -> None:
    desk = failing(open_desk)
    for number in range(7):
        desk.write(f"bad{number}")
    ran = desk("apply", "--yes", "--wait")
    assert ran.err.count(": the end of the log of job ") == 5
    assert "`baseten-jobs logs NAME --tail 20` shows the end of 2 more logs" in ran.err


def test_values_of_the_environment_are_masked_in_them(open_desk: Open, tmp_path: Path) -> None:
    desk = failing(open_desk)
    desk.write("bad", command="echo hunter2hunter2")
    path = tmp_path / "specs" / "bad.yaml"
    path.write_text(
        path.read_text().replace("runtime: {", "runtime: {environment_variables: {API_KEY: hunter2hunter2}, ")
    )
    for show, seen in (((), False), (("--show-values", "--retry-failed", "bad"), True)):
        ran = desk("apply", "--yes", "--wait", *show)
        assert ran.code == 1
        assert ("g00r0  + echo *** " in ran.err.replace("\n", " "), "hunter2" in ran.err) == (not seen, seen)


TOKEN = "hf_" + "a1B2" * 8


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("the value is s3cr3t-value", "the value is ***"),
        (f"token {TOKEN}", "token ***"),
        ("\x1b[31mred\x1b[2J", "red"),
        ("x" * 400, "x" * 273 + "…"),
    ],
    ids=["value", "token", "sequences", "long"],
)
def test_a_row_is_short_harmless_and_holds_no_secret(message: str, shown: str) -> None:
    told = last_words("x", "j", [LogLine(0, message)], ["s3cr3t-value"])
    assert told == f"x: the end of the log of job j:\n    1970-01-01T00:00:00.000Z  {shown}"


def test_values_are_shown_where_that_is_asked_for_and_rows_are_few() -> None:
    assert "s3cr3t-value" in last_words("x", "j", [LogLine(0, "s3cr3t-value")], None)
    told = last_words("x", "j", [LogLine(0, "\n".join(map(str, range(100))))], ())
    assert [row.split()[-1] for row in told.splitlines()[1:]] == [str(number) for number in range(80, 100)]
    assert last_words("x", "j", [], ()) == "x: job j wrote no log"
