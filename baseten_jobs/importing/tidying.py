"""A spec as a client spells it out -> as a person writes it: the schema's order, its shorthands, no defaults."""

from typing import Any

from baseten_jobs.manifest.normalisation import FOLDS, SHORTHANDS
from baseten_jobs.manifest.schema.fields import Shape


def tidied(value: Any, shape: Shape, as_written: bool = False) -> Any:
    """The same value in the order of the schema, folded short; values equal to a default stay if `as_written`."""
    if isinstance(value, dict):
        shape = shape.variant(value)
        names = [
            *(name for name in shape.properties if name in value),
            *(n for n in value if n not in shape.properties),
        ]
        children = {name: shape.properties.get(name) or shape.values or shape for name in names}
        tidy = {name: tidied(value[name], child, as_written) for name, child in children.items()}
        kept = {
            name: each
            for name, each in tidy.items()
            if each is not None and (as_written or not _is_default(each, children[name]))
        }
        return SHORTHANDS.get(shape.fold, lambda whole: whole)(kept)
    if isinstance(value, list):
        return [tidied(each, shape.items or shape, as_written) for each in value]
    return value


def _is_default(value: Any, shape: Shape) -> bool:
    if "default" not in shape.schema:
        return False
    default = shape.schema["default"]
    fold = FOLDS.get(shape.fold, lambda whole: whole)
    return type(value) is type(default) and bool(fold(value) == fold(default))
