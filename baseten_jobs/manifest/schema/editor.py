"""The schemas of all kinds -> one schema for editors: what a document may be before it is merged and expanded."""

from collections.abc import Mapping
from typing import Any

from baseten_jobs.manifest.schema.derived import EXTENDS, defaults_schema
from baseten_jobs.manifest.schema.fields import DEFAULTS, KIND, KINDS, POLICY, matrix_schema, schema_of

_PLACEHOLDER = r"\$\{\{[ \t]*matrix\.[A-Za-z_][A-Za-z0-9_-]*[ \t]*\}\}"
_SPELLING = "${{ matrix.AXIS }}"
_SCALARS = {"string": "text", "integer": "an integer", "number": "a number", "boolean": "true or false"}
_AS_IT_IS = ("adopts", "attempt")
"""Fields of metadata in which no placeholder may stand."""


def editor_schema(api_version: str) -> dict[str, Any]:
    """Returns the schema of documents of every kind, as it is published.

    It differs from the kinds' own schemas in that a scalar may be a placeholder, and that a manifest may have a
    `matrix`, and `extends`: then it may lack what Defaults can give, and null unsets. References are resolved and
    what only this tool reads is left out.
    """
    job, defaults = schema_of(api_version), defaults_schema(api_version)
    policy, matrix = schema_of(api_version, POLICY), matrix_schema(api_version)
    fields, theirs = job["properties"], defaults["properties"]
    metadata = _Section(job, True).read(fields["metadata"])
    metadata["properties"] |= {name: _plain(job, fields["metadata"]["properties"][name]) for name in _AS_IT_IS}
    extends = {**_plain(job, EXTENDS), "type": "string"}
    kinds = {
        KIND: {
            **_head(job, "metadata"),
            "properties": {
                **_named(job),
                "extends": extends,
                "matrix": _plain(matrix, matrix),
                "metadata": metadata,
                "spec": {"description": fields["spec"]["description"]},
                "policy": _Section(job, True).read(fields["policy"]),
            },
            "if": {"required": ["extends"]},
            "then": {"properties": {"spec": {"$ref": "#/$defs/spec-over-defaults"}}},
            "else": {"required": ["spec"], "properties": {"spec": {"$ref": "#/$defs/spec"}}},
        },
        DEFAULTS: {
            **_head(defaults),
            "properties": {
                **_named(defaults),
                "extends": extends,
                "metadata": _Section(defaults, True).read(theirs["metadata"]),
                "spec": {"$ref": "#/$defs/spec-over-defaults"},
                "policy": _Section(defaults, True).read(theirs["policy"]),
            },
        },
        POLICY: {**_head(policy), "properties": _plain(policy, policy)["properties"]},
    }
    return {
        "$schema": job["$schema"],
        "$id": job["$id"].replace("training-job", "manifest"),
        "title": "Manifest",
        "description": "A training job on Baseten, what several jobs have in common, or the policy of a folder.",
        "type": "object",
        "required": ["apiVersion", "kind"],
        "properties": {
            "apiVersion": _plain(job, fields["apiVersion"]),
            "kind": {"type": "string", "description": fields["kind"]["description"], "enum": list(KINDS)},
        },
        "allOf": [{"if": _if(kind), "then": {"$ref": f"#/$defs/{kind}"}} for kind in KINDS],
        "$defs": {
            **kinds,
            "spec": _Section(job, True).read(fields["spec"]),
            "spec-over-defaults": _Section(defaults, True).read(theirs["spec"]),
        },
    }


def _if(kind: str) -> dict[str, Any]:
    """What has no kind yet is completed as a manifest."""
    return {"properties": {"kind": {"const": kind}}, **({} if kind == KIND else {"required": ["kind"]})}


def _head(schema: Mapping[str, Any], *required: str) -> dict[str, Any]:
    """What a schema says of a whole document, but for its fields."""
    return {
        "title": schema["title"],
        "description": schema["description"],
        "type": "object",
        "additionalProperties": False,
        "required": ["apiVersion", "kind", *required],
    }


def _named(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(schema, schema["properties"][name]) for name in ("apiVersion", "kind")}


def _plain(schema: Mapping[str, Any], node: Mapping[str, Any]) -> dict[str, Any]:
    return _Section(schema, False).read(node)


class _Section:
    """Reads a part of a schema for editors; where it is `filled` by a matrix, scalars may be placeholders."""

    def __init__(self, schema: Mapping[str, Any], filled: bool) -> None:
        self.defs: Mapping[str, Any] = schema.get("$defs", {})
        self.filled = filled

    def read(self, node: Mapping[str, Any]) -> dict[str, Any]:
        if "$ref" in node:
            node = {**self.defs[node["$ref"].removeprefix("#/$defs/")], **node}
        found = {name: each for name, each in node.items() if not name.startswith(("x-", "$"))}
        if "properties" in node:
            found["properties"] = {name: self.read(each) for name, each in node["properties"].items()}
        if "propertyNames" in node:
            found["propertyNames"] = _plain({}, node["propertyNames"])
        if "items" in node:
            found["items"] = self.read(node["items"])
        if isinstance(node.get("additionalProperties"), dict):
            found["additionalProperties"] = self.read(node["additionalProperties"])
        if "oneOf" in node:  # a placeholder may stand where a constant tells them apart
            found["anyOf"] = [self.read(each) for each in found.pop("oneOf")]
        expected = node.get("x-expected", "")
        if self.filled:
            return _or_placeholder(found, expected)
        return {**found, "patternErrorMessage": f"expected {expected}"} if expected and "pattern" in found else found


def _or_placeholder(node: dict[str, Any], expected: str) -> dict[str, Any]:
    """The node, which takes a placeholder too if it takes a scalar."""
    given = node.get("type", [])
    kinds = [given] if isinstance(given, str) else given
    scalars = [_SCALARS[kind] for kind in kinds if kind in _SCALARS]
    if not scalars:
        return node
    told = f"expected {expected or ' or '.join(scalars)}, or {_SPELLING}"
    placeholder = {"type": "string", "pattern": _PLACEHOLDER, "patternErrorMessage": told}
    if "enum" in node or "const" in node:
        choice = {name: node.pop(name) for name in ("type", "enum", "const") if name in node}
        return {**node, "anyOf": [choice, placeholder]}
    if "string" not in kinds:
        return {**node, **placeholder, "type": [*kinds, "string"]}
    if "pattern" not in node:
        return node
    most = node.pop("maxLength", None)
    length = "" if most is None else f"^(?=.{{0,{most}}}$)"
    return {**node, "pattern": f"{_PLACEHOLDER}|{length}{node['pattern']}", "patternErrorMessage": told}
