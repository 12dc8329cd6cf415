"""A scalar of YAML -> its value, or why no field takes it."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

BLANK = "!todo"
"""The tag of a value that is still to be filled in; its text is the reason."""
MAX_DIGITS = 19
"""An integer must have fewer digits, so that every reader of JSON can represent it."""


@dataclass(frozen=True)
class Odd:
    """A scalar that no field takes: a float, a date, an integer that YAML 1.1 and 1.2 read differently, an unknown tag.

    `kind` is "number", "date", "integer" or, where a diagnostic was given already, "tagged".
    """

    text: str
    kind: str


def spelled(value: Any) -> str:
    """Returns a scalar as text: `1`, `true`, `0.1`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.text if isinstance(value, Odd) else str(value)


_PLAIN = yaml.SafeLoader.yaml_implicit_resolvers
PREFIX = "tag:yaml.org,2002:"
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_TRUE = frozenset({"yes", "true", "on"})
WORDS = {"bool": frozenset({"no", "false", "off"}) | _TRUE, "null": frozenset({"", "~", "null"})}
_ODD = {"float": "number", "timestamp": "date"}


@lru_cache(maxsize=4096)
def plain(text: str) -> Any:
    """Returns the value of a scalar that has neither quotes nor a tag."""
    for tag, pattern in _PLAIN.get(text[:1], ()):
        if pattern.match(text):
            return read(tag.removeprefix(PREFIX), text)
    return text


def read(kind: str, text: str) -> Any:
    if kind in WORDS:
        return None if kind == "null" else text.lower() in _TRUE
    if kind == "int":
        plain = _DECIMAL.fullmatch(text) and len(text.lstrip("+-")) < MAX_DIGITS
        return int(text) if plain else Odd(text, "integer")
    if kind in _ODD:
        return Odd(text, _ODD[kind])
    return text
