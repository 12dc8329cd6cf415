"""How values are found again: by a key, which survives a copy, and never by being the same object."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import baseten_jobs

PACKAGE = Path(baseten_jobs.__file__).parent

ROOMS = ("planning", "applying", "report", "cli", "compilation.py", "pipeline.py")
"""Where a plan and what it is made from are compiled, made twice, enriched, carried out and shown."""


def _of_plans() -> Iterator[Path]:
    for room in ROOMS:
        path = PACKAGE / room
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _by_object(source: str) -> list[str]:
    """Each use of `id`, and each `is` between two names: neither is None, another constant, or a member of an enum."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and node.id == "id" and isinstance(node.ctx, ast.Load):
            found.append(f"{node.lineno}: id")
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            pairs = zip(node.ops, sides, sides[1:], strict=False)
            found += [
                f"{node.lineno}: {ast.unparse(node)}"
                for operator, left, right in pairs
                if isinstance(operator, ast.Is | ast.IsNot) and _is_value(left) and _is_value(right)
            ]
    return found


def _is_value(node: ast.expr) -> bool:
    return (isinstance(node, ast.Attribute) and not node.attr.isupper()) or isinstance(node, ast.Name | ast.Subscript)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("id(action.request)", ["1: id"]),
        ("set(map(id, actions))", ["1: id"]),
        ("a.request is b.request", ["1: a.request is b.request"]),
        ("first is not actions[0]", ["1: first is not actions[0]"]),
        ("a is None or a.verb is not Verb.STOP or type(a) is int", []),
        ("job.id == other.id", []),
    ],
)
def test_a_comparison_of_objects_is_found(source: str, found: list[str]) -> None:
    assert _by_object(source) == found


def test_what_a_plan_holds_is_never_matched_by_being_the_same_object() -> None:
    found = {str(path.relative_to(PACKAGE)): _by_object(path.read_text(encoding="utf-8")) for path in _of_plans()}
    assert {path: uses for path, uses in found.items() if uses} == {}
