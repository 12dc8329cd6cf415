"""The schema of manifests -> the schema of the Defaults that they extend, in which nothing is required."""

from collections.abc import Mapping
from typing import Any

from baseten_jobs.manifest.schema.fields import DEFAULTS, schema_of

_WHERE = ("project", "project_id", "team")
EXTENDS = {
    "type": ["string", "null"],
    "description": "File of Defaults, relative to this one, whose values count where none are given here.",
    "minLength": 1,
    "examples": ["../base.yaml"],
    "x-identity": "none",
}


def defaults_schema(api_version: str) -> dict[str, Any]:
    """Returns the schema of `TrainingJobDefaults`, as it is published."""
    whole = schema_of(api_version)
    fields, metadata = whole["properties"], whole["properties"]["metadata"]
    return {
        "$schema": whole["$schema"],
        "$id": whole["$id"].replace("training-job", "training-job-defaults"),
        "title": DEFAULTS,
        "description": "What several training jobs have in common: a manifest names the file in `extends`.",
        "type": "object",
        "additionalProperties": False,
        "required": ["apiVersion", "kind"],
        "properties": {
            "apiVersion": fields["apiVersion"],
            "kind": {**fields["kind"], "const": DEFAULTS, "examples": [DEFAULTS]},
            "extends": EXTENDS,
            "metadata": {
                **{name: each for name, each in metadata.items() if name != "required"},
                "type": ["object", "null"],
                "description": "Where the jobs are: a project, by name or id.",
                "properties": {name: metadata["properties"][name] for name in _WHERE},
                "examples": [{k: v for k, v in each.items() if k in _WHERE} for each in metadata["examples"]],
            },
            "spec": {**_relaxed(fields["spec"], whole["$defs"]), "type": ["object", "null"]},
            "policy": _relaxed(fields["policy"], whole["$defs"]),
        },
        "$defs": {name: _relaxed(each, whole["$defs"]) for name, each in whole["$defs"].items()},
    }


def _relaxed(node: Mapping[str, Any], defs: Mapping[str, Any]) -> dict[str, Any]:
    """A node in which nothing is required, and null unsets; alternatives are one object with the fields of all."""
    found = {name: each for name, each in node.items() if name not in ("required", "oneOf")}
    if "type" in node:
        kinds = [node["type"]] if isinstance(node["type"], str) else node["type"]
        found["type"] = [*kinds, *([] if "null" in kinds else ["null"])]
    if "enum" in node and None not in node["enum"]:
        found["enum"] = [*node["enum"], None]
    alternatives = [
        defs[each["$ref"].removeprefix("#/$defs/")] if "$ref" in each else each for each in node.get("oneOf", ())
    ]
    properties: dict[str, Any] = {name: _relaxed(each, defs) for name, each in node.get("properties", {}).items()}
    for alternative in alternatives:
        for name, each in alternative["properties"].items():
            known = properties.get(name)
            properties[name] = _relaxed(each, defs) if known is None else _either(known, each)
    if properties:
        found["properties"] = properties
    if alternatives:
        found["additionalProperties"] = False
        found.pop("x-discriminator", None)
    if "items" in node:
        found["items"] = _relaxed(node["items"], defs)
    if isinstance(node.get("additionalProperties"), dict):
        found["additionalProperties"] = _relaxed(node["additionalProperties"], defs)
    return found


def _either(known: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """A field that two alternatives have: a discriminator takes the value of either."""
    choices = [
        *known.get("enum", [known["const"]] if "const" in known else []),
        *([other["const"]] if "const" in other else []),
    ]
    if not choices:
        return dict(known)
    return {**{name: each for name, each in known.items() if name != "const"}, "enum": list(dict.fromkeys(choices))}
