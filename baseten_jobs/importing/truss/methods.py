"""Calls of methods: what texts, lists, mappings and paths can do without a machine."""

import string
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

from baseten_jobs.importing.placed import NONE, Placed
from baseten_jobs.importing.truss.costs import check_size
from baseten_jobs.importing.truss.operators import here_as_text, iterated, joined, key, mapping, text_of, unknown_in
from baseten_jobs.importing.truss.paths import below
from baseten_jobs.importing.truss.values import (
    DictValue,
    Here,
    ListValue,
    Member,
    Method,
    NotConstant,
    Refused,
    certain,
    not_constant,
    refuse,
)
from baseten_jobs.secrecy import hidden

Arguments = Sequence[Placed]
Keywords = Mapping[str, Placed]


def bounded(function: Callable[..., Any], arguments: Arguments, keywords: Keywords) -> Any:
    if unknown := unknown_in((*arguments, *keywords.values())):
        return unknown
    try:
        return function(*arguments, **keywords)
    except ValueError as error:
        raise Refused(f"Python refuses it: {hidden(str(error), '***')[:80]}") from None
    except (TypeError, AttributeError, KeyError, IndexError, OverflowError):
        raise NotConstant("nothing is run") from None


def method_called(target: Method, arguments: Arguments, keywords: Keywords) -> Any:
    owner = certain(target.owner.value)
    table = next((methods for kind, methods in _METHODS if isinstance(owner, kind)), {})
    method = table.get(target.name)
    if method is None:
        raise NotConstant(
            "files are not read" if target.name in ("read_text", "read_bytes", "open") else "nothing is run"
        )
    if table in (_OF_LISTS, _OF_MAPPINGS):  # what they hold need not be known
        try:
            return method(owner, *arguments, **keywords)
        except (KeyError, IndexError) as error:
            raise Refused(f"Python refuses it: {str(error)[:80]}") from None
        except (TypeError, ValueError):
            raise NotConstant("nothing is run") from None
    return bounded(lambda *a, **k: method(owner, *a, **k), arguments, keywords)


def _replaced(text: str, old: Placed, new: Placed) -> str:
    check_size(len(text) + text.count(old.value) * len(new.value))
    return text.replace(old.value, new.value)


def _filled(text: str, *arguments: Placed, **keywords: Placed) -> str:
    for _, name, spec, conversion in string.Formatter().parse(text):
        if name is not None and (not (name.isidentifier() or name.isdigit() or not name) or spec or conversion):
            raise NotConstant("its format is not a simple one")
    values = [text_of(each.value) for each in arguments]
    named = {name: text_of(each.value) for name, each in keywords.items()}
    check_size(len(text) + text.count("{") * max(map(len, map(str, [*values, *named.values(), ""]))))
    return text.format(*values, **named)


def _appended(owner: ListValue, value: Placed) -> None:
    check_size(len(owner) + 1, entries=True)
    owner.append(value)


def _extended(owner: ListValue, values: Placed) -> None:
    more = list(iterated(values))
    check_size(len(owner) + len(more), entries=True)
    owner.extend(more)


def _got(owner: DictValue, name: Placed, default: Placed = NONE) -> Placed:
    return owner.get(key(name), default)


def _kept(owner: DictValue, name: Placed, default: Placed = NONE) -> Placed:
    return owner.setdefault(key(name), default)


def _updated(owner: DictValue, *others: Placed, **more: Placed) -> None:
    for other in others:
        owner.update(mapping(other))
    owner.update(more)


def _trimmed(text: str, name: str, *arguments: Placed) -> Any:
    """A strip may look each character up among all that it is given."""
    check_size(len(text) * max((len(each.value) for each in arguments if isinstance(each.value, str)), default=1))
    return getattr(text, name)(*(each.value for each in arguments))


_TEXT_METHODS = ("strip", "lstrip", "rstrip", "lower", "upper", "title", "capitalize", "removeprefix", "removesuffix")
_OF_TEXTS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        **{name: (lambda text, *a, _n=name: _trimmed(text, _n, *a)) for name in _TEXT_METHODS},
        "startswith": lambda text, start: text.startswith(start.value),
        "endswith": lambda text, end: text.endswith(end.value),
        "join": lambda text, parts: joined(text, [_string(each.value) for each in iterated(parts)]),
        "split": lambda text, *a: _parts(text, lambda: text.split(*(each.value for each in a))),
        "splitlines": lambda text: _parts(text, text.splitlines),
        "replace": _replaced,
        "format": _filled,
    }
)


def _parts(text: str, split: Callable[[], list[str]]) -> ListValue:
    check_size(len(text), entries=True)
    return ListValue(Placed(part) for part in split())


def _string(value: Any) -> str:
    if not isinstance(value, (str, Member)):
        raise not_constant(value)
    return str(value.value) if isinstance(value, Member) else str(value)


_LAST = Placed(-1)

_OF_LISTS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "append": _appended,
        "extend": _extended,
        "insert": lambda owner, index, value: owner.insert(index.value, value),
        "copy": lambda owner: ListValue(owner),
        "pop": lambda owner, index=_LAST: owner.pop(index.value),
    }
)
_OF_MAPPINGS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "get": _got,
        "setdefault": _kept,
        "update": _updated,
        "copy": lambda owner: DictValue(owner),
        "pop": lambda owner, name, *default: owner.pop(key(name), *default),
        "keys": lambda owner: ListValue(Placed(name) for name in owner),
        "values": lambda owner: ListValue(owner.values()),
        "items": lambda owner: ListValue(Placed((Placed(name, v.at), v), v.at) for name, v in owner.items()),
    }
)
_OF_PATHS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "resolve": lambda path: path if isinstance(path, Here) else refuse(),
        "absolute": lambda path: path if isinstance(path, Here) else refuse(),
        "joinpath": lambda path, *parts: below(path, *(part.value for part in parts)),
        "as_posix": lambda path: here_as_text(path),
        "__str__": lambda path: here_as_text(path),
    }
)
_METHODS: tuple[tuple[type | tuple[type, ...], Mapping[str, Callable[..., Any]]], ...] = (
    (str, _OF_TEXTS),
    (list, _OF_LISTS),
    (dict, _OF_MAPPINGS),
    ((PurePosixPath, Here), _OF_PATHS),
)
