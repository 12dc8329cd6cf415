"""Saved plans: applied as saved, or refused."""

import json
from pathlib import Path

import pytest

from baseten_jobs.saved import SavedPlan, loaded, planned
from tests.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.write("x", more="  priority: 3\n")
    made.write("y")
    return made


def saved(world: World) -> SavedPlan:
    plan = world.plan().plan
    return loaded(SavedPlan("target", ("specs",), {"max_submits": 10}, planned(plan)).dumped())


def test_a_plan_made_again_of_the_same_is_not_stale(world: World) -> None:
    assert saved(world).stale(world.plan().plan) == ()


def test_comments_and_order_of_keys_do_not_make_a_plan_stale(world: World) -> None:
    plan = saved(world)
    path = world.folder / "specs" / "x.yaml"
    path.write_text("# reviewed\n" + path.read_text())
    assert plan.stale(world.plan().plan) == ()


@pytest.mark.parametrize(
    "more",
    ["  priority: 4\n", "  priority: 3\n  enable_baseten_workdir: true\n", "  priority: 3\npolicy: {on_change: stop}\n",
     "  priority: 3\n  enable_baseten_workdir: false\n"],
    ids=["priority", "spec", "policy", "a default written out, for the body differs"],
)  # fmt: skip
def test_a_change_of_body_or_policy_makes_a_plan_stale(world: World, more: str) -> None:
    plan = saved(world)
    world.write("x", more=more)
    assert plan.stale(world.plan().plan) == ("submit x in Demo / one differs",)


def test_a_change_of_team_makes_a_plan_stale(world: World) -> None:
    plan = saved(world)
    world.write("x", more="  priority: 3\n", metadata=", team: default")
    assert plan.stale(world.plan().plan) == (
        "submit x in Demo / one is no longer planned",
        "submit x in Demo / one (team default) is planned now",
    )


def test_a_job_submitted_meanwhile_makes_a_plan_stale(world: World) -> None:
    plan = saved(world)
    world.apply()
    assert plan.stale(world.plan().plan) == (
        "submit x in Demo / one is no longer planned",
        "submit y in Demo / one is no longer planned",
        "keep x in Demo / one is planned now",
        "keep y in Demo / one is planned now",
    )


def test_a_new_status_of_the_same_job_does_not_make_a_plan_stale(world: World) -> None:
    world.apply()
    plan = saved(world)
    world.clock.sleep(30)
    assert plan.stale(world.plan().plan) == ()


def test_a_manifest_more_makes_a_plan_stale(world: World) -> None:
    plan = saved(world)
    world.write("z")
    assert plan.stale(world.plan().plan) == ("submit z in Demo / one is planned now",)


def test_a_saved_plan_holds_no_value_of_the_environment(world: World) -> None:
    path = world.folder / "specs" / "x.yaml"
    path.write_text(path.read_text().replace("runtime: {", "runtime: {environment_variables: {A: pr1vate}, "))
    assert "pr1vate" not in saved(world).dumped()


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '{"kind": "baseten-jobs-plan", "format_version": "1.0"}', "\0",
     '{"kind": "baseten-jobs-plan", "format_version": "2.0"}'],
)  # fmt: skip
def test_any_other_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        loaded(text)


def test_a_later_minor_version_is_read(world: World) -> None:
    data = json.loads(saved(world).dumped())
    data["format_version"], data["more"] = "1.7", True
    assert loaded(json.dumps(data)).stale(world.plan().plan) == ()
