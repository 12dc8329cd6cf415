"""A folder on the disk -> the files of it that travel, and what in it can't."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from os.path import isabs, join, realpath

from baseten_jobs.git import Listing
from baseten_jobs.manifest import MAX_BYTES
from baseten_jobs.selection import ENVIRONMENT_MARKS, IGNORE_FILES, Ignored, Selection, never_travels


@dataclass(frozen=True, slots=True)
class Found:
    """A file or link that travels: its path in the archive, its place on the disk, and its status there.

    `named` where the manifest spells it out.
    """

    path: str
    source: str
    status: os.stat_result = field(repr=False)
    target: str | None = None
    named: bool = False


@dataclass
class Tree:
    """What a walk found; `faults` are (path, what is wrong, a hint), `untracked` is for git checkouts alone."""

    files: list[Found] = field(default_factory=list)
    faults: list[tuple[str, str, str]] = field(default_factory=list)
    untracked: list[str] = field(default_factory=list)
    withheld: list[str] = field(default_factory=list)
    """Files that git tracks and that never travel."""


@dataclass(frozen=True)
class _Folder:
    """A folder under way; `path` and `below` end in '/' or are empty: in the archive, and in git's root."""

    path: str
    source: str
    below: str
    ignored: Ignored
    listing: Listing | None
    untracked: bool = False
    left_out: bool = False
    guarded: bool = False


def walk(folder: str, at: str, selection: Selection, listing: Listing | None) -> Tree:
    """The files below `folder`, which is `at` in the archive; `listing` says what git knows of it."""
    return _Walk(realpath(folder), selection).walked(folder, at, listing)


class _Walk:
    def __init__(self, root: str, selection: Selection) -> None:
        self.root, self.selection, self.tree = root, selection, Tree()

    def walked(self, folder: str, at: str, listing: Listing | None) -> Tree:
        below = listing.below(self.root) if listing else ""
        left_out = listing is not None and any(below.startswith(each) for each in listing.ignored if each[-1:] == "/")
        pending = [_Folder(at, folder, below, Ignored(), listing, left_out=left_out)]
        while pending:
            here = pending.pop()
            try:
                with os.scandir(here.source) as entries:
                    listed = list(entries)
            except OSError as error:
                self._fault(here.path or ".", f"this folder can't be read: {error.strerror}")
                continue
            pending += self._folder(here, listed)
        return self.tree

    def _fault(self, path: str, message: str, hint: str = "") -> None:
        self.tree.faults.append((path, message, hint))

    def _folder(self, here: _Folder, entries: list[os.DirEntry[str]]) -> Iterator[_Folder]:
        names = {entry.name for entry in entries}
        if ".git" in names and here.below and here.listing is not None:
            # A repository of its own: git lists nothing of what is in it.
            here = replace(here, listing=None, untracked=here.below.rstrip("/") not in here.listing.tracked)
        guarded = here.guarded
        if ENVIRONMENT_MARKS & names and here.path:
            guarded = True
            if not self.selection.spells_out(here.path.rstrip("/").rpartition("/")[2]):
                return
        ignored = here.ignored
        for name in IGNORE_FILES:
            if name in names and (name == ".basetenignore" or here.listing is None):
                ignored = ignored.within(here.path, _text(join(here.source, name)))
        here = replace(here, ignored=ignored, guarded=guarded)
        for entry in sorted(entries, key=lambda each: each.name):
            if inner := self._entry(here, entry):
                yield inner

    def _entry(self, here: _Folder, entry: os.DirEntry[str]) -> _Folder | None:
        name, path, below = entry.name, here.path + entry.name, here.below + entry.name
        is_folder = entry.is_dir(follow_symlinks=False)
        guarded = here.guarded or never_travels(name)
        if guarded and not here.guarded and not self.selection.spells_out(name):
            if here.listing is not None and not is_folder and below in here.listing.tracked and name[-4:-1] != ".py":
                self.tree.withheld.append(path)
            return None
        mark = "/" if is_folder else ""
        left_out = here.left_out or here.ignored.covers(path + mark)
        left_out = left_out or (here.listing is not None and below + mark in here.listing.ignored)
        if is_folder:
            if self.selection.prunes(path + "/") or ((left_out or guarded) and not self.selection.reaches(path + "/")):
                return None
            if not _is_utf8(name):
                self._fault(path, *_NOT_UTF8)
                return None
            inner = replace(here, path=path + "/", source=entry.path, below=below + "/")
            return replace(inner, left_out=left_out, guarded=guarded)
        named = self.selection.includes(path)
        if ((left_out or guarded) and not named) or self.selection.excludes(path):
            return None
        self._file(here, entry, path, named and self.selection.spells_out(name))
        return None

    def _file(self, here: _Folder, entry: os.DirEntry[str], path: str, named: bool) -> None:
        if not _is_utf8(path):
            self._fault(path, *_NOT_UTF8)
            return
        try:
            status = entry.stat(follow_symlinks=False)
            target = os.readlink(entry.path) if stat.S_ISLNK(status.st_mode) else None
        except OSError as error:
            self._fault(path, f"this can't be read: {error.strerror}")
            return
        if target is not None:
            if problem := self._leads_out(entry.path, target):
                self._fault(path, problem, "exclude it, or put a file in its place")
                return
        elif not stat.S_ISREG(status.st_mode):
            self._fault(path, f"{_kind(status.st_mode)} can't travel", "remove it, or exclude it")
            return
        if here.untracked or (here.listing is not None and here.below + entry.name not in here.listing.tracked):
            self.tree.untracked.append(path)
        self.tree.files.append(Found(path, entry.path, status, target, named))

    def _leads_out(self, source: str, target: str) -> str:
        """Why a link can't travel, or nothing; `realpath` follows every link on the way."""
        if not _is_utf8(target):
            return "the link's target is not UTF-8"
        if isabs(target):
            return f"the link leads to '{target}', an absolute path"
        real = realpath(source)
        if real != self.root and not real.startswith(self.root + os.sep):
            return f"the link leads out of the root, to '{target}'"
        return ""


_NOT_UTF8 = ("the name is not UTF-8", "rename it, or exclude it")


def _is_utf8(name: str) -> bool:
    """The bytes of a name that are not come as lone surrogates."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _text(path: str) -> str:
    """An ignore file's text; nothing for one that can't be read, which the walk tells of itself."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read(MAX_BYTES)
    except OSError:
        return ""


def _kind(mode: int) -> str:
    kinds = {stat.S_IFIFO: "a fifo", stat.S_IFSOCK: "a socket", stat.S_IFBLK: "a device", stat.S_IFCHR: "a device"}
    return kinds.get(stat.S_IFMT(mode), "what is neither file nor link")
