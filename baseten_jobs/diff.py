"""Two specs -> field changes, by what they mean and as they were written. deepdiff lives only here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from baseten_jobs.diagnostics import FieldPath, field_name
from baseten_jobs.identity import canonical_form
from baseten_jobs.secrecy import hidden
from baseten_jobs.shape import Shape, shape_of

MASK = "***"
_ENVIRONMENT = ("spec", "runtime", "environment_variables")


@dataclass(frozen=True)
class Change:
    """One field's old and new value, as written; nothing where unset."""

    field: str
    old: Any
    new: Any


def changes(old: Mapping[str, Any], new: Mapping[str, Any], api_version: str) -> tuple[Change, ...]:
    """What differs in meaning between two specs; a list's elements one by one."""
    from deepdiff import DeepDiff

    kinds = frozenset({"run", "update"})
    shape = shape_of(api_version).properties["spec"]
    before_form, after_form = (_filled(canonical_form(spec, api_version, kinds), shape) for spec in (old, new))
    tree = DeepDiff(before_form, after_form, view="tree", verbose_level=2, threshold_to_diff_deeper=0)
    paths = {}
    for items in tree.values():
        for item in items:
            before, after = (_whole(tuple(path), shape) for path in _both(item))
            paths[before or after] = (before, after)
    found = [
        Change(field_name(("spec", *(after or before))), _written(old, before), _written(new, after))
        for before, after in paths.values()
    ]
    return tuple(sorted(found, key=lambda change: change.field))


def _filled(form: Any, shape: Shape) -> Any:
    """The form with every section, map and list that may be left out, so that only what is in them differs."""
    if not isinstance(form, dict):
        return form
    empty = {n: c.schema["default"] for n, c in shape.properties.items() if c.schema.get("default") in ({}, [])}
    return {name: _filled(each, shape.properties.get(name, shape)) for name, each in {**empty, **form}.items()}


def _both(item: Any) -> tuple[Sequence[Any], Sequence[Any]]:
    """The paths of a difference in the old and in the new value; an empty one where it is not there."""
    before = item.path(output_format="list") if item.t1 is not _absent() else ()
    after = item.path(output_format="list", use_t2=True) if item.t2 is not _absent() else ()
    return before, after


def _absent() -> Any:
    from deepdiff.helper import notpresent

    return notpresent


def _whole(path: FieldPath, shape: Shape) -> FieldPath:
    """A path cut where a spelling begins: nobody wrote the inside of `H100:8`."""
    for length, part in enumerate(path):
        if shape.fold or shape.schema.get("x-rule") == "environment-string":
            return path[:length]
        following = shape.properties.get(str(part)) or shape.values or shape.items
        following = following or next(
            (v.properties[str(part)] for v in shape.variants.values() if str(part) in v.properties), None
        )
        if following is None:
            return path
        shape = following
    return path


def _written(value: Any, path: FieldPath) -> Any:
    if not path:
        return None
    for part in path:
        if value is None:
            return None
        value = value.get(part) if isinstance(value, dict) else value[int(part)]
    return value


def masked(change: Change) -> Change:
    """A change as it may be shown: no value of the environment, nothing that looks like a secret."""
    environment = field_name(_ENVIRONMENT)
    inside, around = change.field.startswith(environment), environment.startswith(f"{change.field}.")
    old, new = (_masked(value, inside or (around and isinstance(value, str))) for value in (change.old, change.new))
    return Change(change.field, old, new)


def _masked(value: Any, in_environment: bool) -> Any:
    if isinstance(value, str):
        return MASK if in_environment else hidden(value, MASK)
    if isinstance(value, dict):
        if in_environment and set(value) == {"name"}:
            return value
        return {k: _masked(v, in_environment or k == _ENVIRONMENT[-1]) for k, v in value.items()}
    return [_masked(each, in_environment) for each in value] if isinstance(value, list) else value
