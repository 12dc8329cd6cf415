"""The quick verdict and jsonschema, which words the errors, are of one mind."""

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baseten_jobs.manifest import document as manifest
from baseten_jobs.manifest.document import Odd
from baseten_jobs.manifest.schema.check import judge
from baseten_jobs.manifest.schema.fast_check import compiled, fits, verdict_of
from tests.support.strategies import API_VERSION, manifests

ROOT = Path(__file__).parents[2]
FILES = sorted([*(ROOT / "specs").rglob("*.yaml"), *(ROOT / "tests" / "manifest").rglob("*.yaml")])

ODDS = st.builds(Odd, st.sampled_from(["1.5", "0x10"]), st.sampled_from(["number", "integer", "tagged"]))
SCALARS = st.none() | st.booleans() | st.integers(-3, 10**18) | st.text(max_size=4) | ODDS
TEXTS = st.sampled_from(
    ["", "a", "a b", "a\n", "\x1c", "\x85", "\ufeff", "\u2028", "H100:8", "x" * 41, "a=b", "/a", "spot"]
)
ANYTHING = st.recursive(
    SCALARS | TEXTS,
    lambda below: (
        st.lists(below, max_size=2) | st.dictionaries(st.sampled_from(["name", "typ", "enabled", "a="]), below)
    ),
    max_leaves=4,
)


def agree(data: object) -> bool:
    """What both say of it."""
    said = fits(verdict_of(API_VERSION), data)
    assert said == judge(API_VERSION).is_valid(data)
    return said


@given(manifests())
def test_both_accept_what_the_schema_allows(data: dict[str, Any]) -> None:
    assert agree(data)


@pytest.mark.slow
@given(manifests(), st.data())
@settings(max_examples=100)
def test_both_refuse_the_same_of_what_was_spoilt(data: dict[str, Any], draw: st.DataObject) -> None:
    data = copy.deepcopy(data)
    for _ in range(draw.draw(st.integers(1, 3))):
        spoil(data, draw)
    agree(data)


def spoil(data: dict[str, Any], draw: st.DataObject) -> None:
    """One value replaced, taken away, or put beside the others."""
    places: list[tuple[Any, Any]] = []

    def visit(value: Any) -> None:
        for key, each in list(value.items() if isinstance(value, dict) else enumerate(value)):
            places.append((value, key))
            if isinstance(each, dict | list):
                visit(each)

    visit(data)
    if not places:
        return
    holder, key = draw.draw(st.sampled_from(places))
    how = draw.draw(st.sampled_from(["replace", "remove", "add"]))
    if how == "remove":
        del holder[key]
    elif how == "replace":
        holder[key] = draw.draw(ANYTHING)
    elif isinstance(holder, dict):
        names = st.sampled_from(["name", "spec", "priority", "auth", "", "A=B", "x-y", "enabled"])
        holder[draw.draw(names)] = draw.draw(ANYTHING)
    else:
        holder.append(draw.draw(ANYTHING))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_both_say_the_same_of_every_manifest_here(path: Path) -> None:
    text = manifest.decode(path.name, path.read_bytes())
    for document in manifest.load(path.name, text).documents if isinstance(text, str) else ():
        agree(document.data)


def test_all_that_the_schema_says_is_known_to_the_verdict() -> None:
    """Else nothing would fit, and every manifest would wait for jsonschema."""
    data = manifest.load("full", (ROOT / "tests" / "manifest" / "full.yaml").read_text()).documents[0].data
    assert agree(data)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "format": "uri"},
        {"$ref": "#/$defs/x", "minLength": 3},
        {"oneOf": [{"type": "string"}], "minLength": 3},
    ],
    ids=lambda schema: " ".join(schema),
)
def test_a_word_that_is_not_known_is_left_to_jsonschema(schema: dict[str, Any]) -> None:
    assert not fits(compiled(schema, {"x": {"type": "string"}}), "a")
