"""Every status, known or not, through every reader: what it is, what a plan makes of it, and what ends with it."""

import time
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.emulator.settings import Behaviour, Durations
from baseten_jobs.job.identity import Identity
from baseten_jobs.job.observation import ObservedJob, ObservedProject, StatusClass, job_of
from baseten_jobs.job.request import JobRequest, ProjectRef
from baseten_jobs.planning.decide import decide
from baseten_jobs.planning.plan import Policy, Verb
from baseten_jobs.provider.standstill import LONGEST, Standstill
from tests.support.operating import Desk, Open, desk, open_desk

__all__ = ["desk", "open_desk"]

LIVE, DONE, FAILED, STOPPED, INTERRUPTED = StatusClass
CLASSES = {
    **dict.fromkeys(["PENDING", "QUEUED", "CREATED", "DEPLOYING", "RUNNING"], LIVE),
    "COMPLETED": DONE,
    **dict.fromkeys(["FAILED", "DEPLOY_FAILED"], FAILED),
    **dict.fromkeys(["STOPPED", "CANCELLED", "CANCELED"], STOPPED),
    "PREEMPTED": INTERRUPTED,
}
SAID = {FAILED: "failed", STOPPED: "was stopped", INTERRUPTED: "was preempted"}
UNDONE = [status for status, kind in CLASSES.items() if kind in SAID]
UNKNOWN = ["TRAINING_JOB_PAUSED", "WARMING", "TRAINING_JOB_TRAINING_JOB_FAILED", "TRAINING_JOB_", "", "FAILED?"]


def shown(status: str | None, **fields: Any) -> ObservedJob:
    return job_of({"id": "j1", "current_status": status, "training_project_id": "p1", **fields})


@pytest.mark.parametrize(("status", "kind"), CLASSES.items())
@pytest.mark.parametrize("spelling", ["TRAINING_JOB_{}", "{}", "training_job_{}"])
def test_a_status_is_known_with_its_prefix_and_without(status: str, kind: StatusClass, spelling: str) -> None:
    for word in (spelling.format(status), spelling.format(status.lower())):
        job = shown(word)
        assert (job.status, job.status_class, job.status_known) == (f"TRAINING_JOB_{status}", kind, True)
        assert (job.live, job.ran) == (kind is LIVE, kind in (LIVE, DONE))


@pytest.mark.parametrize("status", UNKNOWN)
def test_a_status_that_is_not_known_lives_and_is_shown_as_it_came(status: str) -> None:
    job = shown(status)
    assert (job.status, job.status_class, job.status_known, job.live) == (status, LIVE, False, True)


@given(st.text() | st.none() | st.integers())
def test_no_status_breaks_a_reader(status: Any) -> None:
    job = shown(status)
    assert job.live == (job.status_class is LIVE)
    assert job.status_known or job.live


# The plan

OWN, OTHER = "a" * 12, "b" * 12
REF = ProjectRef("P")
REQUEST = JobRequest("specs/x.yaml", 1, REF, "x", 1, OWN + "0" * 52, {"name": "x", "image": {"base_image": "i"}})


def project(status: str, digest: str = OWN) -> ObservedProject:
    job = shown(status, name=Identity("x", digest, 1).job_name, created_at="2026-01-01T00:00:00Z")
    return ObservedProject(REF, "p1", jobs=(job,))


@pytest.mark.parametrize("status", UNDONE)
def test_a_spec_whose_job_ended_undone_is_held_until_it_is_raised_or_retried(status: str) -> None:
    said = SAID[CLASSES[status]]
    held = decide(REQUEST, project(status), Policy())
    assert (held.verb, held.job and held.job.id, held.warnings) == (Verb.HOLD, "j1", ())
    assert said in held.reason
    retried = decide(REQUEST, project(status), Policy(retry_failed=frozenset({"x"})))
    assert (retried.verb, retried.reason) == (Verb.SUBMIT, f"retried: job j1 {said}")
    raised = decide(replace(REQUEST, attempt=2), project(status), Policy())
    assert (raised.verb, raised.superseded) == (Verb.SUBMIT, ())


@pytest.mark.parametrize("status", [*(s for s, kind in CLASSES.items() if kind in (LIVE, DONE)), *UNKNOWN])
def test_a_spec_whose_job_lives_or_is_done_is_kept(status: str) -> None:
    assert decide(REQUEST, project(status), Policy()).verb is Verb.KEEP
    assert decide(REQUEST, project(status), Policy(retry_failed=frozenset({"*", "x*", "[x]"}))).verb is Verb.KEEP


@pytest.mark.parametrize("status", UNKNOWN)
def test_only_a_whole_name_retries_a_job_that_may_live(status: str) -> None:
    """A glob would buy again whatever has a status that came with a new version of the API."""
    policy = Policy(retry_failed=frozenset({"x", "*"}))
    assert decide(REQUEST, project(status), policy, claimed={"x"}).verb is Verb.SUBMIT


@pytest.mark.parametrize("status", UNDONE)
@pytest.mark.parametrize("given", ["*", "x*", "[w-y]"])
def test_a_glob_retries_what_ended_undone(status: str, given: str) -> None:
    assert decide(REQUEST, project(status), Policy(retry_failed=frozenset({given}))).verb is Verb.SUBMIT


@pytest.mark.parametrize("status", [*CLASSES, *UNKNOWN])
def test_a_job_of_an_older_spec_is_superseded_while_it_lives(status: str) -> None:
    action = decide(REQUEST, project(status, OTHER), Policy())
    assert (action.verb, bool(action.superseded)) == (Verb.SUBMIT, CLASSES.get(status, LIVE) is LIVE)


# What waits for an end

WAITS = [["logs", "x", "-f"], ["status", "--watch", "--exit-status"], ["apply", "--yes", "--wait"]]
each_wait = pytest.mark.parametrize("command", WAITS, ids=[" ".join(command) for command in WAITS])


def forced(desk: Desk, job_id: str, status: str) -> None:
    assert httpx.post(f"{desk.url}/_emulator/jobs/{job_id}", json={"status": status}, verify=False).is_success


@each_wait
@pytest.mark.parametrize("status", ["COMPLETED", *UNDONE])
def test_a_wait_ends_with_the_job_and_its_exit_code_says_how(desk: Desk, command: list[str], status: str) -> None:
    (job,) = desk.applied("x")
    desk.later(20, lambda: forced(desk, job, f"TRAINING_JOB_{status}"))
    assert desk(*command).code == (0 if status == "COMPLETED" else 1)
    assert 20 <= desk.clock.time < 60


@each_wait
def test_a_wait_ends_with_a_preempted_job_whatever_its_spelling(open_desk: Open, command: list[str]) -> None:
    desk = open_desk(behaviour=Behaviour(preempt=("x--*",)), durations=Durations(running=20))
    desk.applied("x")
    ran = desk(*command)
    assert ran.code == 1
    assert "preempted" in ran.out + ran.err
    held = desk("apply", "--yes")
    assert (held.code, "was preempted" in held.out) == (0, True)
    assert desk("apply", "--yes", "--retry-failed", "x", "-o", "json").json["summary"]["submitted"] == 1


@pytest.mark.parametrize("status", ["RUNNING", "TRAINING_JOB_CANCELED", "completed"])
def test_a_status_without_its_prefix_is_told_as_any_other(desk: Desk, status: str) -> None:
    (job,) = desk.applied("x")
    forced(desk, job, status)
    (row,) = desk("status", "-o", "json").json["jobs"]
    word = status.removeprefix("TRAINING_JOB_").lower()
    assert (row["state"], row["job"]["status"]) == (word, f"TRAINING_JOB_{word.upper()}")


@pytest.mark.slow
@each_wait
def test_a_wait_for_a_status_that_is_not_known_ends_after_ten_minutes_without_a_change(
    desk: Desk, command: list[str]
) -> None:
    (job,) = desk.applied("x")
    forced(desk, job, "TRAINING_JOB_PAUSED")
    desk.later(300, lambda: forced(desk, job, "TRAINING_JOB_FROZEN"))
    desk.later(500, lambda: forced(desk, job, "TRAINING_JOB_FROZEN"))
    desk.clock.least = 9
    began = time.monotonic()
    ran = desk(*command)
    assert ran.code == 7
    assert (
        f"warning: job {job} has the status 'TRAINING_JOB_FROZEN', which is not known here, and has not changed"
        " for 10 minutes: it is waited for no longer\n"
    ) in ran.err
    assert 1100 <= desk.clock.time < 1130
    assert time.monotonic() - began < 60


@pytest.mark.slow
@each_wait
def test_a_job_that_goes_on_from_a_status_that_is_not_known_is_waited_for(desk: Desk, command: list[str]) -> None:
    (job,) = desk.applied("x")
    forced(desk, job, "TRAINING_JOB_PAUSED")
    desk.later(590, lambda: desk.force(job, "RUNNING"))
    desk.later(1800, lambda: desk.force(job, "COMPLETED"))
    desk.clock.least = 9
    assert desk(*command).code == 0
    assert 1800 <= desk.clock.time < 1830


def test_jobs_beside_one_of_an_unknown_status_are_waited_for(open_desk: Open) -> None:
    desk = open_desk(durations=Durations(running=1500))
    stuck, _ = desk.applied("stuck", "x")
    forced(desk, stuck, "TRAINING_JOB_PAUSED")
    desk.clock.least = 9
    waited = desk("apply", "--yes", "--wait", "-o", "json")
    assert waited.code == 7
    assert [(each["name"], each["wait"]) for each in waited.json["results"]] == [("stuck", "open"), ("x", "reached")]
    assert "'TRAINING_JOB_PAUSED', which is not known here" in waited.json["results"][0]["error"]
    assert waited.err.count("not known here, and has not changed") == 1
    assert 1500 <= desk.clock.time < 1520


looks = st.lists(
    st.tuples(st.floats(0, 700), st.sampled_from(["RUNNING", "PAUSED", "ODD"]), st.sampled_from("12")), max_size=8
)


@given(looks)
def test_only_an_unknown_status_that_stayed_for_ten_minutes_stands_still(
    looks: list[tuple[float, str, str]],
) -> None:
    standstill, now, since, before = Standstill(), 0.0, 0.0, None
    for passed, status, updated in looks:
        now += passed
        job = shown(f"TRAINING_JOB_{status}", updated_at=updated)
        if before != (status, updated):
            since, before = now, (status, updated)
        standstill.look([job], now)
        assert standstill.stuck(job) == (status != "RUNNING" and now - since >= LONGEST)
    assert not standstill.stuck(shown("TRAINING_JOB_ODD", id="never looked at"))
