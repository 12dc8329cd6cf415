"""Expressions that hold others: lists, mappings, what is spread into them, comprehensions; names of several parts."""

import ast
from collections.abc import Callable, Iterator
from typing import Any

from baseten_jobs.importing.placed import Placed
from baseten_jobs.importing.truss import costs, operators
from baseten_jobs.importing.truss.expressions import Expressions
from baseten_jobs.importing.truss.values import DictValue, ListValue, NotConstant, NotKnown, Once


class Containers(Expressions):
    """A method for each kind of expression; `assign` gives a value to what is no name, and `_unsure` counts the levels
    of what may not be run at all."""

    assign: Callable[[ast.expr, Placed], None]
    _unsure: int

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
                    raise NotConstant(unknown.why, unknown)
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
                entries.uncertain = entries.uncertain or getattr(value.value, "uncertain", None)
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
        self._unsure += 1
        try:
            choices = [each.value for each in map(self._spread, parts) if isinstance(each.value, dict)]
        finally:
            self._unsure -= 1
        if len(choices) < len(parts) - isinstance(node, ast.BoolOp):
            return value
        made = DictValue({name: value for choice in choices for name in choice})
        made.uncertain = value.value
        return Placed(made, value.at)

    def _listcomp(self, node: ast.ListComp) -> Any:
        return self._comprehended(node, lambda: self.value(node.elt), ListValue())

    def _generatorexp(self, node: ast.GeneratorExp) -> Any:
        return self._comprehended(node, lambda: self.value(node.elt), Once())

    def _dictcomp(self, node: ast.DictComp) -> Any:
        pairs = self._comprehended(node, lambda: Placed((self.value(node.key), self.value(node.value))), ListValue())
        if isinstance(pairs, NotKnown):
            return pairs
        if unknown := self._known(*(pair.value[0] for pair in pairs)):
            return unknown
        return DictValue({operators.key(p.value[0]): Placed(p.value[1].value, p.value[1].at) for p in pairs})

    def _comprehended(self, node: ast.ListComp | ast.GeneratorExp | ast.DictComp, each: Any, into: ListValue) -> Any:
        targets = {each.id for loop in node.generators for each in ast.walk(loop.target) if isinstance(each, ast.Name)}
        before = {name: self.names[name] for name in targets if name in self.names}
        try:
            return self._looped(node.generators, lambda: into.append(each())) or into
        finally:
            for name in targets:
                self.names.pop(name, None)
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
            self.charge(costs.steps_of_made(value.value))
            if isinstance(value.value, NotKnown):
                parts = [value] * len(target.elts)
            else:
                parts = operators.unpacked(value, [isinstance(part, ast.Starred) for part in target.elts])
            for part, each in zip(target.elts, parts, strict=True):
                self.bind(part.value if isinstance(part, ast.Starred) else part, each)
        else:
            self.assign(target, value)
