"""The statements of a Python file -> the names that they set, change and mention, each statement walked once."""

import ast
from collections.abc import Iterable
from dataclasses import dataclass

from baseten_jobs.importing.truss.endings import EXITS


@dataclass(frozen=True)
class Touched:
    """The names that statements set (`rebinds`), those whose values they may change, and all names and attributes.

    `calls` are names of which something is called that only reads, if it is no function of the file's own. `nodes`
    counts the nodes of their syntax trees; `leaves` says that a `break` or `continue` is among them, `returns` that a
    `return` is, `raises` that something in them may end the file, and `plain` that nothing in them waits, yields, or
    sets names of an outer scope.
    """

    changes: frozenset[str]
    calls: frozenset[str]
    rebinds: frozenset[str]
    globals: frozenset[str]
    mentions: frozenset[str]
    nodes: int
    leaves: bool
    returns: bool
    raises: bool
    plain: bool

    @property
    def reached(self) -> frozenset[str]:
        """The names whose values may be changed, or are functions that may be called."""
        return self.changes | self.calls


class Touches:
    """What each statement touches, found once, however often it is asked for."""

    def __init__(self) -> None:
        self._found: dict[tuple[ast.AST, bool], Touched] = {}

    def of(self, node: ast.AST) -> Touched:
        """What the whole statement, or expression, touches."""
        if (node, False) not in self._found:
            self._found[node, False] = _touched([node])
        return self._found[node, False]

    def within(self, statement: ast.For | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Touched:
        """What the statements of its body touch."""
        if (statement, True) not in self._found:
            self._found[statement, True] = _touched(statement.body)
        return self._found[statement, True]


def _touched(statements: Iterable[ast.AST]) -> Touched:
    walk = _Walk()
    walk.through([*statements])
    walk.through(walk.arguments, given=True)
    if walk.changes & walk.rebinds:  # what changes has a name of its own here, and may be whatever is named
        walk.changes |= walk.mentions
    changes, calls, rebinds = map(frozenset, (walk.changes, walk.calls, walk.rebinds))
    globals_, mentions = map(frozenset, (walk.globals, walk.mentions))
    return Touched(
        changes, calls, rebinds, globals_, mentions, walk.nodes, walk.leaves, walk.returns, walk.raises, walk.plain
    )


_EMPTY = (ast.Constant, ast.expr_context)
"""The most frequent nodes, which touch no name and have none below."""

_READ = frozenset(
    {
        "get", "items", "keys", "values", "copy", "join", "format", "strip", "lstrip", "rstrip", "split", "splitlines",
        "lower", "upper", "title", "replace", "startswith", "endswith", "removeprefix", "removesuffix", "count",
        "index", "encode", "decode", "isdigit", "exists", "is_file", "is_dir", "resolve", "absolute", "as_posix",
        "print", "len", "str", "int", "float", "bool", "repr", "isinstance", "sorted", "min", "max", "sum", "abs",
        "round", "range", "enumerate", "zip", "any", "all", "hasattr", "getenv",
    }
)  # fmt: skip
"""Methods and functions that change nothing of what they are called of, nor of what they are given."""


class _Walk:
    """What the nodes come to so far; `arguments` are what calls are given, still to be walked through."""

    def __init__(self) -> None:
        self.changes: set[str] = set()
        self.calls: set[str] = set()
        self.rebinds: set[str] = set()
        self.globals: set[str] = set()
        self.mentions: set[str] = set()
        self.nodes, self.leaves, self.returns, self.raises, self.plain = 0, False, False, False, True
        self.arguments: list[ast.AST] = []

    def through(self, waiting: list[ast.AST], *, given: bool = False) -> None:
        """Each of these nodes and all below, once; whatever is named in what a call is `given` may be changed by it."""
        while waiting:
            node = waiting.pop()
            self.nodes += 1
            if isinstance(node, ast.Call):
                name = _name(node.func)
                self.raises = self.raises or name in _EXITS
                (self.calls if name in _READ else self.changes).add(_root(node.func))
                harmless = name in _READ and not given
                (waiting if given or harmless else self.arguments).extend((*node.args, *node.keywords))
                waiting.append(node.func)
                continue
            if not isinstance(node, _EMPTY):
                self._visit(node, given)
                waiting.extend(ast.iter_child_nodes(node))

    def _visit(self, node: ast.AST, given: bool) -> None:
        if isinstance(node, ast.Name):
            self.mentions.add(node.id)
            self.changes |= {node.id} if given else set()
            self.rebinds |= set() if isinstance(node.ctx, ast.Load) else {node.id}
        elif isinstance(node, ast.Attribute | ast.Subscript):
            self.mentions |= {node.attr} if isinstance(node, ast.Attribute) else set()
            self.changes |= set() if isinstance(node.ctx, ast.Load) else {_root(node)}
        elif isinstance(node, ast.AugAssign):
            self.changes.add(_root(node.target))
        elif isinstance(node, ast.Global):
            self.globals |= set(node.names)
            self.plain = False
        elif isinstance(node, ast.alias):
            self.rebinds.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self.rebinds.add(node.name)
            self.mentions.add(node.name)
        elif isinstance(node, ast.Return):
            self.returns = True
        elif isinstance(node, ast.Raise | ast.Assert):
            self.raises = True
        elif isinstance(node, ast.Yield | ast.YieldFrom | ast.Await | ast.Nonlocal):
            self.plain = False
        elif isinstance(node, ast.Break | ast.Continue):
            self.leaves = True


_EXITS = frozenset(name.rpartition(".")[2] for name in EXITS)


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
