"""Values that are reported -> the same with hostile text in every field of one kind."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any

Kind = tuple[str, str]
"""A class, and one of its fields."""


def kinds(value: Any, at: Kind = ("", "")) -> Iterator[Kind]:
    """Every field below a value that holds text, itself or in what it holds."""
    if isinstance(value, Enum):
        return
    if isinstance(value, str):
        yield at
    elif is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            yield from kinds(getattr(value, each.name), (type(value).__name__, each.name))
    elif _is_record(value):
        for name, each in value._asdict().items():
            yield from kinds(each, (type(value).__name__, name))
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from kinds(key, at)
            yield from kinds(each, at)
    elif isinstance(value, tuple | list):
        for each in value:
            yield from kinds(each, at)


def infected(value: Any, kind: Kind, text: str, at: Kind = ("", "")) -> Any:
    """A copy in which every text of this kind of field is another; keys of a mapping stay, and one is added."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return text if at == kind else value
    if is_dataclass(value) and not isinstance(value, type):
        name = type(value).__name__
        changed = {f.name: infected(getattr(value, f.name), kind, text, (name, f.name)) for f in fields(value)}
        return replace(value, **changed)
    if _is_record(value):
        name = type(value).__name__
        return value._replace(**{n: infected(each, kind, text, (name, n)) for n, each in value._asdict().items()})
    if isinstance(value, Mapping):
        copied = {_key(key, kind, text): infected(each, kind, text, at) for key, each in value.items()}
        return {**copied, text: text} if at == kind and all(isinstance(key, str) for key in copied) else copied
    if isinstance(value, tuple | list):
        return type(value)(infected(each, kind, text, at) for each in value)
    return value


def _key(key: Any, kind: Kind, text: str) -> Any:
    return key if isinstance(key, str) else infected(key, kind, text)


def _is_record(value: Any) -> bool:
    return isinstance(value, tuple) and hasattr(value, "_asdict")
