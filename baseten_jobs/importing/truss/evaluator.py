"""An expression's syntax tree -> its value where that is a constant, worked out here and never by running it."""

import ast
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from baseten_jobs.importing.placed import NONE, Placed
from baseten_jobs.importing.truss import calls, costs, endings, operators, paths
from baseten_jobs.importing.truss.containers import Containers
from baseten_jobs.importing.truss.environment import CHANGE_THE_ENVIRONMENT, Environment
from baseten_jobs.importing.truss.methods import Arguments, Keywords, bounded
from baseten_jobs.importing.truss.names import CLASSES, PROJECT, PUSHES, member_of
from baseten_jobs.importing.truss.source import PythonSource
from baseten_jobs.importing.truss.values import (
    CHANGEABLE,
    Built,
    Here,
    Imported,
    Local,
    Member,
    Method,
    Module,
    NotConstant,
    NotKnown,
    Refused,
    may_raise,
    spoil,
    spoil_all,
)

_MAY_STOP = (ast.IfExp, ast.BoolOp, ast.ListComp, ast.GeneratorExp, ast.DictComp)
"""Expressions of which a part is not run where another part is not known."""
_TRACED = (ast.Subscript, ast.Attribute, ast.Call, *_MAY_STOP)
"""Expressions whose value may be one that a name has too, or a part of one."""
_DEPTH = 60
"""Levels of an expression; Python's own parser takes up to 200 brackets."""
STEPS = 30_000
"""Expressions that one file may need, long texts counted as several."""


class Evaluator(Containers):
    """Values of expressions, under the names that the statements before them bound."""

    def __init__(self, source: PythonSource, names: dict[str, Placed], environment: Environment) -> None:
        self.source, self.names, self.environment = source, names, environment
        self.stars: list[str] = []
        self.made: list[Placed] = []
        self.guards: list[NotKnown] = []
        self.pushes = False
        self.run_local: Callable[[Local, Arguments, Keywords], Any] | None = None
        self.doubt: Callable[[ast.expr, NotKnown], None] = lambda node, why: None
        self.assign: Callable[[ast.expr, Placed], None] = lambda target, value: None
        self._depth, self._steps, self._unsure = 0, STEPS, 0
        self._exhausted: NotKnown | None = None

    def unreadable(self, node: ast.expr | ast.stmt, refused: NotConstant) -> NotKnown:
        where = f", in {self.source.path}:{node.lineno}" if self.source.stands_at else ""
        return NotKnown(self.source.text(node), f"{refused}{where}", self.source.at(node), refused.hint)

    def ended(self, node: ast.expr | ast.stmt, words: Placed) -> endings.Ended:
        """The end of the file at a node, by an error of these words."""
        return endings.refused(self.unreadable(node, endings.ENDS), words)

    def guard(self, raises: bool, why: NotKnown) -> None:
        """Note what is not run and might end the file; once a job is made, that has no part in what the job is."""
        if raises and not self.made and why not in self.guards:
            self.guards.append(why)

    @contextmanager
    def within(self, source: PythonSource, names: dict[str, Placed]) -> Iterator[None]:
        """Work out other statements, under other names."""
        before = self.source, self.names
        self.source, self.names = source, names
        try:
            yield
        finally:
            self.source, self.names = before

    def value(self, node: ast.expr) -> Placed:
        """What an expression means; what can't be known is a `NotKnown` that says where and why."""
        if self._exhausted is not None:
            return Placed(self._exhausted, self._exhausted.at)
        at = self.source.at(node)
        if self._depth >= _DEPTH:
            return Placed(self.unreadable(node, NotConstant("it is nested too deep")), at)
        self._depth += 1
        try:
            found = self._worked_out(node)
        except NotConstant as refused:
            if isinstance(refused, Refused) and not self._unsure:
                raise self.ended(node, Placed(str(refused))) from None
            found = refused.unknown or self.unreadable(node, refused)
            if self._steps < 0:
                self._exhausted = self._exhausted or found
        finally:
            self._depth -= 1
        result = found if isinstance(found, Placed) else Placed(found, at)
        if isinstance(result.value, NotKnown) and isinstance(node, _TRACED):
            result = Placed(self._traced(node, result.value), result.at, result.key)
        spoiled = getattr(result.value, "spoiled", None)
        return Placed(spoiled, at) if spoiled else result

    def _traced(self, node: ast.expr, unknown: NotKnown) -> NotKnown:
        """What is not known, with the values of the names in its expression: it may be one of them, or a part of one.

        Of an expression of which a part was not run, what that part may change is not known either.
        """
        if isinstance(node, _MAY_STOP) and not self.exhausted:
            self.doubt(node, unknown)
        named = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        values = {
            id(value): value for name in named if isinstance(value := self.names.get(name, NONE).value, CHANGEABLE)
        }
        more = [value for key, value in values.items() if key not in {id(unknown), *map(id, unknown.of)}]
        return replace(unknown, of=(*unknown.of, *more)) if more else unknown

    def _worked_out(self, node: ast.expr) -> Any:
        self.charge(1)
        handler = getattr(self, f"_{type(node).__name__.lower()}", None)
        if handler is None:
            raise NotConstant(_KINDS.get(type(node), "expressions of this kind are not read"))
        found = handler(node)
        size = found.value if isinstance(found, Placed) else found
        if isinstance(size, (str, bytes, list, tuple, dict)):
            costs.check_size(len(size), entries=not isinstance(size, (str, bytes)))
            self.charge(costs.steps_of_made(size))
        return found

    def charge(self, steps: int) -> None:
        """Count work; raises NotConstant where there is too much of it."""
        self._steps -= steps
        if self._steps < 0:
            raise NotConstant("there is too much to work out", self._exhausted)

    def charge_for(self, *values: Any) -> None:
        """Count the work of looking at all of these values."""
        self.charge(costs.steps_of(values, max(self._steps, 0)))

    @property
    def exhausted(self) -> bool:
        return self._steps < 0

    def _name(self, node: ast.Name) -> Any:
        if node.id in self.names:
            return self.names[node.id]
        if node.id in CLASSES and self.stars:
            return Imported(f"truss_train.{node.id}")
        if node.id == "__file__":
            return Here(self.source.name)
        if node.id == "__name__":
            return self.source.name.rpartition("/")[2].removesuffix(".py")
        if node.id in calls.BUILTINS:
            return Imported(node.id)
        raise NotConstant("no constant of this name is set above")

    def _namedexpr(self, node: ast.NamedExpr) -> Placed:
        self.names[node.target.id] = value = self.value(node.value)
        return value

    def _attribute(self, node: ast.Attribute) -> Any:
        owner = self.value(node.value)
        value = owner.value
        if isinstance(value, NotKnown):
            return value
        if isinstance(value, Imported):
            return member_of(value, node.attr) or Imported(f"{value.name}.{node.attr}")
        if isinstance(value, Module):
            if node.attr in value.names:
                return value.names[node.attr]
            raise NotConstant("no constant of this name is set in that file")
        if isinstance(value, Member) and (node.attr == "value" or (node.attr == "name" and value.name)):
            return getattr(value, node.attr)
        if isinstance(value, Built) and node.attr in value.fields:
            return value.fields[node.attr]
        if isinstance(value, (Built, Local)):
            raise NotConstant("this was not given a value")
        if paths.is_path(value) and (found := paths.part_of_path(value, node.attr)) is not None:
            return found
        return Method(owner, node.attr)

    def _call(self, node: ast.Call) -> Any:
        function = self.value(node.func)
        try:
            arguments = list(self._items(node.args))
        except NotConstant as refused:
            self.doubt(node, unknown := refused.unknown or self.unreadable(node, refused))
            return unknown
        keywords: dict[str, Placed] = {}
        for keyword in node.keywords:
            value = self.value(keyword.value) if keyword.arg is not None else self._spread(keyword.value)
            if keyword.arg is not None:
                keywords[keyword.arg] = Placed(value.value, value.at, self.source.at(keyword))
            elif isinstance(value.value, NotKnown):
                self.doubt(node, value.value)
                return value.value
            else:
                keywords.update(operators.mapping(value))
        owners = [function.value.owner] if isinstance(function.value, Method) else []
        self.charge_for(*(each.value for each in (*arguments, *keywords.values())))
        self.charge_for(*(each.value for each in owners if not isinstance(each.value, (list, dict))))
        try:
            made = self._called(node, function, arguments, keywords)
            if isinstance(made, Built) and made.kind == PROJECT:
                self.made.append(Placed(made, self.source.at(node)))
            return made
        except NotConstant as refused:
            if isinstance(refused, Refused):
                raise
            unknown = refused.unknown or self._known(function) or self.unreadable(node, refused)
            reached = [each.value for each in (function, *owners, *arguments, *keywords.values())]
            self.guard(may_raise(reached), unknown)
            for each in reached:
                spoil(each, unknown)
            name = _name_of(function.value)
            if name == "setattr" and arguments and isinstance(arguments[0].value, Module):
                spoil_all(arguments[0].value.names, unknown)
            if name in CHANGE_THE_ENVIRONMENT:
                self.environment.doubt(unknown)
            if name in calls.CHANGE_ANYTHING:
                spoil_all(self.names, unknown)
            return unknown

    def _called(self, node: ast.Call, function: Placed, arguments: Arguments, keywords: Keywords) -> Any:
        name = _name_of(function.value)
        if name in PUSHES:
            self.pushes = True
            return self.unreadable(node, NotConstant("nothing is sent"))
        if name in endings.EXITS:
            raise endings.exited(self.unreadable(node, endings.ENDS), arguments[0] if arguments else NONE, self.made)
        if isinstance(function.value, Local) and self.run_local is not None:
            return self.run_local(function.value, arguments, keywords)
        if look_up := self.environment.look_ups.get(name):
            return bounded(functools.partial(look_up, self.source.at(node)), arguments, keywords)
        return calls.called(function, arguments, keywords)


def _name_of(function: Any) -> str:
    """The whole name of a function that comes from elsewhere; empty for one of the file."""
    return function.name if isinstance(function, Imported) else ""


_KINDS: dict[type, str] = {ast.Await: "it is awaited", ast.Yield: "it is yielded"}
