"""The files of a job, as the API lists them -> those of a checkpoint, and those that a glob matches."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from baseten_jobs.phrases import one_line


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on a node, in bytes; `modified` is in epoch seconds, None if it is not told. `at` is its place in the
    API's list."""

    node: int
    path: str
    size: int
    modified: float | None
    at: int

    @property
    def key(self) -> tuple[int, str]:
        return self.node, self.path

    def __str__(self) -> str:
        return f"{one_line(self.path, 300)} of node {self.node}"


def chosen(files: Iterable[RemoteFile], checkpoints: Sequence[str], patterns: Sequence[str]) -> tuple[RemoteFile, ...]:
    """The files of any of these checkpoints that fit any of these patterns; none of either means all."""
    return tuple(
        file
        for file in files
        if (not checkpoints or any(belongs_to(file.path, each) for each in checkpoints))
        and (not patterns or any(fits(file.path, each) for each in patterns))
    )


def belongs_to(path: str, checkpoint: str) -> bool:
    """True if a file lies in the folder of a checkpoint: the API names no checkpoint of a file, so its path must.

    The id's own folders stand in the path one after the other, wherever.
    """
    parts, wanted = path.split("/"), checkpoint.strip("/").split("/")
    return any(parts[at : at + len(wanted)] == wanted for at in range(len(parts) - len(wanted) + 1))


def fits(path: str, pattern: str) -> bool:
    """True if a glob matches the whole path, or, if it has no slash, the file's own name."""
    return fnmatchcase(path if "/" in pattern else path.rpartition("/")[2], pattern)
