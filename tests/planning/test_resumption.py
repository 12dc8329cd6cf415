"""Retries that begin with a checkpoint of the runs before them, alone and in a chain."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from baseten_jobs import pipeline
from baseten_jobs.applying.carry_out import carry_out
from baseten_jobs.applying.execute import Execution
from baseten_jobs.cli.exit_rules import exit_of_apply
from baseten_jobs.cli.exits import Exit
from baseten_jobs.emulator.settings import Durations
from baseten_jobs.job.saved import saved_in
from baseten_jobs.planning.plan import Action, Policy, Verb
from baseten_jobs.planning.saved_plan import SavedPlan, planned
from baseten_jobs.planning.terms import Terms
from tests.applying.test_going_on import applied
from tests.manifest.test_chains import stage
from tests.planning.test_retries import force, names
from tests.support.world import Send, World, answered

RETRY = "policy: {retry: {limit: 3, from_checkpoint: true}}\n"
LONG = 1e9
LATEST = "{typ: baseten_latest_checkpoint, job_id: aaaaaaa}"


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "specs").mkdir()
    return World(tmp_path, {"durations": Durations(running=LONG)})


def write(world: World, **stages: str) -> None:
    for name, text in stages.items():
        (world.folder / "specs" / f"{name}.yaml").write_text(text)


def preempted(world: World, after: float = 90.0, number: int = -1) -> None:
    """The newest job runs so long, is preempted, and an hour passes."""
    world.clock.time += after
    force(world, number)
    world.clock.time += 3600


def actions(world: World) -> dict[str, Action]:
    made = world.plan()
    assert made.valid, made.diagnostics
    return {action.request.name: action for action in made.plan.actions if action.verb is not Verb.STOP}


def load(action: Action) -> Any:
    return action.request.training_job["runtime"].get("load_checkpoint_config")


def named(job: dict[str, Any], checkpoint: str) -> dict[str, Any]:
    return {"typ": "baseten_named_checkpoint", "checkpoint_name": checkpoint, "job_id": job["id"]}


def checkpoints(world: World, number: int, fault: Callable[[httpx.Request, Send], httpx.Response]) -> None:
    job = world.jobs()[number]
    world.habit(fault, f"/v1/training_projects/{job['training_project_id']}/jobs/{job['id']}/checkpoints")


def shown(*rows: dict[str, Any]) -> Callable[[httpx.Request, Send], httpx.Response]:
    return lambda request, send: httpx.Response(200, request=request, json={"checkpoints": list(rows)})


def test_a_retry_begins_with_the_newest_checkpoint_of_the_run_before_it(world: World) -> None:
    write(world, x=stage("x", more=RETRY))
    world.apply()
    preempted(world)
    (first,) = world.jobs()
    submit = actions(world)["x"]
    assert (
        submit.reason
        == f"retried: job {first['id']} was preempted, retry 1 of 3, from checkpoint-4 of job {first['id']}"
    )
    entry = named(first, "checkpoint-4")
    assert load(submit) == {"enabled": True, "checkpoints": [entry]}
    assert [(each.field, each.old, each.new) for each in submit.changes] == [
        ("spec.checkpointing.load.checkpoints[0]", None, entry),
        ("spec.checkpointing.load.enabled", None, True),
    ]
    world.between.bodies.clear()
    world.apply()
    (sent,) = [body for body in world.between.bodies if b"baseten_named_checkpoint" in body]
    assert first["id"].encode() in sent
    assert names(world) == ["first", "r1"]
    assert actions(world)["x"].verb is Verb.KEEP


def test_all_that_the_manifest_loads_is_replaced_and_the_rest_of_load_stays(world: World) -> None:
    loading = (
        "    load:\n      enabled: false\n      download_folder: /data\n      checkpoints:\n"
        "      - {typ: baseten_latest_checkpoint, job_id: aaaaaaa}\n"
        "      - {typ: baseten_latest_checkpoint, job_id: bbbbbbb}\n"
    )
    write(world, x=stage("x", more=loading + RETRY))
    world.apply()
    preempted(world)
    assert load(actions(world)["x"]) == {
        "enabled": True, "download_folder": "/data", "checkpoints": [named(world.jobs()[0], "checkpoint-4")],
    }  # fmt: skip


def test_a_run_that_saved_nothing_goes_back_to_the_one_before_it(world: World) -> None:
    write(world, x=stage("x", more=RETRY))
    world.apply()
    preempted(world)
    world.apply()
    preempted(world, after=5)
    submit = actions(world)["x"]
    assert load(submit)["checkpoints"] == [named(world.jobs()[0], "checkpoint-4")]
    assert submit.job_name.endswith("-r2")


def test_without_a_synced_checkpoint_it_begins_as_its_manifest_says(world: World) -> None:
    write(world, x=stage("x", more=RETRY))
    world.apply()
    preempted(world, after=5)
    submit = actions(world)["x"]
    assert (load(submit), submit.changes) == (None, ())
    assert submit.notes == ("no run of it has a synced checkpoint, so it begins as its manifest says",)


def test_what_another_attempt_or_spec_saved_is_not_begun_with(world: World) -> None:
    write(world, x=stage("x", more=RETRY))
    world.apply()
    preempted(world)
    write(world, x=stage("x", metadata=", attempt: 2", more=RETRY))
    world.apply()
    preempted(world, after=5)
    assert load(actions(world)["x"]) is None
    write(world, x=stage("x", image="i:2", more=RETRY))
    world.apply()
    preempted(world, after=5)
    assert load(actions(world)["x"]) is None


def test_a_retry_by_hand_begins_there_too_and_none_does_unless_it_is_asked_for(world: World) -> None:
    write(world, x=stage("x", more=RETRY))
    world.apply()
    world.clock.time += 90
    force(world, -1, "STOPPED")
    world.policy = Policy(retry_failed=frozenset({"x"}))
    assert load(actions(world)["x"])["checkpoints"] == [named(world.jobs()[0], "checkpoint-4")]
    write(world, x=stage("x", more=RETRY.replace("true", "false")))
    assert load(actions(world)["x"]) is None


def test_checkpoints_that_cannot_be_read_hold_a_retry(world: World) -> None:
    write(world, x=stage("x", more=RETRY))
    world.apply()
    preempted(world)
    checkpoints(world, 0, answered(403, "no"))
    held = actions(world)["x"]
    assert (held.verb, held.submits_later) == (Verb.HOLD, False)
    assert held.reason.startswith(f"not retried: the checkpoints of job {world.jobs()[0]['id']} can't be read: ")
    assert exit_of_apply(world.apply()) is Exit.FAILED
    assert names(world) == ["first"]


def test_a_retry_reads_the_checkpoints_of_at_most_ten_runs(world: World) -> None:
    write(world, x=stage("x", more=RETRY.replace("3", "20").replace("true", "true, delay: 0s")))
    for _ in range(13):
        world.apply()
        preempted(world, after=1)
    world.between.calls.clear()
    world.plan()
    assert len([call for call in world.between.calls if call.endswith("/checkpoints")]) == 10
    world.policy = Policy(max_submits=None)
    write(world, x=stage("x", more=RETRY.replace("3", "2")))
    world.between.calls.clear()
    world.plan()
    assert not [call for call in world.between.calls if call.endswith("/checkpoints")], "it is used up"


def test_a_checkpoint_that_comes_meanwhile_makes_a_saved_plan_stale(world: World) -> None:
    write(world, x=stage("x", more=RETRY))
    world.apply()
    preempted(world)
    saved = SavedPlan(Terms("t", ()), planned(world.plan().plan))
    assert saved.stale(world.plan().plan) == ()
    checkpoints(world, 0, shown({"checkpoint_id": "checkpoint-9", "sync_status": "COMPLETE"}))
    assert saved.stale(world.plan().plan) == ("submit x in demo differs",)


def test_a_saved_plan_in_which_a_retry_waits_holds_once_it_is_due_from_whichever_checkpoint(world: World) -> None:
    write(world, x=stage("x", more=f"    load: {{enabled: true, checkpoints: [{LATEST}]}}\n{RETRY}"))
    world.apply()
    preempted(world)
    world.clock.time -= 3600
    saved = SavedPlan(Terms("t", ()), planned(world.plan().plan))
    world.clock.time += 3600
    assert actions(world)["x"].verb is Verb.SUBMIT
    assert saved.stale(world.plan().plan) == ()
    write(world, x=stage("x", more=RETRY.replace("true", "false")))
    assert saved.stale(world.plan().plan) != ()


def test_after_an_answer_a_retry_is_submitted_as_it_was_shown(world: World) -> None:
    write(world, x=stage("x", more=RETRY))
    world.apply()
    preempted(world)
    plan = world.plan().plan
    world.between.bodies.clear()
    carry_out(world.api, plan, world.policy, Execution(1, world.windows), world.ledger, waited=True)
    assert [body for body in world.between.bodies if b'"checkpoint-4"' in body]
    assert names(world) == ["first", "r1"]


@pytest.mark.parametrize(
    ("rows", "newest"),
    [
        ([], ""),
        ([("a", "2026-01-01T00:00:00Z", "SYNCING")], ""),
        ([("a", "2026-01-01T00:00:00Z", "COMPLETE"), ("b", "2026-01-02T00:00:00Z", "SYNCING")], "a"),
        ([("b", "2026-01-02T00:00:00Z", "COMPLETE"), ("a", "2026-01-01T00:00:00Z", "COMPLETED")], "b"),
        ([("a", "2026-01-01T01:00:00+02:00", "COMPLETE"), ("b", "2025-12-31T23:30:00Z", "COMPLETE")], "b"),
        ([("a", "2026-01-02T00:00:00Z", "COMPLETE"), ("a", "2026-01-02T00:00:00Z", "SYNCING")], ""),
        ([("a", None, "COMPLETE"), ("b", None, "COMPLETE")], "b"),
        ([(7, None, "COMPLETE"), ("", None, "COMPLETE"), ("a", 7, "COMPLETE")], "a"),
    ],
)
def test_the_newest_checkpoint_is_the_latest_that_is_whole(rows: list[tuple[Any, ...]], newest: str) -> None:
    fields = ("checkpoint_id", "created_at", "sync_status")
    assert saved_in([dict(zip(fields, row, strict=True)) for row in rows]).newest == newest


# Chains


def chain(world: World, first: str = RETRY, second: str = RETRY) -> None:
    write(world, s0=stage("s0", more=first), s1=stage("s1", "s0", more=second))


def completed(world: World, number: int = -1) -> None:
    world.clock.time += 90
    force(world, number, "COMPLETED")
    world.clock.time += 3600


def test_a_stage_that_is_retried_keeps_its_followers_waiting(world: World) -> None:
    chain(world)
    world.apply()
    world.clock.time += 90
    force(world, 0)
    first = world.jobs()[0]["id"]
    found = actions(world)
    assert found["s0"].reason.startswith("waits to be retried: ")
    assert found["s1"].reason == f"waits for s0 (job {first} was preempted, to be retried)"
    assert [action.submits_later for action in found.values()] == [True, True]
    assert exit_of_apply(world.apply()) is Exit.DONE
    world.clock.time += 3600
    assert actions(world)["s1"].reason == "waits for s0 (to be submitted)"
    assert exit_of_apply(world.apply()) is Exit.DONE
    assert actions(world)["s1"].reason.startswith("waits for s0 (")
    completed(world)
    second = actions(world)["s1"]
    assert (second.verb, load(second)["checkpoints"]) == (
        Verb.SUBMIT,
        [{"typ": "baseten_latest_checkpoint", "job_id": world.jobs()[1]["id"]}],
    )


def test_a_stage_that_is_retried_elsewhere_is_not_waited_for_in_silence(world: World) -> None:
    chain(world)
    world.apply()
    preempted(world)
    world.clock.time -= 3600
    alone, _ = world.compiled().named(["s1"])
    (action,) = pipeline.make(world.api, alone, world.policy).plan.actions
    assert "was preempted, to be retried; " in action.error
    assert action.error.endswith("s0.yaml is not applied here)")


def test_a_stage_whose_retries_are_used_up_holds_its_followers(world: World) -> None:
    chain(world, RETRY.replace("3", "1"))
    world.apply()
    preempted(world)
    world.apply()
    preempted(world)
    found = actions(world)
    job = world.jobs()[1]["id"]
    assert found["s0"].reason.startswith(f"used up: job {job} was preempted after 1 of 1 retries: raise ")
    assert found["s1"].reason == f"waits for s0 (job {job} was preempted, and its retries are used up)"
    assert [action.submits_later for action in found.values()] == [False, False]
    assert exit_of_apply(world.apply()) is Exit.FAILED
    assert names(world) == ["first", "r1"]


def second_stage(world: World, after: float) -> list[dict[str, Any]]:
    """The first stage is done, and the second was preempted after so many seconds."""
    chain(world)
    world.apply()
    completed(world)
    world.apply()
    preempted(world, after)
    return world.jobs()


def test_a_retrys_own_checkpoint_wins_over_that_of_the_chain(world: World) -> None:
    _, second = second_stage(world, 90)
    submit = actions(world)["s1"]
    assert (submit.verb, submit.job_name[-3:]) == (Verb.SUBMIT, "-r1")
    assert load(submit) == {"enabled": True, "checkpoints": [named(second, "checkpoint-4")]}
    world.apply()
    assert names(world) == ["first", "first", "r1"]


def test_without_one_of_its_own_a_retry_loads_that_of_the_chain(world: World) -> None:
    first, _ = second_stage(world, 5)
    submit = actions(world)["s1"]
    assert (submit.verb, submit.job_name[-3:]) == (Verb.SUBMIT, "-r1")
    assert load(submit)["checkpoints"] == [{"typ": "baseten_latest_checkpoint", "job_id": first["id"]}]
    assert submit.notes == ("no run of it has a synced checkpoint, so it begins as its manifest says",)


def test_with_one_of_its_own_a_retry_waits_for_no_other_stage(world: World) -> None:
    first, second = second_stage(world, 90)
    path = f"/v1/training_projects/{first['training_project_id']}/jobs/{first['id']}/checkpoints"
    world.habit(shown(), path)
    assert load(actions(world)["s1"])["checkpoints"] == [named(second, "checkpoint-4")]


# An apply that waits


def test_an_apply_that_waits_leaves_a_retry_and_what_follows_it_to_a_later_one(world: World) -> None:
    chain(world)
    world.apply()
    world.clock.time += 90
    force(world, 0)
    began = world.clock.time
    result = applied(world)
    assert exit_of_apply(result) is Exit.DONE
    assert [(outcome.fate.value, outcome.awaited) for outcome in result.outcomes] == [("held", None)] * 2
    assert (names(world), world.clock.time) == (["first"], began)


def test_an_apply_that_waits_begins_a_retry_with_what_is_synced_by_then(world: World) -> None:
    _, second = second_stage(world, 5)
    checkpoints(world, 0, shown({"checkpoint_id": "checkpoint-1", "sync_status": "SYNCING"}))
    synced = shown({"checkpoint_id": "checkpoint-7", "sync_status": "COMPLETE"})

    def come() -> None:
        checkpoints(world, 0, synced)
        checkpoints(world, 1, synced)

    force(world, 0, "COMPLETED")
    assert actions(world)["s1"].follows
    world.clock.at(world.clock.time + 60, come)
    world.clock.at(world.clock.time + 900, lambda: force(world, 2, "COMPLETED"))
    result = applied(world)
    assert exit_of_apply(result) is Exit.DONE
    assert names(world) == ["first", "first", "r1"]
    (sent,) = [body for body in world.between.bodies if b"checkpoint-7" in body and second["id"].encode() in body]
    assert b"<job of" not in sent
