"""Ignore files, patterns and names that never travel -> whether a file is chosen. pathspec lives only here."""

import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pathspec import GitIgnoreSpec

IGNORE_FILES = (".gitignore", ".basetenignore")

NEVER = frozenset(
    {
        ".git", ".hg", ".svn", ".baseten-jobs",
        ".venv", "__pycache__", ".cache", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis",
        ".ipynb_checkpoints", ".tox", ".nox",
        ".envrc",
    }
)  # fmt: skip
"""Names of files and folders that only travel where a manifest spells them out."""

ENVIRONMENT_MARKS = frozenset({"pyvenv.cfg", "conda-meta"})
"""What a folder that is a virtual environment holds, whatever its name is."""

CHOOSING = frozenset({*IGNORE_FILES, ".gitattributes", ".dockerignore"})
"""Names of files that only say which others are chosen, and how: what a job runs never depends on a comment in one."""

JUNK = (".pyc", ".pyo", ".DS_Store")
"""Ends of names that no job misses."""

_ENV_SAMPLES = frozenset({".env.example", ".env.sample", ".env.template", ".env.dist"})


def never_travels(name: str) -> bool:
    """Whether a file or folder of this name is left out, whatever the ignore files say."""
    return name in NEVER or is_dotenv(name) or name.endswith(JUNK)


def is_dotenv(name: str) -> bool:
    """`.env` and its kin, such as `.env.local` and `.env-prod`."""
    if not name.startswith(".env"):
        return False
    return (name == ".env" or name[4] in ".-_") and name not in _ENV_SAMPLES


def mistake_in(pattern: str) -> str:
    """Why a pattern can't be read, or nothing."""
    try:
        _spec([pattern])
    except ValueError:
        return f"'{pattern}' is not a pattern as in .gitignore"
    return ""


def _spec(patterns: Iterable[str]) -> GitIgnoreSpec:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of `re`, for a pattern such as `[[]z]`
        return GitIgnoreSpec.from_lines(patterns)


def _readable(lines: Iterable[str]) -> GitIgnoreSpec:
    """git passes over the lines of an ignore file that it can't read."""
    return _spec(line for line in lines if not mistake_in(line))


def _matchable(path: str) -> str:
    """No pattern can hold a line break, and pathspec's own dots do not match one."""
    return path.replace("\n", "\ufffd")


@dataclass(frozen=True)
class _Rules:
    """One ignore file: what each pattern fits and whether that is left out, the last first, and all in one."""

    each: tuple[tuple[re.Pattern[str], bool], ...]
    any: re.Pattern[str]

    def verdict(self, path: str) -> bool | None:
        """What the last pattern that fits says, or nothing. Most paths fit none, which one search tells."""
        if self.each and self.any.search(path):
            for pattern, left_out in self.each:
                if pattern.search(path) and _fits(pattern, path):
                    return left_out
        return None


def _rules(text: str) -> _Rules:
    spec = _readable(text.removeprefix("\ufeff").split("\n"))
    patterns: Iterable[Any] = reversed(list(spec.patterns))  # pathspec before 1.1 gives them no type
    each = tuple((p.regex, p.include) for p in patterns if p.regex is not None and p.include is not None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return _Rules(each, re.compile("|".join(pattern.pattern.replace(_MARK, "(?:") for pattern, _ in each)))


_MARK = "(?P<ps_d>"
"""pathspec's name for the '/' behind a folder that fits."""


def _fits(pattern: re.Pattern[str], path: str) -> bool:
    """Whether a pattern fits a path itself; pathspec's own answer holds for all that is below a folder, too.

    A walk asks of each folder on the way, and there `!lib` does not bring back what is left out within `lib`.
    """
    mark = pattern.groupindex.get("ps_d", 0)
    return any(not mark or match.end(mark) in (-1, len(path)) for match in pattern.finditer(path))


@dataclass(frozen=True)
class Ignored:
    """The ignore files in force in one folder: each with the folder that it lies in, the outermost first."""

    layers: tuple[tuple[str, _Rules], ...] = ()

    def within(self, folder: str, text: str) -> "Ignored":
        """The same, and one more ignore file, of a `folder` that ends in '/' or is the root."""
        return Ignored((*self.layers, (folder, _rules(text))))

    def covers(self, path: str) -> bool:
        """Whether the last pattern that fits leaves this out, where no folder on the way is; a folder ends in '/'."""
        for folder, rules in reversed(self.layers):
            below = _matchable(path[len(folder) :])
            if (verdict := rules.verdict(below)) is not None:
                return verdict
        return False


@dataclass(frozen=True)
class Selection:
    """What a manifest says of its files; all paths are those in the archive."""

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    _included: GitIgnoreSpec = field(init=False, repr=False)
    _excluded: GitIgnoreSpec = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_included", _spec(self.include))
        object.__setattr__(self, "_excluded", _spec(self.exclude))

    def includes(self, path: str) -> bool:
        return bool(self.include) and self._included.match_file(_matchable(path))

    def excludes(self, path: str) -> bool:
        return bool(self.exclude) and self._excluded.match_file(_matchable(path))

    def spells_out(self, name: str) -> bool:
        """Whether a pattern holds the name of what never travels otherwise, without a wildcard."""
        return any(name in pattern.split("/") for pattern in self.include)

    def reaches(self, folder: str) -> bool:
        """Whether something below a folder that is left out may still be included."""
        return any(
            "/" not in pattern.strip("/") or "**" in pattern or _agree(pattern.strip("/"), folder.strip("/"))
            for pattern in self.include
        )

    def prunes(self, folder: str) -> bool:
        """Whether nothing below an excluded folder can travel."""
        return self.excludes(folder) and not any(pattern.startswith("!") for pattern in self.exclude)


def _agree(pattern: str, folder: str) -> bool:
    """Whether a pattern fits a folder as far as both go."""
    pairs = zip(pattern.split("/"), folder.split("/"), strict=False)
    return all(set("*?[") & set(part) or part == name for part, name in pairs)
