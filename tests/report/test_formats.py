"""What each format makes of a plan and of diagnostics: golden files, and the one registry that knows them all."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from baseten_jobs.applying.outcome import Applied, Fate, Outcome
from baseten_jobs.manifest.diagnostics import Diagnostic, Position, Severity
from baseten_jobs.manifest.document import load
from baseten_jobs.planning.diff import Change
from baseten_jobs.planning.plan import Action, Verb
from baseten_jobs.report import formats
from baseten_jobs.report.formats import Formats
from baseten_jobs.report.style import Look
from baseten_jobs.secrecy import Values
from tests.report import plans
from tests.support.copies import copied
from tests.support.golden import Golden

FOLDER = Path(__file__).parent / "golden"

KINDS = {
    "diagnostics": formats.DIAGNOSTICS,
    "requests": formats.REQUESTS,
    "plan": formats.PLAN,
    "applied": formats.APPLIED,
    "status": formats.STATUS,
    "metrics": formats.METRICS,
    "sessions": formats.SESSIONS,
    "pools": formats.POOLS,
    "runs": formats.RUNS,
    "run_diff": formats.RUN_DIFF,
}

DOCUMENTS = load(
    "specs/a b.yaml", "metadata: {name: one}\n---\nmetadata: {name: two}\n---\nmetadata: {name: three}\n"
).documents

FOUND = (
    Diagnostic("empty-folder", "there is no *.yaml or *.yml file in this folder", Position("specs/empty")),
    Diagnostic(
        "unknown-field", "'pririty' is not a field here", Position("specs/a b.yaml", 1, 11), "spec",
        "did you mean 'priority'?",
    ),
    Diagnostic("minimum", "0 is less than the minimum of 1", Position("specs/a b.yaml", 3, 3), "spec.compute.x"),
    Diagnostic("type", "16 is not a string, quote it", Position("specs/a b.yaml", 3, 9), "spec.x", '"16"'),
    Diagnostic(
        "mutable-image", "'i' has no tag: 100%, really", Position("specs/a b.yaml", 5, 1), "spec.image",
        severity=Severity.WARNING,
    ),
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_each_format_of_each_kind_is_a_function(kind: str) -> None:
    formats: Formats[object] = KINDS[kind]
    assert next(iter(formats)) == "text"
    for name in formats:
        assert callable(formats[name])


def test_there_is_no_other_format() -> None:
    with pytest.raises(KeyError):
        formats.PLAN["sarif"]


@pytest.mark.parametrize("name", formats.PLAN)
def test_a_plan_is_told_with_everything_that_it_knows(name: str, golden: Golden) -> None:
    golden.text(FOLDER / f"plan.{name}", formats.PLAN[name](plans.every_kind(), Look(target="specs/prod")))


@pytest.mark.parametrize("name", formats.PLAN)
def test_a_plan_whose_values_were_all_copied_is_told_just_the_same(name: str) -> None:
    """What is left out of a list, and what is said of several actions at once, is found by keys."""
    request = plans.request("twice", stop_superseded=True)
    stops = [Action(Verb.STOP, request, "superseded by twice", plans.job("twice", id)) for id in ("j21", "j22")]
    every = plans.every_kind()
    made = replace(every, actions=(*every.actions, *stops, *(plans.keep(f"kept{number}") for number in range(7))))
    told = formats.PLAN[name](made)
    assert formats.PLAN[name](copied(made)) == told
    if name == "markdown":
        assert "8 unchanged" in told
        assert told.count("| **stop** |") == 3, "two stops of one manifest are two rows"


@pytest.mark.parametrize("name", formats.APPLIED)
def test_outcomes_are_told(name: str, golden: Golden) -> None:
    actions = plans.every_kind().actions
    fates = {Verb.SUBMIT: Fate.SUBMITTED, Verb.STOP: Fate.STOPPED, Verb.KEEP: Fate.KEPT, Verb.HOLD: Fate.HELD}
    outcomes = [Outcome(action, fates.get(action.verb, Fate.UPDATED), "j5") for action in actions]
    outcomes[2] = Outcome(actions[2], Fate.FAILED, error="POST /v1/x: 400: no | such `thing`")
    outcomes[3] = Outcome(actions[3], Fate.UNKNOWN, unclear="the check is open")
    golden.text(
        FOLDER / f"applied.{name}", formats.APPLIED[name](Applied(tuple(outcomes), interrupted=True, notes=("a note",)))
    )


@pytest.mark.parametrize("name", formats.DIAGNOSTICS)
def test_diagnostics_are_told(name: str, golden: Golden) -> None:
    golden.text(FOLDER / f"diagnostics.{name}", formats.DIAGNOSTICS[name](FOUND, DOCUMENTS))


@pytest.mark.parametrize("name", formats.PLAN)
def test_a_value_of_the_environment_is_shown_unless_it_looks_secret_or_none_is(name: str) -> None:
    value, secret = "a value of the environment", "letmein99"
    told = Change("spec.runtime.environment_variables.WANDB_API_KEY", None, secret)
    hiding = plans.planned(plans.submit(changes=(told,)))
    assert (secret in formats.PLAN[name](hiding), value in formats.PLAN[name](plans.every_kind())) == (False, True)
    assert value not in formats.PLAN[name](plans.every_kind(), Look(values=Values.NONE))
    assert secret in formats.PLAN[name](hiding, Look(values=Values.ALL))
    assert "hf&#95;access" not in formats.PLAN[name](plans.every_kind())
    assert "hf_access_token" in formats.PLAN[name](plans.every_kind())


def test_an_override_of_the_environment_is_masked() -> None:
    given = (("spec.runtime.environment_variables.X", "sesame"), ("spec.image.base_image", "repo:7"))
    made = plans.planned(plans.submit(request=plans.request(overrides=given)))
    for name in formats.PLAN:
        told = formats.PLAN[name](made)
        assert "sesame" not in told
        assert "repo:7" in told
    assert json.loads(formats.PLAN["json"](made))["actions"][0]["overrides"] == [
        {"field": "spec.runtime.environment_variables.X", "value": "***"},
        {"field": "spec.image.base_image", "value": "repo:7"},
    ]


def test_another_order_is_told_briefly() -> None:
    change = Change("spec.weights", list("abcdefg"), list("gabcdef"), moved=((6, 0),))
    many = Change("spec.weights", [], [], moved=tuple((i + 1, i) for i in range(8)))
    made = plans.planned(plans.submit(changes=(change, many)))
    assert "spec.weights: reordered: [6] → [0]\n" in formats.PLAN["text"](made)
    assert "[4] → [3], [5] → [4] and 3 more\n" in formats.PLAN["text"](made)
    assert "reordered: &#91;6&#93; → &#91;0&#93;</code>" in formats.PLAN["markdown"](made)
    assert json.loads(formats.PLAN["json"](made))["actions"][0]["changes"][0] == {
        "field": "spec.weights", "old": list("abcdefg"), "new": list("gabcdef"), "moved": [[6, 0]],
    }  # fmt: skip


ECHOED = "hunter2-and-more"


@pytest.mark.parametrize("name", formats.APPLIED)
@pytest.mark.parametrize(
    "said",
    ["bad value 'hunter2-and-more'", "400: " + json.dumps([{"input": {"API_KEY": ECHOED}}]), "400: input hunter2-a…"],
    ids=["quoted", "as JSON", "cut"],
)
def test_a_value_of_the_environment_that_a_server_echoes_is_masked(name: str, said: str) -> None:
    spec = {"runtime": {"environment_variables": {"API_KEY": ECHOED, "B": "400", "C": {"name": "token"}}}}
    action = plans.submit(request=plans.request(manifest={"spec": spec}))
    result = Applied((Outcome(action, Fate.FAILED, error=said), Outcome(action, Fate.UNKNOWN, unclear=said)))
    told = formats.APPLIED[name](result)
    assert "hunter2" not in told
    assert ("***" if name != "markdown" else "&#42;&#42;&#42;") in told
    assert "hunter2" in formats.APPLIED[name](result, Look(values=Values.ALL))


@pytest.mark.parametrize("name", formats.PLAN)
def test_a_secret_in_a_long_command_is_masked_word_by_word(name: str) -> None:
    old, new = "hf_" + "a" * 30, "hf_" + "b" * 30
    command = " ".join(f"--flag{i} {i}" for i in range(50)) + " --token {} --lr {}"
    found = (
        Change("spec.runtime.start_commands[0]", command.format(old, 1), command.format(new, 2)),
        Change("spec.runtime.start_commands[1]", command.format(old, 1), command.format(new, 1)),
        Change("spec.runtime.start_commands", [old, new], [new, old], moved=((1, 0),)),
        Change("spec.runtime", None, {"environment_variables": {"API_KEY": ECHOED}, "start_commands": [old]}),
    )
    told = formats.PLAN[name](plans.planned(plans.submit(changes=found)))
    assert not any(secret in told for secret in ("a" * 20, "b" * 20, "hunter2"))


@pytest.mark.parametrize("name", ["text", "markdown"])
def test_a_path_that_commands_a_terminal_is_shown_and_not_obeyed(name: str) -> None:
    told = formats.PLAN[name](plans.planned(plans.submit(request=plans.request(path="\x1b[2J\nerror: x.yaml"))))
    assert "\x1b" not in told
    assert "\nerror:" not in told


def test_an_orphan_that_is_stopped_is_told_once_and_the_others_are_counted() -> None:
    orphans = tuple(plans.every_kind().orphans)
    for stopped in range(len(orphans) + 1):
        stops = (Action(Verb.STOP, plans.request("gone"), "pruned", each.job) for each in orphans[:stopped])
        told = formats.PLAN["text"](replace(plans.planned(*stops), orphans=orphans))
        left = len(orphans) - stopped
        assert told.count("? orphan") == left
        assert ("left running" in told) is (left > 0)
        assert f"{left} orphan" in told or not left
        assert [each.job.id for each in orphans if told.count(f"job {each.job.id}") != 1] == []
