"""A folder, on the disk or in a commit -> the files of it that travel, and what in it can't."""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from os.path import isabs, join, realpath
from typing import Protocol

from baseten_jobs.git import Listing
from baseten_jobs.manifest import MAX_BYTES
from baseten_jobs.selection import ENVIRONMENT_MARKS, IGNORE_FILES, Ignored, Selection, never_travels


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

    def leads_out(self, entry: Entry, target: str) -> str:
        """Why a link can't travel, or nothing."""


class Disk:
    """Folders below a root on this machine."""

    def __init__(self, root: str) -> None:
        self.root = realpath(root)

    def entries(self, folder: str) -> Sequence[Entry]:
        with os.scandir(folder) as entries:
            return list(entries)

    def text(self, path: str) -> str:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read(MAX_BYTES)

    def target(self, entry: Entry) -> str:
        return os.readlink(entry.path)

    def leads_out(self, entry: Entry, target: str) -> str:
        """`realpath` follows every link on the way."""
        if not _is_utf8(target):
            return "the link's target is not UTF-8"
        if isabs(target):
            return f"the link leads to '{target}', an absolute path"
        real = realpath(entry.path)
        if real != self.root and not real.startswith(self.root + os.sep):
            return f"the link leads out of the root, to '{target}'"
        return ""


@dataclass(frozen=True, slots=True)
class Found:
    """A file or link that travels: its path in the archive, its place where it was read, and its status there.

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
    """The files below `folder` on the disk, which is `at` in the archive; `listing` says what git knows of it."""
    below = listing.below(folder) if listing else ""
    left_out = listing is not None and any(below.startswith(each) for each in listing.ignored if each[-1:] == "/")
    start = _Folder(at, folder, below, Ignored(), listing, left_out=left_out)
    return _Walk(Disk(folder), selection).walked(start)


def walk_committed(place: Place, folder: str, at: str, selection: Selection) -> Tree:
    """The same of a folder in a commit, where git knows of every file."""
    return _Walk(place, selection).walked(_Folder(at, folder, "", Ignored(), Listing(folder)))


class _Walk:
    def __init__(self, place: Place, selection: Selection) -> None:
        self.place, self.selection, self.tree = place, selection, Tree()

    def walked(self, start: _Folder) -> Tree:
        pending = [start]
        while pending:
            here = pending.pop()
            try:
                listed = self.place.entries(here.source)
            except OSError as error:
                self._fault(here.path or ".", f"this folder can't be read: {error.strerror}")
                continue
            pending += self._folder(here, listed)
        return self.tree

    def _fault(self, path: str, message: str, hint: str = "") -> None:
        self.tree.faults.append((path, message, hint))

    def _folder(self, here: _Folder, entries: Sequence[Entry]) -> Iterator[_Folder]:
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
                ignored = ignored.within(here.path, self._text(join(here.source, name)))
        here = replace(here, ignored=ignored, guarded=guarded)
        for entry in sorted(entries, key=lambda each: each.name):
            if inner := self._entry(here, entry):
                yield inner

    def _entry(self, here: _Folder, entry: Entry) -> _Folder | None:
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

    def _file(self, here: _Folder, entry: Entry, path: str, named: bool) -> None:
        if not _is_utf8(path):
            self._fault(path, *_NOT_UTF8)
            return
        try:
            status = entry.stat(follow_symlinks=False)
            target = self.place.target(entry) if stat.S_ISLNK(status.st_mode) else None
        except OSError as error:
            self._fault(path, f"this can't be read: {error.strerror}")
            return
        if target is not None:
            if problem := self.place.leads_out(entry, target):
                self._fault(path, problem, "exclude it, or put a file in its place")
                return
        elif not stat.S_ISREG(status.st_mode):
            self._fault(path, f"{_kind(status.st_mode)} can't travel", "remove it, or exclude it")
            return
        if here.untracked or (here.listing is not None and here.below + entry.name not in here.listing.tracked):
            self.tree.untracked.append(path)
        self.tree.files.append(Found(path, entry.path, status, target, named))

    def _text(self, path: str) -> str:
        """An ignore file's text; nothing for one that can't be read, which the walk tells of itself."""
        try:
            return self.place.text(path)
        except OSError:
            return ""


_NOT_UTF8 = ("the name is not UTF-8", "rename it, or exclude it")


def _is_utf8(name: str) -> bool:
    """The bytes of a name that are not come as lone surrogates."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _kind(mode: int) -> str:
    kinds = {stat.S_IFIFO: "a fifo", stat.S_IFSOCK: "a socket", stat.S_IFBLK: "a device", stat.S_IFCHR: "a device"}
    return kinds.get(stat.S_IFMT(mode), "what is neither file nor link")
