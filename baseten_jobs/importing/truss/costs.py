"""Values -> what it costs to hold them, or to look at all that they hold."""

from collections.abc import Iterable
from typing import Any

from baseten_jobs.importing.truss.values import NotConstant

_MAX_SIZE = 1 << 20
"""Characters of a text, entries of a list."""

_ENTRY = 16
"""What an entry of a list counts, against a character of a text."""


def check_size(size: int, *, entries: bool = False) -> None:
    """Raises NotConstant for a text of so many characters, or a list of so many entries, that is too large."""
    if size * (_ENTRY if entries else 1) > _MAX_SIZE:
        raise NotConstant("it is too large")


_UNIT = 256
"""What one step of work does: characters of a text."""


def steps_of(values: Iterable[Any], limit: int) -> int:
    """The cost of a look at all that these values hold, as often as they hold it; counted no further than `limit`."""
    size, most, waiting = 0, (limit + 1) * _UNIT, list(values)
    while waiting and size < most:
        one = waiting.pop()
        if isinstance(one, (str, bytes)):
            size += len(one)
        elif isinstance(one, (list, tuple)):
            size += len(one) * _ENTRY
            waiting += [each.value for each in one] if size < most else []
        elif isinstance(one, dict):
            size += len(one) * _ENTRY + sum(len(name) for name in one if isinstance(name, str))
            waiting += [each.value for each in one.values()] if size < most else []
        else:
            size += _ENTRY
    return size // _UNIT


def steps_of_made(value: Any) -> int:
    """What it costs to make a value of parts that are there already."""
    if isinstance(value, (list, tuple, dict)):
        return len(value) * _ENTRY // _UNIT
    return len(value) // _UNIT if isinstance(value, (str, bytes)) else 0
