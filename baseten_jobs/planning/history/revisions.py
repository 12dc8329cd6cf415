"""Changes of manifests in git -> the revision with a spec's digest, and the commit that deleted a manifest."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush
from itertools import islice

from baseten_jobs.git.log import FileChange, Revision
from baseten_jobs.job.identity import SHOWN, Identity
from baseten_jobs.job.observation import ObservedProject
from baseten_jobs.planning.history.past_manifests import Contents, PastManifest


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
    """The changes of all manifests of a repository; at most `limit` revisions of each are compiled."""

    def __init__(self, changes: Iterable[FileChange], contents: Contents, limit: int) -> None:
        self.contents = contents
        self.limit = limit
        self.changes = tuple(_of_manifests(changes, contents))

    def find(self, identity: Identity, path: str | None = None) -> CommittedManifest | None:
        """The newest revision that has this name and digest: of the file at `path` first, else of any file.

        Of several in a row with this digest the oldest is returned, since it was submitted; and the commit that wrote
        it, not a merge or a rename. None if there is none.
        """
        for changes in (self._of_path(path) if path else iter(()), self.mentioning(identity.name)):
            found: tuple[FileChange, PastManifest] | None = None
            for change in islice((c for c in changes if c.after), self.limit):
                written = self._matching(change.after, identity)
                if written is None and found is not None:
                    break
                found = (change, written) if written else found
            if found is not None:
                return self._found(*found)
        return None

    def find_in_project(self, identity: Identity, project: ObservedProject) -> CommittedManifest | None:
        """The newest revision with this identity, attempt included, in this project; None if there is none."""
        for change in islice(self.mentioning(identity.name), self.limit):
            for written in self.contents.manifests(change.after):
                if written.identity == identity and written.belongs_to(project):
                    return self._found(change, written)
        return None

    def replacing(self, identity: Identity, project: ObservedProject) -> Revision | None:
        """The newest commit that gave a manifest of this identity another spec; None if none did."""
        for change in self.changes:
            if not change.rewrites or not self.contents.mentions(change.before, identity.name):
                continue
            before, after = (
                [w for w in self.contents.manifests(blob) if w.name == identity.name and w.belongs_to(project)]
                for blob in (change.before, change.after)
            )
            if any(w.identity == identity for w in before) and after and all(w.identity != identity for w in after):
                return change.revision
        return None

    def taken_out(self) -> Iterator[PastManifest]:
        """The manifests that a change removed from a file, or moved to another project; each name and project once."""
        seen: set[object] = set()
        for change in self.changes:
            before, after = change.before, change.after
            if self.contents.placing(before) == self.contents.placing(after):
                continue
            left = {written.place for written in self.contents.manifests(after)}
            for written in self.contents.manifests(before):
                if written.place not in left | seen:
                    seen.add(written.place)
                    yield written

    def deletion(self, name: str, project: ObservedProject) -> FileChange | None:
        """The newest change that took the manifest of this name out of a file; one of a merge only for want of others:
        what differs from a merged branch may have been gone long before.
        """
        found = [change for change in self.changes if self._takes_out(change, name, project)]
        return next((change for change in found if not change.merge), found[0] if found else None)

    def _takes_out(self, change: FileChange, name: str, project: ObservedProject) -> bool:
        before, after = (
            self.contents.may_hold(blob, name, lambda written: written.belongs_to(project))
            for blob in (change.before, change.after)
        )
        return before and not after

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
        found: dict[str, list[int]] = {}
        for at, change in enumerate(self.changes):
            found.setdefault(change.revision.path, []).append(at)
        return found

    def mentioning(self, name: str) -> Iterator[FileChange]:
        """The changes after which a file mentions this name."""
        return (change for change in self.changes if self.contents.mentions(change.after, name))

    def _found(self, change: FileChange, written: PastManifest) -> CommittedManifest:
        same = self._by_content[change.after]
        writer = next((c for c in same if c.rewrites), change)
        return CommittedManifest(writer.revision, written, min(c.order for c in same))

    @cached_property
    def _by_content(self) -> Mapping[str | None, Sequence[FileChange]]:
        found: dict[str | None, list[FileChange]] = {}
        for change in self.changes:
            found.setdefault(change.after, []).append(change)
        return found

    def _matching(self, blob: str | None, identity: Identity) -> PastManifest | None:
        if not self.contents.mentions(blob, identity.name):
            return None
        manifests = self.contents.manifests(blob)
        same = [w for w in manifests if (w.name, w.digest[:SHOWN]) == (identity.name, identity.digest)]
        return next((w for w in same if w.attempt == identity.attempt), same[0] if same else None)


def _of_manifests(changes: Iterable[FileChange], contents: Contents) -> Iterator[FileChange]:
    """The changes of files that are, or were, about manifests."""
    foreign: Counter[str] = Counter()
    pending = iter(changes)
    while batch := tuple(islice(pending, _BATCH)):
        near = [change for change in batch if foreign[change.revision.path] < _FOREIGN]
        contents.fetch(blob for change in near for blob in (change.before, change.after))
        for change in near:
            if contents.mentions(change.before) or contents.mentions(change.after):
                foreign[change.revision.path] = 0
                yield change
            else:
                foreign[change.revision.path] += 1
