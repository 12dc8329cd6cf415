"""Ignore files, patterns and names that never travel -> whether a file is chosen. pathspec lives only here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pathspec import GitIgnoreSpec

IGNORE_FILES = (".gitignore", ".basetenignore")

NEVER = frozenset(
    {
        ".git", ".hg", ".svn", ".baseten-jobs",
        ".venv", "__pycache__", ".cache", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis",
        ".ipynb_checkpoints", ".tox", ".nox", ".DS_Store",
        ".envrc",
    }
)  # fmt: skip
"""Names of files and folders that only travel where a manifest spells them out."""

ENVIRONMENT_MARKS = frozenset({"pyvenv.cfg", "conda-meta"})
"""What a folder that is a virtual environment holds, whatever its name is."""

_ENV_SAMPLES = frozenset({".env.example", ".env.sample", ".env.template", ".env.dist"})


def never_travels(name: str) -> bool:
    """Whether a file or folder of this name is left out, whatever the ignore files say."""
    dotenv = name == ".env" or (name.startswith(".env.") and name not in _ENV_SAMPLES)
    return name in NEVER or dotenv or name.endswith((".pyc", ".pyo"))


def mistake_in(pattern: str) -> str:
    """Why a pattern can't be read, or nothing."""
    try:
        GitIgnoreSpec.from_lines([pattern])
    except ValueError as error:
        return str(error)
    return ""


def _readable(lines: Iterable[str]) -> GitIgnoreSpec:
    """git passes over the lines of an ignore file that it can't read."""
    return GitIgnoreSpec.from_lines(line for line in lines if not mistake_in(line))


@dataclass(frozen=True)
class Ignored:
    """The ignore files in force in one folder: each with the folder that it lies in, the outermost first."""

    layers: tuple[tuple[str, GitIgnoreSpec], ...] = ()

    def within(self, folder: str, text: str) -> "Ignored":
        """The same, and one more ignore file, of a `folder` that ends in '/' or is the root."""
        return Ignored((*self.layers, (folder, _readable(text.splitlines()))))

    def covers(self, path: str) -> bool:
        """Whether the last pattern that fits leaves this out; a folder's path ends in '/'."""
        verdict: bool | None = False
        for folder, spec in self.layers:
            if (found := spec.check_file(path[len(folder) :]).include) is not None:
                verdict = found
        return bool(verdict)


@dataclass(frozen=True)
class Selection:
    """What a manifest says of its files; all paths are those in the archive."""

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    _included: GitIgnoreSpec = field(init=False, repr=False)
    _excluded: GitIgnoreSpec = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_included", GitIgnoreSpec.from_lines(self.include))
        object.__setattr__(self, "_excluded", GitIgnoreSpec.from_lines(self.exclude))

    def includes(self, path: str) -> bool:
        return bool(self.include) and self._included.match_file(path)

    def excludes(self, path: str) -> bool:
        return bool(self.exclude) and self._excluded.match_file(path)

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
