"""Errors of the JSON Schema library -> diagnostics in plain words."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from baseten_jobs.manifest.diagnostics import Diagnostic, FieldPath, field_name
from baseten_jobs.manifest.document import Document, Odd
from baseten_jobs.manifest.schema.fast_check import pattern_of
from baseten_jobs.manifest.schema.fields import Shape, schema_of, shape_of, shape_under
from baseten_jobs.manifest.schema.meant import accelerator_meant, integer_meant, value_meant
from baseten_jobs.phrases import nearest, one_line
from baseten_jobs.secrecy import is_a_secret, names_a_secret, quoted

_FIRST_COME = ("type", "const", "enum", "minLength", "pattern")


def worth_telling(errors: Iterable[Any]) -> list[Any]:
    """Yields one error for each value, not several of one meaning; for a `oneOf` those of the alternative meant."""
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


def as_written(document: Document, path: FieldPath, value: object) -> str:
    """Returns a value as a message quotes it: as it is written, or only its kind if it may be a secret or is long."""
    if isinstance(value, (dict, list)) or _private(path):
        return _kind_of(value)
    if isinstance(value, str):
        return quoted(value)
    return one_line(document.written(path) or "null", 60)


def _private(path: FieldPath) -> bool:
    """True if this is a variable that seems to hold a secret, or a part of one."""
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
    return [Diagnostic(rule or _rule_of(error), message, document.position(path), field_name(path), hint)]


def _rule_of(error: Any) -> str:
    """Returns the id of the rule: the field's `x-rule`, or the JSON Schema keyword that the value fails."""
    return str(error.schema.get("x-rule") or error.validator)


def _type(error: Any, document: Document) -> list[Diagnostic]:
    path, value, wanted = tuple(error.absolute_path), error.instance, error.validator_value
    wanted = [kind for kind in ([wanted] if isinstance(wanted, str) else wanted) if kind != "null"]
    expected = " or ".join(_TYPES[kind] for kind in wanted)
    scalar = not isinstance(value, (str, dict, list))
    if scalar and "enum" in error.schema:
        return _not_one_of(document, path, value, [choice for choice in error.schema["enum"] if choice is not None])
    shown = as_written(document, path, value)
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
        return _at(document, error, f"{shown} is not a plain integer", integer_meant(value))
    return _at(document, error, f"{shown} is not {expected}", value_meant(error.schema, path, value, wanted))


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
    places, hints = _places(document.data["apiVersion"], document.data["kind"])
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
def _places(api_version: str, kind: str) -> tuple[Mapping[str, tuple[str, ...]], Mapping[str, str]]:
    """Returns the sections that have a field, by its name, as a message names them; and all hints of the schema."""
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

    visit(shape_of(api_version, kind), "", "the top level")
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
    message = f"{as_written(document, path, value)} is not one of {', '.join(allowed)}"
    hint = f"did you mean '{near}'?" if near else ""
    return [Diagnostic("enum", message, document.position(path), field_name(path), hint)]


def _no_alternative(error: Any, document: Document) -> list[Diagnostic]:
    path, value, discriminator = tuple(error.absolute_path), error.instance, error.schema["x-discriminator"]
    if not isinstance(value, dict):
        shown = "a string" if isinstance(value, str) else as_written(document, path, value)
        return _at(document, error, f"{shown} is not a mapping", rule="type")
    variants = list(
        shape_under(error.schema, schema_of(document.data["apiVersion"], document.data["kind"])["$defs"]).variants
    )
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
    shown = as_written(document, tuple(error.absolute_path), error.instance)
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
    if error.schema.get("x-fold") == "accelerator" and (meant := accelerator_meant(value)):
        hint = f"did you mean '{meant}'?"
    elif value != value.strip() and pattern_of(error.validator_value).search(value.strip()):
        hint = f"write it without the blanks around it: {quoted(value.strip())}"
    elif path == ("metadata", "name") and not is_a_secret(value):
        slug = re.sub(r"[^a-z0-9]+", "-", value[:200].lower()).strip("-")[:40].strip("-")
        hint += f", such as '{slug}'" if slug else ""
    return _at(document, error, message, hint)


def worded(error: Any, document: Document) -> list[Diagnostic]:
    """Returns the message and the hint of an error."""
    return _WORDINGS.get(error.validator, _other)(error, document)


def _other(error: Any, document: Document) -> list[Diagnostic]:
    return _at(document, error, f"{as_written(document, tuple(error.absolute_path), error.instance)} is not allowed")


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
