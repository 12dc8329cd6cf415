"""A folder, on the disk or in a commit -> the files of it that travel, and what in it can't."""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from os.path import join

from baseten_jobs.git.index import IndexEntry
from baseten_jobs.git.listing import Listing, list_files
from baseten_jobs.git.process import GitError
from baseten_jobs.manifest.paths import checkout_of, git_folder_of
from baseten_jobs.workspace.default_excludes import CHOOSING, ENVIRONMENT_MARKS, JUNK, never_travels, spelling_of
from baseten_jobs.workspace.ignore_files import IGNORE_FILES, Ignored
from baseten_jobs.workspace.places import Disk, Entry, FolderReader, is_utf8
from baseten_jobs.workspace.selection import Selection


@dataclass(frozen=True, slots=True)
class TravellingFile:
    """A file or link that travels: its path in the archive, its place where it was read, and its status there.

    `named` where the manifest spells it out; `leads_to` is the path in the archive where a link ends; `entry` is what
    git's index has for a file that git tracks, and `checkout` the root of that index, empty without git.
    """

    path: str
    source: str
    status: os.stat_result = field(repr=False)
    target: str | None = None
    leads_to: str | None = None
    named: bool = False
    executable: bool = False
    entry: IndexEntry | None = None
    checkout: str = ""


@dataclass
class Tree:
    """What a walk found; `faults` are (path, what is wrong, a hint), `untracked` is for git checkouts alone."""

    files: list[TravellingFile] = field(default_factory=list)
    faults: list[tuple[str, str, str]] = field(default_factory=list)
    untracked: list[str] = field(default_factory=list)
    withheld: list[str] = field(default_factory=list)
    """Files that git tracks and that never travel."""
    absent: list[str] = field(default_factory=list)
    """Files that git tracks and that are not there: deleted, not checked out, or a submodule that is empty."""


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
    within: Listing | None = None
    above: int = 0

    @property
    def index(self) -> Listing | None:
        """What git's index has: of a repository `within` the checkout its own, whose root `above` characters end."""
        return self.within or self.listing

    def entry_of(self, name: str) -> IndexEntry | None:
        """What git's index has for a file in this folder."""
        return self.index.tracked.get(self.below[self.above :] + name) if self.index is not None else None


def walk(folder: str, at: str, selection: Selection, listing: Listing | None) -> Tree:
    """The files below `folder` on the disk, which is `at` in the archive; `listing` says what git knows of it."""
    below = listing.below(folder) if listing else ""
    left_out = listing is not None and any(below.startswith(each) for each in listing.ignored if each[-1:] == "/")
    start = _Folder(at, folder, below, Ignored(), listing, left_out=left_out)
    root = checkout_of(folder)
    return _Walk(Disk(folder), selection, git_folder_of(root) if root else "").walked(start)


def walk_committed(place: FolderReader, folder: str, at: str, selection: Selection) -> Tree:
    """The same of a folder in a commit, where git knows of every file."""
    return _Walk(place, selection, "").walked(_Folder(at, folder, "", Ignored(), Listing(folder)))


class _Walk:
    def __init__(self, place: FolderReader, selection: Selection, shut: str) -> None:
        self.place, self.selection, self.shut, self.tree = place, selection, shut, Tree()
        self.at = ""
        self.met: set[str] = set()
        """What git tracks and the walk came to, by its path in git's root."""
        self.open: dict[str, _Folder] = {}
        self.guarded: set[str] = set()
        self.closed: set[str] = set()
        """Folders by their path in git's root: walked, left out as what never travels, left out otherwise."""

    def walked(self, start: _Folder) -> Tree:
        self.at = start.path
        pending = [start]
        while pending:
            here = pending.pop()
            try:
                listed = self.place.entries(here.source)
            except OSError as error:
                self._fault(here.path or ".", f"this folder can't be read: {error.strerror}")
                self.closed.add(here.below)
                continue
            pending += self._folder(here, listed)
        if start.listing is not None:
            for name in sorted(start.listing.tracked.keys() - self.met):
                if name.startswith(start.below):
                    self._not_met(name, start.path + name[len(start.below) :])
        return self.tree

    def _not_met(self, name: str, path: str) -> None:
        """What git tracks and the walk did not come to."""
        parts = name.split("/")
        for depth in range(len(parts) - 1, -1, -1):
            folder = "".join(f"{part}/" for part in parts[:depth])
            if folder in self.closed:
                return
            if folder in self.guarded:
                if not name.endswith(JUNK) and not self.selection.excludes(path):
                    self.tree.withheld.append(path)
                return
            if (here := self.open.get(folder)) is not None:
                if self._would_travel(here, parts[depth:]):
                    self.tree.absent.append(path)
                return

    def _would_travel(self, here: _Folder, parts: list[str]) -> bool:
        """Whether a file that is not there would travel, by the folder that holds the rest of its path."""
        for depth in range(1, len(parts) + 1):
            path = here.path + "/".join(parts[:depth]) + ("/" if depth < len(parts) else "")
            if depth == len(parts) and parts[-1] in CHOOSING and not self.selection.spells_out(parts[-1]):
                return False
            if never_travels(path.rstrip("/")) or here.ignored.covers(path) or self.selection.excludes(path):
                return False
        return True

    def _fault(self, path: str, message: str, hint: str = "") -> None:
        self.tree.faults.append((path, message, hint))

    def _folder(self, here: _Folder, entries: Sequence[Entry]) -> Iterator[_Folder]:
        names = {entry.name for entry in entries}
        if ".git" in names and here.below and here.index is not None:
            # A repository of its own: git lists nothing of what is in it.
            if here.listing is not None:
                tracked = here.below.rstrip("/") in here.listing.tracked
                self.met.add(here.below.rstrip("/"))
                here = replace(here, listing=None, untracked=not tracked)
            here = replace(here, within=_listing_of(here.source), above=len(here.below))
        guarded = here.guarded
        if ENVIRONMENT_MARKS & names and here.path:
            guarded = True
            if not self.selection.spells_out(here.path.rstrip("/").rpartition("/")[2]):
                self.guarded.add(here.below)
                return
        ignored = here.ignored
        for name in IGNORE_FILES:
            if name in names and (name == ".basetenignore" or here.listing is None):
                ignored = ignored.within(here.path, self._text(here.path + name, join(here.source, name)))
        here = replace(here, ignored=ignored, guarded=guarded)
        self.open[here.below] = here
        for entry in sorted(entries, key=lambda each: each.name):
            if inner := self._entry(here, entry):
                yield inner

    def _entry(self, here: _Folder, entry: Entry) -> _Folder | None:
        name, path, below = entry.name, here.path + entry.name, here.below + entry.name
        is_folder = entry.is_dir(follow_symlinks=False)
        if name.casefold() == ".git" or entry.path == self.shut:  # there are tokens in it, whatever the manifest says
            return None
        if not is_folder:
            self.met.add(below)
            if name in CHOOSING and not self.selection.spells_out(name):
                return None
        spelling = "" if here.guarded else spelling_of(path)
        guarded = here.guarded or spelling != ""
        if spelling and not self.selection.spells_out(spelling):
            if is_folder:
                self.guarded.add(below + "/")
            elif here.listing is not None and below in here.listing.tracked and not name.endswith(JUNK):
                self.tree.withheld += [] if self.selection.excludes(path) else [path]
            return None
        mark = "/" if is_folder else ""
        left_out = here.left_out or here.ignored.covers(path + mark)
        left_out = left_out or (here.listing is not None and below + mark in here.listing.ignored)
        if is_folder:
            if self.selection.prunes(path + "/") or ((left_out or guarded) and not self.selection.reaches(path + "/")):
                self.closed.add(below + "/")
                return None
            if not is_utf8(name):
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
        if not is_utf8(path):
            self._fault(path, *_NOT_UTF8)
            return
        known = here.entry_of(entry.name)
        try:
            status = entry.stat(follow_symlinks=False)
            target = self._target(here.index, entry, status, known)
        except OSError as error:
            self._fault(path, f"it can't be read: {error.strerror}")
            return
        end = None
        if target is not None:
            end, problem = self.place.followed(entry, target)
            if problem:
                self._fault(path, problem, "exclude it, or put a file in its place")
                return
        elif not stat.S_ISREG(status.st_mode):
            self._fault(path, f"{_kind(status.st_mode)} can't travel", "remove it, or exclude it")
            return
        if here.untracked or (here.listing is not None and known is None):
            self.tree.untracked.append(path)
        end = None if end is None else self.at + end
        executable = bool(status.st_mode & stat.S_IXUSR)
        if here.index is not None and not here.index.has_modes:  # then git takes a new file for a plain one
            executable = known is not None and known.executable
        root = here.index.root if here.index is not None else ""
        self.tree.files.append(TravellingFile(path, entry.path, status, target, end, named, executable, known, root))

    def _target(
        self, index: Listing | None, entry: Entry, status: os.stat_result, known: IndexEntry | None
    ) -> str | None:
        """What a link leads to; where the file system has no links git writes that into a file in its place."""
        if stat.S_ISLNK(status.st_mode):
            return self.place.target(entry)
        in_place = known is not None and known.is_link and index is not None and not index.has_links
        return self.place.text(entry.path) if in_place and stat.S_ISREG(status.st_mode) else None

    def _text(self, path: str, source: str) -> str:
        """An ignore file's text; a fault is added for one that can't be read, since its patterns are not known."""
        try:
            return self.place.text(source)
        except OSError as error:
            self._fault(path, f"it can't be read: {error.strerror}")
            return ""


def loose(chosen: Iterable[TravellingFile]) -> list[str]:
    """Links whose end does not travel, each with its target."""
    chosen = tuple(chosen)
    ends = {"", *(found.path for found in chosen)}
    for found in chosen:
        folder = found.path
        while (folder := folder.rpartition("/")[0]) not in ends:
            ends.add(folder)
    links = {found.path for found in chosen if found.target is not None}
    return [
        f"{found.path} -> {found.target}"
        for found in chosen
        if found.leads_to is not None and (found.leads_to not in ends or found.leads_to in links)  # in a ring of links
    ]


def _listing_of(root: str) -> Listing | None:
    """What git knows of a repository within another, such as a submodule; None where it can't tell."""
    with suppress(GitError):
        return list_files(root, [root])
    return None


_NOT_UTF8 = ("the name is not UTF-8", "rename it, or exclude it")


def _kind(mode: int) -> str:
    kinds = {stat.S_IFIFO: "a fifo", stat.S_IFSOCK: "a socket", stat.S_IFBLK: "a device", stat.S_IFCHR: "a device"}
    return kinds.get(stat.S_IFMT(mode), "what is neither file nor link")
