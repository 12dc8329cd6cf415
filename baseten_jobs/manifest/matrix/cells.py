"""A document's `matrix` -> its cells, and what is wrong with it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from baseten_jobs.manifest.diagnostics import Diagnostic, FieldPath, field_name
from baseten_jobs.manifest.document import Cell, Document
from baseten_jobs.manifest.matrix.placeholders import Value
from baseten_jobs.manifest.yaml_scalars import Odd, spelled
from baseten_jobs.phrases import listed, nearest, one_line
from baseten_jobs.secrecy import quoted

MOST_CELLS = 256
_SECTIONS = ("include", "exclude", "attempts")
_AXIS = re.compile(r"[a-z][a-z0-9_]*")
_MOST_ATTEMPTS = 999_999_999

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


def matrix_of(document: Document) -> Matrix:
    """Returns the cells in order: those of the axes, the last axis turning fastest, then those of `include`."""
    made, written = Matrix(document), document.data["matrix"]
    if not isinstance(written, dict) or not written:
        made.problem("matrix-cells", ("matrix",), "the matrix has no axis", "such as `seed: [1, 2, 3]`", of_key=True)
        return made
    for name, values in written.items():
        if name not in _SECTIONS:
            _read_axis(made, name, values)
    included = [dict(entry) for _, entry in _entries(made, written, "include")]
    for index, entry in enumerate(included):
        for name in entry:
            made.places.setdefault(name, ("matrix", "include", index, name))
    if made.diagnostics:
        return made
    number = 1
    for values in made.axes.values():
        number *= len(values)
    if number + len(included) > MOST_CELLS * 16:
        _too_many(made, number + len(included))
        return made
    crossed = (
        [dict(zip(made.axes, values, strict=True)) for values in product(*made.axes.values())] if made.axes else []
    )
    left = _without_excluded(made, written, crossed)
    found = [*left, *included]
    if len(found) > MOST_CELLS:
        _too_many(made, len(found))
    elif not found and not made.diagnostics:
        made.problem("matrix-cells", ("matrix",), "no cell is left", "an axis or an `include` makes one", of_key=True)
    attempts = _attempts(made, written, found)
    sources = [("matrix",)] * len(left) + [("matrix", "include", index) for index in range(len(included))]
    made.cells = tuple(
        Cell(number, tuple(values.items()), source, *attempts.get(number, (1, ("matrix", "attempts"))))
        for number, (values, source) in enumerate(zip(found, sources, strict=True))
    )
    return made


def _too_many(made: Matrix, number: int) -> None:
    told = f"{number} cells are more than {MOST_CELLS}"
    made.problem("matrix-cells", ("matrix",), told, "split the file", of_key=True)


def _read_axis(made: Matrix, name: str, values: Any) -> None:
    path, near = ("matrix", name), nearest(name, _SECTIONS, likeness=0.8)
    if near and isinstance(values, list) and all(isinstance(value, dict) for value in values):
        told = f"there is no {quoted(name, 40)} here"
        made.problem("matrix-axis", path, told, f"did you mean '{near}'?", of_key=True)
        return
    if not _AXIS.fullmatch(name):
        hint = f"did you mean '{near}'?" if near else "lower-case letters, digits and _, a letter first"
        made.problem("matrix-axis", path, f"{quoted(name, 40)} is no name of an axis", hint, of_key=True)
        return
    if not isinstance(values, list) or not values:
        told = "has no values" if values in (None, []) else "is no list of values"
        made.problem("matrix-cells", path, f"the axis '{name}' {told}", f"such as `{name}: [1, 2, 3]`", of_key=True)
        return
    kept: list[Value] = []
    for index, value in enumerate(values):
        if not _is_value(made, (*path, index), value):
            continue
        if any(_same(value, other) for other in kept):
            told = f"the axis '{name}' has {_shown(value)} twice"
            made.problem("matrix-cells", (*path, index), told, "leave one out")
        kept.append(value)
    made.axes[name], made.places[name] = kept, path


def _is_value(made: Matrix, path: FieldPath, value: Any) -> bool:
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


def _entries(made: Matrix, written: Mapping[str, Any], section: str) -> Iterator[tuple[FieldPath, Mapping[str, Value]]]:
    """The entries of `include`, `exclude` or `attempts`; those of a wrong form become diagnostics."""
    entries, path = written.get(section), ("matrix", section)
    if entries is None:
        return
    if not isinstance(entries, list):
        example = f"such as `{section}: [{{seed: 3}}]`"
        made.problem("matrix-cells", path, f"'{section}' is a list of mappings", example, of_key=True)
        return
    for index, entry in enumerate(entries):
        at = (*path, index)
        if not isinstance(entry, dict) or not entry:
            made.problem("matrix-cells", at, f"an entry of '{section}' is a mapping of axes", "such as `{seed: 3}`")
            continue
        sound = True
        for name, value in entry.items():
            if section == "attempts" and name == "attempt":
                continue
            sound = _is_value(made, (*at, name), value) and sound
            if section == "include" and not _AXIS.fullmatch(name):
                made.problem("matrix-axis", (*at, name), f"{quoted(name, 40)} is no name of an axis", of_key=True)
                sound = False
        if sound:
            yield at, entry


def _without_excluded(
    made: Matrix, written: Mapping[str, Any], cells: Sequence[Mapping[str, Value]]
) -> list[Mapping[str, Value]]:
    gone: set[int] = set()
    for path, entry in _entries(made, written, "exclude"):
        if found := _matching(made, path, entry, cells, made.axes):
            gone |= found
    return [cell for number, cell in enumerate(cells) if number not in gone]


def _matching(
    made: Matrix, path: FieldPath, entry: Mapping[str, Value], cells: Sequence[Mapping[str, Value]], axes: Axes
) -> set[int]:
    """The numbers of the cells that an entry means; a diagnostic if there is none."""
    if unknown := [name for name in entry if name not in axes]:
        for name in unknown:
            near = nearest(name, list(axes))
            hint = f"did you mean '{near}'?" if near else f"axes: {listed(list(axes))}" if axes else ""
            made.problem("matrix-axis", (*path, name), f"there is no axis {quoted(name, 40)}", hint, of_key=True)
        return set()
    found = {
        number
        for number, cell in enumerate(cells)
        if all(name in cell and _same(value, cell[name]) for name, value in entry.items())
    }
    if not found:
        made.problem("matrix-cells", path, f"no cell has {_told(entry)}", _typed_otherwise(entry, axes))
    return found


def _typed_otherwise(entry: Mapping[str, Value], axes: Axes) -> str:
    """The hint where a value is there, but of another type: values are compared with their types."""
    for name, value in entry.items():
        for other in axes[name]:
            if not _same(value, other) and spelled(value) == spelled(other):
                return f"'{name}' has {_shown(other)}: write it just so"
    return ""


def _attempts(
    made: Matrix, written: Mapping[str, Any], cells: Sequence[Mapping[str, Value]]
) -> dict[int, tuple[int, FieldPath]]:
    """The attempt of each cell that has an entry in `attempts`, and where that stands."""
    axes: dict[str, list[Value]] = {}
    for cell in cells:
        for name, value in cell.items():
            axes.setdefault(name, []).append(value)
    found: dict[int, tuple[int, FieldPath]] = {}
    for path, entry in _entries(made, written, "attempts"):
        attempt = entry.get("attempt")
        if type(attempt) is not int or not 1 <= attempt <= _MOST_ATTEMPTS:
            made.problem(
                "matrix-attempts", path, "'attempt' is missing, or no number from 1 on", "such as `attempt: 2`"
            )
            continue
        wanted = {name: value for name, value in entry.items() if name != "attempt"}
        meant = _matching(made, path, wanted, cells, axes)
        if len(meant) > 1:
            told = f"{len(meant)} cells have {_told(wanted)}" if wanted else "this names no cell"
            made.problem("matrix-attempts", path, told, "an entry raises one cell: name each of its axes")
            continue
        for number in meant:
            if number in found:
                made.problem(
                    "matrix-attempts", path, "this cell has an entry already", f"at {field_name(found[number][1])}"
                )
            found[number] = attempt, path
    return found


def _same(one: object, other: object) -> bool:
    """True for equal values of one type: `1` is neither `true` nor `"1"`."""
    return type(one) is type(other) and one == other


def _shown(value: Value) -> str:
    return f'"{one_line(value, 40)}"' if isinstance(value, str) else one_line(spelled(value), 40)


def _told(values: Mapping[str, Value]) -> str:
    return ", ".join(f"{name}={_shown(value)}" for name, value in values.items())
