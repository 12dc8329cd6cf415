"""The entries of a matrix's `include`, `exclude`, `attempts` and `adopts` -> the cells that they mean."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from baseten_jobs.manifest.diagnostics import FieldPath, field_name
from baseten_jobs.manifest.matrix.axes import AXIS, SECTIONS, Axes, Matrix, is_value, same, shown
from baseten_jobs.manifest.matrix.placeholders import Value
from baseten_jobs.manifest.yaml_scalars import spelled
from baseten_jobs.phrases import listed, nearest
from baseten_jobs.secrecy import quoted

_MOST_ATTEMPTS = 999_999_999


Entry = tuple[FieldPath, Mapping[str, Any]]
"""Where an entry stands, and what it says."""


def entries_of(made: Matrix, written: Mapping[str, Any], section: str) -> Iterator[Entry]:
    """The entries of `include`, `exclude`, `attempts` or `adopts`; those of a wrong form become diagnostics."""
    entries, path = written.get(section), ("matrix", section)
    if entries is None:
        return
    example = _example(section)
    if not isinstance(entries, list):
        told = f"'{section}' is a list of mappings"
        made.problem("matrix-cells", path, told, f"such as `{section}: [{example}]`", of_key=True)
        return
    if entries and not any(isinstance(entry, dict | list) for entry in entries):
        told, hint = f"'{section}' is no name of an axis", f"it has mappings, such as `{example}`"
        made.problem("matrix-axis", path, told, hint, of_key=True)
        return
    for index, entry in enumerate(entries):
        at = (*path, index)
        if not isinstance(entry, dict) or not entry:
            made.problem("matrix-cells", at, f"an entry of '{section}' is a mapping of axes", f"such as `{example}`")
            continue
        misspelt = _misspelt(entry, section, made)
        if misspelt:
            near = f"did you mean '{_SINGLE[section].holds}'?"
            told = f"there is no axis {quoted(misspelt, 40)}"
            made.problem("matrix-axis", (*at, misspelt), told, near, of_key=True)
            continue
        unsound = [name for name, value in entry.items() if not _is_sound(made, section, (*at, name), value)]
        if not unsound:
            yield at, entry


def _example(section: str) -> str:
    return f"{{seed: 3, {_SINGLE[section].example}}}" if section in _SINGLE else "{seed: 3}"


def _misspelt(entry: Mapping[str, Any], section: str, made: Matrix) -> str:
    """The name in an entry that is probably meant for what the entry holds for its cell; empty if there is none."""
    holds = _SINGLE[section].holds if section in _SINGLE else ""
    if not holds or holds in entry:
        return ""
    return next((name for name in entry if name not in made.places and nearest(name, [holds])), "")


def _is_sound(made: Matrix, section: str, path: FieldPath, value: Any) -> bool:
    name = str(path[-1])
    if section in _SINGLE and name == _SINGLE[section].holds:
        return True
    sound = is_value(made, path, value)
    if section == "include" and (name in SECTIONS or not AXIS.fullmatch(name)):
        made.problem("matrix-axis", path, f"{quoted(name, 40)} is no name of an axis", of_key=True)
        return False
    return sound


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


def attempts_of(made: Matrix, written: Mapping[str, Any], cells: Sequence[Mapping[str, Value]]) -> Mapping[int, Entry]:
    """The entry in `attempts` of each cell that has one, by the number of the cell."""

    def wrong(path: FieldPath, message: str, hint: str) -> None:
        made.problem("matrix-attempts", path, message, hint)

    return _of_single_cells(made, written, _ATTEMPTS, cells, wrong)


def adopts_of(made: Matrix, written: Mapping[str, Any], cells: Sequence[Mapping[str, Value]]) -> Mapping[int, Entry]:
    """The entry in `adopts` of each cell that has one, by the number of the cell."""

    def wrong(path: FieldPath, message: str, hint: str) -> None:
        made.problem("matrix-adopts", path, message, hint)

    return _of_single_cells(made, written, _ADOPTS, cells, wrong)


def _is_attempt(value: object) -> bool:
    return type(value) is int and 1 <= value <= _MOST_ATTEMPTS


def _is_mapping(value: object) -> bool:
    return isinstance(value, dict)


@dataclass(frozen=True)
class _Section:
    """A list of entries that mean one cell each, and have something for it in the field `holds`."""

    name: str
    holds: str
    example: str
    takes: Callable[[object], bool]
    missing: str
    single: str


_ATTEMPTS = _Section(
    "attempts", "attempt", "attempt: 2", _is_attempt, "no number from 1 on", "an entry raises one cell"
)  # fmt: skip
_ADOPTS = _Section(
    "adopts", "adopts", 'adopts: {job: wfmmjzx, digest: "2f96f1a5dba5"}', _is_mapping, "no mapping",
    "a job is adopted by one cell",
)  # fmt: skip
_SINGLE: Mapping[str, _Section] = MappingProxyType({each.name: each for each in (_ATTEMPTS, _ADOPTS)})


def _of_single_cells(
    made: Matrix,
    written: Mapping[str, Any],
    section: _Section,
    cells: Sequence[Mapping[str, Value]],
    wrong: Callable[[FieldPath, str, str], None],
) -> dict[int, Entry]:
    axes: dict[str, list[Value]] = {}
    for cell in cells:
        for name, value in cell.items():
            axes.setdefault(name, []).append(value)
    found: dict[int, Entry] = {}
    for path, entry in entries_of(made, written, section.name):
        if not section.takes(entry.get(section.holds)):
            told = f"'{section.holds}' is missing, or {section.missing}"
            wrong(path, told, f"such as `{section.example}`")
            continue
        wanted = {name: value for name, value in entry.items() if name != section.holds}
        meant = _matching(made, path, wanted, cells, axes)
        if len(meant) > 1:
            told = f"{len(meant)} cells have {_told(wanted)}" if wanted else "this names no cell"
            wrong(path, told, f"{section.single}: name each of its axes")
            continue
        for number in meant:
            if number in found:
                other = field_name(found[number][0])
                wrong(path, "this cell has an entry already", f"at {other}")
            found[number] = path, entry
    return found


def _told(values: Mapping[str, Value]) -> str:
    return ", ".join(f"{name}={shown(value)}" for name, value in values.items())
