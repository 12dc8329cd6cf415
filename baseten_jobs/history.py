"""What git says of manifests -> which revision has a spec's digest, and which commit deleted a manifest."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from baseten_jobs.identity import SHOWN, Identity
from baseten_jobs.observation import ObservedProject
from baseten_jobs.written import Written, manifests_in, reads_whole

RECORD = "\x01"
LOG_FORMAT = f"{RECORD}%H%x00%P%x00%an%x00%cI"
"""What `git log` is to print of a commit, in front of its raw, NUL-terminated changes."""


_BEGIN = re.compile(f"(?<![^\0]){RECORD}(?=[0-9a-f]{{40,64}}\0)")
"""A record follows a NUL; an author's name may hold anything but that, and git strips what it begins with."""


@dataclass(frozen=True)
class Revision:
    """A commit that holds a manifest: its full hash, author, committer date (ISO 8601), and the path there."""

    commit: str
    author: str
    date: str
    path: str


@dataclass(frozen=True)
class FileChange:
    """One file in one commit, beside one of its parents; `order` counts commits from the newest, at 0."""

    revision: Revision
    order: int
    merge: bool
    before: str | None
    after: str | None
    path_before: str

    @property
    def rewrites(self) -> bool:
        """Whether this commit itself wrote the content: a merge or a mere rename did not."""
        return not self.merge and self.before != self.after


@dataclass(frozen=True)
class Found:
    """A manifest in a commit."""

    change: FileChange
    written: Written

    @property
    def revision(self) -> Revision:
        return self.change.revision


def parse_log(text: str) -> tuple[FileChange, ...]:
    """The changes of a `git log --raw -z` in LOG_FORMAT, newest first."""
    changes: list[FileChange] = []
    commits: dict[str, int] = {}
    for record in _BEGIN.split(text)[1:]:
        commit, parents, author, date, *rest = record.split("\0")
        order = commits.setdefault(commit, len(commits))
        tokens = iter(rest)
        for token in tokens:
            if not (token := token.strip("\n")).startswith(":"):
                continue
            _, _, before, after, status = token.split(" ")
            first = next(tokens)
            path = next(tokens) if status[0] in "RC" else first
            changes.append(
                FileChange(
                    Revision(commit, author, date, path), order, " " in parents, _blob(before), _blob(after),
                    first if status[0] == "R" else path,
                )
            )  # fmt: skip
    return tuple(changes)


def _blob(name: str) -> str | None:
    """Nothing for the zeros that stand for a file that is not there."""
    return None if name.strip("0") == "" else name


class History:
    """The changes of all manifests of a repository, and their contents as far as anybody asks for them."""

    def __init__(self, changes: Iterable[FileChange], read: Callable[[str], bytes], limit: int) -> None:
        self.changes = tuple(changes)
        self.limit = limit
        self._read = read
        self._compiled: dict[str, tuple[Written, ...]] = {}
        self._raw: dict[str, bytes] = {}

    def find(self, identity: Identity, path: str | None = None) -> Found | None:
        """The newest revision that has this name and digest: of the file at `path` first, else of any file.

        At most `limit` revisions of each are compiled. Of several in a row that mean the same, the oldest is told:
        it is the one that was submitted; and the commit that wrote it, not a merge or a rename.
        """
        for changes in (self._of_path(path) if path else iter(()), iter(self.changes)):
            found: Found | None = None
            for change in islice((c for c in changes if c.after), self.limit):
                written = self._matching(change.after, identity)
                if written is None and found is not None:
                    break
                found = Found(change, written) if written else found
            if found is not None:
                return Found(self._writer_of(found.change), found.written)
        return None

    def find_in_project(self, identity: Identity, project: ObservedProject) -> Found | None:
        """The same for just this identity, attempt included, of this project."""
        for looked, change in enumerate(c for c in self.changes if c.after and self._mentions(c.after, identity.name)):
            if looked >= self.limit:
                return None
            for written in self._manifests(change.after or ""):
                if written.identity == identity and written.belongs_to(project):
                    return Found(self._writer_of(change), written)
        return None

    def manifests_at(self, blob: str) -> tuple[Written, ...]:
        """The manifests of a blob."""
        return self._manifests(blob) if self._mentions(blob, "") else ()

    def in_deleted_files(self) -> Iterator[Written]:
        """The manifests of the files that were deleted, at most `limit` files."""
        deleted = (change for change in self.changes if change.after is None and change.before)
        for change in islice(deleted, self.limit):
            if self._mentions(change.before or "", "baseten-jobs/"):
                yield from self._manifests(change.before or "")

    def deletion(self, name: str, project: ObservedProject) -> FileChange | None:
        """The newest change that took the manifest of this name out of a file."""
        for change in self.changes:
            before = self._holds(change.before, name, project)
            if before and not self._holds(change.after, name, project):
                return change
        return None

    def _holds(self, blob: str | None, name: str, project: ObservedProject) -> bool:
        if blob is None or not self._mentions(blob, name):
            return False
        manifests = self._manifests(blob)
        return any(w.name == name and w.belongs_to(project) for w in manifests) or not reads_whole(self._raw[blob])

    def _of_path(self, path: str) -> Iterator[FileChange]:
        """Changes of a file, under the names that it had before too."""
        names = {path}
        for change in self.changes:
            if change.revision.path in names:
                names.add(change.path_before)
                yield change

    def _writer_of(self, change: FileChange) -> FileChange:
        return next((c for c in self.changes if c.after == change.after and c.rewrites), change)

    def _matching(self, blob: str | None, identity: Identity) -> Written | None:
        if blob is None or not self._mentions(blob, identity.name):
            return None
        same = [w for w in self._manifests(blob) if (w.name, w.digest[:SHOWN]) == (identity.name, identity.digest)]
        return next((w for w in same if w.attempt == identity.attempt), same[0] if same else None)

    def _mentions(self, blob: str, name: str) -> bool:
        """Most files of a repository are not about this manifest, and need not be parsed."""
        if blob not in self._raw:
            self._raw[blob] = self._read(blob)
        return name.encode() in self._raw[blob]

    def _manifests(self, blob: str) -> tuple[Written, ...]:
        if blob not in self._compiled:
            self._compiled[blob] = manifests_in(blob, self._raw[blob])
        return self._compiled[blob]
