"""What an expression of a Python file may mean, as far as it can be known without running it."""

import ast
from dataclasses import dataclass, field
from typing import Any

from baseten_jobs.importing.placed import NONE, At, Placed
from baseten_jobs.importing.truss.source import PythonSource

_NOT_CONSTANT = "only running it would tell"


@dataclass(frozen=True)
class NotKnown:
    """What is not known: `text` as it was written at `at`, and why; whatever is made of it is not known either.

    `hint` says what would tell it, where an option does.
    """

    text: str
    why: str
    at: At
    hint: str = ""


class NotConstant(Exception):
    """Why an expression has no value here, as part of a message; `unknown` is the part that is to blame."""

    def __init__(self, why: str, unknown: NotKnown | None = None, hint: str = "") -> None:
        super().__init__(why)
        self.unknown, self.hint = unknown, hint


def not_constant(value: Any = None) -> NotConstant:
    """That a value is no constant, or holds what is unknown."""
    return NotConstant(_NOT_CONSTANT, value if isinstance(value, NotKnown) else None)


def refuse() -> Any:
    """Raises NotConstant, where only an expression can stand."""
    raise not_constant()


class ListValue(list[Placed]):
    """A list; `spoiled` once something that is not run may have changed it."""

    spoiled: NotKnown | None = None


class DictValue(dict[Any, Placed]):
    """A dictionary; `spoiled` once something that is not run may have changed it."""

    spoiled: NotKnown | None = None


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

    Running it may change the values of the names `changes`, and give `rebinds` other values; `mentions` are all names
    and attributes in it, and `raises` says that it may end the file.
    """

    name: str
    changes: frozenset[str] = field(default_factory=frozenset, repr=False)
    rebinds: frozenset[str] = field(default_factory=frozenset, repr=False)
    mentions: frozenset[str] = field(default_factory=frozenset, repr=False)
    code: "Code | None" = field(default=None, repr=False)
    raises: bool = False


@dataclass(eq=False)
class Code:
    """What a call of a function works out: under the names of `scope`, with the defaults of its parameters."""

    node: ast.FunctionDef | ast.Lambda
    source: PythonSource
    scope: dict[str, Placed]
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


def spoil(value: Any, why: NotKnown) -> None:
    """Whatever can be changed within a value may have been."""
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or not isinstance(one, (ListValue, DictValue, Built, tuple)):
            continue
        seen.add(id(one))
        if not isinstance(one, tuple):
            if one.spoiled is not None:  # and with it all that it held; nothing is put into it from then on
                continue
            one.spoiled = why
        inner = one.fields.values() if isinstance(one, Built) else one.values() if isinstance(one, dict) else one
        waiting += [entry.value for entry in inner]


def spoil_names(names: dict[str, Placed], function: Local, why: NotKnown) -> None:
    """Whatever a function of the file, and those that it calls, may change if it is called."""
    seen: set[str] = set()
    waiting = [function]
    while waiting:
        called = waiting.pop()
        for name in called.changes - seen:
            seen.add(name)
            value = names.get(name, NONE).value
            waiting += [value] if isinstance(value, Local) else []
            spoil(value, why)
        names.update({name: Placed(why) for name in called.rebinds})


def spoil_all(names: dict[str, Placed], why: NotKnown) -> None:
    """Whatever has a value may have another one from here on."""
    doubted = [name for name, each in names.items() if not isinstance(each.value, Imported | Local | NotKnown)]
    for name in doubted:
        spoil(names[name].value, why)
    names.update({name: Placed(why) for name in doubted})
