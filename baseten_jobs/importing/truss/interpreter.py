"""The statements of a Python file -> the names that it binds, worked out in order and never run."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from baseten_jobs.importing.placed import NONE, Placed
from baseten_jobs.importing.truss import endings, operators
from baseten_jobs.importing.truss.assignments import Assignments
from baseten_jobs.importing.truss.binding import bound, default_nodes
from baseten_jobs.importing.truss.endings import Ended
from baseten_jobs.importing.truss.environment import Environment
from baseten_jobs.importing.truss.evaluator import Evaluator
from baseten_jobs.importing.truss.imports import Files, Imports
from baseten_jobs.importing.truss.methods import Arguments, Keywords
from baseten_jobs.importing.truss.source import PythonSource
from baseten_jobs.importing.truss.touched import Touched, Touches
from baseten_jobs.importing.truss.values import (
    Code,
    Local,
    Method,
    Module,
    NotConstant,
    NotKnown,
    Refused,
    may_raise,
    spoil,
)


class _Returned(Exception):
    """The value that a function returns; where it is not known, neither is what the function changes."""

    def __init__(self, value: Placed) -> None:
        super().__init__()
        self.value = value


@dataclass(frozen=True)
class Executed:
    """Every name of a module with its value at the end, and the training projects that were made, in order.

    `refused` is the error of its own that ends the file, `guards` are statements that might end it with one, and
    `pushes` says that the file itself pushes what it makes.
    """

    names: dict[str, Placed]
    made: Sequence[Placed] = ()
    refused: NotKnown | None = None
    guards: Sequence[NotKnown] = ()
    pushes: bool = False


def executed(
    source: PythonSource, touches: Touches, environment: Environment, files: Files, *, as_script: bool = False
) -> Executed:
    """What comes of the statements of a file; `as_script` as if Python was called with it. Never raises."""
    names: dict[str, Placed] = {"__name__": Placed("__main__")} if as_script else {}
    evaluator = Evaluator(source, names, environment)
    try:
        _Statements(evaluator, touches, files).run(source.tree.body)
    except Ended as ended:
        return Executed(names, evaluator.made, ended.refused, evaluator.guards, evaluator.pushes)
    except NotConstant as exhausted:
        rebound = frozenset(names).union(*(touches.of(statement).rebinds for statement in source.tree.body))
        return Executed({name: Placed(exhausted.unknown) for name in rebound})
    return Executed(names, evaluator.made, guards=evaluator.guards, pushes=evaluator.pushes)


class _Statements(Assignments):
    def __init__(self, evaluator: Evaluator, touches: Touches, files: Files) -> None:
        self.evaluator, self._touches = evaluator, touches
        self._depth = self._calls = 0
        self._imports = Imports(evaluator, files, self._module)
        evaluator.run_local, evaluator.doubt, evaluator.assign = self.called, self._doubt, self._set
        evaluator.touched = touches.of

    def called(self, function: Local, arguments: Arguments, keywords: Keywords) -> Any:
        """What a function returns; raises NotConstant where that, or what it changes, is not known."""
        if (code := function.code) is None:
            raise NotConstant("functions and classes of the file are not run")
        self.evaluator.charge(1 + len(function.scope) // 16)
        own = self._touches.within(code.node) if isinstance(code.node, ast.FunctionDef) else None
        hidden = own.rebinds - own.globals if own is not None else frozenset[str]()
        seen = {name: value for name, value in function.scope.items() if name not in hidden}
        frame = {**seen, **bound(code.node.args, code.defaults, arguments, keywords)}
        calls, self._calls = self._calls, self._calls + 1
        try:
            with self.evaluator.within(code.source, frame):
                if isinstance(code.node, ast.Lambda):
                    return self.evaluator.value(code.node.body)
                self.run(code.node.body)
        except _Returned as returned:
            if isinstance(returned.value.value, NotKnown):
                raise NotConstant(returned.value.value.why, returned.value.value) from None
            return returned.value
        finally:
            self._calls = calls
        return Placed(None)

    def _return(self, statement: ast.Return) -> None:
        if not self._calls:
            raise NotConstant("it stands outside of a function")
        raise _Returned(self.evaluator.value(statement.value) if statement.value else Placed(None))

    def _raise(self, statement: ast.Raise) -> None:
        raised = statement.exc
        words = self.evaluator.value(raised.args[0]) if isinstance(raised, ast.Call) and raised.args else NONE
        if raised is not None and ast.unparse(raised).partition("(")[0] == "SystemExit":
            where = self.evaluator.unreadable(statement, endings.ENDS)
            raise endings.exited(where, words, self.evaluator.made)
        raise self.evaluator.ended(statement, words)

    def _assert(self, statement: ast.Assert) -> None:
        test = self.evaluator.value(statement.test)
        if isinstance(test.value, NotKnown):
            raise NotConstant(test.value.why, test.value)
        if not operators.truth(test.value):
            words = self.evaluator.value(statement.msg) if statement.msg is not None else NONE
            raise self.evaluator.ended(statement, words)

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
            if isinstance(refused, Refused):
                raise self.evaluator.ended(statement, Placed(str(refused))) from None
            unknown = refused.unknown or self.evaluator.unreadable(statement, refused)
            if self.evaluator.exhausted:
                raise NotConstant(str(refused), unknown) from None
            if self._calls and self._touches.of(statement).returns:
                raise _Returned(Placed(unknown)) from None
            self._doubt(statement, unknown)

    def _doubt(self, node: ast.stmt | ast.expr, why: NotKnown) -> None:
        """Whatever is not run may set or change is not known from here on, nor whether it ends the file."""
        touched = self._touches.of(node)
        self._doubt_values(touched, why)
        self.names.update({name: Placed(why, why.at) for name in touched.rebinds})

    def _doubt_values(self, touched: Touched, why: NotKnown) -> None:
        changed = [self.names[name].value for name in touched.changes if name in self.names]
        called = [self.names[name].value for name in touched.calls if name in self.names]
        functions = [each for each in called if isinstance(each, Local | Module | Method)]
        self.evaluator.guard(touched.raises or may_raise((*changed, *functions)), why)
        for each in (*changed, *functions):
            spoil(each, why)
        if "environ" in touched.mentions and not touched.changes.isdisjoint(("os", "environ")):
            self.evaluator.environment.doubt(why)

    def _unknown(self, statement: ast.stmt) -> None:
        raise NotConstant(_KINDS.get(type(statement), "statements of this kind are not run"))

    def _pass(self, statement: ast.stmt) -> None:
        """`pass` and `global` bind no name."""

    _global = _break = _continue = _pass

    def _import(self, statement: ast.Import) -> None:
        self._imports.whole(statement)

    def _importfrom(self, statement: ast.ImportFrom) -> None:
        self._imports.parts(statement)

    def _module(self, source: PythonSource, names: dict[str, Placed]) -> None:
        """Run the statements of another file."""
        calls, self._calls = self._calls, 0
        try:
            with self.evaluator.within(source, names):
                self.run(source.tree.body)
        finally:
            self._calls = calls

    def _functiondef(self, statement: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        touched = self._touches.within(statement)
        code, defaults = None, {}
        decorators = [self.evaluator.value(each).value for each in statement.decorator_list]
        if isinstance(statement, ast.ClassDef):
            self._class_body(statement)
        else:
            defaults = {name: self.evaluator.value(each) for name, each in default_nodes(statement.args).items()}
        if isinstance(statement, ast.FunctionDef) and touched.plain and not decorators:
            code = Code(statement, self.source, defaults)
        local = Local(
            statement.name, touched.reached, touched.globals, touched.mentions, code, touched.raises, scope=self.names
        )
        self.names[statement.name] = Placed(local, self.source.at(statement))
        if any(isinstance(each, Local | Method | Module) for each in decorators):
            why = self.evaluator.unreadable(statement, NotConstant("its decorator is not run"))
            for each in decorators:
                spoil(each, why)

    def _class_body(self, statement: ast.ClassDef) -> None:
        """The statements of a class are not run, and its methods only where they are called."""
        for base in (self.evaluator.value(each).value for each in statement.bases):
            if isinstance(base, Local) and "__init_subclass__" in base.mentions:
                spoil(base, self.evaluator.unreadable(statement, NotConstant("its base class is not run")))
        for each in statement.body:
            if not isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
                why = self.evaluator.unreadable(each, NotConstant("functions and classes of the file are not run"))
                self._doubt_values(self._touches.of(each), why)

    _asyncfunctiondef = _classdef = _functiondef

    def _expr(self, statement: ast.Expr) -> None:
        if not isinstance(statement.value, ast.Constant):
            self.evaluator.value(statement.value)

    def _if(self, statement: ast.If) -> None:
        if ast.unparse(statement.test).rpartition(".")[2] == "TYPE_CHECKING":
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
        size = len(iterable.value) if isinstance(iterable.value, (list, dict)) else 0
        for item in list(operators.iterated(iterable)):
            self.evaluator.charge(1)
            self._set(statement.target, item)
            self.run(statement.body)
            if isinstance(iterable.value, (list, dict)) and len(iterable.value) != size:
                raise NotConstant("it changes what it goes through")
        self.run(statement.orelse)

    def _try(self, statement: ast.Try) -> None:
        """Only imports are certain to go well, unless a file that is imported ends with an error."""
        if not all(isinstance(each, ast.Import | ast.ImportFrom) for each in statement.body):
            raise NotConstant("what is tried may fail")
        try:
            self.run(statement.body)
        except Ended:
            raise NotConstant("what is tried fails") from None
        otherwise = [each for handler in statement.handlers for each in handler.body if not isinstance(each, ast.Pass)]
        if (otherwise or statement.orelse) and not all(map(self._imports.is_certain, statement.body)):
            raise NotConstant("what is tried may fail")
        self.run([*statement.orelse, *statement.finalbody])


_KINDS: dict[type, str] = {
    ast.With: "files are not read",
    ast.While: "loops of this kind are not run",
}
