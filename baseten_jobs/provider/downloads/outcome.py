"""What became of each file of a download."""

from dataclasses import dataclass
from enum import Enum

from baseten_jobs.provider.downloads.remote_files import RemoteFile


class Fate(Enum):
    """What became of a file; one that is left was not begun, or not ended, when all was interrupted or given up."""

    DOWNLOADED = "downloaded"
    KEPT = "kept"
    FAILED = "failed"
    LEFT = "left"


@dataclass(frozen=True)
class Fetched:
    """A file, its place, what became of it, and why it failed."""

    file: RemoteFile
    place: str
    fate: Fate
    error: str = ""


@dataclass(frozen=True)
class Downloaded:
    """What became of each file, in their order."""

    files: tuple[Fetched, ...]
    interrupted: bool = False

    def of(self, fate: Fate) -> tuple[Fetched, ...]:
        return tuple(each for each in self.files if each.fate is fate)
