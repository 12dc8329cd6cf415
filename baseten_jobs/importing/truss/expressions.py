"""Expressions whose value follows from the values of their parts: texts, operators, comparisons, subscripts."""

import ast
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from baseten_jobs.importing.placed import Placed
from baseten_jobs.importing.truss import costs, operators, paths
from baseten_jobs.importing.truss.binding import default_nodes
from baseten_jobs.importing.truss.calls import why
from baseten_jobs.importing.truss.environment import ENVIRON, Environment
from baseten_jobs.importing.truss.names import is_enum, member_of
from baseten_jobs.importing.truss.source import PythonSource
from baseten_jobs.importing.truss.touched import Touched
from baseten_jobs.importing.truss.values import (
    Code,
    Imported,
    Local,
    NotConstant,
    NotKnown,
    Parents,
    not_constant,
    refuse,
)

_THE_ENVIRONMENT = Imported(ENVIRON)


class Expressions(ABC):
    """A method for each kind of expression, called by the kind's name; raises NotConstant for what has no value."""

    source: PythonSource
    names: dict[str, Placed]
    environment: Environment
    touched: Callable[[ast.AST], Touched]

    @abstractmethod
    def value(self, node: ast.expr) -> Placed:
        """What an expression means; what can't be known is a `NotKnown` that says where and why."""

    @abstractmethod
    def unreadable(self, node: ast.expr | ast.stmt, refused: NotConstant) -> NotKnown:
        """What is not known of a node, and why."""

    @abstractmethod
    def guard(self, raises: bool, why: NotKnown) -> None:
        """Note what is not run and might end the file."""

    @abstractmethod
    def charge(self, steps: int) -> None:
        """Count work; raises NotConstant where there is too much of it."""

    @abstractmethod
    def charge_for(self, *values: Any) -> None:
        """Count the work of looking at all of these values; raises NotConstant where it is too much."""

    def _known(self, *values: Placed) -> NotKnown | None:
        """The first of several values that is not known."""
        return next((each.value for each in values if isinstance(each.value, NotKnown)), None)

    def _constant(self, node: ast.Constant) -> Any:
        return node.value

    def _joinedstr(self, node: ast.JoinedStr) -> Any:
        parts = []
        for part in node.values:
            value = self.value(part)
            if unknown := self._known(value):
                return unknown
            parts.append(value.value)
        return operators.joined("", parts)

    def _formattedvalue(self, node: ast.FormattedValue) -> Any:
        value = self.value(node.value)
        spec = self.value(node.format_spec) if node.format_spec else Placed("")
        return self._known(value, spec) or operators.formatted(value.value, spec.value, node.conversion)

    def _binop(self, node: ast.BinOp) -> Any:
        chain: list[tuple[ast.operator, ast.expr]] = []
        left: ast.expr = node
        while isinstance(left, ast.BinOp):  # a long sum leans to the left
            chain.append((left.op, left.right))
            left = left.left
        total = self.value(left)
        for operator, right_node in reversed(chain):
            right = self.value(right_node)
            if unknown := self._known(total, right):
                return unknown
            if isinstance(operator, ast.Mod):
                self.charge_for(total.value, right.value)
            made = operators.binary(operator, total.value, right.value)
            self.charge(costs.steps_of_made(made))
            total = Placed(made, total.at)
        return total.value

    def _unaryop(self, node: ast.UnaryOp) -> Any:
        value = self.value(node.operand)
        return self._known(value) or operators.unary(node.op, value.value)

    def _boolop(self, node: ast.BoolOp) -> Any:
        value = Placed(None)
        for each in node.values:
            value = self.value(each)
            if self._known(value) or operators.truth(value.value) is isinstance(node.op, ast.Or):
                break
        return value

    def _compare(self, node: ast.Compare) -> Any:
        left = self.value(node.left)
        for operator, right_node in zip(node.ops, node.comparators, strict=True):
            right = self.value(right_node)
            if unknown := self._known(left, right):
                return unknown
            if right.value == _THE_ENVIRONMENT and isinstance(operator, ast.In | ast.NotIn):
                return self.environment.holds(left.value) is isinstance(operator, ast.In)
            self.charge_for(left.value, right.value)
            if not operators.compared(operator, left.value, right.value):
                return False
            left = right
        return True

    def _ifexp(self, node: ast.IfExp) -> Any:
        test = self.value(node.test)
        if unknown := self._known(test):
            return unknown
        return self.value(node.body if operators.truth(test.value) else node.orelse)

    def _lambda(self, node: ast.Lambda) -> Local:
        """A function whose only statement returns a value."""
        defaults = {name: self.value(each) for name, each in default_nodes(node.args).items()}
        touched = self.touched(node)
        code = Code(node, self.source, defaults)
        return Local("lambda", touched.reached, mentions=touched.mentions, code=code, scope=self.names)

    def _subscript(self, node: ast.Subscript) -> Any:
        owner = self.value(node.value)
        if isinstance(owner.value, Imported):
            if is_enum(owner.value):
                member = self.value(node.slice).value
                return (member_of(owner.value, member) if isinstance(member, str) else None) or refuse()
            if owner.value.name == ENVIRON:
                name = self.value(node.slice)
                return self._known(name) or self._of_the_environment(node, name)
            raise NotConstant(why(owner.value))
        index = self._slice(node.slice) if isinstance(node.slice, ast.Slice) else self.value(node.slice)
        if unknown := self._known(owner, index):
            return unknown
        if isinstance(owner.value, Parents):
            return paths.above(owner.value.of, index.value)
        return operators.item(owner.value, index.value)

    def _of_the_environment(self, node: ast.Subscript, name: Placed) -> str:
        """The variable; where it is not given, the file may end here."""
        try:
            return self.environment.item(self.source.at(node), name)
        except NotConstant as refused:
            self.guard(True, self.unreadable(node, refused))
            raise

    def _slice(self, node: ast.Slice) -> Placed:
        bounds = [self.value(part) if part else Placed(None) for part in (node.lower, node.upper, node.step)]
        unknown = self._known(*bounds)
        if unknown is None and not all(isinstance(b.value, int | None) for b in bounds):
            raise not_constant()
        return Placed(unknown or slice(*(bound.value for bound in bounds)))
