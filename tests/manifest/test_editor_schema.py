"""The schema for editors: it takes what `validate` takes, as it is written, and refuses what it can see is wrong."""

import copy
import io
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from baseten_jobs.compilation import validate
from baseten_jobs.manifest import document as manifest
from baseten_jobs.manifest.diagnostics import has_errors
from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.manifest.schema.check import judge
from baseten_jobs.manifest.schema.editor import editor_schema
from baseten_jobs.manifest.schema.fields import ANY, DEFAULTS, KIND, KINDS, MATRIX, POLICY, schema_of, schema_text
from tests.support.commands import Cli, called
from tests.support.golden import Golden
from tests.support.pages import EVERY_PAGE
from tests.support.strategies import API_VERSION, manifests

__all__ = ["called"]

ROOT = Path(__file__).parents[2]
BAD = sorted((ROOT / "tests" / "manifest" / "bad").rglob("*.yaml"))
OTHERS = sorted({
    path
    for folder in ("specs", "tests/manifest", "tests/job/requests", "tests/importing/truss")
    for path in (ROOT / folder).rglob("*.yaml")
})  # fmt: skip
EDITOR = judge(API_VERSION, ANY)
PLACEHOLDER = "${{ matrix.a }}"


def named(paths: list[Path]) -> Any:
    return pytest.mark.parametrize("path", paths, ids=[str(path.relative_to(ROOT)) for path in paths])


def faults(data: Any) -> list[str]:
    """The places of what is wrong; `json_path` quotes a key in newer versions of the library only."""
    return sorted({_place(error.absolute_path) for error in EDITOR.iter_errors(data)})


def _place(keys: Iterable[str | int]) -> str:
    return "".join(["$", *(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)])


def test_it_is_derived_from_the_schemas_of_the_kinds(golden: Golden) -> None:
    golden.json(ROOT / "schemas" / "v1" / "manifest.schema.json", editor_schema(API_VERSION))
    Draft202012Validator.check_schema(editor_schema(API_VERSION))


def test_it_has_each_kind_and_nothing_that_only_this_tool_reads() -> None:
    schema = schema_of(API_VERSION, ANY)
    assert schema["properties"]["kind"]["enum"] == list(KINDS)
    assert {kind for kind in KINDS if kind in schema["$defs"]} == set(KINDS)
    assert [key for key in _keys(schema) if key.startswith("x-")] == []


def _keys(node: Any) -> Iterator[str]:
    for key, each in node.items() if isinstance(node, dict) else enumerate(node):
        if isinstance(node, dict):
            yield key
        if isinstance(each, dict | list):
            yield from _keys(each)


@pytest.mark.parametrize("kind", [*KINDS, MATRIX, ANY])
def test_each_example_that_an_editor_shows_fits_its_field(kind: str) -> None:
    schema = json.loads(schema_text(API_VERSION, kind))
    referred = Registry().with_resource(schema_of(API_VERSION)["$id"], Resource.from_contents(schema_of(API_VERSION)))
    unfit = [
        (node["description"], example)
        for node in _described(schema)
        for example in node["examples"]
        if not Draft202012Validator({**node, "$defs": schema.get("$defs", {})}, registry=referred).is_valid(example)
    ]
    assert unfit == []


def _described(node: Any) -> Iterator[Any]:
    if isinstance(node, dict) and "examples" in node and "description" in node:
        yield node
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _described(each)


# Documents of files


@named(OTHERS)
def test_it_takes_each_file_that_has_no_error(path: Path) -> None:
    if not has_errors(validate(Inputs([str(path)]), io.BytesIO()).diagnostics):
        assert [faults(data) for data in yaml.safe_load_all(path.read_text("utf-8")) if faults(data)] == []


@named([path for path in BAD if b"${{" not in path.read_bytes()])
def test_it_refuses_each_plain_document_that_the_schema_of_its_kind_refuses(path: Path) -> None:
    for document in manifest.load(str(path), path.read_bytes().decode("utf-8", "replace")).documents:
        data = document.data
        if isinstance(data, dict) and data.get("kind") in KINDS and not {"extends", "matrix"} & data.keys():
            strict = judge(API_VERSION, data["kind"]).is_valid(data)
            assert EDITOR.is_valid(data) == strict


def test_it_takes_each_document_that_the_readme_shows() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", EVERY_PAGE, re.DOTALL)
    shown = [yaml.safe_load(block) for block in blocks if re.search(r"^kind: ", block, re.MULTILINE)]
    assert {data["kind"] for data in shown} == set(KINDS)
    assert [faults(data) for data in shown] == [[] for _ in shown]


# Any document


@given(manifests(), st.data())
def test_it_is_of_one_mind_with_the_strict_schema_on_what_has_no_placeholder(data: Any, draw: st.DataObject) -> None:
    data = copy.deepcopy(data)
    assert EDITOR.is_valid(data)
    for _ in range(draw.draw(st.integers(1, 2))):
        holder, key = draw.draw(st.sampled_from(_places(data)))
        holder[key] = draw.draw(st.sampled_from([None, True, 0, -7, "", "a b", "H100:8", "x" * 41, [], ["a"], {}]))
    data |= {"apiVersion": API_VERSION, "kind": KIND}
    assert EDITOR.is_valid(data) == judge(API_VERSION).is_valid(data)


@given(manifests(), st.data())
def test_a_placeholder_stands_for_any_scalar_but_where_none_may_stand(data: Any, draw: st.DataObject) -> None:
    data = {**copy.deepcopy(data), "matrix": {"a": [1, 2.5, "x", True], "include": [{"a": 3}]}}
    data["matrix"]["adopts"] = [{"a": 3, "adopts": {"job": "wfmmjzx", "digest": "0123456789ab"}}]
    filled = {**data, "metadata": {k: v for k, v in data["metadata"].items() if k not in ("adopts", "attempt")}}
    sections = (filled.get(name) or {} for name in ("metadata", "spec", "policy"))
    scalars = [(at, key) for section in sections for at, key in _places(section) if isinstance(at[key], str | int)]
    for holder, key in draw.draw(st.lists(st.sampled_from(scalars), max_size=4)):
        holder[key] = draw.draw(st.sampled_from([PLACEHOLDER, f"a-{PLACEHOLDER}"]))
    assert faults(filled) == []


@given(manifests(), st.data())
def test_what_extends_may_lack_and_unset_whatever_defaults_can_give(data: Any, draw: st.DataObject) -> None:
    data = {**copy.deepcopy(data), "extends": "../base.yaml"}
    fields = list(_merged(data["spec"]))
    for holder, key in draw.draw(st.lists(st.sampled_from(fields), max_size=3)):
        holder[key] = None
        if draw.draw(st.booleans()):
            del holder[key]
    assert faults(data) == []
    assert faults({name: each for name, each in data.items() if name != "spec"}) == []
    assert faults({**data, "kind": DEFAULTS, "metadata": {"project": PLACEHOLDER}}) == []


def _merged(data: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Each field that Defaults may give: a list takes the place of another as a whole, so none of its entries'."""
    for key, each in data.items():
        yield data, key
        if isinstance(each, dict):
            yield from _merged(each)


def _places(data: Any) -> list[tuple[Any, Any]]:
    """Each place of a value: what holds it, and its key there."""
    found: list[tuple[Any, Any]] = []
    for key, each in list(data.items() if isinstance(data, dict) else enumerate(data)):
        found.append((data, key))
        if isinstance(each, dict | list):
            found += _places(each)
    return found


# What is wrong

_JOB = f"apiVersion: {API_VERSION}\nkind: {KIND}\n"
_SPEC = "metadata: {name: a, project: p}\nspec: {image: {base_image: i}, "
_BASE = f"apiVersion: {API_VERSION}\nkind: {DEFAULTS}\n"
_POLICY = f"apiVersion: {API_VERSION}\nkind: {POLICY}\n"
_FAULTS: dict[str, tuple[str, list[str]]] = {
    "a misspelt placeholder": (_JOB + _SPEC + 'compute: {node_count: "${{ a }}"}}\n', ["$.spec.compute.node_count"]),
    "a quoted number": (_JOB + _SPEC + 'compute: {node_count: "2"}}\n', ["$.spec.compute.node_count"]),
    "a placeholder for an attempt": (
        f'{_JOB}metadata: {{name: a, attempt: "{PLACEHOLDER}"}}\nspec: {{image: {{base_image: i}}}}\n',
        ["$.metadata.attempt"],
    ),
    "a placeholder for a section": (_JOB + _SPEC + f'runtime: "{PLACEHOLDER}"}}\n', ["$.spec.runtime"]),
    "a name that is too long": (
        f"{_JOB}metadata: {{name: {'a' * 41}}}\nspec: {{image: {{base_image: i}}}}\n",
        ["$.metadata.name"],
    ),
    "an axis that is no list": (_JOB + "matrix: {a: 3}\n" + _SPEC + "}\n", ["$.matrix.a"]),
    "an axis in capitals": (_JOB + "matrix: {A: [3]}\n" + _SPEC + "}\n", ["$.matrix"]),
    "an attempt of a cell": (_JOB + "matrix: {a: [1], attempts: [{a: 1, attempt: 0}]}\n" + _SPEC + "}\n",
                             ["$.matrix.attempts[0].attempt"]),
    "a job of a cell": (_JOB + "matrix: {a: [1], adopts: [{a: 1, adopts: {job: x, digest: ''}}]}\n" + _SPEC + "}\n",
                        ["$.matrix.adopts[0].adopts.digest"]),
    "no spec": (_JOB + "metadata: {name: a, project: p}\n", ["$"]),
    "no image": (_JOB + "metadata: {name: a, project: p}\nspec: {}\n", ["$.spec"]),
    "extends nothing": (_JOB + "extends: null\nmetadata: {name: a}\n", ["$.extends"]),
    "an heir without a name": (_JOB + "extends: b.yaml\nmetadata: {project: a}\n", ["$.metadata"]),
    "an heir with no such field": (_JOB + "extends: b.yaml\nmetadata: {name: a}\nspec: {imag: {}}\n", ["$.spec"]),
    "a base with a name": (_BASE + "metadata: {name: a}\n", ["$.metadata"]),
    "a base with a matrix": (_BASE + "matrix: {a: [1]}\n", ["$"]),
    "a base with a bad value": (_BASE + "spec: {compute: {node_count: 0}}\n", ["$.spec.compute.node_count"]),
    "a level that YAML reads as false": (_POLICY + "rules: {mutable-image: off}\n", ["$.rules.mutable-image"]),
    "a rule that is none": (_POLICY + "rules: {mutable: error}\n", ["$.rules"]),
    "a limit by a placeholder": (f'{_POLICY}limits: {{gpus_per_job: "{PLACEHOLDER}"}}\n', ["$.limits.gpus_per_job"]),
    "a policy of a job": (_POLICY + "spec: {}\n", ["$"]),
    "a kind that is none": (f"apiVersion: {API_VERSION}\nkind: Polcy\nrules: {{}}\n", ["$.kind"]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "places"), _FAULTS.values(), ids=_FAULTS)
def test_what_is_wrong_is_refused_at_its_place(text: str, places: list[str]) -> None:
    assert faults(yaml.safe_load(text)) == places


def test_what_has_no_kind_yet_is_judged_as_a_manifest() -> None:
    assert faults({"apiVersion": API_VERSION, "metadata": {"name": "A"}}) == ["$", "$.metadata.name"]


def test_it_is_printed_and_written(called: Cli, tmp_path: Path) -> None:
    assert called("schema", "--kind", "any").json == schema_of(API_VERSION, ANY)
    assert called("schema").json == schema_of(API_VERSION, KIND)
    assert called("schema", "--kind", "any", "--out", str(tmp_path / "s.json")).code == 0
    assert (tmp_path / "s.json").read_text("utf-8") == schema_text(API_VERSION, ANY)
