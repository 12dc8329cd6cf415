"""Runs that end and are retried: which end, how often, how soon, and never beside a job that may live."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.applying.carry_out import carry_out
from baseten_jobs.applying.execute import Execution
from baseten_jobs.applying.outcome import Applied
from baseten_jobs.applying.settle import Windows
from baseten_jobs.cli.exit_rules import exit_of_apply
from baseten_jobs.cli.exits import Exit
from baseten_jobs.emulator.settings import Durations
from baseten_jobs.job.copies import seconds_between
from baseten_jobs.job.identity import Identity
from baseten_jobs.job.names import JobName, read_job_name
from baseten_jobs.job.observation import ObservedJob, ObservedProject
from baseten_jobs.job.retry_policy import RetryPolicy
from baseten_jobs.planning.decide import decide
from baseten_jobs.planning.plan import Action, Policy, Verb
from baseten_jobs.planning.saved_plan import SavedPlan, loaded, planned
from baseten_jobs.planning.terms import Terms
from tests.planning.test_plan import OTHER, OWN, REF, request
from tests.support.world import World, empty, lost, never, showing

ASKED = RetryPolicy(3, frozenset({"TRAINING_JOB_PREEMPTED"}), False, 600)
NO_OPTION = Policy()
START = 1_767_225_600.0
"""2026-01-01, in epoch seconds."""


def at(seconds: float) -> str:
    return datetime.fromtimestamp(START + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def run(status: str, number: int = 0, begun: float = 0.0, ended: float = 60.0, **more: Any) -> ObservedJob:
    """A job of the manifest's own identity: the retry of this number."""
    identity = Identity("x", more.pop("digest", OWN), more.pop("attempt", 1))
    name = JobName(identity, number, "mjx", more.pop("token", "bcdf"))
    job_id = more.pop("id", f"j{number}")
    return ObservedJob(job_id, str(name), f"TRAINING_JOB_{status}", at(begun), "p1", 8, updated_at=at(ended), **more)


def decided(
    *jobs: ObservedJob,
    now: float = 1e6,
    asked: RetryPolicy | None = ASKED,
    policy: Policy = NO_OPTION,
    unlike: Sequence[str] = (),
    **changes: Any,
) -> Action:
    project = ObservedProject(REF, "p1", "Demo", jobs=jobs, read_at=START + now, unlike=frozenset(unlike))
    return decide(request(retries=asked, **changes), project, policy, frozenset({"x"}))


FAILED = frozenset({"TRAINING_JOB_FAILED", "TRAINING_JOB_DEPLOY_FAILED"})
HELD = "raise `metadata.attempt`, or `--retry-failed x`"
OLD = run("PREEMPTED")
SECOND = run("PREEMPTED", 1, 700, 800)

ROWS: dict[str, tuple[Sequence[ObservedJob], dict[str, Any], Verb, str]] = {
    "preempted": ([OLD], {}, Verb.SUBMIT, "retried: job j0 was preempted, retry 1 of 3"),
    "preempted again": ([OLD, SECOND], {}, Verb.SUBMIT, "retried: job j1 was preempted, retry 2 of 3"),
    "not yet": (
        [OLD], {"now": 600}, Verb.HOLD,
        "waits to be retried: job j0 was preempted, retry 1 of 3, in 1m (2026-01-01T00:11:00Z)",
    ),
    "on the second": ([OLD], {"now": 660}, Verb.SUBMIT, "retried: job j0 was preempted, retry 1 of 3"),
    "twice as long after the first": (
        [OLD, SECOND], {"now": 1400}, Verb.HOLD,
        "waits to be retried: job j1 was preempted, retry 2 of 3, in 10m (2026-01-01T00:33:20Z)",
    ),
    "nothing is said of retries": ([OLD], {"asked": None}, Verb.HOLD, f"preempted: {HELD} (job j0 was preempted)"),
    "none by itself": (
        [OLD], {"asked": replace(ASKED, limit=0)}, Verb.HOLD, f"preempted: {HELD} (job j0 was preempted)",
    ),
    "another end": ([run("FAILED")], {}, Verb.HOLD, f"failed before: {HELD} (job j0 failed)"),
    "that end": (
        [run("FAILED")], {"asked": replace(ASKED, when=FAILED)}, Verb.SUBMIT, "retried: job j0 failed, retry 1 of 3",
    ),
    "not deployed": (
        [run("DEPLOY_FAILED")], {"asked": replace(ASKED, when=FAILED)}, Verb.SUBMIT,
        "retried: job j0 failed, retry 1 of 3",
    ),
    "not that end": (
        [OLD], {"asked": replace(ASKED, when=FAILED)}, Verb.HOLD, f"preempted: {HELD} (job j0 was preempted)",
    ),
    "stopped": ([run("STOPPED")], {}, Verb.HOLD, f"stopped by a person: {HELD} (job j0 was stopped)"),
    "the retry was stopped": (
        [OLD, run("STOPPED", 1, 700, 800)], {}, Verb.HOLD, f"stopped by a person: {HELD} (job j1 was stopped)",
    ),
    "stopped, and run again by hand": (
        [run("STOPPED"), SECOND], {}, Verb.SUBMIT, "retried: job j1 was preempted, retry 2 of 3",
    ),
    "an older one stopped at the end": (
        [run("STOPPED", 0, 0, 900), SECOND], {}, Verb.HOLD, f"preempted: {HELD} (job j1 was preempted)",
    ),
    "a copy is stopped": (
        [OLD, run("STOPPED", 0, 700, 800, id="j9")], {}, Verb.HOLD,
        f"stopped by a person: {HELD} (job j9 was stopped)",
    ),
    "a twin of it was stopped": (
        [run("PREEMPTED", 1, 700, 900), run("STOPPED", 1, 701, 710, id="j9", token="ghjk")], {}, Verb.SUBMIT,
        "retried: job j1 was preempted, retry 2 of 3",
    ),
    "a twin of it was stopped last": (
        [run("PREEMPTED", 1, 700, 900), run("STOPPED", 1, 701, 910, id="j9", token="ghjk")], {}, Verb.HOLD,
        f"stopped by a person: {HELD} (job j9 was stopped)",
    ),
    "one lives": ([OLD, run("RUNNING", 1, 700)], {}, Verb.KEEP, "unchanged"),
    "a copy lives": ([OLD, run("RUNNING", 0, 700, id="j9")], {}, Verb.KEEP, "unchanged"),
    "one has a status that is not known": ([OLD, run("WARMING", 1, 700)], {}, Verb.KEEP, "unchanged"),
    "an older one lives": ([run("RUNNING"), SECOND], {}, Verb.KEEP, "unchanged"),
    "one is done": ([OLD, run("COMPLETED", 1, 700)], {}, Verb.KEEP, "unchanged: job j1 completed"),
    "used up": (
        [OLD, SECOND, run("PREEMPTED", 3, 5000, 5100)], {}, Verb.HOLD,
        f"used up: job j3 was preempted after 3 of 3 retries: {HELD}",
    ),
    "used up by jobs whose names were cut": (
        [replace(run("PREEMPTED", 0, n, n + 1, id=f"j{n}"), name=f"x--{OWN}") for n in range(4)], {}, Verb.HOLD,
        f"used up: job j3 was preempted after 3 of 3 retries: {HELD}",
    ),
    "some are gone": (
        [run("PREEMPTED", 2, 5000, 5100)], {}, Verb.SUBMIT, "retried: job j2 was preempted, retry 3 of 3",
    ),
    "not shown alike": (
        [OLD, SECOND], {"unlike": ["j0"]}, Verb.HOLD,
        "waits to be retried: job j1 was preempted, retry 2 of 3, once search and job list show its jobs alike",
    ),
    "when it ended is not told": (
        [replace(OLD, updated_at="")], {}, Verb.HOLD, f"preempted: {HELD} (job j0 was preempted)",
    ),
    "when it was made is not told": (
        [replace(OLD, created_at="", status="TRAINING_JOB_FAILED"), SECOND], {}, Verb.HOLD,
        f"preempted: {HELD} (job j1 was preempted)",
    ),
    "a raised attempt begins anew": (
        [run("PREEMPTED", 3, attempt=1, id="j7"), run("PREEMPTED", 0, 700, 800, attempt=2)], {"attempt": 2},
        Verb.SUBMIT, "retried: job j0 was preempted, retry 1 of 3",
    ),
    "a later attempt was preempted, too": (
        [OLD, run("PREEMPTED", 0, 700, 800, attempt=2, id="j7")], {}, Verb.HOLD,
        "of an older attempt: raise `metadata.attempt` to 3, or `--retry-failed x` "
        "(attempt 2 was preempted as well, job j7)",
    ),
    "suspended": ([OLD], {"suspended": True}, Verb.HOLD, "suspended"),
    "by hand, before it is due": (
        [OLD, SECOND], {"now": 900, "policy": Policy(retry_failed=frozenset({"x"}))}, Verb.SUBMIT,
        "retried: job j1 was preempted",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("jobs", "given", "verb", "reason"), ROWS.values(), ids=ROWS.keys())
def test_the_newest_run_decides_whether_it_is_retried(
    jobs: Sequence[ObservedJob], given: dict[str, Any], verb: Verb, reason: str
) -> None:
    action = decided(*jobs, **given)
    assert (action.verb, action.reason) == (verb, reason)
    assert bool(action.error) is reason.startswith("used up")
    assert action.waits_to_retry is action.submits_later is reason.startswith("waits to be retried")


@pytest.mark.parametrize("policy", [Policy(), Policy(retry_failed=frozenset({"x"}))], ids=["by itself", "by hand"])
@pytest.mark.parametrize(
    ("jobs", "number"),
    [([OLD], 1), ([OLD, SECOND], 2), ([run("PREEMPTED", 2)], 3), ([replace(OLD, name=f"x--{OWN}-2")], 1)],
    ids=["first", "second", "after a gap", "of one without letters"],
)
def test_a_retry_has_the_next_number_in_its_name_and_its_digest_stays(
    jobs: Sequence[ObservedJob], number: int, policy: Policy
) -> None:
    action = decided(*jobs, policy=policy)
    assert (action.job_name, action.request.body["training_job"]["name"]) == (f"x--{OWN}-r{number}",) * 2
    assert action.request.identity == Identity("x", OWN)
    assert action.past == tuple(sorted(job.id for job in jobs))


def test_a_kept_retry_is_told_by_its_own_name() -> None:
    kept = decided(OLD, run("RUNNING", 1, 700))
    assert (kept.verb, kept.job_name, kept.identity_lives) == (Verb.KEEP, f"x--{OWN}-r1", True)


def test_another_spec_that_runs_is_no_error_while_a_retry_waits() -> None:
    other = run("RUNNING", 0, 0, digest=OTHER, id="j8")
    waiting = decided(OLD, other, now=100)
    assert (waiting.verb, waiting.error, waiting.notes) == (
        Verb.HOLD, "", ("job j8 (8 GPUs) of another spec runs on",),
    )  # fmt: skip
    assert decided(OLD, other).verb is Verb.SUBMIT


# What holds whatever the jobs

ENDED = [*["PREEMPTED"] * 24, *["STOPPED"] * 4, "FAILED", "DEPLOY_FAILED", "CANCELLED"]
RUNS = st.builds(
    lambda status, number, begun, lasted, token, attempt: run(
        status, number, begun, begun + lasted, token=token, attempt=attempt
    ),
    st.sampled_from([*ENDED, "PENDING", "RUNNING", "WARMING", "COMPLETED"]),
    st.integers(0, 2),
    st.integers(0, 400),
    st.integers(0, 400),
    st.sampled_from(["bcdf", "ghjk", ""]),
    st.sampled_from([*[1] * 15, 2]),
)


def is_nobodys_stop(job: ObservedJob, same: Sequence[ObservedJob]) -> bool:
    """True if a stopped job is surely a second create of a run, or if a person ran the spec again after its stop."""
    name = read_job_name(job.name)
    later = any(each.created_at > job.created_at and each.updated_at >= job.updated_at for each in same)
    twins = (
        each
        for each in same
        if (first := read_job_name(each.name)) and name and first.token and name.token and first.retry == name.retry
        if first.token != name.token or (seconds_between(each, job) or 0.0) <= 120.0
    )
    return later or any(
        (twin.created_at, twin.id) < (job.created_at, job.id) and twin.updated_at > job.updated_at for twin in twins
    )


@given(
    st.lists(RUNS, min_size=1, max_size=5),
    st.integers(1, 6),
    st.sampled_from([{"PREEMPTED"}, {"PREEMPTED", "FAILED", "DEPLOY_FAILED"}]),
    st.integers(0, 20_000),
    st.sampled_from([*[()] * 7, ("j0",), ("j1",)]),
)
def test_a_retry_never_starts_beside_a_job_that_may_live_nor_after_a_stop_nor_in_doubt(
    jobs: list[ObservedJob], limit: int, ends: set[str], now: int, unlike: tuple[str, ...]
) -> None:
    jobs = [replace(each, id=f"j{n}") for n, each in enumerate(jobs)]
    when = frozenset(f"TRAINING_JOB_{end}" for end in ends)
    asked = RetryPolicy(limit, when, False, 100)
    action = decided(*jobs, now=now, asked=asked, unlike=unlike)
    same = [job for job in jobs if job.identity == Identity("x", OWN)]
    if action.verb is not Verb.SUBMIT or not same:
        assert not (action.waits_to_retry and any(job.ran for job in jobs))
        return
    retry = action.retry
    assert retry is not None
    numbers = [name.retry for job in same if (name := read_job_name(job.name))]
    assert all(job.status_known and not job.live and job.status != "TRAINING_JOB_COMPLETED" for job in same)
    assert not any(job.identity and job.identity.attempt > 1 for job in jobs)
    assert retry.of.status in when
    assert not any(job.id in unlike for job in same)
    stops = [job for job in same if job.status in ("TRAINING_JOB_STOPPED", "TRAINING_JOB_CANCELLED")]
    assert all(is_nobodys_stop(job, same) for job in stops)
    assert all(job.created_at <= retry.of.created_at for job in same if job not in stops)
    assert max(numbers) < limit
    assert action.job_name.endswith(f"-r{max(numbers) + 1}")
    assert retry.due is not None
    assert retry.due <= START + now


# Before a provider

RETRY = "policy: {retry: {limit: 2, delay: 5m}}\n"


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path, {"durations": Durations(running=1e9)})
    made.write(more=RETRY)
    made.apply()
    return made


def force(world: World, number: int, status: str = "PREEMPTED") -> None:
    job = world.jobs()[number]["id"]
    world.api._exchange("POST", "/_emulator/jobs/{}", job, body={"status": f"TRAINING_JOB_{status}"})


def due(world: World) -> None:
    """A run was preempted an hour ago."""
    force(world, -1)
    world.clock.time += 3600


def names(world: World) -> list[str]:
    """The names of all jobs, without letters and digest."""
    found = (read_job_name(job["name"]) for job in world.jobs())
    return [f"r{name.retry}" if name and name.retry else "first" for name in found]


def told(result: Applied) -> list[tuple[str, Exit]]:
    return [(outcome.fate.value, exit_of_apply(result)) for outcome in result.outcomes]


def test_a_run_that_is_preempted_again_and_again_is_retried_until_its_retries_are_used_up(world: World) -> None:
    seen = []
    for _ in range(4):
        force(world, -1)
        seen += told(world.apply())
        world.clock.time += 3600
        seen += told(world.apply())
    waits, retried, used_up = ("held", Exit.DONE), ("submitted", Exit.DONE), ("held", Exit.FAILED)
    assert seen == [waits, retried] * 2 + [used_up] * 4
    assert names(world) == ["first", "r1", "r2"]
    world.write(more=RETRY, metadata=", attempt: 2")
    assert told(world.apply()) == [("submitted", Exit.DONE)]
    due(world)
    world.apply()
    assert names(world) == ["first", "r1", "r2", "first", "r1"]


SHOWN = {
    "as it is": None,
    "nothing": empty,
    "running": showing(lambda row: {**row, "current_status": "TRAINING_JOB_RUNNING"}),
    "stopped": showing(lambda row: {**row, "current_status": "TRAINING_JOB_STOPPED"}),
    "failed": showing(lambda row: {**row, "current_status": "TRAINING_JOB_FAILED"}),
    "not known": showing(lambda row: {**row, "current_status": "TRAINING_JOB_WARMING"}),
    "no status": showing(lambda row: {**row, "current_status": None}),
    "no name": showing(lambda row: {**row, "name": None}),
}
"""What a witness shows of a job that was preempted."""


@pytest.mark.parametrize("listed", SHOWN)
@pytest.mark.parametrize("searched", SHOWN)
def test_only_what_search_and_job_list_both_show_is_retried(world: World, searched: str, listed: str) -> None:
    due(world)
    for witness, shown in (("search", searched), ("list", listed)):
        if fault := SHOWN[shown]:
            world.habit(fault, witness)
    plan = world.plan().plan
    assert bool([a for a in plan.of(Verb.SUBMIT) if a.retry]) is (searched == listed == "as it is")


@pytest.mark.parametrize("witness", ["search", "list"])
@pytest.mark.parametrize("status", ["RUNNING", "COMPLETED", "STOPPED", "WARMING"])
def test_a_retry_that_one_witness_hides_is_not_made_again(world: World, witness: str, status: str) -> None:
    due(world)
    world.apply()
    hidden = world.jobs()[1]["id"]
    if status != "RUNNING":
        force(world, 1, status)
    world.clock.time += 3600
    world.habit(showing(lambda row: None if row["id"] == hidden else row), witness)
    world.apply()
    assert names(world) == ["first", "r1"]


def test_of_two_appliers_that_retry_the_same_at_once_one_job_is_left(world: World) -> None:
    due(world)
    plans = [world.plan(), world.plan()]
    results = [world.carry_out(plan) for plan in plans]
    assert names(world) == ["first", "r1", "r1"]
    assert world.status_of() == ["PREEMPTED", "RUNNING", "STOPPED"]
    assert [outcome.fate.value for result in results for outcome in result.outcomes] == ["submitted", "adopted"]
    due_again = world.jobs()[1]["id"]
    world.api._exchange("POST", "/_emulator/jobs/{}", due_again, body={"status": "TRAINING_JOB_PREEMPTED"})
    world.clock.time += 3600
    assert told(world.apply()) == [("submitted", Exit.DONE)], "the stop of the second was no person's"
    assert names(world) == ["first", "r1", "r1", "r2"]


def test_a_retry_whose_answer_is_lost_is_found_by_its_name(world: World) -> None:
    due(world)
    world.fault("create", lost())
    assert told(world.apply()) == [("adopted", Exit.DONE)]
    assert names(world) == ["first", "r1"]


def test_a_retry_that_was_never_made_is_sent_once_more(world: World) -> None:
    due(world)
    world.fault("create", never())
    assert told(world.apply()) == [("submitted", Exit.DONE)]
    assert names(world) == ["first", "r1"]


def waited(world: World) -> Applied:
    """What becomes of a plan of a retry, after somebody was asked."""
    plan = world.plan().plan
    assert [action.verb for action in plan.actions] == [Verb.SUBMIT]
    return carry_out(world.api, plan, world.policy, Execution(1, world.windows), world.ledger, waited=True)


def test_after_the_answer_a_retry_is_submitted_only_if_nothing_came(world: World) -> None:
    due(world)
    plan = world.plan().plan
    world.apply()
    force(world, 1)
    world.clock.time += 3600
    how = Execution(1, world.windows)
    result = carry_out(world.api, plan, world.policy, how, world.ledger, waited=True)
    assert "of this name came since the plan was made: plan again" in result.notes[0]
    assert names(world) == ["first", "r1"]
    assert told(waited(world)) == [("submitted", Exit.DONE)]
    assert names(world) == ["first", "r1", "r2"]


def test_after_the_answer_both_witnesses_still_have_to_show_the_end(world: World) -> None:
    due(world)
    plan = world.plan().plan
    world.habit(showing(lambda row: {**row, "current_status": "TRAINING_JOB_FAILED"}), "list")
    how = Execution(1, Windows())
    result = carry_out(world.api, plan, world.policy, how, world.ledger, waited=True)
    assert told(result) == [("held", Exit.DONE)]
    assert names(world) == ["first"]


def saved(world: World) -> SavedPlan:
    return loaded(SavedPlan(Terms("t", ()), planned(world.plan().plan)).dumped())


def test_a_saved_retry_is_applied_once(world: World) -> None:
    due(world)
    plan = saved(world)
    assert plan.stale(world.plan().plan) == ()
    world.clock.time += 3600
    assert plan.stale(world.plan().plan) == ()
    world.apply()
    assert plan.stale(world.plan().plan) == (
        "submit x in Demo / one is no longer planned", "keep x in Demo / one is planned now",
    )  # fmt: skip
    due(world)
    assert plan.stale(world.plan().plan) == ("submit x in Demo / one differs",)


def test_a_saved_plan_in_which_a_retry_waits_holds_once_it_is_due(world: World) -> None:
    force(world, -1)
    plan = saved(world)
    world.clock.time += 60
    assert plan.stale(world.plan().plan) == ()
    world.clock.time += 3600
    assert plan.stale(world.plan().plan) == ()
    world.apply()
    due(world)
    assert plan.stale(world.plan().plan) == (
        "hold x in Demo / one is no longer planned", "submit x in Demo / one is planned now",
    )  # fmt: skip


def test_a_saved_plan_in_which_a_retry_waits_is_stale_if_a_person_asks_for_it(world: World) -> None:
    force(world, -1)
    plan = saved(world)
    world.policy = Policy(retry_failed=frozenset({"x"}))
    assert plan.stale(world.plan().plan) == (
        "hold x in Demo / one is no longer planned", "submit x in Demo / one is planned now",
    )  # fmt: skip


def test_another_number_of_retries_is_another_saved_plan(world: World) -> None:
    force(world, -1)
    plan = saved(world)
    world.write(more=RETRY.replace("2", "1"))
    assert plan.stale(world.plan().plan) == ("hold x in Demo / one differs",)


def test_a_waiting_retry_costs_no_call_more_than_a_kept_job(world: World) -> None:
    world.between.calls.clear()
    world.plan()
    kept = len(world.between.calls)
    force(world, -1)
    world.between.calls.clear()
    plan = world.plan().plan
    assert plan.later == plan.actions
    assert len(world.between.calls) - kept <= 2, "the price and the capacity of what comes later"
