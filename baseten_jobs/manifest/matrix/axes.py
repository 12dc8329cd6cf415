"""What a document's `matrix` says of its axes -> their values, and what is wrong with them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from baseten_jobs.manifest.diagnostics import Diagnostic, FieldPath, field_name
from baseten_jobs.manifest.document import Cell, Document
from baseten_jobs.manifest.matrix.placeholders import Value
from baseten_jobs.manifest.yaml_scalars import Odd, spelled
from baseten_jobs.phrases import nearest, one_line
from baseten_jobs.secrecy import quoted

SECTIONS = ("include", "exclude", "attempts", "adopts")
"""Lists of entries beside the axes, whose names no axis has."""
AXIS = re.compile(r"[a-z][a-z0-9_]*")

Axes = Mapping[str, Sequence[Value]]


@dataclass
class Matrix:
    """What one document's matrix says; `places` has where each axis, or the entry that brought it, stands."""

    document: Document
    axes: dict[str, list[Value]] = field(default_factory=dict)
    places: dict[str, FieldPath] = field(default_factory=dict)
    cells: tuple[Cell, ...] = ()
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def problem(self, rule: str, path: FieldPath, message: str, hint: str = "", *, of_key: bool = False) -> None:
        place = self.document.position(path, of_key=of_key)
        self.diagnostics.append(Diagnostic(rule, message, place, field_name(path), hint))


def read_axis(made: Matrix, name: str, values: Any) -> None:
    path, near = ("matrix", name), nearest(name, SECTIONS, likeness=0.8)
    if near and isinstance(values, list) and all(isinstance(value, dict) for value in values):
        told = f"there is no {quoted(name, 40)} here"
        made.problem("matrix-axis", path, told, f"did you mean '{near}'?", of_key=True)
        return
    if not AXIS.fullmatch(name):
        hint = f"did you mean '{near}'?" if near else "lower-case letters, digits and _, a letter first"
        made.problem("matrix-axis", path, f"{quoted(name, 40)} is no name of an axis", hint, of_key=True)
        return
    if not isinstance(values, list) or not values:
        told = "has no values" if values in (None, []) else "is no list of values"
        made.problem("matrix-cells", path, f"the axis '{name}' {told}", f"such as `{name}: [1, 2, 3]`", of_key=True)
        return
    kept: list[Value] = []
    for index, value in enumerate(values):
        if not is_value(made, (*path, index), value):
            continue
        if any(same(value, other) for other in kept):
            told = f"the axis '{name}' has {shown(value)} twice"
            made.problem("matrix-cells", (*path, index), told, "leave one out")
        kept.append(value)
    made.axes[name], made.places[name] = kept, path


def is_value(made: Matrix, path: FieldPath, value: Any) -> bool:
    if isinstance(value, Odd) and value.kind != "number":
        if value.kind != "tagged":
            kind = "an integer of unclear base" if value.kind == "integer" else f"a {value.kind}"
            quotes = f'quote it: "{one_line(value.text, 40)}"'
            made.problem("matrix-cells", path, f"{kind} is no value of an axis", quotes)
        return False
    if not isinstance(value, str | int | bool | Odd):
        kind = "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else "null"
        made.problem("matrix-cells", path, f"{kind} is no value of an axis", "text, a number, true or false")
        return False
    if isinstance(value, str) and "${{" in value:
        made.problem("placeholder", path, "a value of an axis can't hold a placeholder", "write the value itself")
        return False
    return True


def same(one: object, other: object) -> bool:
    """True for equal values of one type: `1` is neither `true` nor `"1"`."""
    return type(one) is type(other) and one == other


def shown(value: Value) -> str:
    return f'"{one_line(value, 40)}"' if isinstance(value, str) else one_line(spelled(value), 40)
