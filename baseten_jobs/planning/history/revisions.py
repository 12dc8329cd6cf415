"""Changes of manifests in git -> the revision with a spec's digest, and the commit that deleted a manifest."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush
from itertools import islice

from baseten_jobs.git.log import FileChange, Revision, Version
from baseten_jobs.job.identity import Identity
from baseten_jobs.job.observation import ObservedProject
from baseten_jobs.planning.history.contents import Contents
from baseten_jobs.planning.history.past_manifests import PastManifest, grouped


@dataclass(frozen=True)
class CommittedManifest:
    """A manifest in a commit; `age` is the number of commits since the last one that had it."""

    revision: Revision
    written: PastManifest
    age: int


_BATCH = 256
_FOREIGN = 20
"""A file that had no manifest in so many changes is not read any further back."""


class History:
    """The changes of all manifests of a repository; at most `limit` revisions of each are looked through."""

    def __init__(self, changes: Iterable[FileChange], contents: Contents, limit: int) -> None:
        self.contents = contents
        self.limit = limit
        self.changes = contents.with_stages(contents.with_heirs(tuple(_of_manifests(changes, contents))))

    def find(self, identity: Identity, path: str | None = None) -> CommittedManifest | None:
        """The newest revision that has this name and digest: of the file at `path` first, else of any file.

        Of several in a row with this digest the oldest is returned, since it was submitted; and the commit that wrote
        it, not a merge or a rename. None if there is none.
        """
        for changes in (self._of_path(path) if path else iter(()), self.naming(identity.name)):
            found: tuple[FileChange, PastManifest] | None = None
            for change in islice((c for c in changes if c.after), self.limit):
                written = self._matching(change, identity)
                if written is None and found is not None:
                    break
                found = (change, written) if written else found
            if found is not None:
                return self._found(*found)
        return None

    def find_in_project(self, identity: Identity, project: ObservedProject) -> CommittedManifest | None:
        """The newest revision with this identity, attempt included, in this project; None if there is none."""
        for change in islice(self.naming(identity.name), self.limit):
            for written in self.contents.held(change.new).named(identity.name):
                if written.identity == identity and written.belongs_to(project):
                    return self._found(change, written)
        return None

    def replacing(self, identity: Identity, project: ObservedProject) -> Revision | None:
        """The newest commit that gave a manifest of this identity another spec; None if none did."""
        for change in (self.changes[at] for at in self._named_before.get(identity.name, ())):
            if not self._rewrites(change):
                continue
            before, after = (
                [w for w in self.contents.held(each).named(identity.name) if w.belongs_to(project)]
                for each in (change.old, change.new)
            )
            if any(w.identity == identity for w in before) and after and all(w.identity != identity for w in after):
                return change.revision
        return None

    def taken_out(self) -> Iterator[PastManifest]:
        """The manifests that a change removed from a file, or moved to another project; each name and project once."""
        seen: set[object] = set()
        for change in self.changes:
            before, after = (self.contents.held(each) for each in (change.old, change.new))
            if before.places <= after.places:
                continue
            for written in before.manifests:
                if written.place not in after.places and written.place not in seen:
                    seen.add(written.place)
                    yield written

    def deletion(self, name: str, project: ObservedProject) -> FileChange | None:
        """The newest change that took the manifest of this name out of a file; one of a merge only for want of others:
        what differs from a merged branch may have been gone long before.

        A file that could not be read counts where no change is known, if it had the manifest when it could be.
        """

        def ours(written: PastManifest) -> bool:
            return written.belongs_to(project)

        found: list[tuple[bool, bool, int]] = []
        for at in (*self._named_before.get(name, ()), *self._hidden_before(name)):
            change = self.changes[at]
            before, after = (self.contents.held(each) for each in (change.old, change.new))
            if before.may_hold(name, ours) and not after.may_hold(name, ours):
                found.append((change.merge, not any(map(ours, before.named(name))), at))
        return self.changes[min(found)[2]] if found else None

    def _hidden_before(self, name: str) -> Iterator[int]:
        """The changes of files that could not be read before, of those that held this name."""
        if self._unread_before:
            paths = {self.changes[at].path_before for at in self._named_before.get(name, ())}
            paths |= {change.revision.path for change in self.naming(name)}
            yield from (at for at in self._unread_before if self.changes[at].path_before in paths)

    def _of_path(self, path: str) -> Iterator[FileChange]:
        """Changes of a file, under the names that it had before too."""
        names, pending = {path}, list(self._by_path.get(path, ()))
        while pending:
            at = heappop(pending)
            change = self.changes[at]
            yield change
            if change.path_before not in names:
                names.add(change.path_before)
                for older in self._by_path.get(change.path_before, ()):
                    if older > at:
                        heappush(pending, older)

    @cached_property
    def _by_path(self) -> Mapping[str, Sequence[int]]:
        """The indices in `changes` of each file's changes, the newest first."""
        return grouped((change.revision.path, at) for at, change in enumerate(self.changes))

    @property
    def names(self) -> Iterable[str]:
        """The name of every manifest that a file ever held."""
        return self._named_after

    def naming(self, name: str) -> Iterator[FileChange]:
        """The changes after which a file holds a manifest of this name, the newest first."""
        return (self.changes[at] for at in self._named_after.get(name, ()))

    @cached_property
    def _named_after(self) -> Mapping[str, Sequence[int]]:
        return self._by_name(change.new for change in self.changes)

    @cached_property
    def _named_before(self) -> Mapping[str, Sequence[int]]:
        return self._by_name(change.old for change in self.changes)

    def _by_name(self, versions: Iterable[Version | None]) -> Mapping[str, Sequence[int]]:
        """The indices of those versions that hold a manifest, by its name; of one name twice in a file once."""
        held = (self.contents.held(version) for version in versions)
        return grouped((name, at) for at, file in enumerate(held) for name in file.names)

    @cached_property
    def _unread_before(self) -> Sequence[int]:
        held = ((at, self.contents.held(change.old)) for at, change in enumerate(self.changes))
        return [at for at, file in held if not file.whole]

    def _found(self, change: FileChange, written: PastManifest) -> CommittedManifest:
        same = self._by_content[self.contents.key(change.new)]
        writer = next(filter(self._rewrites, same), change)
        return CommittedManifest(writer.revision, written, min(c.order for c in same))

    @cached_property
    def _by_content(self) -> Mapping[object, Sequence[FileChange]]:
        return grouped((self.contents.key(change.new), change) for change in self.changes)

    def _rewrites(self, change: FileChange) -> bool:
        """True if this commit itself wrote what the file holds: a merge or a mere rename did not."""
        return not change.merge and self.contents.key(change.old) != self.contents.key(change.new)

    def _matching(self, change: FileChange, identity: Identity) -> PastManifest | None:
        named = self.contents.held(change.new).named(identity.name)
        same = [written for written in named if written.identity.digest == identity.digest]
        return next((w for w in same if w.attempt == identity.attempt), same[0] if same else None)


def _of_manifests(changes: Iterable[FileChange], contents: Contents) -> Iterator[FileChange]:
    """The changes of files that are, or were, about manifests."""
    foreign: Counter[str] = Counter()
    pending = iter(changes)
    while batch := tuple(islice(pending, _BATCH)):
        near = [change for change in batch if foreign[change.revision.path] < _FOREIGN]
        contents.fetch(version for change in near for version in (change.old, change.new))
        for change in near:
            if contents.is_about_manifests(change.old) or contents.is_about_manifests(change.new):
                foreign[change.revision.path] = 0
                yield change
            else:
                foreign[change.revision.path] += 1
