"""Digests: what moves them, what never does, and the job names that carry them."""

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.job.identity import canonical_form, digest_of
from baseten_jobs.manifest import document as manifest
from baseten_jobs.manifest.normalisation import accelerator_of
from baseten_jobs.manifest.schema.fields import Shape, updatable_fields
from tests.support.strategies import API_VERSION, SPEC, specs, values

FROZEN = Path(__file__).parent / "digests.json"
SPECS = Path(__file__).parent / "digests.yaml"


def _frozen() -> list[tuple[str, str, dict[str, Any]]]:
    digests = json.loads(FROZEN.read_text())
    documents = manifest.load(str(SPECS), SPECS.read_text()).documents
    assert len(documents) == len(digests)
    return [(d.data["metadata"]["name"], digests[d.data["metadata"]["name"]], d.data["spec"]) for d in documents]


@pytest.mark.parametrize(("name", "digest", "spec"), _frozen(), ids=[name for name, _, _ in _frozen()])
def test_a_digest_never_moves(name: str, digest: str, spec: dict[str, Any]) -> None:
    """A moved digest buys every job again: these are frozen for ever, whatever the schema gains."""
    assert digest_of(spec, API_VERSION) == digest


def test_specs_that_differ_have_frozen_digests_that_differ() -> None:
    digests = [digest for name, digest, _ in _frozen() if not name.startswith("same-")]
    assert len(set(digests)) == len(digests)


@given(specs(), st.randoms(use_true_random=False))
def test_key_order_never_moves_a_digest(spec: dict[str, Any], chance: random.Random) -> None:
    assert digest_of(_shuffled(spec, chance), API_VERSION) == digest_of(spec, API_VERSION)


@given(specs(), st.booleans(), st.integers(40, 200))
def test_yaml_style_never_moves_a_digest(spec: dict[str, Any], flow: bool, width: int) -> None:
    text = "# a comment\n" + yaml.safe_dump(spec, default_flow_style=flow, width=width, allow_unicode=True)
    (document,) = manifest.load("x.yaml", text).documents
    assert document.data == spec
    assert digest_of(document.data, API_VERSION) == digest_of(spec, API_VERSION)


@given(specs(), st.randoms(use_true_random=False))
def test_defaults_and_nulls_written_out_never_move_a_digest(spec: dict[str, Any], chance: random.Random) -> None:
    assert digest_of(_with_defaults(spec, SPEC, chance), API_VERSION) == digest_of(spec, API_VERSION)


@given(specs())
def test_canonical_form_is_its_own_canonical_form(spec: dict[str, Any]) -> None:
    form = canonical_form(spec, API_VERSION)
    assert canonical_form(form, API_VERSION) == form


@given(specs(), st.data())
def test_any_change_of_a_run_field_moves_the_digest(spec: dict[str, Any], data: st.DataObject) -> None:
    places = [(path, shape) for path, shape in _fields(spec, SPEC) if shape.identity == "run" and _is_leaf(shape)]
    path, shape = data.draw(st.sampled_from(places))
    changed = copy.deepcopy(spec)
    before = _get(spec, path)
    after = data.draw(values(shape).filter(lambda value: _meaning(value, shape) != _meaning(before, shape)))
    _set(changed, path, after)
    assert digest_of(changed, API_VERSION) != digest_of(spec, API_VERSION)


@given(specs(), st.sampled_from([field.path for field in updatable_fields(API_VERSION)]), st.data())
def test_an_update_field_never_moves_the_digest(
    spec: dict[str, Any], path: tuple[str, ...], data: st.DataObject
) -> None:
    changed = copy.deepcopy(spec)
    shape = SPEC
    for part in path:
        shape = shape.properties[part]
    if len(path) == 2 and not isinstance(changed.get("compute"), dict):
        changed["compute"] = {}
    _set(changed, path, data.draw(values(shape)))
    assert digest_of(changed, API_VERSION) == digest_of(spec, API_VERSION)


def test_an_empty_session_is_not_the_same_as_none() -> None:
    spec: dict[str, Any] = {"image": {"base_image": "x:1"}}
    assert digest_of({**spec, "interactive_session": {}}, API_VERSION) != digest_of(spec, API_VERSION)


@pytest.mark.parametrize("emptied", ["compute", "runtime", "checkpointing"])
def test_an_emptied_section_is_the_same_as_none(emptied: str) -> None:
    spec: dict[str, Any] = {"image": {"base_image": "x:1"}}
    assert digest_of({**spec, emptied: {}}, API_VERSION) == digest_of(spec, API_VERSION)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"memory": "1Gi"}, {"memory": "1024Mi"}),
        ({"memory": "2Gi"}, {}),
        ({"memory": "2048Mi"}, {"memory": None}),
        ({"memory": "1.5Gi"}, {"memory": "1536Mi"}),
        ({"accelerator": "H100:8"}, {"accelerator": {"count": 8, "accelerator": "H100"}}),
        ({"accelerator": "H100"}, {"accelerator": "H100:1"}),
        ({"node_count": 1, "cpu_count": 1}, {}),
    ],
)
def test_spellings_of_one_meaning_have_one_digest(one: dict[str, Any], other: dict[str, Any]) -> None:
    image = {"image": {"base_image": "x:1"}}
    assert digest_of({**image, "compute": one}, API_VERSION) == digest_of({**image, "compute": other}, API_VERSION)


def _shuffled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        keys = list(value)
        chance.shuffle(keys)
        return {key: _shuffled(value[key], chance) for key in keys}
    return [_shuffled(each, chance) for each in value] if isinstance(value, list) else value


def _with_defaults(value: Any, shape: Shape, chance: random.Random) -> Any:
    """The same, with some of the absent fields written out as null or as their default."""
    if isinstance(value, list):
        return [_with_defaults(each, shape.items or shape, chance) for each in value]
    if not isinstance(value, dict):
        return value
    shape = shape.variant(value)
    full = {k: _with_defaults(v, shape.properties.get(k) or shape.values or shape, chance) for k, v in value.items()}
    for name, child in shape.properties.items():
        if name in shape.schema.get("required", ()) or full.get(name) is not None or chance.random() < 0.4:
            continue
        if "default" in child.schema and chance.random() < 0.7:
            full[name] = _with_defaults(copy.deepcopy(child.schema["default"]), child, chance)
        elif "null" in child.schema.get("type", ()):
            full[name] = None
    return full


def _fields(value: Any, shape: Shape, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Shape]]:
    """Every field that is there or could be there beside those that are."""
    if isinstance(value, dict) and shape.fold != "accelerator":
        shape = shape.variant(value)
        for name, child in shape.properties.items():
            if child.identity == "run" and name != shape.discriminator and "const" not in child.schema:
                yield (*path, name), child
                yield from _fields(value.get(name), child, (*path, name))
        for name in value if shape.values else ():
            assert shape.values is not None
            yield (*path, name), shape.values
    if isinstance(value, list) and shape.items:
        for index, each in enumerate(value):
            yield from _fields(each, shape.items, (*path, index))


def _is_leaf(shape: Shape) -> bool:
    return not shape.properties or bool(shape.fold) or "string" in shape.schema.get("type", ())


def _get(value: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else value[part]
    return value


def _set(value: Any, path: tuple[Any, ...], new: Any) -> None:
    for part in path[:-1]:
        value = value[part]
    value[path[-1]] = new


def _meaning(value: Any, shape: Shape) -> Any:
    """What a value means, reckoned apart from the code under test."""
    if value is None or ("default" in shape.schema and value == shape.schema["default"]):
        value = shape.schema.get("default")
    if shape.fold == "quantity" and value is not None:
        units = {"k": 10**3, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
        number = value.rstrip("kKMGTi")
        return int(number) * units.get(value[len(number) :], 1)
    if shape.fold == "accelerator" and value is not None:
        return sorted(accelerator_of(value).items())
    if isinstance(value, (dict, list)):
        return json.dumps(_without_empty(value, shape), sort_keys=True)
    return (type(value).__name__, value)


def _without_empty(value: Any, shape: Shape) -> Any:
    return canonical_form({"weights": value}, API_VERSION) if shape is SPEC.properties["weights"] else value


def test_a_workspace_counts_by_its_content_and_not_by_its_spelling() -> None:
    spec = {"image": {"base_image": "i:1"}}
    one, other = "a" * 64, "b" * 64
    spellings = [{**spec, "workspace": workspace} for workspace in (".", {"root": "."}, {"exclude": ["*.png"]})]
    assert len({digest_of(each, API_VERSION, one) for each in spellings}) == 1
    assert len({digest_of(spec, API_VERSION), *(digest_of(spellings[0], API_VERSION, c) for c in (one, other))}) == 3
