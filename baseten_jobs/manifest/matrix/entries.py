"""The entries of a matrix's `include`, `exclude` and `attempts` -> the cells that they mean."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from baseten_jobs.manifest.diagnostics import FieldPath, field_name
from baseten_jobs.manifest.matrix.axes import AXIS, Axes, Matrix, is_value, same, shown
from baseten_jobs.manifest.matrix.placeholders import Value
from baseten_jobs.manifest.yaml_scalars import spelled
from baseten_jobs.phrases import listed, nearest
from baseten_jobs.secrecy import quoted

_MOST_ATTEMPTS = 999_999_999


Entry = tuple[FieldPath, Mapping[str, Value]]
"""Where an entry stands, and what it says."""


def entries_of(made: Matrix, written: Mapping[str, Any], section: str) -> Iterator[Entry]:
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
            sound = is_value(made, (*at, name), value) and sound
            if section == "include" and not AXIS.fullmatch(name):
                made.problem("matrix-axis", (*at, name), f"{quoted(name, 40)} is no name of an axis", of_key=True)
                sound = False
        if sound:
            yield at, entry


def without_excluded(
    made: Matrix, written: Mapping[str, Any], cells: Sequence[Mapping[str, Value]]
) -> list[Mapping[str, Value]]:
    gone: set[int] = set()
    for path, entry in entries_of(made, written, "exclude"):
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
        if all(name in cell and same(value, cell[name]) for name, value in entry.items())
    }
    if not found:
        made.problem("matrix-cells", path, f"no cell has {_told(entry)}", _typed_otherwise(entry, axes))
    return found


def _typed_otherwise(entry: Mapping[str, Value], axes: Axes) -> str:
    """The hint where a value is there, but of another type: values are compared with their types."""
    for name, value in entry.items():
        for other in axes[name]:
            if not same(value, other) and spelled(value) == spelled(other):
                return f"'{name}' has {shown(other)}: write it just so"
    return ""


def attempts_of(
    made: Matrix, written: Mapping[str, Any], cells: Sequence[Mapping[str, Value]]
) -> dict[int, tuple[int, FieldPath]]:
    """The attempt of each cell that has an entry in `attempts`, and where that stands."""
    axes: dict[str, list[Value]] = {}
    for cell in cells:
        for name, value in cell.items():
            axes.setdefault(name, []).append(value)
    found: dict[int, tuple[int, FieldPath]] = {}
    for path, entry in entries_of(made, written, "attempts"):
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


def _told(values: Mapping[str, Value]) -> str:
    return ", ".join(f"{name}={shown(value)}" for name, value in values.items())
