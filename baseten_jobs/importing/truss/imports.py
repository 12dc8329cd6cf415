"""The imports of a Python file -> the names that they bind: what a file beside it holds, or names of elsewhere."""

import ast
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from baseten_jobs.importing.placed import Placed
from baseten_jobs.importing.truss.evaluator import Evaluator
from baseten_jobs.importing.truss.source import PythonSource, parse
from baseten_jobs.importing.truss.values import Imported, Module, Refused
from baseten_jobs.manifest.diagnostics import Diagnostic


class Files(Protocol):
    """The Python files beside the one that is read."""

    def path_of(self, module: str, level: int, importer: str) -> str | None:
        """The file or the folder of a module, `level` folders up if it is not 0; None for one that lies elsewhere."""

    def comes_along(self, module: str) -> bool:
        """True if a module is there wherever the file is run: it is Python's own, or the client's."""

    def way_to(self, path: str) -> str:
        """The path from the folder of the file that is read."""

    def text_of(self, path: str) -> bytes | None:
        """The bytes of a file; None where it can't be read, or there are too many."""


class Imports:
    """Import statements of one file and of those that it imports, each of which is worked out once, by `run`."""

    def __init__(
        self, evaluator: Evaluator, files: Files, run: Callable[[PythonSource, dict[str, Placed]], None]
    ) -> None:
        self._evaluator, self._files, self._run = evaluator, files, run
        file = evaluator.source.file
        self._modules = {file: Module(file, evaluator.names)}

    def whole(self, statement: ast.Import) -> None:
        """`import a.b`, which binds a with b in it."""
        for alias in statement.names:
            root, *below = alias.name.split(".")
            name = alias.name if alias.asname else root
            module = self._module(statement, name, 0)
            within = None if alias.asname else module
            for depth in range(1, len(below) + 1):
                part = self._module(statement, ".".join((root, *below[:depth])), 0) if within else None
                if within is not None and part is not None:
                    within.names[below[depth - 1]] = self._placed(statement, part)
                within = part
            self._bind(statement, alias.asname or root, module or Imported(name))

    def parts(self, statement: ast.ImportFrom) -> None:
        """`from a import b`."""
        name = "." * statement.level + (statement.module or "")
        module = self._module(statement, statement.module or "", statement.level)
        for alias in statement.names:
            if alias.name == "*":
                self._evaluator.stars += [name] if name.partition(".")[0] == "truss_train" else []
                self._evaluator.names.update(_public(module) if module else {})
            elif module is not None and alias.name in module.names:
                self._evaluator.names[alias.asname or alias.name] = module.names[alias.name]
            else:
                below = ".".join(filter(None, (statement.module, alias.name)))
                found = self._module(statement, below, statement.level) if module is not None else None
                self._bind(statement, alias.asname or alias.name, found or Imported(f"{name}.{alias.name}"))

    def _bind(self, statement: ast.stmt, name: str, value: Module | Imported) -> None:
        self._evaluator.names[name] = self._placed(statement, value)

    def _placed(self, statement: ast.stmt, value: Module | Imported) -> Placed:
        return Placed(value, self._evaluator.source.at(statement))

    def _module(self, statement: ast.stmt, name: str, level: int) -> Module | None:
        """A module beside the file; None for one that is elsewhere, or can't be read."""
        importer = self._evaluator.source
        path = self._files.path_of(name, level, importer.file)
        if path is None or path in self._modules:
            return self._modules[path] if path else None
        raw = self._files.text_of(path) if path.endswith(".py") else b""
        way = self._files.way_to(path)
        source = parse(way, raw) if raw is not None else None
        if source is None:
            return None
        if isinstance(source, Diagnostic):
            raise Refused(f"Python refuses it: {source.position}: {source.message}")
        made = self._modules[path] = Module(path, {})
        self._run(replace(source, file=path, here=way, stands_at=importer.at(statement)), made.names)
        return made

    def is_certain(self, statement: ast.stmt) -> bool:
        """True if an import finds all that it names wherever it is run: beside the file, or in Python or the client."""
        importer = self._evaluator.source.file
        level = statement.level if isinstance(statement, ast.ImportFrom) else 0
        whole = [alias.name for alias in statement.names] if isinstance(statement, ast.Import) else []
        named = [*whole, *([statement.module or ""] if isinstance(statement, ast.ImportFrom) else [])]
        return all(
            (not level and self._files.comes_along(name)) or self._files.path_of(name, level, importer) is not None
            for name in named
        )


def _public(module: Module) -> dict[str, Placed]:
    """The names that `import *` brings: those of `__all__`, or those without a leading underscore."""
    listed = module.names.get("__all__")
    if listed is not None and isinstance(listed.value, list):
        wanted = {each.value for each in listed.value}
        return {name: value for name, value in module.names.items() if name in wanted}
    return {name: value for name, value in module.names.items() if not name.startswith("_")}
