"""A folder, on the disk or in a commit -> what lies in it, as a walk reads it."""

import os
from collections.abc import Sequence
from os.path import isabs, isfile, realpath, relpath
from typing import Protocol

from baseten_jobs.workspace.links import leads_to


class Entry(Protocol):
    """What a folder holds under one name; `os.DirEntry` is one."""

    @property
    def name(self) -> str: ...

    @property
    def path(self) -> str: ...

    def is_dir(self, *, follow_symlinks: bool = True) -> bool: ...

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result: ...


class Place(Protocol):
    """Where a walk reads from. Everything may raise OSError."""

    def entries(self, folder: str) -> Sequence[Entry]: ...

    def text(self, path: str) -> str: ...

    def target(self, entry: Entry) -> str: ...

    def followed(self, entry: Entry, target: str) -> tuple[str | None, str]:
        """Where a link ends below the root, if that is known; and why it can't travel, or nothing."""


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
        end = leads_to(self.root, relpath(entry.path, self.root), target)
        return end, f"the link leads out of the root, to '{target}'" if end is None else ""


def is_utf8(name: str) -> bool:
    """The bytes of a name that are not come as lone surrogates."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
