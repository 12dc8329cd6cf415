"""What `git ls-files --stage --debug -z` prints -> the entries of git's index."""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

_EXECUTABLE, _LINK = 0o100755, 0o120000
_SIZES = 0xFFFF_FFFF
"""An index has so many sizes (gitformat-index): 32 bits."""

_ENTRY = re.compile(rb"([0-7]{6}) ([0-9a-f]{40,64}) [0-3]\t([^\0]*)\0((?:  [^\n]*\n)*)")
_MTIME = re.compile(rb"^  mtime: ([0-9]+):([0-9]+)$", re.MULTILINE)
_SIZE = re.compile(rb"^  size: ([0-9]+)\t", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """A file as git tracks it; `size` and `mtime` are those of the file on the disk as git last found it unchanged.

    They are -1 where git does not tell: bytes, and nanoseconds since the epoch.
    """

    mode: int
    blob: str
    size: int = -1
    mtime: int = -1

    @property
    def executable(self) -> bool:
        return self.mode == _EXECUTABLE

    @property
    def is_link(self) -> bool:
        return self.mode == _LINK

    def is_unchanged(self, status: os.stat_result) -> bool:
        """Whether a file on the disk looks untouched since: as git itself sees it, without reading it."""
        exact = self.mtime % 10**9 != 0
        mtime = status.st_mtime_ns if exact else status.st_mtime_ns // 10**9 * 10**9
        return (status.st_size & _SIZES, mtime) == (self.size, self.mtime)


def index_entries(output: bytes) -> Iterator[tuple[str, IndexEntry]]:
    """The entries with their paths, which are relative to where git was asked; raises ValueError for other output."""
    at = 0
    while at < len(output):
        if (found := _ENTRY.match(output, at)) is None:
            raise ValueError("git lists its index in a form that is not known here")
        mode, blob, path, debug = found.groups()
        mtime, size = _MTIME.search(debug), _SIZE.search(debug)
        facts = (int(size[1]), int(mtime[1]) * 10**9 + int(mtime[2])) if size and mtime else (-1, -1)
        yield os.fsdecode(path), IndexEntry(int(mode, 8), blob.decode(), *facts)
        at = found.end()


def blob_name(raw: bytes, digits: int = 40) -> str:
    """What git calls a blob of these bytes: by SHA-1, or, of 64 hex digits, by SHA-256 (gitformat-hash)."""
    total = (hashlib.sha256 if digits == 64 else hashlib.sha1)(b"blob %d\0" % len(raw), usedforsecurity=False)
    total.update(raw)
    return total.hexdigest()
