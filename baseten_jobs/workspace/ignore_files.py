"""Ignore files and lists of patterns -> what they say of a path, however many patterns there are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from baseten_jobs.workspace.globs import Pattern, pattern_in

IGNORE_FILES = (".gitignore", ".basetenignore")


class Rules:
    """Patterns in their order, of which the last that fits decides.

    Few of many patterns are tried on one path: each is looked up by what its first or last name begins or ends with.
    """

    def __init__(self, lines: Iterable[bytes]) -> None:
        found = (pattern_in(line) for line in lines)
        self._patterns = {index: pattern for index, pattern in enumerate(found) if pattern is not None}
        self._anywhere: list[int] = []
        self._tables: dict[tuple[int, bool], dict[bytes, list[int]]] = {}
        for index, pattern in self._patterns.items():
            self._file(index, pattern)
        self._lengths = {place: {len(key) for key in table} for place, table in self._tables.items()}
        self._of_folders: dict[tuple[bytes, ...], int] = {}

    def _file(self, index: int, pattern: Pattern) -> None:
        """Put a pattern where `_candidates` finds it."""
        for name, group in ((0, pattern.groups[0]), (-1, pattern.groups[-1])):
            if group and (name or pattern.anchored):
                for at_end, literal in ((False, group[name].head), (True, group[name].tail)):
                    if literal:
                        self._tables.setdefault((name, at_end), {}).setdefault(literal, []).append(index)
                        return
        self._anywhere.append(index)

    def _candidates(self, path: Sequence[bytes]) -> list[int]:
        """Where patterns stand that may fit, the last first."""
        found = list(self._anywhere)
        for (name, at_end), table in self._tables.items():
            text = path[name]
            for length in self._lengths[name, at_end]:
                if length <= len(text):
                    found += table.get(text[len(text) - length :] if at_end else text[:length], ())
        return sorted(found, reverse=True)

    def last(self, path: Sequence[bytes], is_folder: bool) -> int:
        """Where the last pattern stands that fits the path itself, from 0; -1 if none does."""
        return next((each for each in self._candidates(path) if self._patterns[each].fits(path, is_folder)), -1)

    def unused(self, paths: Iterable[Sequence[bytes]]) -> list[int]:
        """Which patterns, but for `!` ones, fit none of these files nor a folder that one of them lies in."""
        left = {index for index, pattern in self._patterns.items() if not pattern.negated}
        for part, is_folder in {(tuple(p[:end]), end < len(p)) for p in paths for end in range(1, len(p) + 1)}:
            left -= {index for index in self._candidates(part) if self._patterns[index].fits(part, is_folder)}
        return sorted(left)

    def verdict(self, path: Sequence[bytes], is_folder: bool) -> bool | None:
        """Whether a path is left out, where no folder on the way is; None if no pattern fits it."""
        last = self.last(path, is_folder)
        return None if last < 0 else not self._patterns[last].negated

    def covers(self, path: Sequence[bytes], is_folder: bool) -> bool:
        """Whether the last pattern that fits a path, or a folder that it lies in, chooses it.

        A `!` pattern that fits a folder brings back what a folder's pattern left out, not what a file's did.
        """
        own, above = self.last(path, is_folder), self._last_above(path)
        deciding = above if own < 0 or (above > own and not self._patterns[above].negated) else own
        return deciding >= 0 and not self._patterns[deciding].negated

    def _last_above(self, path: Sequence[bytes]) -> int:
        """The last pattern that fits one of the folders above a path."""
        depth = len(path) - 1
        while depth and tuple(path[:depth]) not in self._of_folders:
            depth -= 1
        found = self._of_folders[tuple(path[:depth])] if depth else -1
        for below in range(depth + 1, len(path)):
            folder = tuple(path[:below])
            found = self._of_folders[folder] = max(found, self.last(folder, True))
        return found


@lru_cache(maxsize=64)
def _rules(text: str) -> Rules:
    lines = as_bytes(text).removeprefix(b"\xef\xbb\xbf").split(b"\n")
    return Rules(line.removesuffix(b"\r") for line in lines)


def as_bytes(text: str) -> bytes:
    """A path or a pattern as the file system has it."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # an escape in a manifest that stands for no character
        return text.encode("utf-8", "surrogatepass")


def cut(path: str) -> tuple[list[bytes], bool]:
    """A path's names, and whether it is a folder, which ends in '/'."""
    return as_bytes(path.rstrip("/")).split(b"/"), path.endswith("/")


@dataclass(frozen=True)
class Ignored:
    """The ignore files in force in one folder: each with the folder that it lies in, the outermost first."""

    layers: tuple[tuple[str, Rules], ...] = ()

    def within(self, folder: str, text: str) -> "Ignored":
        """The same, and one more ignore file, of a `folder` that ends in '/' or is the root."""
        return Ignored((*self.layers, (folder, _rules(text))))

    def covers(self, path: str) -> bool:
        """Whether the last pattern that fits leaves this out, where no folder on the way is; a folder ends in '/'."""
        for folder, rules in reversed(self.layers):
            verdict = rules.verdict(*cut(path[len(folder) :]))
            if verdict is not None:
                return verdict
        return False
