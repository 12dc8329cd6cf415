"""A manifest's `include` and `exclude` -> whether a file is chosen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from baseten_jobs.workspace.globs import pattern_in
from baseten_jobs.workspace.ignore_files import Rules, as_bytes, cut


def mistake_in(pattern: str) -> str:
    """Why a pattern is not valid; empty if it is."""
    return f"'{pattern}' is not a pattern as in .gitignore" if not pattern.strip("! /") and "!" in pattern else ""


def never_fits(pattern: str) -> bool:
    """Whether no file can ever fit a pattern, as with a bracket that is never closed; git passes over it."""
    return pattern.strip() != "" and not pattern.startswith("#") and pattern_in(as_bytes(pattern)) is None


@dataclass(frozen=True)
class Selection:
    """What a manifest says of its files; all paths are those in the archive."""

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()

    @cached_property
    def _included(self) -> Rules:
        return Rules(map(as_bytes, self.include))

    @cached_property
    def _excluded(self) -> Rules:
        return Rules(map(as_bytes, self.exclude))

    @cached_property
    def _spelled(self) -> frozenset[str]:
        return frozenset(part for pattern in self.include for part in pattern.split("/"))

    @cached_property
    def _bound(self) -> tuple[tuple[str, ...], ...] | None:
        """The included patterns' names, none of which holds at any depth; None where one does."""
        bare = [pattern.strip("/") for pattern in self.include]
        if any("/" not in pattern or "**" in pattern for pattern in bare):
            return None
        return tuple(tuple(pattern.split("/")) for pattern in bare)

    @cached_property
    def _brings_back(self) -> bool:
        return any(pattern.startswith("!") for pattern in self.exclude)

    def includes(self, path: str) -> bool:
        return bool(self.include) and self._included.covers(*cut(path))

    def unused(self, paths: Iterable[str]) -> list[int]:
        """Which patterns of `include` fit none of these files, though they might fit one."""
        return self._included.unused(cut(path)[0] for path in paths)

    def excludes(self, path: str) -> bool:
        return bool(self.exclude) and self._excluded.covers(*cut(path))

    def spells_out(self, name: str) -> bool:
        """Whether a pattern holds the name of what never travels otherwise, without a wildcard."""
        first, _, rest = name.partition("/")
        return first in self._spelled and (not rest or any(f"/{name}/" in f"/{each}/" for each in self.include))

    def reaches(self, folder: str) -> bool:
        """Whether something below a folder that is left out may still be included."""
        if self._bound is None:
            return True
        names = folder.strip("/").split("/")
        return any(_agree(pattern, names) for pattern in self._bound)

    def prunes(self, folder: str) -> bool:
        """True if no file below an excluded folder can travel."""
        return self.excludes(folder) and not self._brings_back


def _agree(pattern: Sequence[str], folder: Sequence[str]) -> bool:
    """Whether a pattern fits a folder as far as both go."""
    pairs = zip(pattern, folder, strict=False)
    return all(set("*?[\\") & set(part) or part == name for part, name in pairs)
