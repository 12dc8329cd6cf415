"""Hypothesis strategies for specs, made by walking the schema, and for observed jobs."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from baseten_jobs.manifest.schema.fast_check import pattern_of
from baseten_jobs.manifest.schema.fields import Shape, shape_of
from baseten_jobs.workspace.scan import inspect

API_VERSION = "baseten-jobs/v1"
MANIFEST = shape_of(API_VERSION)
SPEC = MANIFEST.properties["spec"]

_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=12)
_MEMORY = st.builds(
    lambda n, unit: f"{n}{unit}", st.integers(0, 4096), st.sampled_from(["", "k", "M", "G", "Ki", "Mi", "Gi", "Ti"])
)


def values(shape: Shape) -> st.SearchStrategy[Any]:
    """Valid values of a field, null where it may be unset."""
    schema = shape.schema
    some: st.SearchStrategy[Any]
    if shape.variants:
        some = st.one_of([values(variant) for variant in shape.variants.values()])
    elif "const" in schema:
        some = st.just(schema["const"])
    elif "enum" in schema:
        some = st.sampled_from([choice for choice in schema["enum"] if choice is not None])
    elif shape.fold == "quantity":
        some = _MEMORY
    elif shape.fold == "accelerator":
        some = objects(shape) | st.builds(lambda n: f"H100:{n}", st.integers(1, 8))
    elif "pattern" in schema and "string" in _types(schema):
        some = st.from_regex(pattern_of(schema["pattern"])).filter(
            lambda text: schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", 99)
        )
        some = objects(shape) | some if shape.properties else some
    elif shape.properties and "object" in _types(schema):
        some = objects(shape) | _TEXT if "string" in _types(schema) else objects(shape)
    elif "object" in _types(schema):
        assert shape.values is not None
        some = st.dictionaries(_TEXT.filter(lambda k: "=" not in k), values(shape.values), max_size=3)
    elif "array" in _types(schema):
        assert shape.items is not None
        some = st.lists(values(shape.items), max_size=3)
    elif "boolean" in _types(schema):
        some = st.booleans()
    elif "integer" in _types(schema):
        some = st.integers(schema.get("minimum", -50), min(900, schema.get("maximum", 900)))
    else:
        some = _TEXT
    return some | st.none() if "null" in _types(schema) else some


def objects(shape: Shape) -> st.SearchStrategy[dict[str, Any]]:
    required = set(shape.schema.get("required", ()))
    fields = {name: values(child) for name, child in shape.properties.items()}
    return st.fixed_dictionaries(
        {name: fields[name] for name in fields if name in required},
        optional={name: fields[name] for name in fields if name not in required},
    )


def specs() -> st.SearchStrategy[dict[str, Any]]:
    """Specs that the schema accepts, the rules may not; without a workspace, for which its content counts."""
    return objects(SPEC).map(lambda spec: {name: value for name, value in spec.items() if name != "workspace"})


def manifests() -> st.SearchStrategy[dict[str, Any]]:
    """Manifests that the schema accepts, the rules may not."""
    return objects(MANIFEST)


def _types(schema: Mapping[str, Any]) -> list[str]:
    types = schema.get("type", ["string"])
    return [types] if isinstance(types, str) else list(types)


CONTENTS = st.binary(max_size=20).filter(lambda raw: not inspect("data", raw))
"""Bytes of small files that travel without a word: none is locked by git-crypt, whose mark some example may be."""
