"""Calls of what is known: the client's classes and factories, and harmless functions of Python's own."""

import json
import shlex
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from posixpath import basename, dirname, join, normpath
from types import MappingProxyType
from typing import Any

from baseten_jobs.importing.placed import Placed
from baseten_jobs.importing.truss.costs import check_size
from baseten_jobs.importing.truss.methods import Arguments, Keywords, bounded, method_called
from baseten_jobs.importing.truss.names import CLASSES, FACTORIES, is_enum, ours
from baseten_jobs.importing.truss.operators import exact, here_as_text, iterated, key, plain, scalar
from baseten_jobs.importing.truss.paths import below, is_path, part_of_path
from baseten_jobs.importing.truss.values import (
    Built,
    DictValue,
    Here,
    Imported,
    ListValue,
    Local,
    Member,
    Method,
    NotConstant,
    Once,
    certain,
    refuse,
)
from baseten_jobs.manifest.document import MAX_DEPTH
from baseten_jobs.manifest.schema.fields import SUPPORTED, Shape, shape_of

_ZERO, _EMPTY_TEXT, _EMPTY = Placed(0), Placed(""), Placed(())


def why(imported: Imported) -> str:
    """Why something that was imported has no value here."""
    if imported.name in ("os.environ", "os.getenv") or imported.name.startswith(("os.environ.", "dotenv.")):
        return "environment variables are not read"
    if imported.name in ("open", "input") or imported.last in ("read_text", "read_bytes"):
        return "files are not read"
    return "nothing is run"


def called(function: Placed, arguments: Arguments, keywords: Keywords) -> Any:
    """The value of a call; raises NotConstant, and then no value has changed."""
    target = function.value
    if isinstance(target, Imported):
        if not ours(target):
            return _function(target, arguments, keywords)
        return _made(target, arguments, keywords)
    if isinstance(target, Method):
        return method_called(target, arguments, keywords)
    if isinstance(target, Local):
        raise NotConstant("functions and classes of the file are not run")
    raise NotConstant("nothing is run")


def _made(target: Imported, arguments: Arguments, keywords: Keywords) -> Any:
    name = ours(target)
    if is_enum(target) and len(arguments) == 1 and not keywords:
        value = arguments[0].value
        return Member("", value) if isinstance(value, str) else refuse()
    if name in FACTORIES:
        typ, order = FACTORIES[name]
        at = next((each.at for each in (*arguments, *keywords.values())), (1, 1))
        return Built(typ, DictValue({"typ": Placed(typ, at), **_bound(order, arguments, keywords)}))
    if name in CLASSES:
        return Built(name, DictValue(_bound(_order(name), arguments, keywords)))
    raise NotConstant(f"the client's '{name}' is not known here")


def _order(name: str) -> tuple[str, ...]:
    """A class's fields in order, as far as the schema has them in the same."""
    if not (path := CLASSES[name]):
        return ()
    shape: Shape = shape_of(SUPPORTED[-1]).properties["spec"]
    for part in path.split("."):
        shape = (shape.items or shape.values or shape) if part == "*" else shape.properties[part]
    return tuple(shape.properties)


def _bound(order: Sequence[str], arguments: Arguments, keywords: Keywords) -> dict[str, Placed]:
    if len(arguments) > len(order):
        raise NotConstant("it takes its fields by name" if not order else f"it takes at most {len(order)} values")
    by_place = dict(zip(order, arguments, strict=False))
    if both := sorted(set(by_place) & set(keywords)):
        raise NotConstant(f"'{both[0]}' is given twice")
    return {name: copied(value) for name, value in {**by_place, **keywords}.items()}


def copied(value: Placed) -> Placed:
    """Lists and mappings are copied when an object is made of them: later changes of theirs do not reach it."""
    inner = value.value
    copy = (
        ListValue(inner)
        if isinstance(inner, ListValue)
        else DictValue(inner)
        if isinstance(inner, DictValue)
        else inner
    )
    return Placed(copy, value.at, value.key)


def _path(*parts: Placed) -> Any:
    return below(*(part.value for part in parts))


def _range(*bounds: Placed) -> ListValue:
    numbers = range(*(each.value for each in bounds))
    check_size(len(numbers), entries=True)
    return ListValue(Placed(number, bounds[0].at) for number in numbers)


def _enumerated(value: Placed, start: Placed = _ZERO) -> ListValue:
    return Once(Placed((Placed(n, i.at), i), i.at) for n, i in enumerate(iterated(value), start.value))


def _zipped(*values: Placed) -> ListValue:
    return Once(Placed(tuple(row), values[0].at) for row in zip(*map(iterated, values), strict=False))


def _dict(*values: Placed, **more: Placed) -> DictValue:
    if not values:
        return DictValue(more)
    if isinstance(values[0].value, dict):
        return DictValue({**values[0].value, **more})
    pairs = [tuple(iterated(pair)) for pair in iterated(values[0])]
    return DictValue({**{key(name): value for name, value in pairs}, **more})


def _last_part(path: Any) -> Any:
    """The last part of a path; that of the file's own folder is its name on one machine."""
    part = basename(path.path if isinstance(path, Here) else path)
    return refuse() if isinstance(path, Here) and part in ("", ".", "..") else part


def _extreme(which: Callable[..., Any], values: Sequence[Placed]) -> Any:
    choices = list(values) if len(values) > 1 else list(iterated(values[0]))
    return which(choices, key=lambda each: plain(each.value))


def _sorted(value: Placed) -> ListValue:
    return ListValue(sorted(iterated(value), key=lambda each: plain(each.value)))


def _joined_path(*parts: Placed) -> Any:
    if all(isinstance(part.value, str) for part in parts):
        return join(*(part.value for part in parts))
    whole = _path(*parts)
    return whole if isinstance(whole, Here) else str(whole)


def _folder(path: Placed) -> Any:
    if isinstance(path.value, str):
        return dirname(path.value)
    found = part_of_path(path.value if is_path(path.value) else PurePosixPath(path.value), "parent")
    return found if isinstance(found, Here) else str(found).removeprefix(".")


def _dumped(value: Placed, **how: Placed) -> str:
    allowed = {"indent", "sort_keys", "ensure_ascii", "separators"}
    options = {n: plain(h.value) if n in allowed else refuse() for n, h in how.items()}
    indent, between = options.get("indent") or 0, sum(map(len, options.get("separators") or ()))
    if max(indent if isinstance(indent, int) else len(indent), between) > _WIDEST_INDENT:
        raise NotConstant("it is too large")
    compact = json.dumps(plain(value.value))
    deep = min(compact.count("[") + compact.count("{"), MAX_DEPTH)
    wide = (indent if isinstance(indent, int) else len(indent)) * deep
    check_size(len(compact) + (sum(map(compact.count, ",:[]{}")) * (wide + between) if options else 0))
    return json.dumps(plain(value.value), **options)


_WIDEST_INDENT = 16

_FUNCTIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "str": lambda value=_EMPTY_TEXT: here_as_text(value.value),
        "int": lambda value: int(scalar(value.value)),
        "float": lambda value: float(scalar(value.value)),
        "bool": lambda value: bool(plain(value.value)),
        "len": lambda value: len(certain(value.value)),
        "list": lambda value=_EMPTY: ListValue(iterated(value)),
        "tuple": lambda value=_EMPTY: tuple(iterated(value)),
        "dict": _dict,
        "range": _range,
        "enumerate": _enumerated,
        "zip": _zipped,
        "sorted": _sorted,
        "reversed": lambda value: Once(list(iterated(value))[::-1]),
        "min": lambda *values: _extreme(min, values),
        "max": lambda *values: _extreme(max, values),
        "sum": lambda values: sum(plain(each.value) for each in iterated(values)),
        "abs": lambda value: abs(value.value),
        "round": lambda value: round(value.value),
        "print": lambda *values, **how: None,
        "repr": lambda value: repr(exact(value.value)),
        "pathlib.Path": _path,
        "pathlib.PurePath": _path,
        "pathlib.PurePosixPath": _path,
        "os.fspath": lambda path: here_as_text(path.value),
        "os.path.join": _joined_path,
        "os.path.dirname": _folder,
        "os.path.abspath": lambda path: path.value if isinstance(path.value, Here) else refuse(),
        "os.path.realpath": lambda path: path.value if isinstance(path.value, Here) else refuse(),
        "os.path.normpath": lambda path: path.value if isinstance(path.value, Here) else normpath(path.value),
        "os.path.basename": lambda path: _last_part(path.value),
        "textwrap.dedent": lambda text: textwrap.dedent(text.value),
        "json.dumps": _dumped,
        "shlex.quote": lambda text: shlex.quote(text.value),
        "shlex.join": lambda words: shlex.join([each.value for each in iterated(words)]),
    }
)
CHANGE_ANYTHING = frozenset({"exec", "eval", "globals", "locals", "vars"})
"""Functions after which no name is certain to have the value that was read."""
BUILTINS = frozenset(name for name in _FUNCTIONS if "." not in name) | {"open", "input", "exec", "eval"} | {
    "getattr", "setattr", "globals", "locals", "vars", "compile", "__import__", "type", "set", "exit", "quit",
    "isinstance",
}  # fmt: skip


def _function(target: Imported, arguments: Arguments, keywords: Keywords) -> Any:
    function = _FUNCTIONS.get(target.name)
    if function is None:
        raise NotConstant(why(target))
    return bounded(function, arguments, keywords)
