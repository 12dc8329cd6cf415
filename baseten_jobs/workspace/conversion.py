"""Files of a checkout, and what git's index has for them -> those that git changed on their way to the disk."""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress

from baseten_jobs.git.index import IndexEntry, blob_name
from baseten_jobs.git.listing import contents_of, sizes_of
from baseten_jobs.git.process import GitError
from baseten_jobs.workspace.hashing import Held
from baseten_jobs.workspace.lfs_pointers import LONGEST, pointed_to
from baseten_jobs.workspace.walk import TravellingFile

_IDENT = re.compile(rb"\$Id:[^$\n]*\$")
_Differing = tuple[TravellingFile, Held, IndexEntry]


def converted(root: str, files: Iterable[tuple[TravellingFile, Held]]) -> tuple[str, ...]:
    """The paths of those files whose bytes are not those that git holds, although git sees no change in them.

    Line endings, `$Id$`, encodings and filters do so, and may do otherwise on another machine. What a pointer of LFS
    stands for is the same everywhere. No filter is run to find out: a file that lies untouched since git saw it holds
    what git made of the blob; one that was touched since is undone by line endings and `$Id$` alone, all else counts
    as an edit. Of a file too large to be read at once only the size is compared. A file whose blob is not in this
    clone is left out.
    """
    differing = [(f, held, f.entry) for f, held in files if f.entry and _name(f, held, f.entry) != f.entry.blob]
    untouched = [each for each in differing if each[2].is_unchanged(each[0].status)]
    touched = (each for each in differing if not each[2].is_unchanged(each[0].status))
    found = [each.path for each, held, entry in touched if held.blob and _is_undone(each, entry)]
    with suppress(GitError):
        found += _unlike(root, untouched)
    return tuple(sorted(found))


def _unlike(root: str, untouched: list[_Differing]) -> Iterator[str]:
    if not untouched:
        return
    sizes = sizes_of(root, {entry.blob for _, _, entry in untouched})
    small = contents_of(root, [blob for blob, size in sizes.items() if size < LONGEST])
    for found, held, entry in untouched:
        size = sizes.get(entry.blob)
        same = size is None or (not held.blob and size == found.status.st_size)
        if not same and pointed_to(small.get(entry.blob, b"")) != held.sha256:
            yield found.path


def _name(found: TravellingFile, held: Held, entry: IndexEntry) -> str:
    """The name that git would give to a file's bytes as they are; empty for a file too large to be read at once."""
    if not held.blob or len(held.blob) == len(entry.blob):
        return held.blob
    return blob_name(_read(found.source), len(entry.blob))


def _is_undone(found: TravellingFile, entry: IndexEntry) -> bool:
    """Whether a file holds what git has, but for line endings and `$Id$`."""
    raw = _read(found.source)
    with_lf = raw.replace(b"\r\n", b"\n")
    ways = {way for each in (raw, with_lf) for way in (each, _IDENT.sub(b"$Id$", each))} - {raw}
    return any(blob_name(way, len(entry.blob)) == entry.blob for way in ways)


def _read(path: str) -> bytes:
    """A small file that was read just before; empty if it is gone by now, which the upload tells of."""
    with suppress(OSError), open(path, "rb") as file:
        return file.read()
    return b""
