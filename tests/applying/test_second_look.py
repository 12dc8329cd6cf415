"""Between a plan and its first create time passes: what is looked at again, and what drops out."""

from pathlib import Path
from typing import Any

import pytest

from baseten_jobs.applying.carry_out import carry_out
from baseten_jobs.applying.execute import Execution
from baseten_jobs.applying.outcome import Applied
from baseten_jobs.cli.exit_rules import exit_of_apply
from baseten_jobs.cli.exits import Exit
from baseten_jobs.emulator.settings import Durations
from baseten_jobs.planning.plan import Plan, Policy
from baseten_jobs.planning.saved_plan import SavedPlan, loaded, planned
from baseten_jobs.planning.terms import Terms
from tests.support.world import World

STOP = "policy: {on_change: stop}\n"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, {"durations": Durations(running=1e9)})


def waited(world: World, plan: Plan) -> Applied:
    """Carry out a plan that somebody was asked about."""
    world.between.calls.clear()
    return carry_out(world.api, plan, world.policy, Execution(1, world.windows), world.ledger, waited=True)


def told(result: Applied) -> list[str]:
    return [outcome.fate.value for outcome in result.outcomes]


def force(world: World, job: dict[str, Any], status: str) -> None:
    world.api._exchange("POST", "/_emulator/jobs/{}", job["id"], body={"status": f"TRAINING_JOB_{status}"})


def ready(world: World) -> None:
    """The project is there, with a job of another name."""
    world.write("other", command="other")
    world.apply()
    (world.folder / "specs" / "other.yaml").unlink()


def test_a_job_that_came_meanwhile_drops_the_submit_and_is_said(world: World) -> None:
    ready(world)
    world.write()
    plan = world.plan().plan
    world.create_behind()
    result = waited(world, plan)
    assert (told(result), result.notes) == (["kept"], ("x is not submitted any more: unchanged",))
    assert (exit_of_apply(result), world.between.calls.count("create")) == (Exit.DONE, 0)


def test_a_project_that_somebody_made_meanwhile_is_looked_at(world: World) -> None:
    world.write()
    plan = world.plan().plan
    world.apply()
    assert told(waited(world, plan)) == ["kept"]


def test_what_failed_meanwhile_is_not_bought_again(world: World) -> None:
    ready(world)
    world.write()
    plan = world.plan().plan
    force(world, world.create_behind(), "FAILED")
    result = waited(world, plan)
    assert told(result) == ["held"]
    assert result.notes[0].startswith("x is not submitted any more: failed before: raise `metadata.attempt`")


def test_a_retry_that_somebody_else_made_meanwhile_is_not_made_twice(world: World) -> None:
    """A person answers an old prompt: the retry that it was about has failed as well."""
    world.write()
    world.apply()
    force(world, world.jobs()[0], "FAILED")
    world.policy = Policy(retry_failed=frozenset({"x"}))
    plan = world.plan().plan
    force(world, second := world.create_behind(), "FAILED")
    result = waited(world, plan)
    assert (told(result), exit_of_apply(result)) == (["held"], Exit.FAILED)
    assert f"job {second['id']} of this name came since the plan was made: plan again" in result.notes[0]


def test_a_run_that_ended_meanwhile_is_not_stopped(world: World) -> None:
    world.write()
    world.apply()
    first = world.jobs()[0]
    world.write(command="train --lr 3e-4", more=STOP)
    plan = world.plan().plan
    force(world, first, "COMPLETED")
    result = waited(world, plan)
    assert told(result) == ["submitted"]
    assert result.notes == (f"job {first['id']} is not stopped any more: it ended, or is wanted again",)
    assert "stop" not in world.between.calls


def test_a_stop_drops_with_the_submit_that_it_was_to_follow(world: World) -> None:
    world.write()
    world.apply()
    first = world.jobs()[0]
    world.write(command="train --lr 3e-4", more=STOP)
    plan = world.plan().plan
    force(world, world.create_behind(), "FAILED")
    result = waited(world, plan)
    assert told(result) == ["held"]
    assert "is not stopped any more" in result.notes[1]
    assert next(job for job in world.jobs() if job["id"] == first["id"])["current_status"] == "TRAINING_JOB_RUNNING"
    assert exit_of_apply(result) is Exit.FAILED, "what runs is not what git says"


def test_what_still_holds_is_carried_out_as_it_was_confirmed(world: World) -> None:
    world.write()
    world.apply()
    world.write(command="train --lr 3e-4", more=STOP)
    result = waited(world, world.plan().plan)
    assert (told(result), result.notes) == (["submitted", "stopped"], ())


def test_looking_again_costs_one_reading_whatever_the_number_of_manifests(world: World) -> None:
    ready(world)
    for number in range(5):
        world.write(f"x{number}", command=f"train {number}")
    plan = world.plan().plan
    waited(world, plan)
    before = world.between.calls[: world.between.calls.index("create")]
    assert before == ["projects", "search", "list"]


def test_nothing_is_read_again_where_nobody_was_waited_for(world: World) -> None:
    ready(world)
    world.write()
    plan = world.plan()
    world.between.calls.clear()
    world.carry_out(plan)
    assert world.between.calls[0] == "create"


# A saved plan


def saved(plan: Plan) -> SavedPlan:
    return loaded(SavedPlan(Terms("t", ()), planned(plan)).dumped())


def test_a_saved_plan_goes_past_the_jobs_that_it_saw_and_no_others(world: World) -> None:
    """`--retry-failed`, applied twice: the second time it would go past the job of the first."""
    world.write()
    world.apply()
    force(world, world.jobs()[0], "FAILED")
    world.policy = Policy(retry_failed=frozenset({"x"}))
    plan = saved(world.plan().plan)
    assert plan.stale(world.plan().plan) == ()
    world.apply()
    force(world, world.jobs()[1], "FAILED")
    assert plan.stale(world.plan().plan) == ("submit x in Demo / one differs",)


def test_an_attempt_of_a_saved_plan_is_stale_once_it_ran(world: World) -> None:
    world.write()
    world.apply()
    world.write(metadata=", attempt: 2")
    plan = saved(world.plan().plan)
    world.create_behind(name=world.compiled().requests[0].job_name.replace("-a2", "-a1x"))
    assert plan.stale(world.plan().plan) == ()
    world.apply()
    assert plan.stale(world.plan().plan) == (
        "submit x in Demo / one is no longer planned",
        "keep x in Demo / one is planned now",
    )
