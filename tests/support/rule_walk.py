"""The package's syntax trees -> the rule ids and severities that its diagnostics are made with, without running it."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import baseten_jobs

PACKAGE = Path(baseten_jobs.__file__).parent
_DIAGNOSTIC = "Diagnostic"
_ROUNDS = 9
"""How deep constructors may call one another; `found` fails if it is not enough."""


@dataclass(frozen=True)
class Parameter:
    """A value that a function takes from its caller."""

    name: str
    index: int
    default: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unresolved:
    """A value that the walk can't tell: the module, and the expression."""

    module: str
    expression: str


Value = str | Parameter | Unresolved
Made = tuple[Value, Value]
"""The rule and the severity of a diagnostic."""

Makers = dict[tuple[str, str], set[Made]]
"""By module and name: what a function makes diagnostics with, as far as its callers decide on it."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def _parsed(source: str) -> ast.Module:
    return ast.parse(source)


class _Module:
    def __init__(self, name: str, source: str) -> None:
        self.name = name
        self.tree = _parsed(source)

    @cached_property
    def imports(self) -> dict[str, str]:
        """The module that each imported name comes from; names and methods of a class are those of its module."""
        return {
            alias.asname or alias.name: (node.module or "").removeprefix("baseten_jobs.")
            for node in ast.walk(self.tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }

    @cached_property
    def constants(self) -> dict[str, str]:
        return {
            node.targets[0].id: node.value.value
            for node in self.tree.body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
            if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        }

    @cached_property
    def calls(self) -> tuple[tuple[ast.Call, tuple[ast.ClassDef | _Function, ...]], ...]:
        """Each call with the classes and functions around it, the innermost last."""
        return tuple(_calls(self.tree, ()))

    def origins(self, name: str) -> Iterator[tuple[str, str]]:
        """Where a function of that name may be defined: here, or, if it is no private one, in what is imported."""
        yield self.name, name
        if not name.startswith("_"):
            yield from ((module, name) for module in set(self.imports.values()))


def _calls(
    node: ast.AST, around: tuple[ast.ClassDef | _Function, ...]
) -> Iterator[tuple[ast.Call, tuple[ast.ClassDef | _Function, ...]]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield child, around
        inner = (*around, child) if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) else around
        yield from _calls(child, inner)


def _parameter(function: _Function, name: str, is_method: bool) -> Parameter | None:
    arguments = [*function.args.posonlyargs, *function.args.args]
    names = [argument.arg for argument in arguments]
    if name in names:
        at = names.index(name) - len(names)
        default = function.args.defaults[at] if -at <= len(function.args.defaults) else None
        texts = tuple(_texts(default)) if default is not None else ()
        return Parameter(name, names.index(name) - is_method, texts)
    for argument, value in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
        if argument.arg == name:
            return Parameter(name, 99, tuple(_texts(value)) if value is not None else ())
    return None


def _texts(node: ast.expr) -> Iterator[str]:
    """What a literal is: a text, or the name of a severity."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Severity":
        yield node.attr.lower()


def _values(module: _Module, node: ast.expr, around: tuple[ast.ClassDef | _Function, ...]) -> Iterator[Value]:
    if texts := tuple(_texts(node)):
        yield from texts
    elif isinstance(node, ast.BoolOp):
        for each in node.values:
            yield from _values(module, each, around)
    elif isinstance(node, ast.IfExp):
        yield from _values(module, node.body, around)
        yield from _values(module, node.orelse, around)
    elif isinstance(node, ast.Name) and node.id in module.constants:
        yield module.constants[node.id]
    elif (assigned := _assigned(node, around)) is not None:
        yield from _values(module, assigned, around)
    else:
        yield _taken(node, around) or Unresolved(module.name, ast.unparse(node))


def _assigned(node: ast.expr, around: tuple[ast.ClassDef | _Function, ...]) -> ast.expr | None:
    """What a local variable is, if it is assigned just once and is no parameter."""
    if not isinstance(node, ast.Name) or not around or isinstance(around[-1], ast.ClassDef):
        return None
    names = [each for each in ast.walk(around[-1]) if isinstance(each, ast.Name) and each.id == node.id]
    if sum(isinstance(each.ctx, ast.Store) for each in names) != 1 or _parameter(around[-1], node.id, False):
        return None
    assignments = (each for each in ast.walk(around[-1]) if isinstance(each, ast.Assign))
    return next((each.value for each in assignments if each.targets[0] in names), None)


def _taken(node: ast.expr, around: tuple[ast.ClassDef | _Function, ...]) -> Parameter | None:
    if not isinstance(node, ast.Name) or not around or isinstance(around[-1], ast.ClassDef):
        return None
    if any(isinstance(n, ast.Name) and n.id == node.id and isinstance(n.ctx, ast.Store) for n in ast.walk(around[-1])):
        return None
    is_method = len(around) > 1 and isinstance(around[-2], ast.ClassDef)
    return _parameter(around[-1], node.id, is_method)


def _given(
    module: _Module, call: ast.Call, wanted: Value, around: tuple[ast.ClassDef | _Function, ...]
) -> Iterator[Value]:
    """What a call gives for a value that the function called takes."""
    if not isinstance(wanted, Parameter):
        yield wanted
        return
    named = next((keyword.value for keyword in call.keywords if keyword.arg == wanted.name), None)
    if named is None and wanted.index < len(call.args):
        named = call.args[wanted.index]
    if named is not None:
        yield from _values(module, named, around)
    else:
        yield from wanted.default


def package() -> dict[str, str]:
    """The source of each module of ours but for the embedded API, by the module's name."""
    paths = (path for path in sorted(PACKAGE.rglob("*.py")) if "emulator" not in path.parts)
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path.read_text(encoding="utf-8") for path in paths
    }


def replaced(sources: Mapping[str, str]) -> set[Unresolved]:
    """Where a diagnostic is given another rule or severity after it was made."""
    return {
        Unresolved(name, ast.unparse(keyword.value))
        for name, source in sources.items()
        for node in ast.walk(_parsed(source))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg in ("rule", "severity") and ast.unparse(node.func) in ("replace", "dataclasses.replace")
    }


def found(sources: Mapping[str, str]) -> tuple[dict[str, set[str]], set[Unresolved]]:
    """The severities by rule id, and the values that the walk can't tell."""
    modules = [_Module(name, source) for name, source in sources.items()]
    makers: Makers = {
        ("manifest.diagnostics", _DIAGNOSTIC): {(Parameter("rule", 0), Parameter("severity", 5, ("error",)))}
    }
    for _ in range(_ROUNDS):
        before = sum(map(len, makers.values()))
        for module in modules:
            _extend(makers, module)
        if sum(map(len, makers.values())) == before:
            return _told(makers)
    raise AssertionError("constructors of diagnostics call one another too deep")


def _extend(makers: Makers, module: _Module) -> None:
    names = {name for _, name in makers}
    for call, around in module.calls:
        called = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        if called not in names:
            continue
        for origin in module.origins(called):
            for rule, severity in tuple(makers.get(origin, ())):
                if not isinstance(rule, Parameter) and not isinstance(severity, Parameter):
                    continue
                made = {
                    (r, s) for r in _given(module, call, rule, around) for s in _given(module, call, severity, around)
                }
                makers.setdefault((module.name, _maker(around)), set()).update(made)
                names.add(_maker(around))


def _maker(around: tuple[ast.ClassDef | _Function, ...]) -> str:
    """The name by which the function around a call is called: that of its class for `__init__`."""
    if not around:
        return ""
    return around[-2].name if around[-1].name == "__init__" and len(around) > 1 else around[-1].name


def _told(makers: Makers) -> tuple[dict[str, set[str]], set[Unresolved]]:
    rules: dict[str, set[str]] = {}
    unresolved: set[Unresolved] = set()
    for made in makers.values():
        for rule, severity in made:
            unresolved |= {each for each in (rule, severity) if isinstance(each, Unresolved)}
            if isinstance(rule, str) and isinstance(severity, str):
                rules.setdefault(rule, set()).add(severity)
    return rules, unresolved
