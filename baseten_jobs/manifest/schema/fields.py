"""The published schema -> a tree of fields, with references resolved."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType
from typing import Any

KIND, DEFAULTS, POLICY, MATRIX, ANY = "TrainingJob", "TrainingJobDefaults", "Policy", "matrix", "any"
_FILES: Mapping[str, str] = MappingProxyType(
    {KIND: "training-job", DEFAULTS: "training-job-defaults", POLICY: "policy", MATRIX: "matrix", ANY: "manifest"}
)
KINDS = (KIND, DEFAULTS, POLICY)
"""What a document may describe: a job, what jobs have in common, what holds for those of a folder. The schema of `ANY`
is for editors: it takes each of them as it is written."""

WRITTEN = ("extends", "matrix")
"""Fields of a document that no manifest has any more, once it is merged and expanded."""

_FOLDERS: Mapping[str, str] = MappingProxyType({"baseten-jobs/v1": "v1"})
SUPPORTED = tuple(_FOLDERS)


@dataclass(frozen=True)
class Shape:
    """One field of the schema, with references resolved, and the fields below it."""

    schema: Mapping[str, Any]
    properties: Mapping[str, "Shape"]
    items: "Shape | None"
    values: "Shape | None"
    variants: Mapping[str, "Shape"]

    @property
    def identity(self) -> str:
        """What a change of the field leads to: `run` to a new job, `update` to a change in place, `none` to neither."""
        return str(self.schema.get("x-identity", "run"))

    @property
    def fold(self) -> str:
        """The name of the fold that returns one value for all spellings of the field, or "" for none."""
        return str(self.schema.get("x-fold", ""))

    @property
    def discriminator(self) -> str:
        return str(self.schema.get("x-discriminator", ""))

    def field(self, name: str) -> "Shape | None":
        """Returns the field `name` below this one, from whichever alternative has it, or None."""
        inner = self.properties.get(name) or self.values
        return inner or next((v.properties[name] for v in self.variants.values() if name in v.properties), None)

    def variant(self, value: Mapping[str, Any]) -> "Shape":
        """Returns the alternative that the discriminator in `value` names; the field itself if there is none."""
        return self.variants.get(str(value.get(self.discriminator)), self) if self.variants else self


@dataclass(frozen=True)
class Updatable:
    """A field of the spec that the API changes on a waiting job: one that the schema marks `x-identity: update`.

    `path` is its place within `spec`. `api` is its place in a job as the API shows it, and in the body that changes
    it: the field's `x-api`, with dots between names, or `path` where the schema gives none.
    """

    path: tuple[str, ...]
    api: tuple[str, ...]
    shape: Shape = field(repr=False, compare=False)


def schema_text(api_version: str, kind: str = KIND) -> str:
    """Returns the text of the published schema; raises KeyError for a version or kind that is not supported."""
    package = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    folder = os.path.join(package, "schemas")
    if not os.path.isdir(folder):  # an editable install, or the checkout itself
        folder = os.path.join(os.path.dirname(package), "schemas")
    with open(os.path.join(folder, _FOLDERS[api_version], f"{_FILES[kind]}.schema.json"), encoding="utf-8") as file:
        return file.read()


@cache
def schema_of(api_version: str, kind: str = KIND) -> Mapping[str, Any]:
    """Returns the schema as data, which must not be changed."""
    schema: Mapping[str, Any] = json.loads(schema_text(api_version, kind))
    return schema


def matrix_schema(api_version: str) -> Mapping[str, Any]:
    """Returns the schema of a matrix, whose `$defs` have what it takes from that of a manifest, by its reference."""
    job = schema_of(api_version)
    adopts = job["properties"]["metadata"]["properties"]["adopts"]
    return {**schema_of(api_version, MATRIX), "$defs": {f"{job['$id']}#/properties/metadata/properties/adopts": adopts}}


@cache
def shape_of(api_version: str, kind: str = KIND) -> Shape:
    """Returns the schema as a tree of fields."""
    root = schema_of(api_version, kind)
    return shape_under(root, root["$defs"])


@cache
def written_shape_of(api_version: str) -> Shape:
    """Returns the fields of a document as it is written: those of a manifest, `matrix` and `extends`."""
    whole, matrix = shape_of(api_version), matrix_schema(api_version)
    extends = shape_of(api_version, DEFAULTS).properties["extends"]
    written = dict(zip(WRITTEN, (extends, shape_under(matrix, matrix["$defs"])), strict=True))
    return replace(whole, properties={**whole.properties, **written})


def kinds_at(api_version: object, path: Sequence[str | int]) -> Sequence[str]:
    """Returns the types that the schema allows at a path of a document; none for a path that it does not have."""
    shape: Shape | None = shape_of(str(api_version)) if api_version in SUPPORTED else None
    for part in path:
        if shape is not None:
            shape = shape.items if isinstance(part, int) else shape.field(part)
    kinds = shape.schema.get("type", ()) if shape is not None else ()
    return [kinds] if isinstance(kinds, str) else kinds


@cache
def updatable_fields(api_version: str) -> tuple[Updatable, ...]:
    """Returns the fields of `spec` that the API changes on a waiting job, the outermost first.

    Elements of lists, entries of maps and parts of a value with a shorthand have no fixed path, and are left out.
    """
    found = _updatable(shape_of(api_version).properties["spec"], ())
    return tuple(sorted(found, key=lambda each: (len(each.path), each.path)))


def _updatable(section: Shape, above: tuple[str, ...]) -> Iterator[Updatable]:
    for name, child in section.properties.items():
        path = (*above, name)
        if child.identity == "update":
            yield Updatable(path, tuple(child.schema.get("x-api", ".".join(path)).split(".")), child)
        elif child.identity == "run" and not child.fold:
            yield from _updatable(child, path)


def shape_under(node: Mapping[str, Any], defs: Mapping[str, Any]) -> Shape:
    """Returns a node of the schema as a tree; `defs` are the schema's definitions."""
    if "$ref" in node:
        node = {**defs[node["$ref"].removeprefix("#/$defs/")], **{k: v for k, v in node.items() if k != "$ref"}}
    alternatives = [shape_under(alternative, defs) for alternative in node.get("oneOf", ())]
    discriminator = node.get("x-discriminator", "")
    values = node.get("additionalProperties")
    return Shape(
        node,
        {name: shape_under(child, defs) for name, child in node.get("properties", {}).items()},
        shape_under(node["items"], defs) if "items" in node else None,
        shape_under(values, defs) if isinstance(values, dict) else None,
        {a.properties[discriminator].schema["const"]: a for a in alternatives},
    )
