"""The statements that give values: to names, to entries and fields, and that take them away."""

import ast

from baseten_jobs.importing.placed import Placed
from baseten_jobs.importing.truss import costs, operators
from baseten_jobs.importing.truss.calls import copied
from baseten_jobs.importing.truss.environment import ENVIRON
from baseten_jobs.importing.truss.evaluator import Evaluator
from baseten_jobs.importing.truss.source import PythonSource
from baseten_jobs.importing.truss.values import (
    Built,
    DictValue,
    Imported,
    ListValue,
    Module,
    NotConstant,
    NotKnown,
    Refused,
    not_constant,
    spoil,
)


class Assignments:
    """A method for each kind of statement, called by the kind's name; raises NotConstant for what is not known."""

    evaluator: Evaluator

    @property
    def source(self) -> PythonSource:
        return self.evaluator.source

    @property
    def names(self) -> dict[str, Placed]:
        return self.evaluator.names

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
            costs.check_size(len(before.value) + len(more), entries=True)
            self.evaluator.charge(costs.steps_of_made(more))
            before.value.extend(more)
            return None
        if isinstance(statement.op, ast.Mod):
            self.evaluator.charge_for(before.value, value.value)
        made = operators.binary(statement.op, before.value, value.value)
        self.evaluator.charge(costs.steps_of_made(made))
        if isinstance(made, ListValue) and isinstance(before.value, ListValue):
            before.value[:] = made
            return None
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
                owner.fields[target.attr] = Placed(copied(value).value, value.at, self.source.at(target))
            elif isinstance(owner, Module):
                owner.names[target.attr] = value
            elif owner == Imported("os") and target.attr == "environ":
                raise NotConstant("what it sets is not known")
            else:
                spoil(owner, self.evaluator.unreadable(target, NotConstant("what it sets is not known")))
            return None
        index = Placed(None) if isinstance(target.slice, ast.Slice) else self.evaluator.value(target.slice)
        if owner == Imported(ENVIRON):
            self.evaluator.environment.give(index.value, value.value)
        elif isinstance(owner, DictValue) and not isinstance(index.value, NotKnown):
            owner[operators.key(index)] = Placed(value.value, value.at, index.at)
        elif isinstance(owner, list) and isinstance(index.value, int) and -len(owner) <= index.value < len(owner):
            owner[index.value] = value
        else:
            spoil(owner, self.evaluator.unreadable(target, NotConstant("what it sets is not known")))
        return None

    def _delete(self, statement: ast.Delete) -> None:
        for target in statement.targets:
            if isinstance(target, ast.Name):
                if target.id not in self.names:
                    raise Refused(f"Python refuses it: {target.id} is not set")
                del self.names[target.id]
                continue
            if not isinstance(target, ast.Subscript):
                raise not_constant()
            owner, index = self.evaluator.value(target.value).value, self.evaluator.value(target.slice)
            if not isinstance(owner, DictValue) or isinstance(index.value, NotKnown):
                raise not_constant()
            if operators.key(index) not in owner:
                raise Refused(f"Python refuses it: there is no {operators.key(index)!r}")
            del owner[operators.key(index)]


def _read(target: ast.Name | ast.Attribute | ast.Subscript) -> ast.expr:
    """The same expression, as one that is read."""
    return target
