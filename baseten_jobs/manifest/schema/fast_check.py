"""The schema -> a quick verdict on a document: whether it surely fits. If not, jsonschema finds what is wrong.

A general validator takes longer to import than a hundred manifests take to check. The verdict supports the keywords
that our schema uses; a schema with another keyword fits no value, so that jsonschema decides.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from baseten_jobs.manifest.schema.fields import KIND, schema_of

Check = Callable[[Any], bool]
Verdict = Mapping[type, Check]
"""The check of a value, by its type; a type that is missing does not fit."""

_TYPES: Mapping[str, type] = {
    "object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "null": type(None),
}  # fmt: skip
_ANYTHING: Verdict = dict.fromkeys(_TYPES.values(), lambda value: True)

_SILENT = re.compile(r"\$schema|\$id|\$defs|title|description|examples|default|x-.*")
"""Keywords of a schema that don't decide on what fits."""

_CHECKED = frozenset(
    {"type", "enum", "const", "oneOf", "minLength", "maxLength", "pattern", "minimum", "maximum", "items"}
    | {"properties", "required", "additionalProperties", "propertyNames"}
)


@cache
def verdict_of(api_version: str, kind: str = KIND) -> Verdict:
    """Returns the verdict on whole documents of a version and kind."""
    root = schema_of(api_version, kind)
    return compiled(root, root["$defs"])


def fits(verdict: Verdict, value: object) -> bool:
    """True if a value surely fits."""
    check = verdict.get(type(value))
    return check is not None and check(value)


@cache
def pattern_of(wanted: str) -> re.Pattern[str]:
    """Returns the pattern with `$` as the very end, as in JSON Schema; Python's also matches before a last newline."""
    return re.compile(re.sub(r"\$$", r"\\Z", wanted))


def compiled(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Verdict:
    """Returns the verdict on values of one schema; `defs` are the definitions that it may refer to."""
    words = {word for word in schema if not _SILENT.fullmatch(word)}
    if words == {"$ref"}:
        return compiled(defs[schema["$ref"].removeprefix("#/$defs/")], defs)
    if words - _CHECKED or ("oneOf" in words and words - {"oneOf", "type"}):
        return {}
    names = schema.get("type", tuple(_TYPES))
    kinds = [_TYPES[name] for name in ([names] if isinstance(names, str) else names)]
    if "oneOf" in schema:
        alternatives = [compiled(alternative, defs) for alternative in schema["oneOf"]]
        return dict.fromkeys(kinds, lambda value: sum(fits(each, value) for each in alternatives) == 1)
    return {kind: _all_of(tuple(_checks(kind, schema, defs))) for kind in kinds}


def _all_of(checks: tuple[Check, ...]) -> Check:
    if len(checks) == 1:
        return checks[0]
    return lambda value: all(check(value) for check in checks)


def _checks(kind: type, schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Iterator[Check]:
    for choices in (schema.get("enum"), [schema["const"]] if "const" in schema else None):
        if choices is not None:
            yield tuple(choice for choice in choices if type(choice) is kind).__contains__
    if kind in _OF_TYPE:
        yield from _OF_TYPE[kind](schema, defs)


def _of_text(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Iterator[Check]:
    if "minLength" in schema or "maxLength" in schema:
        least, most = schema.get("minLength", 0), schema.get("maxLength", float("inf"))
        yield lambda value: least <= len(value) <= most
    if "pattern" in schema:
        search = pattern_of(schema["pattern"]).search
        yield lambda value: search(value) is not None


def _of_number(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Iterator[Check]:
    if "minimum" in schema or "maximum" in schema:
        least, most = schema.get("minimum", float("-inf")), schema.get("maximum", float("inf"))
        yield lambda value: least <= value <= most


def _of_list(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Iterator[Check]:
    if "items" in schema:
        item = compiled(schema["items"], defs)
        yield lambda value: all(fits(item, each) for each in value)


def _of_mapping(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Iterator[Check]:
    fields = {name: compiled(field, defs) for name, field in schema.get("properties", {}).items()}
    others = _others(schema.get("additionalProperties", True), defs)
    required = tuple(schema.get("required", ()))

    def check(value: Mapping[str, Any]) -> bool:
        for name in required:
            if name not in value:
                return False
        for name, each in value.items():
            check_field = fields.get(name, others).get(type(each))
            if check_field is None or not check_field(each):
                return False
        return True

    yield check
    if "propertyNames" in schema:
        names = compiled(schema["propertyNames"], defs)
        yield lambda value: all(fits(names, name) for name in value)


def _others(schema: Mapping[str, Any] | bool, defs: Mapping[str, Any]) -> Verdict:
    """Returns the verdict on fields that the schema does not name."""
    if isinstance(schema, bool):
        return _ANYTHING if schema else {}
    return compiled(schema, defs)


_OF_TYPE: Mapping[type, Callable[[Mapping[str, Any], Mapping[str, Any]], Iterator[Check]]] = {
    str: _of_text, int: _of_number, list: _of_list, dict: _of_mapping,
}  # fmt: skip
