"""The schema: sound, strict, described, and field by field what the official SDK's create call takes."""

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, create_model
from pydantic.fields import FieldInfo

from baseten_jobs.manifest.schema.fields import schema_text
from tests.support import sdk

API_VERSION = "baseten-jobs/v1"
SCHEMA: dict[str, Any] = json.loads(schema_text(API_VERSION))

Node = Mapping[str, Any]


def _below(node: Node, path: str) -> Iterator[tuple[str, Node]]:
    """Every subschema, with a path to find it by; what `$ref` names is visited where it is defined."""
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from _below(child, f"{path}.{name}")
    for name, child in node.get("$defs", {}).items():
        yield from _below(child, f"$defs.{name}")
    for index, child in enumerate(node.get("oneOf", ())):
        yield from _below(child, f"{path}<{index}>")
    if "items" in node:
        yield from _below(node["items"], f"{path}[]")
    if isinstance(node.get("additionalProperties"), dict):
        yield from _below(node["additionalProperties"], f"{path}{{}}")


def _named(found: Iterator[tuple[str, Node]]) -> Any:
    nodes = list(found)
    return pytest.mark.parametrize("node", [node for _, node in nodes], ids=[path for path, _ in nodes])


def _properties() -> Iterator[tuple[str, Node]]:
    for path, node in _below(SCHEMA, ""):
        for name, child in node.get("properties", {}).items():
            yield f"{path}.{name}".removeprefix("."), child


def _with_properties() -> Iterator[tuple[str, Node]]:
    return ((path or "manifest", node) for path, node in _below(SCHEMA, "") if "properties" in node)


def _with_defaults() -> Iterator[tuple[str, Node]]:
    return ((path.removeprefix("."), node) for path, node in _below(SCHEMA, "") if "default" in node)


def _errors(node: Node, value: Any) -> list[str]:
    validator = Draft202012Validator({**node, "$defs": SCHEMA["$defs"]})
    return [error.message for error in validator.iter_errors(value)]


def test_the_schema_is_valid_json_schema_2020_12() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(SCHEMA)


def test_the_packaged_schema_is_the_one_in_the_checkout() -> None:
    checkout = Path(__file__).parents[2] / "schemas" / "v1" / "training-job.schema.json"
    assert schema_text(API_VERSION) == checkout.read_text(encoding="utf-8")


@_named(_with_properties())
def test_an_object_takes_no_field_that_is_not_listed(node: Node) -> None:
    assert node["additionalProperties"] is False
    assert set(node.get("required", ())) <= node["properties"].keys()


def test_an_object_without_fields_of_its_own_says_what_its_values_are() -> None:
    open_objects = [
        path
        for path, node in _below(SCHEMA, "")
        if "object" in node.get("type", ()) and "properties" not in node and "additionalProperties" not in node
    ]
    assert open_objects == []


@_named(_properties())
def test_a_field_has_a_description_examples_and_a_part_in_identity(node: Node) -> None:
    assert node["description"].endswith(".")
    assert node["examples"]
    assert node["x-identity"] in ("run", "update", "none")


@_named(_properties())
def test_the_examples_of_a_field_fit_it(node: Node) -> None:
    assert {str(example): _errors(node, example) for example in node["examples"]} == {
        str(example): [] for example in node["examples"]
    }


@_named(_with_defaults())
def test_a_default_fits_its_field(node: Node) -> None:
    assert _errors(node, node["default"]) == []


@_named(_with_properties())
def test_null_means_unset_wherever_a_field_may_be_left_out(node: Node) -> None:
    required = node.get("required", ())
    takes_null = {name: not _errors(child, None) for name, child in node["properties"].items()}
    assert takes_null == {name: name not in required for name in node["properties"]}


def test_the_examples_of_the_whole_fit_it() -> None:
    assert [_errors(SCHEMA, example) for example in SCHEMA["examples"]] == [[]]


def test_only_what_can_change_on_a_waiting_job_and_what_is_not_the_job_stays_out_of_identity() -> None:
    other = {path: node["x-identity"] for path, node in _properties() if node["x-identity"] != "run"}
    assert other == {
        "metadata.adopts": "none",
        "metadata.adopts.attempt": "none",
        "metadata.adopts.digest": "none",
        "metadata.adopts.job": "none",
        "metadata.renamed_from": "none",
        "metadata.team": "none",
        "$defs.latest_checkpoint.project": "none",
        "$defs.named_checkpoint.project": "none",
        "spec.compute.availability_model": "update",
        "spec.priority": "update",
        "policy": "none",
        "policy.allow": "none",
        "policy.max_cost": "none",
        "policy.max_duration": "none",
        "policy.on_change": "none",
        "policy.retry": "none",
        "policy.retry.delay": "none",
        "policy.retry.from_checkpoint": "none",
        "policy.retry.limit": "none",
        "policy.retry.when": "none",
        "policy.suspend": "none",
    }


MOVED = MappingProxyType(
    {
        "spec.runtime.checkpointing_config": "spec.checkpointing",
        "spec.runtime.load_checkpoint_config": "spec.checkpointing.load",
    }
)
"""Fields of the API that have another place in a manifest."""

LEFT_OUT = frozenset({"spec.name", "spec.truss_user_env", "spec.runtime.artifacts", "spec.runtime.enable_cache"})
"""Made from metadata.name; another client's; made from spec.workspace; deprecated. Each with all below it."""

_LOADED = "spec.checkpointing.load.checkpoints[]"
OWN_FIELDS = frozenset(
    {
        "spec.workspace",
        *(
            f"{_LOADED}({kind}).{name}"
            for kind in ("baseten_latest_checkpoint", "baseten_named_checkpoint")
            for name in ("manifest", "project")
        ),
    }
)
"""Fields of a manifest alone, each with all below it: `apply` fills spec.runtime.artifacts from the workspace, and the
`job_id` of a checkpoint from the job of the manifest that its entry names."""

WIDER = MappingProxyType({"spec.compute.accelerator": frozenset({"string"})})
"""What a manifest takes beyond what is sent: the shorthand `H100:8`."""

OWN_DEFAULTS = MappingProxyType({"spec.priority": 0})
"""Defaults that the API documents in words alone; empty lists, maps and sections are others."""


@dataclass(frozen=True)
class Field:
    """What both sides can say of one field; nothing where there is no list of choices, or no default."""

    types: frozenset[str]
    required: bool
    choices: frozenset[str] | None = None
    default: Any = None


Fields = dict[str, Field]


def _api_fields(model: type[BaseModel], path: str) -> Fields:
    fields: Fields = {}
    for name, info in model.model_fields.items():
        _add_api_field(fields, f"{path}.{name}", info.annotation, info)
    return fields


def _add_api_field(fields: Fields, path: str, annotation: Any, info: FieldInfo | None) -> None:
    """The field at `path`, and those below it; `info` is missing for items and values."""
    options = list(_options(annotation))
    literals = [choice for option in options if get_origin(option) is Literal for choice in get_args(option)]
    models = [option for option in options if isinstance(option, type) and issubclass(option, BaseModel)]
    fields[path] = Field(
        types=frozenset(_json_type(option) for option in options),
        required=info is None or info.is_required(),
        choices=frozenset(literals) if literals else None,
        default=None if info is None or info.is_required() else info.default,
    )
    for model in models:
        below = f"{path}({_kind(model)})" if len(models) > 1 else path
        fields |= _api_fields(model, below)
    for option in options:
        if get_origin(option) is list:
            _add_api_field(fields, f"{path}[]", *get_args(option), None)
        if get_origin(option) is dict and not models:
            _add_api_field(fields, f"{path}{{}}", get_args(option)[1], None)


def _options(annotation: Any) -> Iterator[Any]:
    """The alternatives of a type, null left out."""
    if get_origin(annotation) is Annotated:
        yield from _options(get_args(annotation)[0])
    elif get_origin(annotation) in (list, dict, Literal) or not get_args(annotation):
        if annotation is not NoneType:
            yield annotation
    else:
        for option in get_args(annotation):
            yield from _options(option)


def _json_type(option: Any) -> str:
    if get_origin(option) is Literal:
        return "string"
    plain = get_origin(option) or option
    if isinstance(plain, type) and issubclass(plain, BaseModel):
        return "object"
    names = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}
    return names.get(plain, str(plain))


def _kind(model: type[BaseModel]) -> str:
    """Which of several alternatives a model is."""
    discriminator = model.model_fields.get("typ")
    return str(discriminator.default) if discriminator else model.__name__


def _schema_fields(schema: Node, node: Node, path: str) -> Fields:
    fields: Fields = {}
    for name, child in node.get("properties", {}).items():
        _add_schema_field(fields, schema, child, f"{path}.{name}", name in node.get("required", ()))
    return fields


def _add_schema_field(fields: Fields, schema: Node, node: Node, path: str, required: bool) -> None:
    node = _resolved(schema, node)
    variants = [_resolved(schema, variant) for variant in node.get("oneOf", ())]
    types = {kind for each in variants or [node] for kind in _types(each)}
    choices = [node["const"]] if "const" in node else [one for one in node.get("enum", ()) if one is not None]
    fields[path] = Field(
        types=frozenset(types), required=required, choices=frozenset(choices) or None, default=node.get("default")
    )
    fields |= _schema_fields(schema, node, path)
    for variant in variants:
        fields |= _schema_fields(schema, variant, f"{path}({variant['properties']['typ']['const']})")
    if "items" in node:
        _add_schema_field(fields, schema, node["items"], f"{path}[]", True)
    if isinstance(node.get("additionalProperties"), dict):
        _add_schema_field(fields, schema, node["additionalProperties"], f"{path}{{}}", True)


def _resolved(schema: Node, node: Node) -> Node:
    if "$ref" not in node:
        return node
    return {**schema["$defs"][node["$ref"].removeprefix("#/$defs/")], **node}


def _types(node: Node) -> list[str]:
    types = node["type"]
    return [kind for kind in ([types] if isinstance(types, str) else types) if kind != "null"]


def _in_the_manifest(path: str) -> str:
    """Where a manifest has a field of the API."""
    for old, new in MOVED.items():
        if path == old or path.startswith(f"{old}."):
            return new + path.removeprefix(old)
    return path


def _is_among(path: str, fields: frozenset[str]) -> bool:
    return any(path == field or path.startswith((f"{field}.", f"{field}[")) for field in fields)


def _differences(model: type[BaseModel], schema: Node) -> list[str]:
    """Everything in which the API's create call and the manifest's spec differ, but for what is listed above."""
    api = {_in_the_manifest(path): field for path, field in _api_fields(model, "spec").items()}
    api = {path: field for path, field in api.items() if not _is_among(path, LEFT_OUT)}
    ours = _schema_fields(schema, schema["properties"]["spec"], "spec")
    ours = {path: field for path, field in ours.items() if not _is_among(path, OWN_FIELDS)}
    found = [f"the API has a field that the schema lacks: {path}" for path in api.keys() - ours.keys()]
    found += [f"the schema has a field that the API lacks: {path}" for path in ours.keys() - api.keys()]
    for path in api.keys() & ours.keys():
        found += (f"{path}: {difference}" for difference in _field_differences(path, api[path], ours[path]))
    return sorted(found)


def _field_differences(path: str, api: Field, ours: Field) -> Iterator[str]:
    types = ours.types - WIDER.get(path, frozenset())
    if types != api.types:
        yield f"the API takes {_listed(api.types)}, the schema {_listed(types)}"
    if ours.choices != api.choices:
        yield f"the API has the choices {_listed(api.choices)}, the schema {_listed(ours.choices)}"
    if path.endswith(").typ"):  # what tells alternatives apart must be written
        return
    if ours.required != api.required:
        yield f"the API has it {_need(api)}, the schema {_need(ours)}"
    default = OWN_DEFAULTS.get(path, api.default)
    if ours.default != default and not (default is None and ours.default in ({}, [])):
        yield f"the API's default is {default!r}, the schema's {ours.default!r}"


def _listed(words: frozenset[str] | None) -> str:
    return " or ".join(sorted(words)) if words else "none"


def _need(field: Field) -> str:
    return "required" if field.required else "optional"


def test_the_schema_and_the_official_sdk_have_the_same_fields() -> None:
    assert _differences(sdk.CreateTrainingJob, SCHEMA) == []


def test_each_documented_difference_exists() -> None:
    api = _api_fields(sdk.CreateTrainingJob, "spec")
    ours = _schema_fields(SCHEMA, SCHEMA["properties"]["spec"], "spec")
    assert MOVED.keys() <= api.keys()
    assert set(MOVED.values()) <= ours.keys()
    assert api.keys() - ours.keys() >= LEFT_OUT
    assert ours.keys() - api.keys() >= OWN_FIELDS
    assert {path: ours[path].types - api[path].types for path in WIDER} == WIDER
    assert {path: ours[path].default for path in OWN_DEFAULTS} == OWN_DEFAULTS
    assert {path: api[path].default for path in OWN_DEFAULTS} == dict.fromkeys(OWN_DEFAULTS)


Model = type[BaseModel]


def _model_at(model: Model, steps: list[str]) -> Model:
    for step in steps:
        options = _options(model.model_fields[step].annotation)
        items = [get_args(option)[0] if get_origin(option) is list else option for option in options]
        (model,) = [item for item in items if isinstance(item, type) and issubclass(item, BaseModel)]
    return model


Edit = Callable[[dict[str, Any]], None]


def _put(name: str, *value: Any) -> Edit:
    """Sets one key: to a model field's type and default, or to a value of the schema."""

    def edit(section: dict[str, Any]) -> None:
        section[name] = value if len(value) > 1 else value[0]

    return edit


def _drop(name: str) -> Edit:
    def edit(section: dict[str, Any]) -> None:
        del section[name]

    return edit


def _edited(model: Model, path: str, edit: Edit) -> Model:
    """A copy of the API's model whose section at `path` has other fields; `edit` changes their definitions."""
    steps = [step for step in path.split(".") if step]
    section = _model_at(model, steps)
    definitions: dict[str, Any] = {name: (info.annotation, info) for name, info in section.model_fields.items()}
    edit(definitions)
    changed = create_model(section.__name__, **definitions)
    for depth in reversed(range(len(steps))):
        parent = _model_at(model, steps[:depth])
        definitions = {name: (info.annotation, info) for name, info in parent.model_fields.items()}
        is_list = any(get_origin(one) is list for one in _options(definitions[steps[depth]][0]))
        definitions[steps[depth]] = (list[changed] if is_list else changed, definitions[steps[depth]][1])
        changed = create_model(parent.__name__, **definitions)
    return changed


class _Nested(BaseModel):
    size: int = 1


class _NewKind(BaseModel):
    typ: Literal["s3_checkpoint"] = "s3_checkpoint"
    uri: str


def _add_kind_of_checkpoint(section: dict[str, Any]) -> None:
    known = sdk.BasetenLatestCheckpointConfig | sdk.BasetenNamedCheckpointConfig | sdk.LoopsCheckpointConfig
    section["checkpoints"] = (list[known | _NewKind] | None, None)


_API_CHANGES = {
    "a number": (
        "compute",
        _put("foo", int, 3),
        ["the API has a field that the schema lacks: spec.compute.foo"],
    ),
    "a nullable text": (
        "",
        _put("foo", str | None, None),
        ["the API has a field that the schema lacks: spec.foo"],
    ),
    "a section": (
        "runtime",
        _put("scratch", _Nested | None, None),
        [
            "the API has a field that the schema lacks: spec.runtime.scratch",
            "the API has a field that the schema lacks: spec.runtime.scratch.size",
        ],
    ),
    "in a moved section": (
        "runtime.checkpointing_config",
        _put("keep", int, 3),
        ["the API has a field that the schema lacks: spec.checkpointing.keep"],
    ),
    "a kind of checkpoint": (
        "runtime.load_checkpoint_config",
        _add_kind_of_checkpoint,
        [
            "the API has a field that the schema lacks: spec.checkpointing.load.checkpoints[](s3_checkpoint).typ",
            "the API has a field that the schema lacks: spec.checkpointing.load.checkpoints[](s3_checkpoint).uri",
        ],
    ),
    "a field of a type not met before": (
        "compute",
        _put("share", float | None, None),
        ["the API has a field that the schema lacks: spec.compute.share"],
    ),
    "in a list": (
        "weights",
        _put("sha256", str | None, None),
        ["the API has a field that the schema lacks: spec.weights[].sha256"],
    ),
    "deep in the login to a registry": (
        "image.docker_auth.aws_oidc_docker_auth",
        _put("audience", str | None, None),
        ["the API has a field that the schema lacks: spec.image.docker_auth.aws_oidc_docker_auth.audience"],
    ),
    "a field is gone": (
        "compute",
        _drop("memory"),
        ["the schema has a field that the API lacks: spec.compute.memory"],
    ),
    "another default": (
        "interactive_session",
        _put("timeout_minutes", int, 60),
        ["spec.interactive_session.timeout_minutes: the API's default is 60, the schema's 480"],
    ),
    "another type": (
        "compute",
        _put("cpu_count", str, "1"),
        [
            "spec.compute.cpu_count: the API takes string, the schema integer",
            "spec.compute.cpu_count: the API's default is '1', the schema's 1",
        ],
    ),
    "a new choice": (
        "compute",
        _put("availability_model", Literal["dedicated", "spot", "flex"] | str, "dedicated"),
        [
            "spec.compute.availability_model: "
            "the API has the choices dedicated or flex or spot, the schema dedicated or spot"
        ],
    ),
    "now required": (
        "",
        _put("priority", int, ...),
        ["spec.priority: the API has it required, the schema optional"],
    ),
    "a list became a map": (
        "runtime",
        _put("start_commands", dict[str, str] | None, None),
        [
            "spec.runtime.start_commands: the API takes object, the schema array",
            "the API has a field that the schema lacks: spec.runtime.start_commands{}",
            "the schema has a field that the API lacks: spec.runtime.start_commands[]",
        ],
    ),
}


@pytest.mark.parametrize(("section", "edit", "expected"), _API_CHANGES.values(), ids=_API_CHANGES.keys())
def test_a_change_of_the_api_is_noticed(section: str, edit: Edit, expected: list[str]) -> None:
    assert _differences(_edited(sdk.CreateTrainingJob, section, edit), SCHEMA) == expected


def test_an_untouched_copy_of_the_api_is_no_change() -> None:
    for section in ("", "compute", "weights", "image.docker_auth.aws_oidc_docker_auth"):
        assert _differences(_edited(sdk.CreateTrainingJob, section, lambda definitions: None), SCHEMA) == []


_SCHEMA_CHANGES = {
    "a field of a section is gone": (
        "properties/spec/properties/compute/properties",
        _drop("cpu_count"),
        ["the API has a field that the schema lacks: spec.compute.cpu_count"],
    ),
    "a field is gone": (
        "properties/spec/properties",
        _drop("priority"),
        ["the API has a field that the schema lacks: spec.priority"],
    ),
    "a field of a shared definition is gone": (
        "$defs/weight/properties/auth/properties",
        _drop("aws_oidc_region"),
        ["the API has a field that the schema lacks: spec.weights[].auth.aws_oidc_region"],
    ),
    "a field that the API lacks": (
        "properties/spec/properties/runtime/properties",
        _put("foo", {"type": ["string", "null"]}),
        ["the schema has a field that the API lacks: spec.runtime.foo"],
    ),
    "a kind of checkpoint is gone": (
        "properties/spec/properties/checkpointing/properties/load/properties/checkpoints/items",
        _put("oneOf", [{"$ref": "#/$defs/latest_checkpoint"}, {"$ref": "#/$defs/named_checkpoint"}]),
        [
            f"the API has a field that the schema lacks: spec.checkpointing.load.checkpoints[](loops_checkpoint).{name}"
            for name in ("checkpoint_name", "run_id", "target", "typ")
        ],
    ),
    "a choice is gone": (
        "$defs/loops_checkpoint/properties/target",
        _put("enum", ["trainer", None]),
        [
            "spec.checkpointing.load.checkpoints[](loops_checkpoint).target: "
            "the API has the choices sampler or trainer, the schema trainer"
        ],
    ),
    "a default is gone": (
        "properties/spec/properties/compute/properties/memory",
        _drop("default"),
        ["spec.compute.memory: the API's default is '2Gi', the schema's None"],
    ),
    "no longer required": (
        "properties/spec",
        _put("required", []),
        ["spec.image: the API has it required, the schema optional"],
    ),
}


@pytest.mark.parametrize(("section", "edit", "expected"), _SCHEMA_CHANGES.values(), ids=_SCHEMA_CHANGES.keys())
def test_a_change_of_the_schema_is_noticed(section: str, edit: Edit, expected: list[str]) -> None:
    schema = copy.deepcopy(SCHEMA)
    at = schema
    for step in section.split("/"):
        at = at[step]
    edit(at)
    assert _differences(sdk.CreateTrainingJob, schema) == expected
