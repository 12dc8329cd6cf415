"""What an expression of a Python file may mean, as far as it can be known without running it."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from baseten_jobs.importing.placed import At, Placed
from baseten_jobs.importing.truss.source import PythonSource

_NOT_CONSTANT = "only running it would tell"


@dataclass(frozen=True)
class NotKnown:
    """What is not known: `text` as it was written at `at`, and why; whatever is made of it is not known either.

    `hint` says what would tell it, where an option does. `of` are the values that it may be, or have a part of.
    """

    text: str
    why: str
    at: At
    hint: str = ""
    of: tuple[Any, ...] = field(default=(), compare=False, repr=False)


class NotConstant(Exception):
    """Why an expression has no value here, as part of a message; `unknown` is the part that is to blame."""

    def __init__(self, why: str, unknown: NotKnown | None = None, hint: str = "") -> None:
        super().__init__(why)
        self.unknown, self.hint = unknown, hint


class Refused(NotConstant):
    """That Python itself ends the file with an error here."""


def not_constant(value: Any = None) -> NotConstant:
    """That a value is no constant, or holds what is unknown."""
    return NotConstant(_NOT_CONSTANT, value if isinstance(value, NotKnown) else None)


def certain(value: Any) -> Any:
    """The same value; raises NotConstant where it is not certain which entries it has."""
    if isinstance(value, DictValue) and value.uncertain is not None:
        raise NotConstant(value.uncertain.why, value.uncertain)
    return value


def refuse() -> Any:
    """Raises NotConstant, where only an expression can stand."""
    raise not_constant()


class ListValue(list[Placed]):
    """A list; `spoiled` once something that is not run may have changed it."""

    spoiled: NotKnown | None = None


class Once(ListValue):
    """What goes through its entries once: of `zip`, or of an expression in brackets."""

    used = False


class DictValue(dict[Any, Placed]):
    """A dictionary; `spoiled` once something that is not run may have changed it.

    It is `uncertain` which of its entries it has, where a condition that is not known decides on some of them.
    """

    spoiled: NotKnown | None = None
    uncertain: NotKnown | None = None


@dataclass(eq=False)
class Built:
    """An object of a class that is known, with the fields that it was given."""

    kind: str
    fields: DictValue
    spoiled: NotKnown | None = None


@dataclass(frozen=True)
class Member:
    """A member of an enumeration."""

    name: str
    value: str


@dataclass(frozen=True)
class Imported:
    """What an import, or a name of Python's own, stands for, by its whole name."""

    name: str

    @property
    def last(self) -> str:
        return self.name.rpartition(".")[2]


@dataclass(frozen=True)
class Local:
    """A function or class of a file that is read; with `code`, its statements are worked out where it is called.

    Running it may change the values of the names `changes` of its `scope`, and give `rebinds` other values; `mentions`
    are all names and attributes in it, and `raises` says that it may end the file.
    """

    name: str
    changes: frozenset[str] = field(default_factory=frozenset, repr=False)
    rebinds: frozenset[str] = field(default_factory=frozenset, repr=False)
    mentions: frozenset[str] = field(default_factory=frozenset, repr=False)
    code: "Code | None" = field(default=None, repr=False)
    raises: bool = False
    scope: "dict[str, Placed]" = field(default_factory=dict, repr=False, compare=False, hash=False)


@dataclass(eq=False)
class Code:
    """What a call of a function works out, with the defaults of its parameters."""

    node: ast.FunctionDef | ast.Lambda
    source: PythonSource
    defaults: dict[str, Placed]


@dataclass(eq=False)
class Module:
    """A module that lies beside the file, with its names; without a file of its own, it is a folder of others."""

    path: str
    names: dict[str, Placed]


@dataclass(frozen=True)
class Here:
    """A path that begins at the folder of the file that is read, with '/'."""

    path: str


@dataclass(frozen=True)
class Parents:
    """The folders above a path."""

    of: Any


@dataclass(frozen=True)
class Method:
    """A method of a value, before it is called."""

    owner: Placed
    name: str


CHANGEABLE = (ListValue, DictValue, Built, tuple, Local, Method, Module, NotKnown)
"""What can be changed, or leads to what can be."""


def spoil(value: Any, why: NotKnown) -> None:
    """Whatever can be changed within a value, or by calling it, may have been."""
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, Local):
            waiting += _reached(one)
            one.scope.update({name: Placed(why) for name in one.rebinds})
        elif isinstance(one, (ListValue, DictValue, Built)):
            if one.spoiled is None:  # else all that it held is too; nothing is put into it from then on
                one.spoiled = why
                waiting += _held(one)
        else:
            waiting += _held(one)


def may_raise(values: Iterable[Any]) -> bool:
    """True if one of these is a function that may end the file, or one that it may call is."""
    seen: set[int] = set()
    waiting = list(values)
    while waiting:
        one = waiting.pop()
        if isinstance(one, Local) and id(one) not in seen:
            seen.add(id(one))
            if one.raises:
                return True
            waiting += _reached(one)
    return False


def _reached(function: Local) -> Iterator[Any]:
    """What a function may change, or call: in its scope, or by the defaults of its parameters."""
    yield from (function.scope[name].value for name in function.changes if name in function.scope)
    yield from (each.value for each in function.code.defaults.values()) if function.code else ()


def _held(one: Any) -> list[Any]:
    """The values within a value, those behind a method or a module, and those that one which is not known may be."""
    if isinstance(one, NotKnown):
        return list(one.of)
    if isinstance(one, Method):
        return [one.owner.value]
    entries = (
        one.names.values() if isinstance(one, Module)
        else one.fields.values() if isinstance(one, Built)
        else one.values() if isinstance(one, DictValue)
        else one if isinstance(one, (ListValue, tuple))
        else ()
    )  # fmt: skip
    return [entry.value for entry in entries if isinstance(entry, Placed)]


def spoil_all(names: dict[str, Placed], why: NotKnown) -> None:
    """Whatever has a value may have another one from here on."""
    doubted = [name for name, each in names.items() if not isinstance(each.value, Imported | Local | NotKnown)]
    for name in doubted:
        spoil(names[name].value, why)
    names.update({name: Placed(why) for name in doubted})
