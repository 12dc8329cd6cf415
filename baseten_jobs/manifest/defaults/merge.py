"""Two sections, of which one extends the other -> one section, and where each of its values stands."""

import posixpath
from collections.abc import Mapping
from typing import Any

from baseten_jobs.manifest.normalisation import FOLDS, SHORTHANDS
from baseten_jobs.manifest.schema.fields import Shape
from baseten_jobs.manifest.yaml_reader import Spot

_PLACES = (("project_id",), ("project", "team"))
"""Fields of metadata that say which project is meant: one way displaces the other."""


def merged(base: Any, over: Any, shape: Shape | None) -> Any:
    """Returns `over` laid over `base`: mappings merge, all else replaces, and null unsets (RFC 7396).

    A value with a shorthand is unfolded first, so that `H100:8` and `{count: 4}` are four H100.
    """
    base, over = unfolded(base, shape), unfolded(over, shape)
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    found = dict(base)
    for key, value in over.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merged(found[key], value, _below(shape, key)) if key in found else without_nulls(value)
    return found


def without_nulls(value: Any) -> Any:
    """Returns a value without the keys that are null, which unset nothing any more; lists stay as they are."""
    if not isinstance(value, dict):
        return value
    return {key: without_nulls(each) for key, each in value.items() if each is not None}


def merged_spot(base: tuple[Any, Spot], over: tuple[Any, Spot], shape: Shape | None, source: str) -> Spot:
    """Returns the positions of `merged`: what only `base` has is in the file `source`, unless it says another."""
    (old, from_base), (new, from_over) = base, over
    old, new = unfolded(old, shape), unfolded(new, shape)
    if not isinstance(old, dict) or not isinstance(new, dict):
        return from_over
    below: dict[str | int, Spot] = {}
    for key in old:
        if key not in new:
            spot = from_base.below.get(key) or from_base._replace(below={})
            below[key] = spot if spot.source else spot._replace(source=source)
    for key, value in new.items():
        spot = from_over.below.get(key) or from_over._replace(below={})
        if key in old and value is not None:
            beneath = from_base.below.get(key) or from_base._replace(below={})
            spot = merged_spot((old[key], beneath), (value, spot), _below(shape, key), source)
        if value is not None or key not in old:
            below[key] = spot
    return from_over._replace(below=below)


def unfolded(value: Any, shape: Shape | None) -> Any:
    return FOLDS[shape.fold](value) if shape is not None and shape.fold in SHORTHANDS else value


def _below(shape: Shape | None, key: str) -> Shape | None:
    return shape.field(key) if shape is not None else None


def without_displaced(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the metadata of a base without the fields that `over` says in another way."""
    gone = {
        field
        for one, other in (_PLACES, _PLACES[::-1])
        if any(over.get(field) is not None for field in one[:1])
        for field in other
    }
    return {field: value for field, value in base.items() if field not in gone}


def moved(spec: Any, way: str, shape: Shape | None) -> Any:
    """Returns a spec whose workspace is in the same place for a file elsewhere; `way` leads there from that file.

    An unset root is the manifest's own folder, wherever the base lies.
    """
    if not isinstance(spec, dict) or way == "." or spec.get("workspace") is None:
        return spec
    workspace = unfolded(spec["workspace"], _below(shape, "workspace"))
    if not isinstance(workspace, dict):
        return spec
    there = dict(workspace)
    if isinstance(there.get("root"), str):
        there["root"] = _joined(way, there["root"])
    if isinstance(there.get("external"), list):
        there["external"] = [_joined(way, each) if isinstance(each, str) else each for each in there["external"]]
    return {**spec, "workspace": there}


def _joined(way: str, folder: str) -> str:
    return posixpath.normpath(posixpath.join(way, folder))
