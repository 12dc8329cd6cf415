"""The current request's body and query to checked values, or to a refusal that names the field."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from flask import request

from .checking import Check
from .errors import not_valid


def body(check: Check) -> dict[str, Any]:
    """The JSON body; whatever its content type, for curl sends JSON under that of a form."""
    sent = request.get_data()
    if not sent:
        raise not_valid("body: a JSON object is required")
    try:
        value = json.loads(sent, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise not_valid("body: not JSON") from None
    mistakes = list(check(value, ""))
    if mistakes:
        raise not_valid("; ".join(mistakes))
    checked: dict[str, Any] = value
    return checked


def query(check: Check, *integers: str) -> dict[str, Any]:
    """The query as an object, checked like a body; the named parameters are integers."""
    values: dict[str, Any] = dict(request.args.items())
    for name in integers:
        if name in values:
            values[name] = _integer(name, values[name])
    mistakes = list(check(values, ""))
    if mistakes:
        raise not_valid("; ".join(mistakes))
    return values


def _integer(name: str, text: str) -> int:
    if not text.removeprefix("-").isdecimal() or not text.isascii() or len(text) > 20:
        raise not_valid(f"{name}: expected an integer")
    return int(text)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
