"""Document -> diagnostics, against the schema that its apiVersion names. jsonschema lives only here."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from baseten_jobs.diagnostics import Diagnostic, FieldPath, field_name, nearest, one_line
from baseten_jobs.manifest import Document, Odd
from baseten_jobs.secrecy import names_a_secret

KIND = "TrainingJob"
_FOLDERS: Mapping[str, str] = MappingProxyType({"baseten-jobs/v1": "v1"})
SUPPORTED = tuple(_FOLDERS)


@dataclass(frozen=True)
class Shape:
    """What the schema says of one field, references resolved: the tree that normalising walks."""

    schema: Mapping[str, Any]
    properties: Mapping[str, "Shape"]
    items: "Shape | None"
    values: "Shape | None"
    variants: Mapping[str, "Shape"]

    @property
    def identity(self) -> str:
        """`run`, `update` or `none`: what a change of this field means."""
        return str(self.schema.get("x-identity", "run"))

    @property
    def fold(self) -> str:
        """The name of the fold that brings the field's spellings to one value, or nothing."""
        return str(self.schema.get("x-fold", ""))

    @property
    def discriminator(self) -> str:
        return str(self.schema.get("x-discriminator", ""))

    def variant(self, value: Mapping[str, Any]) -> "Shape":
        """The one of several alternatives that `value` says it is."""
        return self.variants.get(str(value.get(self.discriminator)), self) if self.variants else self


def schema_text(api_version: str) -> str:
    """The schema as it is published; raises KeyError for a version that is not supported."""
    folder = Path(__file__).parent / "schemas"
    if not folder.is_dir():  # an editable install, or the checkout itself
        folder = Path(__file__).parent.parent / "schemas"
    return (folder / _FOLDERS[api_version] / "training-job.schema.json").read_text(encoding="utf-8")


@cache
def schema_of(api_version: str) -> Mapping[str, Any]:
    """The schema as data; not to be changed."""
    schema: Mapping[str, Any] = json.loads(schema_text(api_version))
    return schema


@cache
def shape_of(api_version: str) -> Shape:
    """The schema as a tree of fields."""
    root = schema_of(api_version)
    return _shape(root, root["$defs"])


def _shape(node: Mapping[str, Any], defs: Mapping[str, Any]) -> Shape:
    if "$ref" in node:
        node = {**defs[node["$ref"].removeprefix("#/$defs/")], **{k: v for k, v in node.items() if k != "$ref"}}
    alternatives = [_shape(alternative, defs) for alternative in node.get("oneOf", ())]
    discriminator = node.get("x-discriminator", "")
    values = node.get("additionalProperties")
    return Shape(
        node,
        {name: _shape(child, defs) for name, child in node.get("properties", {}).items()},
        _shape(node["items"], defs) if "items" in node else None,
        _shape(values, defs) if isinstance(values, dict) else None,
        {a.properties[discriminator].schema["const"]: a for a in alternatives},
    )


def check(document: Document) -> tuple[Diagnostic, ...]:
    """Everything that the schema has to say of a document."""
    data = document.data
    if not isinstance(data, dict):
        found = "a list" if isinstance(data, list) else "a single value"
        return (
            Diagnostic(
                "type",
                f"{found} is not a manifest",
                document.position(),
                hint="a manifest is a mapping with apiVersion, kind, metadata and spec",
            ),
        )
    if problem := _wrong_version(document, data):
        return (problem,)
    diagnostics = []
    for error in _worth_telling(_validator(data["apiVersion"]).iter_errors(data)):
        diagnostics += _WORDINGS.get(error.validator, _other)(error, document)
    return tuple(diagnostics)


def _wrong_version(document: Document, data: Mapping[str, Any]) -> Diagnostic | None:
    for name, supported in (("apiVersion", SUPPORTED), ("kind", (KIND,))):
        choice = " or ".join(f"'{one}'" for one in supported)
        if name not in data:
            return Diagnostic("required", f"'{name}' is missing", document.position(), hint=f"supported: {choice}")
        if data[name] not in supported:
            return Diagnostic(
                "unsupported",
                f"{_shown(document, (name,), data[name])} is not supported",
                document.position((name,)),
                name,
                f"supported: {choice}",
            )
    return None


@cache
def _validator(api_version: str) -> Any:
    from jsonschema import Draft202012Validator, ValidationError
    from jsonschema.validators import extend

    checker = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)

    def pattern(_: Any, wanted: str, value: object, schema: Any) -> Iterator[ValidationError]:
        # In JSON Schema `$` is the very end; in Python it also matches before a last newline.
        if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", wanted), value):
            yield ValidationError(f"{value!r} does not match {wanted!r}")

    return extend(  # type: ignore[no-untyped-call]
        Draft202012Validator, {"pattern": pattern}, type_checker=checker
    )(schema_of(api_version))


_FIRST_COME = ("type", "const", "enum", "minLength", "pattern")


def _worth_telling(errors: Iterable[Any]) -> list[Any]:
    """One error a value where several say the same, and the right alternative's errors for a `oneOf`."""
    kept: dict[tuple[Any, ...], Any] = {}
    for error in _alternatives(errors):
        path = tuple(error.absolute_path)
        if isinstance(error.instance, Odd) and error.instance.kind == "tagged":
            continue
        if error.validator not in _FIRST_COME:
            kept[(path, error.validator, error.message)] = error
        elif path not in kept or _FIRST_COME.index(kept[path].validator) > _FIRST_COME.index(error.validator):
            kept[path] = error
    return list(kept.values())


def _alternatives(errors: Iterable[Any]) -> Iterator[Any]:
    for error in errors:
        if error.validator != "oneOf":
            yield error
            continue
        discriminator = error.schema["x-discriminator"]
        branches: dict[int, list[Any]] = {}
        for inner in error.context:
            branches.setdefault(inner.schema_path[0], []).append(inner)
        said = [branch for branch in branches.values() if not _denied(branch, discriminator)]
        yield from said[0] if said else [error]


def _denied(branch: Iterable[Any], discriminator: str) -> bool:
    return any(
        (e.validator == "const" and list(e.path)[-1:] == [discriminator])
        or (e.validator == "required" and discriminator not in e.instance)
        or (e.validator == "type" and not e.path)
        for e in branch
    )


_TYPES = {
    "string": "a string",
    "integer": "an integer",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
    "null": "null",
}


def _shown(document: Document, path: FieldPath, value: object) -> str:
    """A value as a message quotes it: as written; what may be a secret, and anything long, by its kind."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return f"'{one_line(value, 60)}'"
    written = document.written(path)
    return one_line(written if written else "null", 60)


def _kind_of(value: object) -> str:
    if isinstance(value, Odd):
        return f"a {value.kind}" if value.kind != "integer" else "an integer"
    kinds = {bool: "a boolean", int: "a number", str: "a string", dict: "a mapping", list: "a list"}
    return kinds.get(type(value), "null")


def _at(document: Document, error: Any, message: str, hint: str = "", rule: str = "") -> list[Diagnostic]:
    path = tuple(error.absolute_path)
    rule = rule or error.schema.get("x-rule") or error.validator
    return [Diagnostic(rule, message, document.position(path), field_name(path), hint)]


def _type(error: Any, document: Document) -> list[Diagnostic]:
    path, value, wanted = tuple(error.absolute_path), error.instance, error.validator_value
    wanted = [kind for kind in ([wanted] if isinstance(wanted, str) else wanted) if kind != "null"]
    expected = " or ".join(_TYPES[kind] for kind in wanted)
    scalar = not isinstance(value, (str, dict, list))
    if scalar and "enum" in error.schema:
        allowed = [choice for choice in error.schema["enum"] if choice is not None]
        return _not_one_of(error, document, path, allowed, "enum")
    if scalar and "x-expected" in error.schema and "x-rule" not in error.schema and path[-1] != "name":
        shown = _shown(document, path, value)
        return _at(document, error, f"{shown} is not {expected}", f"expected {error.schema['x-expected']}")
    if "string" in wanted and scalar:
        written = document.written(path) or ""
        if path[-2:-1] == ("environment_variables",) and names_a_secret(str(path[-1])):
            return _at(document, error, f"{_kind_of(value)} is not a string, quote it")
        shown = _shown(document, path, value)
        return _at(document, error, f"{shown} is not a string, quote it", json.dumps(written, ensure_ascii=False))
    if isinstance(value, str) and "string" not in wanted and wanted[0] in ("object", "array"):
        return _at(document, error, f"a string is not {expected}")
    hint = ""
    if isinstance(value, Odd) and value.kind == "integer" and "integer" in wanted:
        return _at(document, error, f"{one_line(value.text)} is not a plain integer", "write it in decimal digits")
    if isinstance(value, str) and "integer" in wanted and re.fullmatch(r"-?[0-9]+", value):
        hint = f"write it without quotes: {one_line(value)}"
    if isinstance(value, str) and "boolean" in wanted and value.lower() in ("true", "false"):
        hint = f"write it without quotes: {value.lower()}"
    return _at(document, error, f"{_shown(document, path, value)} is not {expected}", hint)


def _required(error: Any, document: Document) -> list[Diagnostic]:
    path = tuple(error.absolute_path)
    position = document.position(path, of_key=True)
    return [
        Diagnostic("required", f"'{name}' is missing", position, field_name(path))
        for name in error.validator_value
        if name not in error.instance
    ]


def _unknown(error: Any, document: Document) -> list[Diagnostic]:
    path = tuple(error.absolute_path)
    known = error.schema.get("properties", {})
    api_version = document.data["apiVersion"]
    return [
        Diagnostic(
            "unknown-field",
            f"'{one_line(name)}' is not a field here",
            document.position((*path, name), of_key=True),
            field_name(path),
            _where_instead(name, error.schema, path, api_version),
        )
        for name in error.instance
        if name not in known
    ]


def _where_instead(name: str, schema: Mapping[str, Any], path: FieldPath, api_version: str) -> str:
    if told := schema.get("x-hints", {}).get(name):
        return str(told)
    if near := nearest(name, tuple(schema.get("properties", {}))):
        return f"did you mean '{near}'?"
    places = _places(api_version)
    meant = name if name in places else nearest(name, tuple(places))
    elsewhere = [place for place in places.get(meant, ()) if place != field_name(path)]
    if len(elsewhere) != 1:
        return ""
    section = f"'{elsewhere[0]}'" if elsewhere[0] else "the top level"
    return f"it belongs to {section}" if meant == name else f"did you mean '{meant}' of {section}?"


@cache
def _places(api_version: str) -> Mapping[str, tuple[str, ...]]:
    """For each field's name the sections that have it."""
    places: dict[str, tuple[str, ...]] = {}

    def visit(shape: Shape, path: str) -> None:
        for name, child in shape.properties.items():
            places[name] = (*places.get(name, ()), path)
            visit(child, f"{path}.{name}" if path else name)

    visit(shape_of(api_version), "")
    return places


def _choice(error: Any, document: Document) -> list[Diagnostic]:
    allowed = error.validator_value if error.validator == "enum" else [error.validator_value]
    return _not_one_of(error, document, tuple(error.absolute_path), [a for a in allowed if a is not None], "enum")


def _not_one_of(error: Any, document: Document, path: FieldPath, allowed: list[str], rule: str) -> list[Diagnostic]:
    value = error.instance if path == tuple(error.absolute_path) else error.instance[path[-1]]
    near = nearest(value, allowed) if isinstance(value, str) else ""
    message = f"{_shown(document, path, value)} is not one of {', '.join(allowed)}"
    hint = f"did you mean '{near}'?" if near else ""
    return [Diagnostic(rule, message, document.position(path), field_name(path), hint)]


def _no_alternative(error: Any, document: Document) -> list[Diagnostic]:
    path, discriminator = tuple(error.absolute_path), error.schema["x-discriminator"]
    if not isinstance(error.instance, dict):
        return _at(document, error, f"{_shown(document, path, error.instance)} is not a mapping", rule="type")
    shape = _shape(error.schema, schema_of(document.data["apiVersion"])["$defs"])
    if discriminator not in error.instance:
        return [
            Diagnostic(
                "required",
                f"'{discriminator}' is missing",
                document.position(path, of_key=True),
                field_name(path),
                f"one of {', '.join(shape.variants)}",
            )
        ]
    return _not_one_of(error, document, (*path, discriminator), list(shape.variants), "enum")


def _bound(error: Any, document: Document) -> list[Diagnostic]:
    side = "less than the minimum" if error.validator == "minimum" else "more than the maximum"
    return _at(document, error, f"{error.instance} is {side} of {error.validator_value}")


def _length(error: Any, document: Document) -> list[Diagnostic]:
    if error.validator == "minLength":
        return _at(document, error, "an empty string can't stand here", rule="empty")
    shown, length = one_line(error.instance, 60), len(error.instance)
    return _at(document, error, f"'{shown}' has {length} characters, at most {error.validator_value} are allowed")


def _pattern(error: Any, document: Document) -> list[Diagnostic]:
    path, expected = tuple(error.absolute_path), error.schema.get("x-expected", "")
    hint = f"expected {expected}"
    if path == ("metadata", "name"):
        slug = re.sub(r"[^a-z0-9]+", "-", error.instance.lower()).strip("-")[:40].strip("-")
        hint += f", such as '{slug}'" if slug else ""
    return _at(document, error, f"'{one_line(error.instance, 60)}' is not allowed", hint)


def _other(error: Any, document: Document) -> list[Diagnostic]:
    return _at(document, error, one_line(error.message))


_WORDINGS: Mapping[str, Callable[[Any, Document], list[Diagnostic]]] = MappingProxyType(
    {
        "type": _type,
        "required": _required,
        "additionalProperties": _unknown,
        "enum": _choice,
        "const": _choice,
        "oneOf": _no_alternative,
        "minimum": _bound,
        "maximum": _bound,
        "minLength": _length,
        "maxLength": _length,
        "pattern": _pattern,
    }
)
