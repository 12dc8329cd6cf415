"""The statements of a Python file -> the names that it binds, worked out in order and never run."""

import ast
from collections.abc import Sequence

from baseten_jobs.importing.placed import Placed
from baseten_jobs.importing.truss import operators
from baseten_jobs.importing.truss.environment import Environment
from baseten_jobs.importing.truss.evaluator import Evaluator
from baseten_jobs.importing.truss.source import PythonSource
from baseten_jobs.importing.truss.touched import Touches
from baseten_jobs.importing.truss.values import (
    Built,
    DictValue,
    Imported,
    Local,
    NotConstant,
    NotKnown,
    not_constant,
    spoil,
)


def executed(source: PythonSource, touches: Touches, environment: Environment) -> dict[str, Placed]:
    """Every name of the module with its value at the end. Never raises."""
    names: dict[str, Placed] = {}
    try:
        _Module(source, Evaluator(source, names, environment), touches).run(source.tree.body)
    except NotConstant as exhausted:
        bound = frozenset(names).union(*(touches.of(statement).rebinds for statement in source.tree.body))
        return {name: Placed(exhausted.unknown) for name in bound}
    return names


class _Module:
    def __init__(self, source: PythonSource, evaluator: Evaluator, touches: Touches) -> None:
        self.source, self.evaluator, self._touches = source, evaluator, touches
        self.names = evaluator.names
        self._depth = 0

    def run(self, statements: Sequence[ast.stmt]) -> None:
        self._depth += 1
        try:
            for statement in statements:
                self._do(statement)
        finally:
            self._depth -= 1

    def _do(self, statement: ast.stmt) -> None:
        """Works a statement out. Once the limit of steps is reached, the rest is skipped, its names not known."""
        handler = getattr(self, f"_{type(statement).__name__.lower()}", self._unknown)
        try:
            self.evaluator.charge(1)
            if self._depth > 20:
                raise NotConstant("it is nested too deep")
            handler(statement)
            self.evaluator.charge(0)
        except NotConstant as refused:
            unknown = refused.unknown or self.evaluator.unreadable(statement, refused)
            if self.evaluator.exhausted:
                raise NotConstant(str(refused), unknown) from None
            self._doubt(statement, unknown)

    def _doubt(self, statement: ast.stmt, why: NotKnown) -> None:
        """Whatever a statement may set or change is not known from here on."""
        touched = self._touches.of(statement)
        for name in touched.changes:
            if name in self.names:
                spoil(self.names[name].value, why)
        self.names.update({name: Placed(why, why.at) for name in touched.rebinds})

    def _unknown(self, statement: ast.stmt) -> None:
        raise NotConstant(_KINDS.get(type(statement), "statements of this kind are not run"))

    def _pass(self, statement: ast.stmt) -> None:
        """`pass`, `global`, `assert` and `raise` bind no name."""

    _global = _assert = _raise = _break = _continue = _pass

    def _import(self, statement: ast.Import) -> None:
        for alias in statement.names:
            root = alias.name.partition(".")[0]
            name = alias.name if alias.asname else root
            self.names[alias.asname or root] = Placed(Imported(name), self.source.at(statement))

    def _importfrom(self, statement: ast.ImportFrom) -> None:
        module = "." * statement.level + (statement.module or "")
        for alias in statement.names:
            if alias.name == "*":
                self.evaluator.stars += [module] if module.partition(".")[0] == "truss_train" else []
            else:
                imported = Imported(f"{module}.{alias.name}")
                self.names[alias.asname or alias.name] = Placed(imported, self.source.at(statement))

    def _functiondef(self, statement: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        touched = self._touches.within(statement)
        rebinds = touched.globals if not isinstance(statement, ast.ClassDef) else frozenset()
        local = Local(statement.name, touched.changes, rebinds, touched.mentions)
        self.names[statement.name] = Placed(local, self.source.at(statement))

    _asyncfunctiondef = _classdef = _functiondef

    def _expr(self, statement: ast.Expr) -> None:
        if not isinstance(statement.value, ast.Constant):
            self.evaluator.value(statement.value)

    def _assign(self, statement: ast.Assign) -> None:
        value = self.evaluator.value(statement.value)
        for target in statement.targets:
            self._set(target, value)

    def _annassign(self, statement: ast.AnnAssign) -> None:
        if statement.value is not None:
            self._set(statement.target, self.evaluator.value(statement.value))

    def _augassign(self, statement: ast.AugAssign) -> None:
        before, value = self.evaluator.value(_read(statement.target)), self.evaluator.value(statement.value)
        if unknown := operators.unknown_in((before, value)):
            return self._set(statement.target, Placed(unknown, before.at))
        if isinstance(before.value, list) and isinstance(statement.op, ast.Add):
            more = list(operators.iterated(value))  # in place: other names of the list see it too
            operators.check_size(len(before.value) + len(more), entries=True)
            self.evaluator.charge(operators.steps_of_made(more))
            before.value.extend(more)
            return None
        if isinstance(statement.op, ast.Mod):
            self.evaluator.charge_for(before.value, value.value)
        made = operators.binary(statement.op, before.value, value.value)
        self.evaluator.charge(operators.steps_of_made(made))
        if isinstance(made, DictValue) and isinstance(before.value, DictValue):
            before.value.update(made)
            return None
        return self._set(statement.target, Placed(made, before.at))

    def _set(self, target: ast.expr, value: Placed) -> None:
        if isinstance(target, ast.Name | ast.Tuple | ast.List):
            return self.evaluator.bind(target, value)
        if isinstance(target, ast.Starred):
            return self.evaluator.bind(target.value, value)
        assert isinstance(target, ast.Attribute | ast.Subscript)
        owner = self.evaluator.value(target.value).value
        if isinstance(target, ast.Attribute):
            if isinstance(owner, Built):
                owner.fields[target.attr] = Placed(value.value, value.at, self.source.at(target))
            return None
        index = Placed(None) if isinstance(target.slice, ast.Slice) else self.evaluator.value(target.slice)
        if isinstance(owner, DictValue) and not isinstance(index.value, NotKnown):
            owner[operators.key(index)] = Placed(value.value, value.at, index.at)
        elif isinstance(owner, list) and isinstance(index.value, int) and -len(owner) <= index.value < len(owner):
            owner[index.value] = value
        else:
            spoil(owner, self.evaluator.unreadable(target, NotConstant("what it sets is not known")))
        return None

    def _delete(self, statement: ast.Delete) -> None:
        for target in statement.targets:
            if isinstance(target, ast.Name):
                self.names.pop(target.id, None)
                continue
            if not isinstance(target, ast.Subscript):
                raise not_constant()
            owner, index = self.evaluator.value(target.value).value, self.evaluator.value(target.slice)
            if not isinstance(owner, DictValue) or isinstance(index.value, NotKnown):
                raise not_constant()
            owner.pop(operators.key(index), None)

    def _if(self, statement: ast.If) -> None:
        if isinstance(statement.test, ast.Name | ast.Attribute) and "TYPE_CHECKING" in ast.unparse(statement.test):
            return self.run(statement.orelse)
        test = self.evaluator.value(statement.test)
        if isinstance(test.value, NotKnown):
            raise NotConstant(test.value.why, test.value)
        return self.run(statement.body if operators.truth(test.value) else statement.orelse)

    def _for(self, statement: ast.For) -> None:
        body = self._touches.within(statement)
        self.evaluator.charge(body.nodes // 64)
        if body.leaves:
            raise NotConstant("loops that end early are not run")
        iterable = self.evaluator.value(statement.iter)
        if isinstance(iterable.value, NotKnown):
            raise NotConstant(iterable.value.why, iterable.value)
        for item in list(operators.iterated(iterable)):
            self.evaluator.charge(1)
            self._set(statement.target, item)
            self.run(statement.body)
        self.run(statement.orelse)

    def _try(self, statement: ast.Try) -> None:
        """Only imports are certain to go well."""
        if not all(isinstance(each, ast.Import | ast.ImportFrom) for each in statement.body):
            raise NotConstant("what is tried may fail")
        self.run([*statement.body, *statement.orelse, *statement.finalbody])


_KINDS: dict[type, str] = {
    ast.With: "files are not read",
    ast.While: "loops of this kind are not run",
    ast.Return: "it stands outside of a function",
}


def _read(target: ast.Name | ast.Attribute | ast.Subscript) -> ast.expr:
    """The same expression, as one that is read."""
    return target
