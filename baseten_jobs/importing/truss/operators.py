"""Python's operators on constants, bounded in time and memory; what is not done here is refused."""

import ast
import operator as op
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

from baseten_jobs.importing.placed import Placed
from baseten_jobs.importing.truss.costs import check_size
from baseten_jobs.importing.truss.paths import below, is_path
from baseten_jobs.importing.truss.values import (
    DictValue,
    Here,
    ListValue,
    Member,
    NotConstant,
    NotKnown,
    Once,
    Refused,
    certain,
    not_constant,
)
from baseten_jobs.manifest.document import MAX_DEPTH, MAX_VALUES

_BITS = 4096
"""Of an integer, far more than any field takes."""


def plain(value: Any) -> Any:
    """A constant as Python holds it; raises NotConstant where a part is none."""
    return _plain(value, count(), 0)


def exact(value: Any) -> Any:
    """A constant as Python writes it: of a tuple too; raises NotConstant for a member of an enumeration."""
    return _plain(value, count(), 0, as_written=True)


def _plain(value: Any, counted: Iterator[int], depth: int, *, as_written: bool = False) -> Any:
    if next(counted) > MAX_VALUES or depth > MAX_DEPTH:
        raise NotConstant("it is too large")
    if isinstance(value, Member) and as_written:
        return text_of(value)
    if isinstance(value, (list, tuple)):
        parts = [_plain(each.value, counted, depth + 1, as_written=as_written) for each in value]
        return tuple(parts) if as_written and isinstance(value, tuple) else parts
    if isinstance(value, dict):
        return {n: _plain(each.value, counted, depth + 1, as_written=as_written) for n, each in value.items()}
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, Member):
        return value.value
    raise not_constant(value)


def text_of(value: Any) -> str:
    """What `str` makes of it."""
    if isinstance(value, Member):
        raise NotConstant("the text of an enumeration's member differs between versions; use its .value")
    if value is None or isinstance(value, (str, int, float, PurePosixPath)):
        if isinstance(value, int) and value.bit_length() > _BITS:
            raise NotConstant("it is too large")
        return str(value)
    raise not_constant(value)


def here_as_text(value: Any) -> Any:
    """The text of a path; one that begins at the file's folder stays what it is."""
    return value if isinstance(value, Here) else text_of(value)


def joined(between: str, parts: Sequence[str]) -> str:
    check_size(sum(map(len, parts)) + len(between) * len(parts))
    return between.join(parts)


_SPEC = re.compile(r"[^{}]?[<>=^]?[-+ ]?#?0?[0-9]{0,3}[,_]?(\.[0-9]{0,3})?[bcdeEfFgGnosxX%]?")


def formatted(value: Any, spec: str, conversion: int = -1) -> str:
    """One part of an f-string."""
    if not isinstance(spec, str) or not _SPEC.fullmatch(spec):
        raise NotConstant("its format is not a simple one")
    if conversion == ord("r") and isinstance(value, (str, int, float)):
        value = repr(value)
    elif conversion in (ord("r"), ord("a")):
        raise not_constant()
    elif conversion != -1 or not isinstance(value, (int, float)):
        value = text_of(value)
    elif isinstance(value, int):
        text_of(value)
    return str(_tried(lambda: format(value, spec)))


def _tried(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except (ValueError, KeyError, IndexError, ZeroDivisionError) as error:
        words = f"there is no {error}" if isinstance(error, KeyError) else str(error)
        raise Refused(f"Python refuses it: {words[:80]}") from None
    except (TypeError, OverflowError) as error:
        raise NotConstant(f"Python refuses it: {str(error)[:80]}") from None


def binary(operator: ast.operator, left: Any, right: Any) -> Any:
    """`left operator right` for numbers, texts, lists, mappings and paths."""
    if isinstance(operator, ast.Add) and type(left) is type(right) and isinstance(left, (str, list, tuple, bytes)):
        check_size(len(left) + len(right), entries=isinstance(left, (list, tuple)))
        return ListValue([*left, *right]) if isinstance(left, list) else left + right
    if isinstance(operator, ast.Mult):
        if isinstance(left, int) and isinstance(right, (str, list, tuple)):
            left, right = right, left
        if isinstance(left, (str, list, tuple)) and isinstance(right, int):
            check_size(len(left) * max(right, 0), entries=not isinstance(left, str))
            return ListValue(list(left) * right) if isinstance(left, list) else left * right
    if isinstance(operator, ast.Mod) and isinstance(left, str):
        return _interpolated(left, right)
    if isinstance(operator, ast.BitOr) and isinstance(left, dict) and isinstance(right, dict):
        return DictValue({**left, **right})
    if isinstance(operator, ast.Div) and (is_path(left) or is_path(right)):
        return below(left, right)
    return _arithmetic(operator, left, right)


_NUMBERS: Mapping[type, Callable[[Any, Any], Any]] = MappingProxyType(
    {
        ast.Add: op.add, ast.Sub: op.sub, ast.Mult: op.mul, ast.Div: op.truediv, ast.FloorDiv: op.floordiv,
        ast.Mod: op.mod, ast.Pow: op.pow, ast.LShift: op.lshift, ast.RShift: op.rshift,
    }
)  # fmt: skip


def _arithmetic(operator: ast.operator, left: Any, right: Any) -> Any:
    function = _NUMBERS.get(type(operator))
    if function is None or not all(isinstance(each, (int, float)) for each in (left, right)):
        raise not_constant()
    for each in (left, right):
        if isinstance(each, int) and each.bit_length() > _BITS:
            raise NotConstant("it is too large")
    grows = isinstance(operator, ast.Pow | ast.LShift) and isinstance(left, int) and isinstance(right, int)
    if grows and right > 0 and max(left.bit_length(), 1) * right > _BITS:
        raise NotConstant("it is too large")
    return _tried(lambda: function(left, right))


_WIDEST = 2400
"""Characters of a number at its widest: 999 before, the 309 digits of the largest float, 999 behind the point."""
_PERCENT = re.compile(r"%(%|(\(\w+\))?[-#0 +]*[0-9]{0,3}(\.[0-9]{0,3})?[sdifgexXr])")


def _interpolated(text: str, right: Any) -> str:
    if _PERCENT.sub("", text).count("%"):
        raise NotConstant("its format is not a simple one")
    if isinstance(right, dict):
        values: Any = exact(right)
    else:
        given = [each.value for each in right] if isinstance(right, tuple) else [right]
        if "%r" in text and any(map(is_path, given)):
            raise not_constant()
        values = tuple(str(each) if isinstance(each, PurePosixPath) else exact(each) for each in given)
    longest = max([len(str(each)) for each in (values.values() if isinstance(right, dict) else values)], default=0)
    check_size(len(text) + text.count("%") * (_WIDEST + longest))
    return str(_tried(lambda: text % values))


def scalar(value: Any) -> Any:
    return str(value) if isinstance(value, PurePosixPath) else plain(value)


def unary(operator: ast.unaryop, value: Any) -> Any:
    if isinstance(operator, ast.Not):
        return not truth(value)
    if isinstance(value, (int, float)) and isinstance(operator, ast.USub | ast.UAdd):
        return -value if isinstance(operator, ast.USub) else +value
    raise not_constant()


def truth(value: Any) -> bool:
    """What `if` makes of it."""
    if value is None or isinstance(value, (str, bytes, int, float, list, tuple, dict)):
        return bool(value)
    raise not_constant()


_COMPARISONS: Mapping[type, Callable[[Any, Any], Any]] = MappingProxyType(
    {
        ast.Eq: op.eq, ast.NotEq: op.ne, ast.Lt: op.lt, ast.LtE: op.le, ast.Gt: op.gt, ast.GtE: op.ge,
        ast.Is: op.is_, ast.IsNot: op.is_not, ast.In: lambda a, b: a in b, ast.NotIn: lambda a, b: a not in b,
    }
)  # fmt: skip


def compared(operator: ast.cmpop, left: Any, right: Any) -> bool:
    if isinstance(operator, ast.Is | ast.IsNot) and not any(
        each is None or isinstance(each, bool) for each in (left, right)
    ):
        if not (isinstance(left, Member) and isinstance(right, Member)):
            raise not_constant()
        return (left.value == right.value) is isinstance(operator, ast.Is)
    if isinstance(left, tuple) is not isinstance(right, tuple) and isinstance(operator, ast.Eq | ast.NotEq):
        return isinstance(operator, ast.NotEq)
    first, second = plain(left), list(certain(right)) if isinstance(right, dict) else plain(right)
    if isinstance(left, dict) or (isinstance(right, dict) and not isinstance(operator, ast.In | ast.NotIn)):
        raise not_constant()
    return bool(_tried(lambda: _COMPARISONS[type(operator)](first, second)))


def iterated(value: Placed) -> Iterator[Placed]:
    """Entries of a list, names of a mapping, characters of a text."""
    inner = value.value
    if isinstance(inner, Once):
        inner.used, used = True, inner.used
        yield from () if used else inner
    elif isinstance(inner, (list, tuple)):
        yield from inner
    elif isinstance(inner, (dict, str)):
        yield from (Placed(each, value.at) for each in certain(inner))
    else:
        raise not_constant()


def unpacked(value: Placed, starred: Sequence[bool]) -> list[Placed]:
    """A value's parts for as many names, one of which may take what is left."""
    items, count = list(iterated(value)), len(starred)
    if True in starred:
        first = starred.index(True)
        last = len(items) - (count - first - 1)
        if last >= first:
            return [*items[:first], Placed(ListValue(items[first:last]), value.at), *items[last:]]
    if len(items) != count or True in starred:
        raise Refused(f"Python refuses it: {len(items)} values for {count} names")
    return items


def mapping(value: Placed) -> Mapping[Any, Placed]:
    if not isinstance(value.value, dict):
        raise not_constant()
    return value.value


def key(value: Placed) -> Any:
    """What may name an entry of a mapping."""
    if isinstance(value.value, (list, tuple, dict)):
        raise not_constant()
    return plain(value.value)


def item(owner: Any, index: Any) -> Any:
    if isinstance(owner, dict):
        return _tried(lambda: owner[key(Placed(index))])
    if isinstance(owner, (list, tuple, str)) and isinstance(index, (int, slice)):
        found = _tried(lambda: owner[index])
        return ListValue(found) if isinstance(found, list) else found
    raise not_constant()


def unknown_in(values: Iterable[Placed]) -> NotKnown | None:
    return next((each.value for each in values if isinstance(each.value, NotKnown)), None)
