"""What the schema marks `x-identity: update` is followed to the provider: in copies of the schema that mark more."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import pytest

from baseten_jobs.emulator.settings import Behaviour
from baseten_jobs.manifest.schema import fields
from baseten_jobs.manifest.schema.fields import Shape, shape_of, updatable_fields
from baseten_jobs.planning.diff import Change
from baseten_jobs.planning.plan import Action, Verb
from baseten_jobs.planning.saved_plan import SavedPlan, planned
from baseten_jobs.planning.terms import Terms
from baseten_jobs.report import formats
from tests.support.world import Send, World, showing

V1 = "baseten-jobs/v1"
CACHED = type(shape_of)
Nested = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A field that the API might change some day: in the schema, in a manifest, in a job and in the body."""

    path: str
    marks: Mapping[str, Any]
    values: tuple[Any, Any]
    in_the_api: tuple[Nested, Nested]
    said: str


CASES = {
    "a field of the spec": Case(
        "enable_baseten_workdir", {}, (True, False),
        ({"enable_baseten_workdir": True}, {"enable_baseten_workdir": False}), "enable_baseten_workdir true → false",
    ),
    "a field of a section": Case(
        "interactive_session.timeout_minutes", {}, (60, 120),
        ({"interactive_session": {"timeout_minutes": 60}}, {"interactive_session": {"timeout_minutes": 120}}),
        "interactive_session.timeout_minutes 60 → 120",
    ),
    "one that the API has elsewhere": Case(
        "interactive_session.timeout_minutes", {"x-api": "sessions.limits.minutes"}, (60, 120),
        ({"sessions": {"limits": {"minutes": 60}}}, {"sessions": {"limits": {"minutes": 120}}}),
        "sessions.limits.minutes 60 → 120",
    ),
    "one whose section is sent as another": Case(
        "checkpointing.volume_size_gib", {"x-api": "volume_size_gib"}, (10, 20),
        ({"volume_size_gib": 10}, {"volume_size_gib": 20}), "volume_size_gib 10 → 20",
    ),
    "one of several spellings": Case(
        "compute.memory", {"x-api": "memory"}, ("64Gi", "0.5Ti"), ({"memory": "65536Mi"}, {"memory": "0.5Ti"}),
        "memory 65536Mi → 0.5Ti",
    ),
    "a list": Case(
        "runtime.start_commands", {"x-api": "commands"}, (["a"], ["b", "c"]),
        ({"commands": ["a"]}, {"commands": ["b", "c"]}), 'commands ["a"] → ["b", "c"]',
    ),
    "a new field": Case(
        "deadline", {"type": ["string", "null"], "description": "When it is due."}, ("noon", "dusk"),
        ({"deadline": "noon"}, {"deadline": "dusk"}), "deadline noon → dusk",
    ),
}  # fmt: skip


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Has a copy of the schema read in which a field of the spec is marked as one that can be updated."""

    def marking(path: str, marks: Mapping[str, Any] = MappingProxyType({})) -> None:
        schema = json.loads(fields.schema_text(V1))
        _node(schema, path).update({**marks, "x-identity": "update"})
        monkeypatch.setattr(fields, "schema_text", lambda api_version, kind: json.dumps(schema))
        _forget()

    yield marking
    monkeypatch.undo()
    _forget()


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def case(request: pytest.FixtureRequest, mark: Callable[..., None]) -> Case:
    found: Case = request.param
    mark(found.path, found.marks)
    return found


def _forget() -> None:
    """Empty every cache of ours: the schema is read once."""
    for name, module in list(sys.modules.items()):
        if name.startswith("baseten_jobs."):
            for kept in vars(module).values():
                if isinstance(kept, CACHED):
                    kept.cache_clear()


def _node(schema: Nested, path: str) -> Nested:
    node: Nested = schema["properties"]["spec"]
    for name in path.split("."):
        node = node["properties"].setdefault(name, {})
    return node


class Waiting:
    """A job in the queue of a provider that shows `row` of it, and takes any update of that."""

    def __init__(self, folder: Path, path: str, value: Any, row: Nested) -> None:
        self.world = World(folder, {"behaviour": Behaviour(queue=("*",))})
        self.path, self.row = path, row
        self.write(value)
        self.world.habit(showing(lambda job: {**job, **self.row}), "search", "list")
        self.world.habit(self._update, "update")
        assert [outcome.fate.value for outcome in self.world.apply().outcomes] == ["submitted"]

    def write(self, value: Any) -> None:
        spec: Nested = {
            "image": {"base_image": "hello-world:1"},
            "compute": {"accelerator": "H100:8"},
            "runtime": {"start_commands": ["train"]},
        }
        *sections, name = self.path.split(".")
        section = spec
        for each in sections:
            section = section.setdefault(each, {})
        section[name] = value
        manifest = {"apiVersion": V1, "kind": "TrainingJob", "metadata": {"name": "x", "project": "P"}, "spec": spec}
        (self.world.folder / "specs").mkdir(exist_ok=True)
        (self.world.folder / "specs" / "x.yaml").write_text(json.dumps(manifest))

    def _update(self, request: httpx.Request, send: Send) -> httpx.Response:
        self.row = json.loads(request.read())
        return httpx.Response(200, request=request, json={"training_job": {"id": "j", **self.row}})

    @property
    def action(self) -> Action:
        (action,) = self.world.plan().plan.actions
        return action

    @property
    def sent(self) -> list[Nested]:
        calls = zip(self.world.between.calls, self.world.between.bodies[-len(self.world.between.calls) :], strict=True)
        return [json.loads(body) for call, body in calls if call == "update"]


@pytest.fixture
def waiting(case: Case, tmp_path: Path) -> Waiting:
    return Waiting(tmp_path, case.path, case.values[0], case.in_the_api[0])


def test_it_leaves_the_digest(case: Case, waiting: Waiting) -> None:
    before = waiting.action.request
    waiting.write(case.values[1])
    assert waiting.action.request.digest == before.digest


def test_it_is_updated_once_it_differs(case: Case, waiting: Waiting) -> None:
    assert (waiting.action.verb, waiting.action.reason) == (Verb.KEEP, "unchanged")
    waiting.write(case.values[1])
    action, (old, *_) = waiting.action, _leaves(case.in_the_api[0])
    assert (action.verb, action.reason) == (Verb.UPDATE, case.said)
    assert action.changes == (Change(f"spec.{case.path}", old, case.values[1]),)
    assert [outcome.fate.value for outcome in waiting.world.apply().outcomes] == ["updated"]
    assert waiting.sent == [case.in_the_api[1]]
    assert (waiting.action.verb, waiting.action.reason) == (Verb.KEEP, "unchanged")


def test_its_old_and_new_value_are_in_every_report(case: Case, waiting: Waiting) -> None:
    waiting.write(case.values[1])
    plan = waiting.world.plan().plan
    (old, *_), new = _leaves(case.in_the_api[0]), case.values[1]
    (told,) = json.loads(formats.PLAN["json"](plan))["actions"][0]["changes"]
    assert (told["field"], told["old"], told["new"]) == (f"spec.{case.path}", old, new)
    for name in ("text", "markdown"):
        page = formats.PLAN[name](plan)
        assert f"spec.{case.path}" in page
        assert all(json.dumps(each).strip('"') in page for each in (*_each(old), *_each(new)))


def test_a_saved_plan_holds_it(case: Case, waiting: Waiting) -> None:
    waiting.write(case.values[1])
    plan = waiting.world.plan().plan
    saved = SavedPlan(Terms("http://baseten", ("specs",)), planned(plan))
    assert saved.stale(plan) == ()
    waiting.write({int: 7, str: "1Gi", list: ["d"], bool: None}[type(case.values[1])])
    assert saved.stale(waiting.world.plan().plan) != ()


def test_it_has_no_effect_on_a_job_that_waits_no_longer(case: Case, waiting: Waiting) -> None:
    waiting.write(case.values[1])
    waiting.row = {**waiting.row, "current_status": "TRAINING_JOB_RUNNING"}
    assert waiting.action.verb is Verb.KEEP
    assert waiting.action.notes[0].startswith(f"{case.said} has no effect: job ")


def test_it_is_not_compared_where_the_api_does_not_show_it(case: Case, waiting: Waiting) -> None:
    waiting.write(case.values[1])
    for row in ({}, dict.fromkeys(case.in_the_api[0]), dict.fromkeys(case.in_the_api[0], 1.5)):
        waiting.row = row
        assert (waiting.action.verb, waiting.action.notes) == (Verb.KEEP, ())


def test_no_value_of_the_environment_is_in_a_reason(tmp_path: Path, mark: Callable[..., None]) -> None:
    mark("runtime.environment_variables")
    waiting = Waiting(tmp_path, "runtime.environment_variables", {"A": "sesame"}, _environment("sesame"))
    waiting.write({"A": "open"})
    action = waiting.action
    assert action.verb is Verb.UPDATE
    assert action.reason == 'runtime.environment_variables {"A": "***"} → {"A": "***"}'
    assert dict(action.updates) == _environment("open")


def _environment(value: str) -> Nested:
    return {"runtime": {"environment_variables": {"A": value}}}


def test_a_saved_plan_is_stale_once_more_would_be_sent(tmp_path: Path, mark: Callable[..., None]) -> None:
    mark("compute.node_count", {"x-api": "nodes"})
    waiting = Waiting(tmp_path, "compute", {"node_count": 2, "availability_model": "spot"}, {"nodes": 1})
    waiting.row = {"nodes": 1, "availability_model": "spot"}
    plan = waiting.world.plan().plan
    saved = SavedPlan(Terms("http://baseten", ("specs",)), planned(plan))
    assert plan.actions[0].updates == {"nodes": 2}
    waiting.row["availability_model"] = "dedicated"
    (stale,) = saved.stale(waiting.world.plan().plan)
    assert stale.endswith("differs")


def _leaves(value: Any) -> list[Any]:
    return [leaf for each in value.values() for leaf in _leaves(each)] if isinstance(value, dict) else [value]


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# Of the published schema


def test_every_field_that_is_marked_can_be_updated() -> None:
    """One that is not found would leave the digest, and then never be updated."""
    assert [".".join(each.path) for each in updatable_fields(V1)] == ["priority", "compute.availability_model"]
    assert sorted(_marked(shape_of(V1), "")) == sorted(f".spec.{'.'.join(e.path)}" for e in updatable_fields(V1))


def _marked(shape: Shape, path: str) -> Iterator[str]:
    if shape.identity == "update":
        yield path
    for name, child in shape.properties.items():
        yield from _marked(child, f"{path}.{name}")
    for part, inner in {"[]": shape.items, "{}": shape.values, **shape.variants}.items():
        if inner is not None:
            yield from _marked(inner, path + part)


def test_two_fields_have_two_places_in_the_api() -> None:
    assert [".".join(each.api) for each in updatable_fields(V1)] == ["priority", "availability_model"]
