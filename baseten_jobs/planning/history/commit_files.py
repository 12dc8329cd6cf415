"""A workspace in a commit -> the files that it held there, read from git's objects."""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os.path import basename, join, normpath

from baseten_jobs.git.objects import GitObject, NotWhole, Objects
from baseten_jobs.job.content import File, Workspace, content_digest
from baseten_jobs.workspace.archive import link_hash
from baseten_jobs.workspace.lfs_pointers import pointed_to
from baseten_jobs.workspace.own_files import form_of
from baseten_jobs.workspace.places import Entry
from baseten_jobs.workspace.scan import HEAD_BYTES, MAX_BYTES, inspect, inspect_head, stays_out
from baseten_jobs.workspace.selection import Selection
from baseten_jobs.workspace.walk import TravellingFile, walk_committed

MOST_READ = 256 << 20
"""Bytes of files that one search reads from git at most; those unchanged in the work tree need no reading."""

MOST_FILES = 400_000
"""Files that one search reads at most, each counted in every revision."""

_FOLDER, _LINK, _SUBMODULE = 0o040000, 0o120000, 0o160000


class TooMuch(Exception):
    """Reading what a commit held would take too long."""


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One line of a tree; `path` is from the repository's root."""

    name: str
    path: str
    mode: int
    object: str

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        return self.mode == _FOLDER

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        kind = stat.S_IFLNK if self.mode == _LINK else stat.S_IFREG
        return os.stat_result((kind | (self.mode & 0o777), 0, 0, 0, 0, 0, 0, 0, 0, 0))


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a blob holds, and whether it is a file of this tool's own."""

    sha256: str
    own: bool = False


class Committed:
    """What workspaces held in the commits of one repository.

    `known` has the SHA-256 of blobs whose content was hashed already. All methods raise TooMuch and NotWhole.
    """

    def __init__(self, objects: Objects, known: Mapping[str, str]) -> None:
        self._objects = objects
        self._facts = {(blob, form): _Facts(sha256) for blob, sha256 in known.items() for form in ("x", "x.yaml")}
        self._trees: dict[str, tuple[tuple[str, int, str], ...]] = {}
        self._roots: dict[str, str | None] = {}
        self._texts: dict[str, bytes] = {}
        self._digests: dict[object, str | None] = {}
        self._read = self._looked_at = 0

    def fetch(self, commits: Iterable[str]) -> None:
        """Read the roots of these commits, all at once."""
        wanted = [commit for commit in commits if commit not in self._roots]
        for commit, found in zip(wanted, self._objects.read([f"{c}^{{tree}}" for c in wanted]), strict=True):
            self._roots[commit] = self._remembered(found) if found else None

    def at(self, commit: str, path: str) -> str | None:
        """The name of the blob or tree that a commit has at a path; None if it has none."""
        if commit not in self._roots:
            self.fetch((commit,))
        here = self._roots[commit]
        for part in filter(None, path.split("/")):
            here = next((o for n, mode, o in self.tree(here) if n == part and mode != _SUBMODULE), None)
            if here is None:
                return None
        return here

    def digest(self, commit: str, home: str, workspace: Workspace) -> str | None:
        """The content digest of what a manifest's workspace held, `home` being its folder; None if that was no file."""
        folders = folders_of(home, workspace)
        key = (workspace, tuple((folder, self.at(commit, folder)) for folder in folders))
        if key not in self._digests:
            files = self.files(commit, home, workspace)
            self._looked_at += len(files)
            if self._looked_at > MOST_FILES:
                raise TooMuch
            self._digests[key] = content_digest(files) if files else None
        return self._digests[key]

    def files(self, commit: str, home: str, workspace: Workspace) -> tuple[File, ...]:
        """The files that an archive of this commit would have; empty if git alone can't show that.

        Of a commit whose digest is known nothing is read again.
        """
        try:
            selection = Selection(workspace.include, workspace.exclude)
        except ValueError:  # a pattern that can't be read was never submitted
            return ()
        place = _Place(self, commit)
        found: list[tuple[TravellingFile, str]] = []
        for index, folder in enumerate(folders_of(home, workspace)):
            if self.at(commit, folder) is None:
                return ()
            tree = walk_committed(place, folder, f"{basename(folder)}/" if index else "", selection)
            found += [(each, place.objects[each.source]) for each in tree.files]
            if tree.faults or place.submodules:
                return ()
        self._learn((each.source, blob) for each, blob in found if each.target is None)
        files = (self._file(each, blob) for each, blob in found)
        return tuple(file for file in files if file is not None)

    def _file(self, found: TravellingFile, blob: str) -> File | None:
        """A file of the archive; None for the tool's own files, which are left out unless they are named."""
        if found.target is not None:
            return File(found.path, found.source, 0, False, link_hash(found.target), found.target)
        facts = self._facts[blob, form_of(found.source)]
        if facts.own and not found.named:
            return None
        return File(found.path, found.source, 0, found.executable, facts.sha256)

    def _learn(self, files: Iterable[tuple[str, str]]) -> None:
        """Read those blobs of these paths that are not known yet; paths help to tell the tool's own files."""
        wanted = dict.fromkeys((blob, form_of(path)) for path, blob in files)
        unknown = [key for key in wanted if key not in self._facts]
        for (blob, form), found in zip(unknown, self._objects.read([blob for blob, _ in unknown]), strict=True):
            if found is None:
                raise NotWhole
            self._take(found)
            self._facts[blob, form] = _facts(found, form)

    def _take(self, found: GitObject) -> None:
        self._read += found.size
        if self._read > MOST_READ:
            self._objects.abandon()
            raise TooMuch

    def text(self, blob: str) -> bytes:
        """The bytes of a small blob, which many commits have."""
        if blob not in self._texts:
            for found in self._objects.read((blob,)):
                if found is None:
                    raise NotWhole
                self._take(found)
                self._texts[blob] = found.whole()
        return self._texts[blob]

    def tree(self, name: str | None) -> tuple[tuple[str, int, str], ...]:
        if name is not None and name not in self._trees:
            for found in self._objects.read((name,)):
                if found is not None and found.kind == "tree":
                    self._remembered(found)
        return self._trees.get(name or "", ())

    def _remembered(self, found: GitObject) -> str:
        if found.name not in self._trees:
            self._trees[found.name] = tuple(_entries(found.whole(), len(found.name) // 2))
        return found.name


class _Place:
    """The folders of one commit, for a walk."""

    def __init__(self, committed: Committed, commit: str) -> None:
        self._committed, self._commit = committed, commit
        self.objects: dict[str, str] = {}
        self.submodules = False
        """True if some of the files to upload are in other repositories."""

    def entries(self, folder: str) -> Sequence[Entry]:
        tree = self.objects.get(folder) or self._committed.at(self._commit, folder) or ""
        head = f"{folder}/" if folder else ""
        found = [TreeEntry(name, head + name, mode, it) for name, mode, it in self._committed.tree(tree)]
        self.objects.update((entry.path, entry.object) for entry in found)
        self.submodules = self.submodules or any(entry.mode == _SUBMODULE for entry in found)
        return [entry for entry in found if entry.mode != _SUBMODULE]

    def text(self, path: str) -> str:
        return self._committed.text(self.objects[path]).decode("utf-8", "surrogateescape")

    def target(self, entry: Entry) -> str:
        return os.fsdecode(self._committed.text(self.objects[entry.path]))

    def followed(self, entry: Entry, target: str) -> tuple[str | None, str]:
        return None, ""  # a link out of the root was never submitted


def folders_of(home: str, workspace: Workspace) -> tuple[str, ...]:
    """The folders whose files travel, from the repository's root; the first is the workspace's root."""
    paths = (normpath(join(home, folder)) for folder in (workspace.root, *workspace.external))
    return tuple("" if path == "." else path for path in paths)


def _entries(raw: bytes, length: int) -> Iterator[tuple[str, int, str]]:
    """The lines of a tree object: mode, name, and the object's name in bytes."""
    at = 0
    while at < len(raw):
        space, end = raw.index(b" ", at), raw.index(b"\0", at)
        yield os.fsdecode(raw[space + 1 : end]), int(raw[at:space], 8), raw[end + 1 : end + 1 + length].hex()
        at = end + 1 + length


def _facts(found: GitObject, form: str) -> _Facts:
    """A pointer of LFS stands for the content that travels in its place."""
    total, head = hashlib.sha256(), b""
    for chunk in found.chunks():
        total.update(chunk)
        head = head or chunk
    notes = inspect(form, head) if found.size <= MAX_BYTES else inspect_head(head[:HEAD_BYTES])
    return _Facts(pointed_to(head) or total.hexdigest(), stays_out(notes))
