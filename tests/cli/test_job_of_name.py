"""NAME and --job ID in one command: only that job is meant, and it has to be one of that name."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from baseten_jobs.cli.main import COMMANDS, command_of
from baseten_jobs.emulator.settings import Durations
from tests.cli.test_names import _parameters
from tests.support.commands import Ran
from tests.support.operating import Desk, Open, open_desk

__all__ = ["open_desk"]


@pytest.fixture
def desk(open_desk: Open) -> Desk:
    """Jobs that run for good."""
    return open_desk(durations=Durations(running=1e9))


def rows(ran: Ran) -> list[str]:
    return [row["job"]["job_id"] for row in ran.json["jobs"]]


def of_log(ran: Ran) -> list[str]:
    return [ran.json["job"]["job_id"]]


def of_checkpoints(ran: Ran) -> list[str]:
    return [row["job_id"] for row in ran.json["jobs"]]


def measured(ran: Ran) -> list[str]:
    return [each["job"]["job_id"] for each in ran.json["metrics"]]


def with_sessions(ran: Ran) -> list[str]:
    return [each["job"]["job_id"] for each in ran.json["sessions"]]


def stopped(ran: Ran) -> list[str]:
    return list(ran.json["stopped"])


TAKING: dict[str, Callable[[Ran], list[str]]] = {
    "status": rows,
    "describe": rows,
    "logs": of_log,
    "checkpoints": of_checkpoints,
    "metrics": measured,
    "session": with_sessions,
    "stop --yes": stopped,
}
EITHER = ("checkpoints download", "checkpoints deploy", "code")
"""Commands that take just one job, by NAME or by --job."""


def two_runs(desk: Desk, name: str = "x") -> tuple[str, str]:
    """The ids of a live job of an earlier spec, and of the live job of the manifest's."""
    (old,) = desk.applied(name)
    desk.write(name, command="other")
    assert desk("apply", "--yes").code == 0
    return old, desk.jobs()[-1]["id"]


def live(desk: Desk) -> set[str]:
    return {job["id"] for job in desk.jobs() if job["current_status"] == "TRAINING_JOB_RUNNING"}


def test_every_command_that_takes_names_and_ids_is_tried_here() -> None:
    found = set()
    for command in COMMANDS:
        taken = {str(parameter.name) for parameter in _parameters(command_of(command))}
        if {"names", "job_ids"} <= taken:
            found.add(command)
    assert found == {words.split()[0] for words in TAKING}


@pytest.mark.parametrize("glob", ["x", "x*"])
@pytest.mark.parametrize("which", ["old", "new"])
@pytest.mark.parametrize("words", TAKING)
def test_of_several_live_jobs_of_a_name_the_one_with_the_id_is_meant(
    words: str, which: str, glob: str, desk: Desk
) -> None:
    runs = dict(zip(("old", "new"), two_runs(desk), strict=True))
    (other,) = desk.applied("y")
    ran = desk(*words.split(), glob, "--job", runs[which], "-o", "json")
    assert (ran.code, TAKING[words](ran)) == (0, [runs[which]])
    assert live(desk) == {*runs.values(), other} - ({runs[which]} if words.startswith("stop") else set())


@pytest.mark.parametrize("words", TAKING)
def test_a_run_that_has_ended_is_meant_by_its_id_and_never_the_one_that_lives(words: str, desk: Desk) -> None:
    """The old run ended by itself while somebody looked up its id, and the new one is wanted."""
    old, new = two_runs(desk)
    desk.force(old, "FAILED")
    ran = desk(*words.split(), "x", "--job", old, "-o", "json")
    stops = words.startswith("stop")
    assert (ran.code, TAKING[words](ran)) == (0, [] if stops else [old])
    assert ("has ended already" in ran.err) is stops
    assert live(desk) == {new}


def test_stopping_a_run_that_has_ended_says_so_and_ends_as_by_its_id_alone(desk: Desk) -> None:
    old, new = two_runs(desk)
    desk.force(old, "COMPLETED")
    ran, alone = desk("stop", "x", "--job", old, "--yes"), desk("stop", "--job", old, "--yes")
    assert (ran.code, ran.out, ran.err) == (alone.code, alone.out, f"job {old} has ended already: completed\n")
    assert (alone.code, alone.out, alone.err) == (0, "nothing to stop\n", "")
    assert live(desk) == {new}


OTHERS: dict[str, tuple[Callable[[Desk], str], str]] = {
    "of another manifest": (lambda desk: desk.applied("y")[0], "it is a run of 'y'"),
    "of another project": (
        lambda desk: elsewhere(desk),
        "in the project 'Demo': it is a run of that name in another one, ",
    ),
    "by hand": (lambda desk: desk.started("x"), "it was started without this tool, as 'x'"),
}


def elsewhere(desk: Desk) -> str:
    """A job of the same name in another project, whose manifest is not here any more."""
    path = desk.folder / "specs" / "x.yaml"
    text = path.read_text()
    desk.write("x", project="Other")
    assert desk("apply", "--yes").code == 0
    path.write_text(text)
    return str(desk.jobs()[-1]["id"])


@pytest.mark.parametrize("words", TAKING)
@pytest.mark.parametrize("whose", OTHERS)
def test_the_id_of_a_job_that_is_not_of_the_name_is_an_error(whose: str, words: str, desk: Desk) -> None:
    made, told = OTHERS[whose]
    desk.applied("x")
    other = made(desk)
    before = live(desk)
    ran = desk(*words.split(), "x", "--job", other)
    assert (ran.code, ran.out) == (1, "")
    assert f"error: job {other} is not of 'x'" in ran.err
    assert told in ran.err
    assert live(desk) == before


def test_one_id_of_several_that_is_not_of_the_name_stops_none(desk: Desk) -> None:
    old, _ = two_runs(desk)
    (other,) = desk.applied("y")
    before = live(desk)
    assert desk("stop", "x", "--job", old, "--job", other, "--yes").code == 1
    assert desk("stop", "x", "--job", "nobody", "--yes").code == 1
    assert live(desk) == before


CLAIMS: dict[str, Callable[[str], str]] = {
    "adopted": lambda job: f"adopts: {{job: {job}, digest: 2f96f1a5dba5}}",
    "renamed": lambda job: "renamed_from: was",
}


@pytest.mark.parametrize("how", CLAIMS)
def test_a_job_that_the_manifest_claims_is_one_of_its_name(how: str, desk: Desk) -> None:
    (was,) = desk.applied("was")
    job = desk.started("by-hand") if how == "adopted" else was
    (desk.folder / "specs" / "was.yaml").unlink()
    desk.write("x")
    path = desk.folder / "specs" / "x.yaml"
    path.write_text(path.read_text().replace("name: x", f"name: x, {CLAIMS[how](job)}"))
    ran = desk("stop", "x", "--job", job, "--yes", "-o", "json")
    assert (ran.code, ran.json["stopped"]) == (0, [job])


@pytest.mark.parametrize("words", TAKING)
def test_an_id_beside_several_names_is_wrong_usage(words: str, desk: Desk) -> None:
    (job,) = desk.applied("x")
    ran = desk(*words.split(), "x", "y", "--job", job)
    assert (ran.code, live(desk)) == (64, {job})
    assert "--job ID chooses among the jobs of one NAME" in ran.err


@pytest.mark.parametrize("words", EITHER)
def test_a_command_of_one_job_takes_a_name_or_an_id(words: str, desk: Desk) -> None:
    assert desk(*words.split(), "x", "--job", "y").code == 64


@pytest.mark.parametrize("words", ["logs", "checkpoints", "checkpoints download", "code", "metrics", "session", "stop"])
def test_several_live_jobs_are_listed_each_with_the_command_that_is_about_it(words: str, desk: Desk) -> None:
    ran = desk(*words.split(), "x") if two_runs(desk) else None
    assert ran is not None
    runs = [job["id"] for job in desk.jobs()]
    commands = re.findall(r"^      (baseten-jobs .*)$", ran.err, re.MULTILINE)
    path = "checkpoints list" if words == "checkpoints" else words
    assert (ran.code, sorted(commands)) == (1, sorted(f"baseten-jobs {path} --job {job}" for job in runs))


LOCAL: dict[str, tuple[list[str], str]] = {
    "local": (["--local"], " --local"),
    "database": (["--local-db", "my jobs.db"], " --local-db 'my jobs.db'"),
    "both": (["--local", "--local-db", "my.db"], " --local-db my.db"),
}


@pytest.mark.parametrize("how", LOCAL)
def test_the_command_that_is_printed_reaches_the_same_api_and_stops_that_job_alone(how: str, desk: Desk) -> None:
    given, told = LOCAL[how]
    for command in ("one", "two"):
        desk.write("x", command=command)
        assert desk("apply", "--yes", *given).code == 0
    ran = desk("stop", "x", "--yes", *given)
    assert ran.code == 1
    found = re.findall(rf"^      baseten-jobs (stop --job (\S+)){re.escape(told)}$", ran.err, re.MULTILINE)
    assert len(found) == 2
    states = {job: state(desk, job, given) for _, job in found}
    words, first = found[0]
    assert desk(*words.split(), *given, "--yes").code == 0
    assert {job: state(desk, job, given) for _, job in found} == {**states, first: "stopped"}


def state(desk: Desk, job: str, given: list[str]) -> Any:
    (row,) = desk("status", "--job", job, "-o", "json", *given).json["jobs"]
    return row["state"]
