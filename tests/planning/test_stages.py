"""Stages of a chain: what each waits for, when it is submitted, and what holds it for good."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from baseten_jobs import pipeline
from baseten_jobs.applying.outcome import Fate
from baseten_jobs.cli.exit_rules import exit_of_apply
from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.main import run
from baseten_jobs.emulator.settings import Durations
from baseten_jobs.planning.plan import Action, Policy, Verb
from baseten_jobs.planning.saved_plan import SavedPlan, loaded, planned
from baseten_jobs.planning.terms import Terms
from tests.manifest.test_chains import stage
from tests.support.world import Send, World, answered

RUNNING = 200.0
NOT_SYNCED = "hold: waits for s0 (job JOB completed, no synced checkpoint"


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path, {"durations": Durations(running=RUNNING)})
    (tmp_path / "specs").mkdir()
    return world


def write(world: World, **stages: str) -> None:
    for name, text in stages.items():
        (world.folder / "specs" / f"{name}.yaml").write_text(text)


def chain(world: World, length: int = 2) -> None:
    write(world, **{f"s{n}": stage(f"s{n}", f"s{n - 1}" if n else "") for n in range(length)})


def actions(world: World) -> dict[str, Action]:
    planned = world.plan()
    assert planned.valid, planned.diagnostics
    return {action.request.name: action for action in planned.plan.actions}


def told(action: Action) -> str:
    """The action in a line, without the ids of jobs."""
    job = action.waits[0].job.id if action.waits and action.waits[0].job else "-"
    return f"{action.verb.value}: {action.reason}".replace(job, "JOB")


def finished(world: World) -> None:
    world.clock.time += RUNNING * 2


def test_a_stage_waits_until_the_one_before_it_is_done_and_then_begins_with_its_job(world: World) -> None:
    chain(world)
    assert told(actions(world)["s1"]) == "hold: waits for s0 (to be submitted)"
    result = world.apply()
    assert exit_of_apply(result) is Exit.DONE
    assert [outcome.fate for outcome in result.outcomes] == [Fate.SUBMITTED, Fate.HELD]
    world.clock.time += 100
    assert told(actions(world)["s1"]).startswith("hold: waits for s0 (running, ")
    assert exit_of_apply(world.apply()) is Exit.DONE
    assert len(world.jobs()) == 1
    finished(world)
    first = world.jobs()[0]["id"]
    submit = actions(world)["s1"]
    assert told(submit) == "submit: new"
    checkpoints = [{"typ": "baseten_latest_checkpoint", "job_id": first}]
    assert submit.request.training_job["runtime"]["load_checkpoint_config"]["checkpoints"] == checkpoints
    world.apply()
    assert len(world.jobs()) == 2
    assert [action.verb for action in actions(world).values()] == [Verb.KEEP, Verb.KEEP]


def test_what_arrives_names_the_job_and_no_manifest(world: World) -> None:
    chain(world)
    world.apply()
    finished(world)
    first = world.jobs()[0]["id"].encode()
    world.between.bodies.clear()
    world.apply()
    (body,) = [body for body in world.between.bodies if b"load_checkpoint_config" in body]
    assert (first in body, b"manifest" in body, b"<job of" in body) == (True, False, False)


def shown(**fields: Any) -> Callable[[httpx.Request, Send], httpx.Response]:
    """A fault by which every checkpoint has these fields; there is none where they are empty."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        rows = [{**row, **fields} for row in send(request).json()["checkpoints"]] if fields else []
        return httpx.Response(200, request=request, json={"checkpoints": rows})

    return fault


def at_checkpoints(world: World, fault: Callable[[httpx.Request, Send], httpx.Response]) -> None:
    job = world.jobs()[0]
    world.habit(fault, f"/v1/training_projects/{job['training_project_id']}/jobs/{job['id']}/checkpoints")


@pytest.mark.parametrize(
    ("fields", "later", "expected", "exit_code"),
    [
        ({"sync_status": "COMPLETED"}, 0.0, "submit: new", Exit.DONE),
        (
            {"sync_status": "SYNCING"},
            0.0,
            "hold: waits for s0 (job JOB completed, no synced checkpoint yet)",
            Exit.DONE,
        ),
        (
            {"sync_status": "SYNCING"},
            3600.0,
            "hold: waits for s0 (job JOB completed, no synced checkpoint)",
            Exit.FAILED,
        ),
        ({}, 3600.0, "hold: waits for s0 (job JOB completed, no synced checkpoint)", Exit.FAILED),
    ],
    ids=["the-other-word", "still-copied", "not-copied-for-an-hour", "none"],
)
def test_a_job_without_a_synced_checkpoint_is_waited_for_an_hour(
    world: World, fields: dict[str, Any], later: float, expected: str, exit_code: Exit
) -> None:
    chain(world)
    world.apply()
    finished(world)
    world.clock.time += later
    at_checkpoints(world, shown(**fields))
    assert told(actions(world)["s1"]) == expected
    assert exit_of_apply(world.apply()) is exit_code


def test_a_checkpoint_that_is_named_must_be_there_itself(world: World) -> None:
    named = stage("s1", "s0").replace("typ: baseten_latest", "checkpoint_name: checkpoint-99, typ: baseten_named")
    write(world, s0=stage("s0"), s1=named)
    world.apply()
    finished(world)
    assert told(actions(world)["s1"]) == "hold: waits for s0 (job JOB completed, no synced 'checkpoint-99' yet)"
    write(world, s1=named.replace("checkpoint-99", "checkpoint-2"))
    assert told(actions(world)["s1"]) == "submit: new"


def test_checkpoints_that_cannot_be_read_hold_a_stage(world: World) -> None:
    chain(world)
    world.apply()
    finished(world)
    at_checkpoints(world, answered(403, "no"))
    assert "can't be read" in told(actions(world)["s1"])
    assert exit_of_apply(world.apply()) is Exit.FAILED
    assert len(world.jobs()) == 1


def test_a_stage_whose_upstream_was_stopped_is_held_for_good(world: World) -> None:
    chain(world, 3)
    world.apply()
    job = world.jobs()[0]
    world.api.stop(job["training_project_id"], job["id"])
    found = actions(world)
    assert [told(found[name]) for name in ("s1", "s2")] == [
        "hold: waits for s0 (job JOB was stopped)",
        "hold: waits for s1 (which waits itself)",
    ]
    assert exit_of_apply(world.apply()) is Exit.FAILED
    world.policy = Policy(retry_failed=frozenset({"s0"}))
    assert told(actions(world)["s1"]) == "hold: waits for s0 (to be submitted)"


def test_a_first_stage_that_is_not_applied_with_it_must_have_run(world: World) -> None:
    chain(world)
    alone, _ = world.compiled().named(["s1"])
    (action,) = pipeline.make(world.api, alone, world.policy).plan.actions
    assert "(no job yet; " in action.error
    world.apply()
    finished(world)
    (action,) = pipeline.make(world.api, alone, world.policy).plan.actions
    assert told(action) == "submit: new"


def test_a_first_stage_that_was_renamed_is_still_the_same(world: World) -> None:
    chain(world)
    world.apply()
    finished(world)
    write(world, s0=stage("begin", metadata=", renamed_from: s0"), s1=stage("s1", "begin"))
    found = actions(world)
    assert (found["begin"].verb, told(found["s1"])) == (Verb.KEEP, "submit: new")


def test_a_first_stage_that_is_suspended_is_waited_for(world: World) -> None:
    write(world, s0=stage("s0", more="policy: {suspend: true}\n"), s1=stage("s1", "s0"))
    assert told(actions(world)["s1"]) == "hold: waits for s0 (suspended)"
    assert exit_of_apply(world.apply()) is Exit.DONE
    write(world, s0=stage("s0"))
    world.apply()
    finished(world)
    write(world, s0=stage("s0", more="policy: {suspend: true}\n"))
    assert told(actions(world)["s1"]) == "submit: new"


def test_a_first_stage_that_adopts_a_job_is_that_job(world: World) -> None:
    write(world, s0=stage("s0"))
    world.apply()
    job, (request,) = world.jobs()[0], world.compiled().requests
    adopts = f", adopts: {{job: {job['id']}, digest: '{request.identity.digest}'}}"
    write(world, s0=stage("renamed", metadata=adopts), s1=stage("s1", "renamed"))
    finished(world)
    found = actions(world)
    assert (found["renamed"].verb, told(found["s1"])) == (Verb.KEEP, "submit: new")


def test_an_older_second_stage_runs_on_while_the_new_one_waits(world: World) -> None:
    stop = "policy: {on_change: stop}\n"
    write(world, s0=stage("s0"), s1=stage("s1", "s0", more=stop))
    world.apply()
    finished(world)
    world.apply()
    world.clock.time += 50
    write(world, s0=stage("s0", image="i:2"))
    found = actions(world)
    older = world.jobs()[1]["id"]
    assert told(found["s1"]) == "hold: waits for s0 (to be submitted)"
    assert found["s1"].warnings == (f"job {older} of another spec runs on until then",)
    result = world.apply()
    assert (exit_of_apply(result), len(world.jobs())) == (Exit.DONE, 3)
    assert Fate.STOPPED not in [outcome.fate for outcome in result.outcomes]


def test_two_chains_may_share_a_stage_and_each_job_of_a_chain_of_four_is_made_once(world: World) -> None:
    write(world, **{f"s{n}": stage(f"s{n}", f"s{n - 1}" if n else "") for n in range(4)}, t=stage("t", "s0"))
    seen = []
    for _ in range(5):
        world.apply()
        seen.append(len(world.jobs()))
        finished(world)
    assert seen == [1, 3, 4, 5, 5]


def test_a_stage_that_waits_costs_at_most_three_more_calls(world: World) -> None:
    write(world, s0=stage("s0"))
    world.apply()
    world.between.calls.clear()
    world.plan()
    alone = len(world.between.calls)
    for seconds in (0.0, 2 * RUNNING):
        chain(world)
        world.clock.time += seconds
        at_checkpoints(world, shown(sync_status="SYNCING"))
        world.between.calls.clear()
        assert actions(world)["s1"].waits
        assert len(world.between.calls) - alone <= 3


def test_a_saved_plan_of_a_chain_is_not_stale_once_another_stage_is_due(world: World) -> None:
    chain(world, 3)
    world.apply()
    saved = SavedPlan(Terms("x", (), world.policy, False, (), None), planned(world.plan().plan))
    again = loaded(saved.dumped())
    world.clock.time += 50
    assert again.stale(world.plan().plan) == ()
    finished(world)
    assert again.stale(world.plan().plan) == ()
    world.policy = replace(world.policy, create=frozenset({"s2"}))
    write(world, s2=stage("s2", ""))
    assert again.stale(world.plan().plan) == (
        "hold s2 in demo is no longer planned",
        "submit s2 in demo is planned now",
    )


def test_a_plan_of_a_version_before_is_still_read(world: World) -> None:
    world.write()
    saved = SavedPlan(Terms("x", (), world.policy, False, (), None), planned(world.plan().plan)).dumped()
    before = re.sub(r'\n *"then": null,', "", saved).replace('"1.1"', '"1.0"')
    assert "then" not in before
    assert loaded(before) == loaded(saved)


def test_a_status_tells_what_waits_for_what_and_logs_tell_why_there_are_none(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    chain(world, 3)
    world.apply()
    rows, _ = pipeline.status(world.api, world.compiled().named(["s1", "s2"])[0])
    assert [[str(wait) for wait in row.waits] for row in rows] == [["s0 (running)"], ["s1 (not submitted)"]]
    monkeypatch.chdir(world.folder)
    assert run(["logs", "--local", "s1"]) == 1
    assert "s1 is not submitted; it waits for s0 (not submitted)" in capsys.readouterr().err
