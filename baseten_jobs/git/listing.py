"""Folders of a checkout -> what git's index and its ignore rules say of the files in them."""

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from baseten_jobs.git.index import IndexEntry, index_entries
from baseten_jobs.git.objects import NotWhole, Objects
from baseten_jobs.git.process import GitError, converse, run


@dataclass(frozen=True)
class Listing:
    """What git knows of the files below some folders of one checkout; all paths are below its `root`.

    `ignored` names whole folders with a '/' at the end. Where the file system of the checkout has no executable bits,
    or no links, only git's index tells them: then `has_modes`, or `has_links`, is False.
    """

    root: str
    tracked: Mapping[str, IndexEntry] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    has_modes: bool = True
    has_links: bool = True

    def below(self, folder: str) -> str:
        """A folder's path, with a '/' at the end; empty for the root itself."""
        path = os.path.relpath(os.path.realpath(folder), self.root)
        return "" if path == "." else f"{path}/"


def list_files(root: str, folders: Iterable[str]) -> Listing:
    """Which files below these folders git tracks and ignores, in three processes; raises GitError.

    None of them reads a file, so that no filter of git's runs.
    """
    within = ("--", *sorted({os.path.realpath(folder) for folder in folders}))
    tracked = run(root, "ls-files", "-z", "--stage", "--debug", *within)
    ignored = run(root, "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory", *within)
    try:
        entries = dict(index_entries(tracked))
    except ValueError as error:
        raise GitError(str(error)) from None
    off = _switched_off(root)
    names = frozenset(filter(None, os.fsdecode(ignored).split("\0")))
    return Listing(root, entries, names, "core.filemode" not in off, "core.symlinks" not in off)


def _switched_off(root: str) -> frozenset[str]:
    """Which of git's two settings for file systems that lack something are false."""
    with suppress(GitError):  # which it also raises where neither is set
        told = run(root, "config", "-z", "--type=bool", "--get-regexp", r"^core\.(filemode|symlinks)$")
        values = dict(line.partition("\n")[::2] for line in filter(None, os.fsdecode(told).split("\0")))
        return frozenset(name for name, value in values.items() if value == "false")
    return frozenset()


def sizes_of(root: str, blobs: Iterable[str]) -> dict[str, int]:
    """The size of each of these blobs that is here, in bytes; raises GitError."""
    running = converse(root, "cat-file", "--batch-check")
    output, _ = running.communicate("".join(f"{blob}\n" for blob in blobs).encode())
    facts = (line.split(" ") for line in output.decode().splitlines())
    return {name: int(size[0]) for name, kind, *size in facts if kind == "blob" and size}


def contents_of(root: str, blobs: Sequence[str]) -> dict[str, bytes]:
    """The bytes of each of these blobs that is here, all in memory; raises GitError."""
    objects = Objects(lambda: converse(root, "cat-file", "--batch"))
    try:
        return {blob: found.whole() for blob, found in zip(blobs, objects.read(blobs), strict=True) if found}
    except NotWhole as error:
        raise GitError(str(error)) from None
    finally:
        objects.close()
