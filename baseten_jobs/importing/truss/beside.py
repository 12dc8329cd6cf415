"""A module that a Python file imports -> the file beside it, within the same repository; it is read, and never run."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from baseten_jobs.importing.truss.names import ROOTS
from baseten_jobs.manifest.paths import checkout_of

_MOST_FILES = 40
_LARGEST = 1 << 20


@dataclass(frozen=True)
class Origin:
    """Where a file lies, and the folder that no file which it imports lies outside of; empty for standard input."""

    file: str = ""
    bound: str = ""


NOWHERE = Origin()


def origin_of(path: str) -> Origin:
    """The file, and the checkout that it is in, or else its own folder."""
    file = os.path.realpath(path)
    folder = os.path.dirname(file)
    return Origin(file, os.path.realpath(checkout_of(folder) or folder))


class Beside:
    """The modules that lie beside one file."""

    def __init__(self, origin: Origin) -> None:
        self._origin, self._read = origin, 0

    def path_of(self, module: str, level: int, importer: str) -> str | None:
        """The file or the folder of a module; None for one that lies elsewhere, such as one that is installed."""
        if not importer or (not level and self.comes_along(module)):
            return None
        parts = module.split(".") if module else []
        for folder in self._starts(importer, level):
            if found := self._at(os.path.join(folder, *parts)):
                return found
        return None

    def comes_along(self, module: str) -> bool:
        """True if a module is there wherever the file is run: it is Python's own, or the client's."""
        return module.partition(".")[0] in (*sys.stdlib_module_names, *ROOTS)

    def _starts(self, importer: str, level: int) -> Iterator[str]:
        folder = os.path.dirname(importer)
        for _ in range(level - 1):
            folder = os.path.dirname(folder)
        while self._inside(folder):
            yield folder
            if level or folder == os.path.dirname(folder):
                return
            folder = os.path.dirname(folder)

    def _at(self, place: str) -> str | None:
        for path in (os.path.join(place, "__init__.py"), f"{place}.py"):
            if os.path.isfile(path) and self._inside(path):
                return os.path.realpath(path)
        return os.path.realpath(place) if os.path.isdir(place) and self._inside(place) else None

    def _inside(self, path: str) -> bool:
        bound = self._origin.bound
        return bool(bound) and os.path.commonpath([bound, os.path.realpath(path)]) == bound

    def way_to(self, path: str) -> str:
        """The path from the folder of the file that is read."""
        return os.path.relpath(path, os.path.dirname(self._origin.file)).replace(os.sep, "/")

    def text_of(self, path: str) -> bytes | None:
        """The bytes of a file; None where it can't be read, or there are too many."""
        self._read += 1
        try:
            with open(path, "rb") as file:
                raw = file.read(_LARGEST + 1)
        except OSError:
            return None
        return raw if len(raw) <= _LARGEST and self._read <= _MOST_FILES else None
