"""What the schema says of a field, or the tree of all fields -> str."""

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from baseten_jobs.manifest.schema.explain import Explanation
from baseten_jobs.phrases import Page, page
from baseten_jobs.report.style import PLAIN, Look

_CHANGES: Mapping[str, str] = MappingProxyType(
    {
        "run": "starts a new run",
        "update": "starts no new run: it is changed in place while the job waits",
        "none": "starts no new run",
    }
)
_WIDEST = 100
_HEADS = 42
"""Columns of the tree itself."""


def text(field: Explanation, look: Look = PLAIN) -> Page:
    """A field's type, default, values, examples and meaning, and the tree of the fields below it."""
    width = min(look.width or _WIDEST, _WIDEST)
    facts = {
        "type": field.type + (", required" if field.required else ""),
        "default": "" if field.default is None else _value(field.default),
        "values": ", ".join(map(str, field.choices)),
        "known": ", ".join(field.known or _known_below(field)),
        "expected": field.expected,
        "at least": "" if field.minimum is None else str(field.minimum),
        "a change": _CHANGES.get(field.identity, ""),
    }
    lines = [
        look.paint(field.path, "cyan"),
        *textwrap.wrap(field.description, width, initial_indent="  ", subsequent_indent="  "),
    ]
    lines += [""] if field.description else []
    for name, told in facts.items():
        if told:
            lines += textwrap.wrap(f"  {name + ':':<10} {told}", width, subsequent_indent=" " * 13)
    lines += [f"  {'example:':<10} {_value(example)}" for example in field.examples]
    if field.fields:
        lines += ["", *_tree(field, look, look.width, 1)]
    if field.variables:
        lines += ["", "  Baseten sets these variables:", *_variables(field.variables, width)]
    return page(lines)


def _known_below(field: Explanation) -> Sequence[str]:
    """What is known of the part that a shorthand begins with, such as the type of GPU in `H100:8`."""
    return next((child.known for child in field.fields if child.known), ()) if field.expected else ()


def _variables(variables: Sequence[tuple[str, str]], width: int) -> Iterator[str]:
    longest = max(len(name) for name, _ in variables)
    for name, told in variables:
        yield from textwrap.wrap(f"    {name:<{longest}}  {told}", width, subsequent_indent=" " * (longest + 6))


def tree(root: Explanation, look: Look = PLAIN) -> Page:
    """The tree of all fields, each with its type and its meaning, folded at the width of the terminal."""
    marks = "* is required; ~ starts no new run when it changes"
    return page([*_tree(root, look, look.width, 0), "", marks])


def _tree(field: Explanation, look: Look, width: int, depth: int) -> Iterator[str]:
    for child in field.fields:
        name = child.name + ("[]" if child.type.startswith("list") and child.fields else "")
        mark = ("*" if child.required else "") + ("" if child.identity == "run" else "~")
        head = f"{'  ' * depth}{name}{mark}"
        told = f"{child.type}{'' if child.default in (None, {}, []) else f', default {_value(child.default)}'}"
        told += "" if child.fields else f": {child.description}"
        column = _HEADS if not width else min(_HEADS, max(width // 2 - 4, 20))
        lines = textwrap.wrap(told, max(width - column, 20)) if width else [told]
        beside = lines.pop(0) if len(head) < column or not width else ""
        yield f"{look.paint(head, 'cyan')}{' ' * max(1, column - len(head))}{beside}".rstrip()
        yield from (" " * column + line for line in lines)
        yield from _tree(child, look, width, depth + 1)


def data(field: Explanation) -> Mapping[str, Any]:
    """A field and its meaning as JSON has them."""
    return {
        "path": field.path,
        "type": field.type,
        "description": field.description,
        "required": field.required,
        "default": field.default,
        "values": list(field.choices),
        "known": list(field.known),
        "minimum": field.minimum,
        "examples": list(field.examples),
        "change": field.identity,
        **({"variables": dict(field.variables)} if field.variables else {}),
        "fields": [data(child) for child in field.fields],
    }


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
