"""A field's path -> what the schema says about it; an empty path -> the whole tree of fields."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from baseten_jobs.manifest.schema.fields import Shape
from baseten_jobs.phrases import nearest

_STEP = re.compile(r"[^.\[\]]+|\[[0-9]*\]")
_PATH = re.compile(r"[^.\[\]]+(?:\[[0-9]*\])*(?:\.[^.\[\]]+(?:\[[0-9]*\])*)*|")
_ITEM, ANY_NAME = "[]", "*"


@dataclass(frozen=True)
class Explanation:
    """One field, and the fields below it. `identity` is what a change of it leads to: run, update or none.

    `type` and `expected` are in words. `default` is JSON data, or None if there is none; `choices` are the values that
    the field may have. `variables` are those of the environment that Baseten sets, each with what it holds.
    """

    path: str
    type: str
    description: str
    identity: str
    required: bool = False
    default: Any = None
    choices: tuple[Any, ...] = ()
    known: tuple[str, ...] = ()
    expected: str = ""
    minimum: Any = None
    examples: tuple[Any, ...] = ()
    fields: tuple["Explanation", ...] = ()
    variables: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]


@dataclass(frozen=True)
class NoSuchField:
    """No field has this path: `at` is the part that exists, `wrong` the step that does not, `near` the best guess."""

    at: str
    wrong: str
    near: str = ""


def explain(root: Shape, path: str) -> Explanation | NoSuchField:
    """Explains a path such as `spec.weights[].source`; the brackets of a list may be left out."""
    if not _PATH.fullmatch(path):
        return NoSuchField("", path)
    steps = _STEP.findall(path)
    shape, at, required = root, "", False
    explained = _explained(root, "", False)
    for step in steps:
        found = _below(shape, at, step, required)
        if found is None:
            return NoSuchField(at, step, _near(root, shape, at, step))
        beside = {field.path: field for field in _children(shape, at)}
        shape, at, required = found
        explained = beside.get(at) or _explained(shape, at, required)
    return explained


def _below(shape: Shape, at: str, step: str, required: bool) -> tuple[Shape, str, bool] | None:
    """Returns the field that a step leads to, by name, into a list or to any key of a mapping, or None."""
    if step.startswith("["):
        return (shape.items, at + _ITEM, False) if shape.items else None
    if shape.items is not None:
        return _below(shape.items, at + _ITEM, step, False)
    for each in (shape, *shape.variants.values()):
        if step in each.properties:
            return each.properties[step], f"{at}.{step}" if at else step, step in each.schema.get("required", ())
    if shape.values is not None:
        return shape.values, f"{at}.{ANY_NAME}", False
    return None


def _near(root: Shape, shape: Shape, at: str, step: str) -> str:
    """Returns the most similar path: of a field beside the wrong step, or of one with that name elsewhere."""
    here = {field.name: field.path for field in _children(shape, at)}
    if near := nearest(step, list(here)):
        return here[near]
    everywhere: dict[str, str] = {}
    for field in _flat(_explained(root, "", False)):
        everywhere.setdefault(field.name, field.path)
    return everywhere.get(nearest(step, list(everywhere)), "")


def _flat(field: Explanation) -> Iterator[Explanation]:
    for child in field.fields:
        yield child
        yield from _flat(child)


def _explained(shape: Shape, at: str, required: bool) -> Explanation:
    schema = shape.schema
    choices = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    return Explanation(
        path=at,
        type=_type(shape),
        description=str(schema.get("description", "")),
        identity=shape.identity,
        required=required,
        default=schema.get("default"),
        choices=tuple(choice for choice in choices if choice is not None),
        known=tuple(schema.get("x-known", ())),
        expected=str(schema.get("x-expected", "")),
        minimum=schema.get("minimum"),
        examples=tuple(schema.get("examples", ())),
        variables=tuple(schema.get("x-variables", {}).items()),
        fields=tuple(_children(shape, at)),
    )


def _children(shape: Shape, at: str) -> Iterator[Explanation]:
    """Returns the fields below, each once; those of a list's items and of all variants of an object are among them."""
    if shape.items is not None:
        yield from _children(shape.items, at + _ITEM)
        return
    seen: dict[str, Explanation] = {}
    for each in (shape, *shape.variants.values()):
        needed = each.schema.get("required", ())
        for name, child in each.properties.items():
            field = _explained(child, f"{at}.{name}" if at else name, name in needed)
            seen[name] = _merged(seen[name], field) if name in seen else field
    yield from seen.values()
    if shape.values is not None:
        yield _explained(shape.values, f"{at}.{ANY_NAME}", False)


def _merged(one: Explanation, other: Explanation) -> Explanation:
    """Returns one field for the fields of several variants: it allows what any of them does."""
    choices = tuple(dict.fromkeys((*one.choices, *other.choices)))
    return replace(one, choices=choices, required=one.required and other.required)


_WORDS: Mapping[str, str] = {"array": "list", "object": "mapping", "null": ""}


def _type(shape: Shape) -> str:
    schema = shape.schema
    if shape.variants:
        return "mapping"
    given = schema.get("type", "object")
    types = [given] if isinstance(given, str) else given
    types = [each for each in types if not (each == "integer" and "number" in types)]
    words = [_WORDS.get(each, each) for each in types]
    if shape.items is not None:
        words = [f"list of {_plural(_type(shape.items))}" if word == "list" else word for word in words]
    if shape.values is not None:
        words = [f"mapping of name to {_type(shape.values)}" if word == "mapping" else word for word in words]
    return " or ".join(word for word in words if word)


def _plural(noun: str) -> str:
    first, of, rest = noun.partition(" of ")
    return " or ".join(f"{each}s" for each in first.split(" or ")) + of + rest
