"""A folder, on the disk or in a commit -> what lies in it, as a walk reads it."""

import os
from collections.abc import Sequence
from os.path import isabs, isfile, realpath, relpath
from typing import Protocol

_HOPS = 40
"""Links on the way of one; Linux gives up after as many."""


class Entry(Protocol):
    """What a folder holds under one name; `os.DirEntry` is one."""

    @property
    def name(self) -> str: ...

    @property
    def path(self) -> str: ...

    def is_dir(self, *, follow_symlinks: bool = True) -> bool: ...

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result: ...


class FolderReader(Protocol):
    """Where a walk reads from. Everything may raise OSError."""

    def entries(self, folder: str) -> Sequence[Entry]: ...

    def text(self, path: str) -> str: ...

    def target(self, entry: Entry) -> str: ...

    def followed(self, entry: Entry, target: str) -> tuple[str | None, str]:
        """Where a link ends below the root, None if that is not known; and why it can't travel, empty if it can."""


class Disk:
    """Folders below a root on this machine."""

    def __init__(self, root: str) -> None:
        self.root = realpath(root)

    def entries(self, folder: str) -> Sequence[Entry]:
        with os.scandir(folder) as entries:
            return list(entries)

    def text(self, path: str) -> str:
        if not isfile(path):  # git takes no notice of what is none
            return ""
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()

    def target(self, entry: Entry) -> str:
        return os.readlink(entry.path)

    def followed(self, entry: Entry, target: str) -> tuple[str | None, str]:
        """Every link on the way counts."""
        if not is_utf8(target):
            return None, "the link's target is not UTF-8"
        if isabs(target):
            return None, f"the link leads to '{target}', an absolute path"
        end = _leads_to(self.root, relpath(entry.path, self.root), target)
        return end, f"the link leads out of the root, to '{target}'" if end is None else ""


def is_utf8(name: str) -> bool:
    """The bytes of a name that are not come as lone surrogates."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _leads_to(root: str, path: str, target: str) -> str | None:
    """The path below `root` that a link ends at, whether it exists or not; None for one that leaves the root.

    Every step on the way counts: `../job/train.py` leaves a root `job`, though it comes back to it here. Of a ring of
    links the end is one of them.
    """
    here, pending, hops = path.split("/")[:-1], target.split("/")[::-1], 0
    while pending:
        part = pending.pop()
        if part == "..":
            if not here:
                return None
            here.pop()
        elif part not in ("", "."):
            inner = _target(os.path.join(root, *here, part))
            hops += inner is not None
            if inner is None or hops > _HOPS:
                here.append(part)
            elif os.path.isabs(inner):
                return None
            else:
                pending += inner.split("/")[::-1]
    return "/".join(here)


def _target(path: str) -> str | None:
    try:
        return os.readlink(path)
    except OSError:
        return None
