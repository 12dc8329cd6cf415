"""Saved plans: applied as saved, or refused."""

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.manifest.overrides import parse_override
from baseten_jobs.planning.plan import Policy
from baseten_jobs.planning.policy_fields import FIELDS
from baseten_jobs.planning.saved_plan import SavedPlan, loaded, planned
from baseten_jobs.planning.terms import LIMITS, Terms, command_line, differences, narrowed
from tests.support.world import World

TERMS = Terms(
    "https://api.baseten.co", ("specs", "more"),
    Policy(10, None, 9.5, frozenset({"b", "a"}), frozenset({"*"}), since="HEAD", prune=True),
    strict=True, overrides=(parse_override("x:spec.image.base_image=a:b=c"),), if_tip="main",
)  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.write("x", more="  priority: 3\n")
    made.write("y")
    return made


def saved(world: World) -> SavedPlan:
    plan = world.plan().plan
    return loaded(SavedPlan(TERMS, planned(plan)).dumped())


def test_a_plan_made_again_of_the_same_is_not_stale(world: World) -> None:
    assert saved(world).stale(world.plan().plan) == ()


def test_a_plan_is_read_as_it_was_saved(world: World) -> None:
    plan = saved(world)
    assert plan.terms == TERMS
    assert loaded(plan.dumped()) == plan


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


# The terms that it is applied on


def test_terms_that_are_the_same_do_not_differ() -> None:
    assert differences(TERMS, TERMS) == ()
    assert narrowed(TERMS, TERMS) == TERMS


def test_every_field_of_a_policy_is_a_limit_or_has_to_be_the_same() -> None:
    others = {"max_submits": 99, "max_gpus": 1, "max_cost_per_hour": 1e6, "retry_failed": frozenset("x"), "since": "x",
              "create": frozenset("x"), "prune": True, "history": 5, "owner_too": frozenset({"bcd"})}  # fmt: skip
    usual = replace(TERMS, policy=Policy(max_gpus=0))
    for field in fields(Policy):
        assert field.name in others, "a new option: what may a saved plan say of it?"
        saved_so = replace(usual, policy=replace(usual.policy, **{field.name: others[field.name]}))
        assert len(differences(saved_so, usual)) == (0 if field.name == "max_cost_per_hour" else 1)


@pytest.mark.parametrize(
    ("saved_so", "given", "narrow"),
    [
        (None, None, None),
        (None, 5, "laxer"),
        (5, None, 5),
        (5, 5, 5),
        (5, 6, 5),
        (6, 5, "laxer"),
        (0, 5, 0),
        (1, 0, "laxer"),
    ],
)
@pytest.mark.parametrize("name", ["max_submits", "max_gpus", "max_cost_per_hour"])
def test_the_stricter_limit_counts_and_a_laxer_plan_is_refused(
    name: str, saved_so: int | None, given: int | None, narrow: int | str | None
) -> None:
    made, now = (replace(TERMS, policy=Policy(**{name: value})) for value in (saved_so, given))  # type: ignore[arg-type]
    if narrow == "laxer":
        told = "not given" if saved_so is None else saved_so
        assert differences(made, now) == (f"--{name.replace('_', '-')} is {told} in the plan, and {given} here",)
    else:
        assert differences(made, now) == ()
        assert getattr(narrowed(now, made).policy, name) == narrow


def test_the_command_line_of_terms_gives_them_again() -> None:
    assert command_line(Terms("t", ("specs",))) == ()
    assert command_line(TERMS) == (
        "--max-cost-per-hour", "9.5", "--retry-failed", "a", "--retry-failed", "b", "--create", "*", "--since", "HEAD",
        "--prune", "--strict", "--set", "x:spec.image.base_image=a:b=c", "--if-tip", "main",
    )  # fmt: skip


# Values of any kind


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from([0, 1, 10**9, 10**9 + 1, -1, 10**400, "*", "x\n"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip

_PERMITTED = {
    "max_submits": lambda value: value is None or _is_count(value),
    "max_gpus": lambda value: value is None or _is_count(value),
    "max_cost_per_hour": lambda v: v is None or _is_count(v) or (type(v) is float and 0 <= v <= 10**9),
    "retry_failed": lambda value: _is_names(value),
    "create": lambda value: _is_names(value),
    "owner_too": lambda value: _is_names(value),
    "since": lambda value: type(value) is str,
    "prune": lambda value: type(value) is bool,
    "history": lambda value: _is_count(value),
}
"""What each field of a policy may be in a file."""


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= 10**9


def _is_names(value: Any) -> bool:
    return type(value) is list and all(type(name) is str for name in value)


def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(SavedPlan(TERMS, ()).dumped())
    return document


def _refusal(text: str) -> str:
    with pytest.raises(ValueError, match=r".") as refused:
        loaded(text)
    return str(refused.value)


@given(st.sampled_from(sorted(_PERMITTED)), _JSON)
def test_a_field_of_a_policy_takes_only_values_of_its_type(name: str, value: Any) -> None:
    document = _document()
    document["options"]["policy"][name] = value
    if _PERMITTED[name](value):
        read = loaded(json.dumps(document))
        assert FIELDS[name].save(getattr(read.terms.policy, name)) == (
            sorted(set(value)) if _is_names(value) else value
        )
        assert loaded(read.dumped()) == read
        assert value == "None" or "None" not in " ".join((*command_line(read.terms), *differences(read.terms, TERMS)))
    else:
        told = _refusal(json.dumps(document))
        assert told.startswith(f"the plan's option '{name}' can't be ")
        assert (told.isprintable(), len(told) < 300) == (True, True)


@given(st.sampled_from(["target", "paths", "actions", "options", "format_version", "kind"]), _JSON)
def test_a_plan_with_any_value_in_a_place_is_read_or_refused_in_a_line(name: str, value: Any) -> None:
    document = _document()
    document[name] = value
    _is_read_or_refused(json.dumps(document))


@given(st.sampled_from(["policy", "strict", "set", "if_tip"]), _JSON)
def test_options_of_any_value_are_read_or_refused_in_a_line(name: str, value: Any) -> None:
    document = _document()
    document["options"][name] = value
    _is_read_or_refused(json.dumps(document))


@given(_JSON)
def test_a_file_of_any_json_is_refused_in_a_line(value: Any) -> None:
    assert _refusal(json.dumps(value)).isprintable()


def _is_read_or_refused(text: str) -> None:
    told = ""
    try:
        plan = loaded(text)
    except ValueError as error:
        told = str(error)
    assert told.isprintable()
    assert told or loaded(plan.dumped()) == plan


def test_every_field_of_a_policy_has_a_type_that_a_saved_plan_knows() -> None:
    assert list(FIELDS) == [field.name for field in fields(Policy)]
    assert set(_PERMITTED) == set(FIELDS)
    assert LIMITS == ("max_submits", "max_gpus", "max_cost_per_hour")
