"""An expression's syntax tree -> its value where that is a constant, worked out here and never by running it."""

import ast
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from baseten_jobs.importing.placed import NONE, Placed
from baseten_jobs.importing.truss import calls, endings, operators, paths
from baseten_jobs.importing.truss.environment import Environment, asks
from baseten_jobs.importing.truss.expressions import Expressions
from baseten_jobs.importing.truss.methods import Arguments, Keywords, bounded
from baseten_jobs.importing.truss.names import CLASSES, PROJECT, PUSHES, member_of
from baseten_jobs.importing.truss.source import PythonSource
from baseten_jobs.importing.truss.values import (
    Built,
    DictValue,
    Here,
    Imported,
    ListValue,
    Local,
    Member,
    Method,
    Module,
    NotConstant,
    NotKnown,
    spoil,
    spoil_all,
    spoil_names,
)

_DEPTH = 60
"""Levels of an expression; Python's own parser takes up to 200 brackets."""
STEPS = 30_000
"""Expressions that one file may need, long texts counted as several."""


class Evaluator(Expressions):
    """Values of expressions, under the names that the statements before them bound."""

    def __init__(self, source: PythonSource, names: dict[str, Placed], environment: Environment) -> None:
        self.source, self.names, self.environment = source, names, environment
        self.stars: list[str] = []
        self.made: list[Placed] = []
        self.guards: list[NotKnown] = []
        self.run_local: Callable[[Local, Arguments, Keywords], Any] | None = None
        self._depth, self._steps = 0, STEPS
        self._exhausted: NotKnown | None = None

    def unreadable(self, node: ast.expr | ast.stmt, refused: NotConstant) -> NotKnown:
        where = f", in {self.source.path}:{node.lineno}" if self.source.stands_at else ""
        return NotKnown(self.source.text(node), f"{refused}{where}", self.source.at(node), refused.hint)

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
            found = refused.unknown or self.unreadable(node, refused)
            if self._steps < 0:
                self._exhausted = self._exhausted or found
        finally:
            self._depth -= 1
        result = found if isinstance(found, Placed) else Placed(found, at)
        spoiled = getattr(result.value, "spoiled", None)
        return Placed(spoiled, at) if spoiled else result

    def _worked_out(self, node: ast.expr) -> Any:
        self.charge(1)
        handler = getattr(self, f"_{type(node).__name__.lower()}", None)
        if handler is None:
            raise NotConstant(_KINDS.get(type(node), "expressions of this kind are not read"))
        found = handler(node)
        size = found.value if isinstance(found, Placed) else found
        if isinstance(size, (str, bytes, list, tuple, dict)):
            operators.check_size(len(size), entries=not isinstance(size, (str, bytes)))
            self.charge(operators.steps_of_made(size))
        return found

    def charge(self, steps: int) -> None:
        """Count work; raises NotConstant where there is too much of it."""
        self._steps -= steps
        if self._steps < 0:
            raise NotConstant("there is too much to work out", self._exhausted)

    def charge_for(self, *values: Any) -> None:
        """Count the work of looking at all of these values."""
        self.charge(operators.steps_of(values, max(self._steps, 0)))

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

    def _list(self, node: ast.List) -> ListValue:
        return ListValue(self._items(node.elts))

    def _tuple(self, node: ast.Tuple) -> tuple[Placed, ...]:
        return tuple(self._items(node.elts))

    def _set(self, node: ast.Set) -> Any:
        raise NotConstant("a set has no order")

    def _items(self, nodes: list[ast.expr]) -> Iterator[Placed]:
        for node in nodes:
            if isinstance(node, ast.Starred):
                value = self.value(node.value)
                if unknown := self._known(value):
                    yield Placed(unknown, value.at)
                else:
                    yield from operators.iterated(value)
            else:
                yield self.value(node)

    def _dict(self, node: ast.Dict) -> Any:
        entries = DictValue()
        for key_node, value_node in zip(node.keys, node.values, strict=True):
            value = self.value(value_node) if key_node is not None else self._spread(value_node)
            if key_node is None:
                if unknown := self._known(value):
                    return unknown
                entries.update(operators.mapping(value))
                continue
            key = self.value(key_node)
            if unknown := self._known(key):
                return unknown
            entries[operators.key(key)] = Placed(value.value, value.at, key.at)
        return entries

    def _spread(self, node: ast.expr) -> Placed:
        """What `**` spreads; where only its condition is not known, each entry that depends on it is not known."""
        value = self.value(node)
        if not isinstance(value.value, NotKnown) or not isinstance(node, ast.IfExp | ast.BoolOp):
            return value
        parts = [node.body, node.orelse] if isinstance(node, ast.IfExp) else node.values
        choices = [each.value for each in map(self._spread, parts) if isinstance(each.value, dict)]
        if len(choices) < len(parts) - isinstance(node, ast.BoolOp):
            return value
        return Placed(DictValue({name: value for choice in choices for name in choice}), value.at)

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
        if isinstance(value, Member) and node.attr in ("value", "name"):
            return getattr(value, node.attr)
        if isinstance(value, Built) and node.attr in value.fields:
            return value.fields[node.attr]
        if isinstance(value, (Built, Local)):
            raise NotConstant("this was not given a value")
        if paths.is_path(value) and (found := paths.part_of_path(value, node.attr)) is not None:
            return found
        return Method(owner, node.attr)

    def _listcomp(self, node: ast.ListComp) -> Any:
        return self._comprehended(node, lambda: self.value(node.elt), ListValue())

    def _generatorexp(self, node: ast.GeneratorExp) -> Any:
        return self._comprehended(node, lambda: self.value(node.elt), ListValue())

    def _dictcomp(self, node: ast.DictComp) -> Any:
        pairs = self._comprehended(node, lambda: Placed((self.value(node.key), self.value(node.value))), ListValue())
        if isinstance(pairs, NotKnown):
            return pairs
        if unknown := self._known(*(pair.value[0] for pair in pairs)):
            return unknown
        return DictValue({operators.key(p.value[0]): Placed(p.value[1].value, p.value[1].at) for p in pairs})

    def _comprehended(self, node: ast.ListComp | ast.GeneratorExp | ast.DictComp, each: Any, into: ListValue) -> Any:
        self.charge(len(self.names) // 16)
        before = dict(self.names)
        try:
            return self._looped(node.generators, lambda: into.append(each())) or into
        finally:
            self.names.clear()
            self.names.update(before)

    def _looped(self, loops: list[ast.comprehension], work: Any) -> NotKnown | None:
        if not loops:
            work()
            return None
        iterable = self.value(loops[0].iter)
        if unknown := self._known(iterable):
            return unknown
        for item in operators.iterated(iterable):
            self.charge(1)
            self.bind(loops[0].target, item)
            tests = [self.value(test) for test in loops[0].ifs]
            if unknown := self._known(*tests):
                return unknown
            if all(operators.truth(test.value) for test in tests) and (unknown := self._looped(loops[1:], work)):
                return unknown
        return None

    def bind(self, target: ast.expr, value: Placed) -> None:
        """Give names, of one or of several parts, to a value."""
        if isinstance(target, ast.Name):
            self.names[target.id] = value
        elif isinstance(target, ast.Tuple | ast.List):
            self.charge(operators.steps_of_made(value.value))
            if isinstance(value.value, NotKnown):
                parts = [value] * len(target.elts)
            else:
                parts = operators.unpacked(value, [isinstance(part, ast.Starred) for part in target.elts])
            for part, each in zip(target.elts, parts, strict=True):
                self.bind(part.value if isinstance(part, ast.Starred) else part, each)

    def _call(self, node: ast.Call) -> Any:
        function = self.value(node.func)
        arguments = list(self._items(node.args))
        keywords: dict[str, Placed] = {}
        for keyword in node.keywords:
            value = self.value(keyword.value) if keyword.arg is not None else self._spread(keyword.value)
            if keyword.arg is not None:
                keywords[keyword.arg] = Placed(value.value, value.at, self.source.at(keyword))
            elif isinstance(value.value, NotKnown):
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
            unknown = refused.unknown or self._known(function) or self.unreadable(node, refused)
            for each in (*owners, *arguments, *keywords.values()):
                spoil(each.value, unknown)
            if isinstance(function.value, Local):
                self.guard(function.value.raises, unknown)
                scopes = [self.names, *([function.value.code.scope] if function.value.code else [])]
                for scope in scopes:
                    spoil_names(scope, function.value, unknown)
            if isinstance(function.value, Imported) and function.value.name in calls.CHANGE_ANYTHING:
                spoil_all(self.names, unknown)
            return unknown

    def _called(self, node: ast.Call, function: Placed, arguments: Arguments, keywords: Keywords) -> Any:
        if isinstance(function.value, Imported) and function.value.name in PUSHES:
            return self.unreadable(node, NotConstant("nothing is sent"))
        if isinstance(function.value, Imported) and function.value.name in endings.EXITS:
            raise endings.exited(self.unreadable(node, endings.ENDS), arguments[0] if arguments else NONE, self.made)
        if isinstance(function.value, Local) and self.run_local is not None:
            return self.run_local(function.value, arguments, keywords)
        if not asks(function.value):
            return calls.called(function, arguments, keywords)
        got = functools.partial(self.environment.got, self.source.at(node))
        return bounded(got, arguments, keywords)


_KINDS: dict[type, str] = {ast.Await: "it is awaited", ast.Yield: "it is yielded"}
