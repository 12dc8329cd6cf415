"""Two specs -> field changes, by what they mean and as they were written. deepdiff lives only here."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from dataclasses import field as attribute
from typing import Any, NamedTuple

from baseten_jobs.job.identity import canonical_form
from baseten_jobs.manifest.diagnostics import FieldPath, field_name
from baseten_jobs.manifest.schema.fields import Shape, shape_of
from baseten_jobs.planning.alignment import align

Moves = tuple[tuple[int, int], ...]
"""(old, new) indices of a list's elements."""

FILE = "spec.workspace/"
"""The field of a workspace's file begins so; its path follows."""


@dataclass(frozen=True)
class Change:
    """One field's old and new value, as written; None if it is unset.

    An index in `field` counts in the new list; only the last index of an element that was removed, whose `new` is
    None, counts in the old list. `moved` are the (old, new) indices of elements of a list that are in another order.
    `path` is the field's path, and `source` the file of Defaults in which the new value stands, if it is in one.
    `given` is True if the new value came by `--set`; of a workspace's file `lines` are how many lines came and went,
    None if that is not known.
    """

    field: str
    old: Any
    new: Any
    _: KW_ONLY
    moved: Moves = ()
    path: FieldPath = attribute(default=(), compare=False, repr=False)

    source: str = ""
    given: bool = False
    lines: tuple[int, int] | None = None


class _Slot(NamedTuple):
    """The index of a list's element in the old and in the new list; None if it is not in that list."""

    old: int | None
    new: int | None


_Path = tuple[str | _Slot, ...]


def changes(old: Mapping[str, Any], new: Mapping[str, Any], api_version: str) -> tuple[Change, ...]:
    """The fields whose meaning differs between two specs; of lists each element, compared with the one that it was."""
    from deepdiff import DeepDiff

    kinds = frozenset({"run", "update"})
    shape = shape_of(api_version).properties["spec"]
    moves: dict[_Path, Moves] = {}
    before, after = _aligned(*(_filled(canonical_form(s, api_version, kinds), shape) for s in (old, new)), moves=moves)
    tree = DeepDiff(before, after, view="tree", verbose_level=2, threshold_to_diff_deeper=0)
    paths = [tuple(item.path(output_format="list")) for items in tree.values() for item in items]
    found: dict[tuple[FieldPath, bool], Change] = {}
    for path in (_whole(each, shape) for each in (*paths, *moves)):
        place = _field(path)
        values = _written(old, _side(path, 0)), _written(new, _side(path, 1))
        whole = ("spec", *place)
        change = Change(field_name(whole), *values, moved=moves.get(path, ()), path=whole)
        key = place, _is_lonely(path)
        found[key] = _with(change, found[key]) if key in found else change
    return tuple(found[key] for key in sorted(found, key=_in_order))


def _with(change: Change, beside: Change) -> Change:
    """One change of two: an element that was removed, and a new one in its place."""
    return replace(change, **{side: value for side in ("old", "new") if (value := getattr(beside, side)) is not None})


def _filled(form: Any, shape: Shape) -> Any:
    """The form with every section, map and list that may be left out, so that only what is in them differs."""
    if not isinstance(form, dict):
        return form
    empty = {n: c.schema["default"] for n, c in shape.properties.items() if c.schema.get("default") in ({}, [])}
    return {name: _filled(each, shape.properties.get(name, shape)) for name, each in {**empty, **form}.items()}


def _aligned(old: Any, new: Any, path: _Path = (), *, moves: dict[_Path, Moves]) -> tuple[Any, Any]:
    """Both with their lists as maps, in which an element has the same key as what it was; equal ones are left out."""
    if isinstance(old, dict) and isinstance(new, dict):
        inner = {n: _aligned(old.get(n), new.get(n), (*path, n), moves=moves) for n in {**old, **new}}
        return {name: inner[name][0] for name in old}, {name: inner[name][1] for name in new}
    if not (isinstance(old, list) and isinstance(new, list)):
        return old, new
    alignment = align(old, new)
    if alignment.moved:
        moves[path] = alignment.moved
    before: dict[_Slot, Any] = {_Slot(i, None): old[i] for i in alignment.removed}
    after: dict[_Slot, Any] = {_Slot(None, j): new[j] for j in alignment.added}
    for i, j in alignment.changed:
        slot = _Slot(i, j)
        before[slot], after[slot] = _aligned(old[i], new[j], (*path, slot), moves=moves)
    return before, after


def _whole(path: _Path, shape: Shape) -> _Path:
    """A path cut where a value has a short spelling: `H100:8` is one value, though the spec has fields in it."""
    for length, part in enumerate(path):
        if shape.fold or shape.schema.get("x-rule") == "environment-string":
            return path[:length]
        following = shape.items if isinstance(part, _Slot) else shape.field(part)
        if following is None:
            return path
        shape = following
    return path


def _side(path: _Path, side: int) -> Sequence[str | int | None]:
    return [part[side] if isinstance(part, _Slot) else part for part in path]


def _field(path: _Path) -> FieldPath:
    parts = ((part.old if part.new is None else part.new) if isinstance(part, _Slot) else part for part in path)
    return tuple(part for part in parts if part is not None)


def _is_lonely(path: _Path) -> bool:
    return bool(path) and isinstance(path[-1], _Slot) and None in path[-1]


def _in_order(key: tuple[FieldPath, bool]) -> tuple[list[tuple[str, int]], bool]:
    """Fields by name, elements by number; what was taken away or added before what changed."""
    path, lonely = key
    return [("", part) if isinstance(part, int) else (part, 0) for part in path], not lonely


def _written(value: Any, path: Sequence[str | int | None]) -> Any:
    """The value at a path as it was written; None if there is none."""
    for part in path:
        if isinstance(value, dict) and isinstance(part, str):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int):
            value = value[part]
        else:
            return None
    return value
