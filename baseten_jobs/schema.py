"""Document -> diagnostics, against the schema that its apiVersion names. jsonschema lives only here."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from baseten_jobs.diagnostics import Diagnostic, FieldPath, field_name, nearest, one_line
from baseten_jobs.manifest import Document, Odd
from baseten_jobs.secrecy import is_a_secret, names_a_secret, quoted

KIND = "TrainingJob"
_FOLDERS: Mapping[str, str] = MappingProxyType({"baseten-jobs/v1": "v1"})
SUPPORTED = tuple(_FOLDERS)
MAX_PROBLEMS = 200
"""Shown of one document; only a file that was never meant to be a manifest has more."""


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
    if problems := _wrong_version(document, data):
        return problems
    diagnostics: list[Diagnostic] = []
    errors = _validator(data["apiVersion"]).iter_errors(data)
    for error in _worth_telling(islice(errors, MAX_PROBLEMS)):
        diagnostics += _WORDINGS.get(error.validator, _other)(error, document)
    if next(errors, None):
        told = "this manifest has more problems; they are not shown"
        diagnostics.append(Diagnostic("too-many-problems", told, document.position()))
    return tuple(diagnostics)


def supports(document: Document) -> bool:
    """Whether a document is of a version and kind that the schema, and the rules, can speak of."""
    return isinstance(document.data, dict) and not _wrong_version(document, document.data)


def _wrong_version(document: Document, data: Mapping[str, Any]) -> tuple[Diagnostic, ...]:
    return tuple(
        _unsupported(document, data, name, supported)
        for name, supported in (("apiVersion", SUPPORTED), ("kind", (KIND,)))
        if data.get(name) not in supported
    )


def _unsupported(document: Document, data: Mapping[str, Any], name: str, supported: tuple[str, ...]) -> Diagnostic:
    choice = "supported: " + " or ".join(f"'{one}'" for one in supported)
    if name in data:
        message = f"{_shown(document, (name,), data[name])} is not supported"
        return Diagnostic("unsupported", message, document.position((name,)), name, choice)
    near = next((key for key in data if key.lower().replace("_", "") == name.lower()), None)
    if near is None:
        return Diagnostic("required", f"'{name}' is missing", document.position(), hint=choice)
    message = f"{quoted(near)} is not a field here"
    return Diagnostic("unknown-field", message, document.position((near,), of_key=True), hint=f"did you mean '{name}'?")


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
        if _of_a_name(error):
            path = (*path, error.instance)
        if error.validator not in _FIRST_COME:
            kept[(path, error.validator, error.message)] = error
        elif path not in kept or _FIRST_COME.index(kept[path].validator) > _FIRST_COME.index(error.validator):
            kept[path] = error
    return list(kept.values())


def _of_a_name(error: Any) -> bool:
    return "propertyNames" in error.absolute_schema_path


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
    if isinstance(value, (dict, list)) or _private(path):
        return _kind_of(value)
    if isinstance(value, str):
        return quoted(value)
    return one_line(document.written(path) or "null", 60)


def _private(path: FieldPath) -> bool:
    """Whether this is, or is a part of, a variable that seems to hold a secret."""
    if "environment_variables" not in path[:-1]:
        return False
    return names_a_secret(str(path[path.index("environment_variables") + 1]))


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
        return _not_one_of(document, path, value, [choice for choice in error.schema["enum"] if choice is not None])
    shown = _shown(document, path, value)
    if isinstance(value, str) and not {"integer", "boolean"} & set(wanted):
        shown = "a string"
    is_variable = path[-2:-1] == ("environment_variables",)
    if scalar and "string" in wanted and "x-fold" not in error.schema and (is_variable or value is not None):
        written = document.written(path) or ""
        quotes = "" if len(written) > 60 or _private(path) else json.dumps(written, ensure_ascii=False)
        return _at(document, error, f"{shown} is not a string, quote it", quotes)
    if isinstance(value, Odd) and value.kind == "integer" and "integer" in wanted:
        if re.fullmatch(r"[-+]?[0-9]{19,}", value.text):
            return _at(document, error, f"{shown} has too many digits")
        return _at(document, error, f"{shown} is not a plain integer", "write it in decimal digits")
    return _at(document, error, f"{shown} is not {expected}", _meant(error, value, wanted))


def _meant(error: Any, value: object, wanted: list[str]) -> str:
    word = value.lower() if isinstance(value, str) else ""
    if "integer" in wanted and re.fullmatch(r"-?[0-9]{1,18}", word):
        return f"write it without quotes: {word}"
    if "boolean" in wanted and word in _BOOLEANS:
        return f"write it without quotes: {_BOOLEANS[word]}"
    if wanted == ["array"] and isinstance(value, str):
        return "write each entry on a line of its own, with '- ' before it"
    if wanted == ["object"] and isinstance(value, list):
        return "write 'name: value' on each line, without '- '"
    if wanted == ["object"] and list(error.schema.get("properties", ())) == ["name"]:
        return "expected {name: SECRET}"
    return f"expected {error.schema['x-expected']}" if "x-expected" in error.schema else ""


_BOOLEANS = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false"}


def _required(error: Any, document: Document) -> list[Diagnostic]:
    path = tuple(error.absolute_path)
    position = document.position(path, of_key=True)
    return [
        Diagnostic("required", f"'{name}' is missing", position, field_name(path))
        for name in error.validator_value
        if name not in error.instance
    ]


_MANY = 50


def _unknown(error: Any, document: Document) -> list[Diagnostic]:
    path = tuple(error.absolute_path)
    unknown = [name for name in error.instance if name not in error.schema.get("properties", {})]
    told = [
        (name, f"{quoted(name, 120)} is not a field here", _where_instead(name, error.schema, document))
        for name in unknown[:_MANY]
    ]
    told += [(name, f"{len(unknown) - _MANY} more fields are not known here", "") for name in unknown[_MANY:][:1]]
    return [
        Diagnostic("unknown-field", message, document.position((*path, name), of_key=True), field_name(path), hint)
        for name, message, hint in told
    ]


def _where_instead(name: str, schema: Mapping[str, Any], document: Document) -> str:
    if told := schema.get("x-hints", {}).get(name):
        return str(told)
    places, hints = _places(document.data["apiVersion"])
    if name in hints and name not in places:
        return hints[name]
    here = tuple(schema.get("properties", {}))
    sections = places.get(name, ())
    near = nearest(name, here, likeness=0.7) or ("" if sections else nearest(name, here))
    if near:
        return f"did you mean '{near}'?"
    if 1 <= len(sections) <= 2:
        return f"it belongs to {' or '.join(sections)}"
    meant = nearest(name, tuple(places), likeness=0.85)
    return f"did you mean '{meant}' of {places[meant][0]}?" if len(places.get(meant, ())) == 1 else ""


@cache
def _places(api_version: str) -> tuple[Mapping[str, tuple[str, ...]], Mapping[str, str]]:
    """For each field's name the sections that have it, as a message names them; and every hint of the schema."""
    found: dict[str, list[tuple[str, str]]] = {}
    hints: dict[str, str] = {}

    def visit(shape: Shape, path: str, words: str) -> None:
        hints.update(shape.schema.get("x-hints", {}))
        for name, child in shape.properties.items():
            found.setdefault(name, []).append((path, words))
            below = f"{path}.{name}" if path else name
            visit(child, below, f"'{below}'")
        if shape.items:
            visit(shape.items, f"{path}[]", f"'{path}[]'")
        for name, variant in shape.variants.items():
            visit(variant, path, f"'{path}' with {shape.discriminator} {name}")

    visit(shape_of(api_version), "", "the top level")
    return {
        name: tuple(
            words for path, words in places if not any(path.startswith((f"{o}.", f"{o}[")) for o, _ in places if o)
        )
        for name, places in found.items()
    }, hints


def _choice(error: Any, document: Document) -> list[Diagnostic]:
    allowed = error.validator_value if error.validator == "enum" else [error.validator_value]
    path = tuple(error.absolute_path)
    return _not_one_of(document, path, error.instance, [choice for choice in allowed if choice is not None])


def _not_one_of(document: Document, path: FieldPath, value: object, allowed: list[str]) -> list[Diagnostic]:
    near = nearest(value, allowed) if isinstance(value, str) else ""
    message = f"{_shown(document, path, value)} is not one of {', '.join(allowed)}"
    hint = f"did you mean '{near}'?" if near else ""
    return [Diagnostic("enum", message, document.position(path), field_name(path), hint)]


def _no_alternative(error: Any, document: Document) -> list[Diagnostic]:
    path, value, discriminator = tuple(error.absolute_path), error.instance, error.schema["x-discriminator"]
    if not isinstance(value, dict):
        shown = "a string" if isinstance(value, str) else _shown(document, path, value)
        return _at(document, error, f"{shown} is not a mapping", rule="type")
    variants = list(_shape(error.schema, schema_of(document.data["apiVersion"])["$defs"]).variants)
    chosen = value.get(discriminator)
    if isinstance(chosen, Odd) and chosen.kind == "tagged":
        return []
    if discriminator in value:
        return _not_one_of(document, (*path, discriminator), chosen, variants)
    near = nearest(discriminator, tuple(value))
    if near:
        position, message = document.position((*path, near), of_key=True), f"{quoted(near)} is not a field here"
        return [Diagnostic("unknown-field", message, position, field_name(path), f"did you mean '{discriminator}'?")]
    message, hint = f"'{discriminator}' is missing", f"one of {', '.join(variants)}"
    return [Diagnostic("required", message, document.position(path, of_key=True), field_name(path), hint)]


def _bound(error: Any, document: Document) -> list[Diagnostic]:
    side = "less than the minimum" if error.validator == "minimum" else "more than the maximum"
    shown = _shown(document, tuple(error.absolute_path), error.instance)
    return _at(document, error, f"{shown} is {side} of {error.validator_value}")


def _length(error: Any, document: Document) -> list[Diagnostic]:
    if error.validator == "minLength":
        return _at(document, error, "an empty string can't stand here", rule="empty")
    shown, length = quoted(error.instance), len(error.instance)
    return _at(document, error, f"{shown} has {length} characters, at most {error.validator_value} are allowed")


def _pattern(error: Any, document: Document) -> list[Diagnostic]:
    path, value = tuple(error.absolute_path), error.instance
    message, hint = f"{quoted(value)} is not allowed", f"expected {error.schema['x-expected']}"
    if _of_a_name(error):
        position = document.position((*path, value), of_key=True)
        return [Diagnostic("pattern", message, position, field_name(path), hint)]
    if path == ("metadata", "name") and not is_a_secret(value):
        slug = re.sub(r"[^a-z0-9]+", "-", value[:200].lower()).strip("-")[:40].strip("-")
        hint += f", such as '{slug}'" if slug else ""
    return _at(document, error, message, hint)


def _other(error: Any, document: Document) -> list[Diagnostic]:
    return _at(document, error, f"{_shown(document, tuple(error.absolute_path), error.instance)} is not allowed")


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
