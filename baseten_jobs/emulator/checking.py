"""Small checks of JSON values, and ways to combine them into the check of a whole body."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

# A check yields one line for each mistake; a line opens with the path of the field. The value itself
# is not quoted, because it may be somebody's secret.
Check = Callable[[object, str], Iterator[str]]

_INTEGER_RANGE = range(-(2**63), 2**63)


def _name(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "an integer" if isinstance(value, int) else "a number"
    if isinstance(value, str):
        return "a string"
    return "an array" if isinstance(value, list) else "an object"


def _expected(what: str, value: object, path: str) -> str:
    return f"{path or 'body'}: expected {what}, got {_name(value)}"


def text(value: object, path: str) -> Iterator[str]:
    """A string; open enums are strings too."""
    if not isinstance(value, str):
        yield _expected("a string", value, path)
    elif not _encodable(value):
        yield f"{path}: the string holds half of a surrogate pair"


def integer(value: object, path: str) -> Iterator[str]:
    """An integer of 64 bits; neither a boolean nor a float."""
    if isinstance(value, bool) or not isinstance(value, int):
        yield _expected("an integer", value, path)
    elif value not in _INTEGER_RANGE:
        yield f"{path}: the integer does not fit into 64 bits"


def number(value: object, path: str) -> Iterator[str]:
    """An integer or a float."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        yield _expected("a number", value, path)


def flag(value: object, path: str) -> Iterator[str]:
    """A boolean."""
    if not isinstance(value, bool):
        yield _expected("a boolean", value, path)


def one_of(*words: str) -> Check:
    """One of the given strings: an enum that is not open."""

    def check(value: object, path: str) -> Iterator[str]:
        if value not in words:
            yield f"{path}: expected one of {', '.join(words)}"

    return check


def nullable(inner: Check) -> Check:
    """Null, or what the inner check accepts."""

    def check(value: object, path: str) -> Iterator[str]:
        if value is not None:
            yield from inner(value, path)

    return check


def array(inner: Check) -> Check:
    """An array whose items all pass the inner check."""

    def check(value: object, path: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield _expected("an array", value, path)
            return
        for index, item in enumerate(value):
            yield from inner(item, f"{path}[{index}]")

    return check


def mapping(inner: Check) -> Check:
    """An object whose values all pass the inner check."""

    def check(value: object, path: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield _expected("an object", value, path)
            return
        for key, item in value.items():
            if not _encodable(key):
                yield f"{path}: a key holds half of a surrogate pair"
                continue
            yield from inner(item, f"{path}.{key}")

    return check


def record(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object with these fields; unknown keys are tolerated, as the API does."""
    fields = {**required, **(optional or {})}

    def check(value: object, path: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield _expected("an object", value, path)
            return
        for name in required:
            if name not in value:
                yield f"{_join(path, name)}: field required"
        for name, inner in fields.items():
            if name in value:
                yield from inner(value[name], _join(path, name))

    return check


def discriminated(field: str, cases: Mapping[str, Check]) -> Check:
    """An object whose field says which of the checks applies."""

    def check(value: object, path: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield _expected("an object", value, path)
            return
        case = value.get(field)
        if not isinstance(case, str) or case not in cases:
            yield f"{_join(path, field)}: expected one of {', '.join(cases)}"
            return
        yield from cases[case](value, path)

    return check


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
