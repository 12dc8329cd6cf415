"""`apply --wait`: one search a look for all jobs, an end that is told, and jobs that run on whatever happens."""

import os
import signal
import time
from collections import Counter

import httpx
import pytest

from baseten_jobs.applying.outcome import Awaited, End, Goal, awaited
from baseten_jobs.emulator.settings import Behaviour, Durations
from baseten_jobs.job.names import without_letters
from baseten_jobs.job.observation import ObservedJob
from tests.support.operating import Desk, Open, desk, open_desk

__all__ = ["desk", "open_desk"]

SEARCH = "POST /v1/training_jobs/search"


@pytest.mark.parametrize(
    ("status", "running", "completed"),
    [
        *((status, End.OPEN, End.OPEN) for status in ("PENDING", "QUEUED", "CREATED", "DEPLOYING")),
        ("RUNNING", End.REACHED, End.OPEN),
        ("COMPLETED", End.REACHED, End.REACHED),
        *(
            (status, End.FAILED, End.FAILED)
            for status in ("FAILED", "DEPLOY_FAILED", "STOPPED", "CANCELLED", "CANCELED", "PREEMPTED")
        ),
        ("NEVER_HEARD_OF", End.OPEN, End.OPEN),
    ],
)
def test_a_status_decides_on_the_end_of_a_wait(status: str, running: End, completed: End) -> None:
    job = ObservedJob("j1", "x", f"TRAINING_JOB_{status}", "", "p1")
    for goal, end in ((Goal.RUNNING, running), (Goal.COMPLETED, completed)):
        assert awaited(job, goal) == Awaited(job, end)
        gone = awaited(job, goal, gone=True)
        assert gone == (Awaited(job, End.FAILED, gone=True) if end is End.OPEN else Awaited(job, end))
        assert awaited(job, goal, stuck=True).over
    assert awaited(None, Goal.RUNNING) == Awaited(None, End.OPEN)
    assert awaited(None, Goal.RUNNING, gone=True) == Awaited(None, End.FAILED, gone=True)


def test_a_wait_ends_when_every_job_has_completed(desk: Desk) -> None:
    for name in ("x", "y"):
        desk.write(name)
    ran = desk("apply", "--yes", "--wait")
    assert ran.code == 0
    assert ran.out.endswith("Applied: 2 submitted.\n\nWaited: 2 completed.\n")
    assert 63 <= desk.clock.time < 90
    jobs = desk.jobs()
    (x,) = [job["id"] for job in jobs if job["name"].startswith("x--")]
    assert f"x: completed  (job {x})" in ran.err
    assert [job["current_status"] for job in jobs] == ["TRAINING_JOB_COMPLETED"] * 2


def test_a_path_behind_a_bare_wait_is_a_path(desk: Desk) -> None:
    desk.write()
    assert desk("apply", "--yes", "--wait", "specs").code == 0


def test_a_wait_until_jobs_run_ends_then(desk: Desk) -> None:
    desk.write()
    ran = desk("apply", "--yes", "--wait=running", "-o", "json")
    assert ran.code == 0
    (result,) = ran.json["results"]
    assert (result["outcome"], result["status"], result["wait"]) == ("submitted", "TRAINING_JOB_RUNNING", "reached")
    assert desk.clock.time < 20


@pytest.mark.parametrize("projects", [["Demo"], ["Demo", "Other"]], ids=["one project", "two projects"])
def test_many_jobs_are_waited_for_with_one_search_a_look(open_desk: Open, projects: list[str]) -> None:
    desk = open_desk(durations=Durations(running=600))
    for number in range(12):
        desk.write(f"n{number}", project=projects[number % len(projects)])
    assert desk("apply", "--yes", "--max-submits", "99").code == 0
    before, slept = Counter(desk.requests()), len(desk.clock.slept)
    assert desk("apply", "--yes", "--wait").code == 0
    looks = len(desk.clock.slept) - slept + 1
    made = Counter(desk.requests()) - before
    assert looks > 50
    assert made.pop(SEARCH) == looks + 2 * len(projects)
    assert sum(made.values()) <= 4


def test_a_job_that_fails_or_is_stopped_fails_the_apply(open_desk: Open) -> None:
    desk = open_desk(behaviour=Behaviour(fail=("bad--*",)))
    for name in ("bad", "gone", "good", "halted"):
        desk.write(name)

    def meddle() -> None:
        jobs = {job["name"].partition("--")[0]: job["id"] for job in desk.jobs()}
        desk.force(jobs["halted"], "STOPPED")
        httpx.delete(f"{desk.url}/_emulator/jobs/{jobs['gone']}", verify=False)

    desk.later(20, meddle)
    ran = desk("apply", "--yes", "--wait", "-o", "json")
    assert ran.code == 1
    assert [(each["name"], each["wait"], each["error_message"]) for each in ran.json["results"]] == [
        ("bad", "failed", "a start command exited with code 1"), ("gone", "failed", None),
        ("good", "reached", None), ("halted", "failed", None),
    ]  # fmt: skip
    assert "gone: gone" in ran.err


def test_kept_jobs_are_waited_for_and_held_ones_are_not(desk: Desk) -> None:
    desk.applied("x")
    (held,) = desk.applied("y")
    desk.force(held, "STOPPED")
    ran = desk("apply", "--yes", "--wait")
    assert ran.code == 0
    assert ran.out.endswith("Nothing to submit, update or stop.\n\nWaited: 1 completed.\n")
    again = desk("apply", "--yes", "--wait")
    assert (again.code, again.out.endswith("Waited: 1 completed.\n")) == (0, True)


def test_an_adopted_job_is_waited_for(open_desk: Open) -> None:
    desk = open_desk("reset-after=1")
    desk.write()
    ran = desk("apply", "--yes", "--wait", "-o", "json")
    assert ran.code == 0
    assert [(each["outcome"], each["wait"]) for each in ran.json["results"]] == [("adopted", "reached")]


def test_a_wait_that_takes_too_long_is_7_and_the_jobs_run_on(desk: Desk) -> None:
    desk.write()
    began = desk.clock.time
    ran = desk("apply", "--yes", "--wait", "--timeout", "30s")
    assert ran.code == 7
    assert 30 <= desk.clock.time - began < 45
    (job,) = desk.jobs()
    assert f"  running    {without_letters(job['name'])}  job {job['id']}\nWaited: 1 running.\n" in ran.out
    assert job["current_status"] == "TRAINING_JOB_RUNNING"


@pytest.mark.parametrize("arguments", [["--timeout", "1h"], ["--wait", "--timeout", "soon"], ["--wait=done"]])
def test_wrong_usage_of_a_wait_is_told_before_anything_is_sent(desk: Desk, arguments: list[str]) -> None:
    desk.write()
    assert desk("apply", "--yes", *arguments).code == 64
    assert desk.jobs() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_an_interrupted_wait_leaves_the_jobs_running_and_tells_the_outcomes(desk: Desk, number: int) -> None:
    desk.write()
    desk.later(20, lambda: (os.kill(os.getpid(), number), time.sleep(0.01)))
    ran = desk("apply", "--yes", "--wait", "-o", "json")
    assert (ran.code, ran.json["error"]) == (130, "interrupted")
    assert (ran.json["results"][0]["outcome"], ran.json["results"][0]["wait"]) == ("submitted", "open")
    assert "interrupted: the jobs run on; `baseten-jobs status` shows them" in ran.err
    assert desk.jobs()[0]["current_status"] == "TRAINING_JOB_RUNNING"


def test_a_wait_outlives_rate_limits_and_errors(open_desk: Open) -> None:
    desk = open_desk("rate-limit=0.2,2", "read-error=0.3", "read-reset=0.1")
    desk.write()
    assert desk("apply", "--yes", "--wait").code == 0
