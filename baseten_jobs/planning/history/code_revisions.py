"""Commits -> which of them held a manifest together with just the code that a job runs."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from os.path import dirname

from baseten_jobs.git.log import Revision, Version
from baseten_jobs.job.content import File
from baseten_jobs.job.identity import SHOWN, Identity
from baseten_jobs.job.observation import ObservedProject
from baseten_jobs.phrases import one_line
from baseten_jobs.planning.diff import FILE, Change
from baseten_jobs.planning.history.commit_files import Committed, TooMuch, folders_of
from baseten_jobs.planning.history.past_manifests import PastManifest
from baseten_jobs.planning.history.revisions import CommittedManifest, History

_BATCH = 256


class CodeHistory:
    """The manifests and their code in each of these commits, the newest first: those that touched either."""

    def __init__(self, history: History, committed: Committed, commits: Sequence[Revision]) -> None:
        self.history, self.committed, self.commits = history, committed, commits
        self._paths: dict[str, tuple[str, ...]] = {}
        self._with_code: dict[str, dict[object, PastManifest]] = {}

    def find(self, identity: Identity, path: str | None = None) -> CommittedManifest | None:
        """The newest commit in which a manifest of this name had this digest; of several in a row the oldest."""
        found = self._newest(identity.name, lambda w: w.identity == identity)
        return found or self._newest(identity.name, lambda w: w.digest[:SHOWN] == identity.digest)

    def find_in_project(self, identity: Identity, project: ObservedProject) -> CommittedManifest | None:
        """The newest commit that had this identity, attempt included, in this project; None if none had."""
        return self._newest(identity.name, lambda w: w.identity == identity and w.belongs_to(project))

    def at(self, commit: str, name: str) -> Iterator[tuple[str, PastManifest]]:
        """The manifests of a name in a commit, each with its path, their digests those of spec and code together.

        Raises TooMuch.
        """
        for path in self._paths_of(name):
            blob = self.committed.at(commit, path)
            version = Version((commit,), path, blob) if blob else None
            for written in self.history.contents.held(version).named(name):
                if found := self._whole(commit, path, self.history.contents.key(version), written):
                    yield path, found

    def files(self, found: CommittedManifest) -> tuple[File, ...]:
        """The code of a manifest that was found."""
        home = dirname(found.revision.path)
        return (
            self.committed.files(found.revision.commit, home, found.written.workspace)
            if found.written.workspace
            else ()
        )

    def _newest(self, name: str, wanted: Callable[[PastManifest], bool]) -> CommittedManifest | None:
        found: CommittedManifest | None = None
        try:
            for age, commit in enumerate(self._commits()):
                at = next(((path, w) for path, w in self.at(commit.commit, name) if wanted(w)), None)
                if at is None and found is not None:
                    break
                if at is not None:
                    found = CommittedManifest(replace(commit, path=at[0]), at[1], age if found is None else found.age)
                if len(self._with_code.get(name, ())) >= self.history.limit:
                    break
        except TooMuch:
            pass
        return found

    def _commits(self) -> Iterator[Revision]:
        for start in range(0, len(self.commits), _BATCH):
            batch = self.commits[start : start + _BATCH]
            self.committed.fetch(revision.commit for revision in batch)
            yield from batch

    def _paths_of(self, name: str) -> tuple[str, ...]:
        """The paths at which manifests of this name ever were."""
        if name not in self._paths:
            changes = self.history.naming(name)
            self._paths[name] = tuple(dict.fromkeys(change.revision.path for change in changes))
        return self._paths[name]

    def _whole(self, commit: str, path: str, key: object, written: PastManifest) -> PastManifest | None:
        """A manifest of the version with this key, with its code in a commit; None if git can't show that."""
        if written.workspace is None:
            return written
        content = self.committed.digest(commit, dirname(path), written.workspace)
        if not content:
            return None
        known, which = self._with_code.setdefault(written.name, {}), (key, written.place, content)
        if which not in known:
            known[which] = replace(written, content=content)
        return known[which]


def folders(manifests: Iterable[tuple[str, PastManifest]]) -> Iterator[str]:
    """The folders that hold the code of manifests at these paths, from the repository's root."""
    for path, written in manifests:
        if written.workspace is not None:
            yield from folders_of(dirname(path), written.workspace)


def file_changes(old: Iterable[File], new: Iterable[File]) -> Iterator[Change]:
    """A change for each file that was added, removed or rewritten, by the first digits of its content's digest."""
    before, after = ({file.path: file for file in files} for files in (old, new))
    for path in sorted(before.keys() | after.keys()):
        told = [_told(files.get(path)) for files in (before, after)]
        if told[0] != told[1]:
            yield Change(FILE + one_line(path), *told)


def _told(file: File | None) -> str | None:
    if file is None:
        return None
    if file.target is not None:
        return f"link to {file.target}"
    return file.sha256[:SHOWN] + (" executable" if file.executable else "")
