"""A repository -> the revisions of each manifest, with their code, and how long the branch has had it."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from itertools import groupby, islice
from os.path import dirname
from typing import TYPE_CHECKING

from baseten_jobs.git.log import FileChange, Revision, Version
from baseten_jobs.git.repository import Repository
from baseten_jobs.job.identity import Identity
from baseten_jobs.job.observation import ObservedProject
from baseten_jobs.job.request import JobRequest
from baseten_jobs.manifest.document import MAX_BYTES, is_yaml
from baseten_jobs.manifest.sources import read_raw
from baseten_jobs.planning.diff import Change
from baseten_jobs.planning.history.bases import Bases, Held
from baseten_jobs.planning.history.contents import Contents, Holdings
from baseten_jobs.planning.history.past_manifests import PastManifest, grouped
from baseten_jobs.planning.history.revisions import CommittedManifest, History
from baseten_jobs.planning.history.upstreams import Upstreams

if TYPE_CHECKING:
    from baseten_jobs.planning.history.code_revisions import CodeHistory


_AHEAD = 5
"""Commits ahead of HEAD that are looked at; each is the tip of a branch."""


class Evidence:
    """The git history of some requests, and of deleted manifests; each part is read once, when it is first needed.

    `since` is the time before which a manifest is old; what is new since the commit `base` is not. With `every` it is
    the code of all manifests that is read, not only that of the requests. Every method may raise GitError and NotWhole.
    """

    def __init__(
        self,
        repository: Repository,
        requests: Sequence[JobRequest],
        limit: int,
        since: datetime,
        base: str | None = None,
        *,
        every: bool = False,
    ) -> None:
        self.repository, self.limit, self.since, self.base = repository, limit, since, base
        self.requests, self._every = tuple(requests), every
        self.paths = {request.path: repository.path_of(request.path) for request in requests}
        self.others = [f":(literal){p}" for p in self.paths.values() if p and not is_yaml(p)]
        self.contents = Contents(repository.contents, Bases(self._files_at, self._file_here))
        self.history = History(repository.log(self.others), self.contents, limit)
        self.contents.upstreams = Upstreams(self.contents.bases, self.contents.held_in, self._paths_of, self._content)
        self._with_code: dict[str, bool] = {}
        self._holdings: dict[str, Holdings] = {}

    @cached_property
    def at_head(self) -> Holdings:
        """What HEAD's tree holds."""
        return self._in_tree(self.repository.head, self.repository.manifests_at_head())

    def of(self, name: str) -> "History | CodeHistory":
        """The revisions of a manifest; together with their code if any revision has code."""
        return self.code if self.carries_code(name) else self.history

    def carries_code(self, name: str) -> bool:
        if name not in self._with_code:
            written = self._any_code and any(True for _ in self._with_workspace(name))
            self._with_code[name] = written or name in self._carrying or self._has_upstream_with_code(name)
        return self._with_code[name]

    def _has_upstream_with_code(self, name: str) -> bool:
        """True if any run that a revision of this manifest loads from has code, however many stages before."""
        seen, pending = {name}, list(self._upstreams_of(name))
        while pending:
            upstream = pending.pop()
            if upstream in self._carrying or (self._any_code and any(True for _ in self._with_workspace(upstream))):
                return True
            if upstream not in seen:
                seen.add(upstream)
                pending += self._upstreams_of(upstream)
        return False

    def _upstreams_of(self, name: str) -> Iterable[str]:
        """The manifests whose jobs' checkpoints any revision of this one loads."""
        held = (self.contents.held(change.new) for change in self.history.naming(name))
        return dict.fromkeys(entry.name for file in held for each in file.named(name) for entry in each.loads)

    def _paths_of(self, name: str, version: Version) -> Iterable[str]:
        """The files in which a manifest of this name may be, beside a version: where it ever was, or lies now."""
        known = {change.revision.path: None for change in self.history.naming(name)}
        return known if version.commits else {**known, **dict.fromkeys(self._here.get(name, ()))}

    @cached_property
    def _here(self) -> Mapping[str, Sequence[str]]:
        """The files of the work tree, by the names of their manifests."""
        found: dict[str, list[str]] = {}
        for path in self.repository.work_tree():
            inside = os.path.relpath(path, self.repository.root)
            raw = read_raw(path) or b""
            for name in self.contents.held_in(Version((), inside, path), raw).names:
                found.setdefault(name, []).append(inside)
        return found

    def _content(self, version: Version, written: PastManifest) -> str:
        """The digest of the code of a manifest in a commit; empty where git can't tell."""
        from baseten_jobs.planning.history.commit_files import TooMuch

        if not version.commits or written.workspace is None:
            return ""
        try:
            return self.code.committed.digest(version.commits[0], dirname(version.path), written.workspace) or ""
        except TooMuch:
            return ""

    @cached_property
    def _carrying(self) -> frozenset[str]:
        return frozenset(request.name for request in self.requests if request.content)

    @cached_property
    def _any_code(self) -> bool:
        """Whether any revision of any manifest may have code: most repositories have none."""
        held = (self.contents.held(change.new) for change in self.history.changes)
        return any(written.workspace for file in held for written in file.manifests)

    def code_changes(self, found: CommittedManifest, request: JobRequest) -> tuple[Change, ...]:
        """The files that differ between what was found and what a request carries, if both have code."""
        if found.written.workspace is None or request.content is None:
            return ()
        from baseten_jobs.planning.history.code_revisions import file_changes
        from baseten_jobs.planning.history.line_counts import counted, of_commit, of_disk

        old, new = self.code.files(found), request.content.files
        read = of_commit(self.code.committed, found.revision.commit), of_disk
        return tuple(counted(file_changes(old, new), old, new, read))

    def is_old(self, request: JobRequest, project: ObservedProject) -> bool:
        """True if the branch has held just this manifest with just this code for long.

        No late commit brought it there, nor any since `base`. One that is suspended is not there: it is not submitted.
        """

        def held(manifests: Iterable[PastManifest]) -> bool:
            return _wanted_in(manifests, request, project)

        if self.base is not None and not held(self.manifests_at(self.base, request.name)):
            return False
        if self.carries_code(request.name):
            return held(self._code_at(self.repository.head, request.name)) and not any(
                held(self._code_at(commit, request.name)) and not held(self._code_at(f"{commit}^", request.name))
                for commit in self._late_commits
            )
        return held(self.at_head.named(request.name)) and not any(
            held(after.named(request.name)) and not held(before.named(request.name))
            for before, after in self._late_changes.get(request.name, ())
        )

    def is_at_head(self, request: JobRequest, project: ObservedProject) -> bool:
        """True if HEAD has just this manifest with just this code."""
        return _wanted_in(self.manifests_at(self.repository.head, request.name), request, project)

    def holds(self, commit: str, identity: Identity, project: ObservedProject) -> bool:
        """True if a commit has a manifest of just this identity in this project, suspended or not."""
        found = self.manifests_at(commit, identity.name)
        return any(w.identity == identity and w.belongs_to(project) for w in found)

    def names(self, commit: str, name: str, project: ObservedProject) -> bool:
        """True if a commit has a manifest of this name in this project, or may have, whatever its spec."""
        return self._held_at(commit).may_hold(name, lambda written: written.belongs_to(project))

    def manifests_at(self, commit: str, name: str) -> Iterable[PastManifest]:
        """The manifests of a name in a commit, their digests those of spec and code together."""
        if self.carries_code(name):
            return self._code_at(commit, name)
        return self._held_at(commit).named(name)

    def _held_at(self, commit: str) -> Holdings:
        if commit == self.repository.head:
            return self.at_head
        if commit not in self._holdings:
            self._holdings[commit] = self._in_tree(commit, self.repository.manifests_at(commit))
        return self._holdings[commit]

    def _in_tree(self, commit: str, blobs: Mapping[str, str]) -> Holdings:
        versions = [Version((commit,), path, blob) for path, blob in blobs.items()]
        self.contents.fetch(versions)
        return self._held_by(versions)

    @cached_property
    def ahead(self) -> Mapping[str, str]:
        """The newest commits ahead of HEAD that this clone knows, each with the name of its ref."""
        return dict(islice(self.repository.ahead().items(), _AHEAD))

    def deletion(self, name: str, project: ObservedProject) -> FileChange | None:
        """The change that took a manifest away from the branch; where it never was on it, that of a merged branch.

        A merge counts against its first parent alone: a branch that still held what is gone takes nothing away.
        """
        return self._of_branch.deletion(name, project) or self.history.deletion(name, project)

    @cached_property
    def _of_branch(self) -> History:
        return History(self._branch, self.contents, self.limit)

    @cached_property
    def _branch(self) -> tuple[FileChange, ...]:
        """The changes of the branch itself: of a merge, those against its first parent."""
        return self.contents.with_stages(self.contents.with_heirs(self.repository.first_parent_log(self.others)))

    def _file_here(self, path: str) -> bytes | None:
        return read_raw(str(self.repository.root / path))

    def _files_at(self, names: Sequence[str]) -> Iterator[Held | None]:
        for found in self.repository.objects.read(names):
            small = found is not None and found.kind == "blob" and found.size <= MAX_BYTES
            yield Held(found.name, found.whole()) if found is not None and small else None

    def _is_late(self, revision: Revision) -> bool:
        return datetime.fromisoformat(revision.date) >= self.since

    @cached_property
    def _late_changes(self) -> Mapping[str, Sequence[tuple[Holdings, Holdings]]]:
        """What late commits of the branch changed, before and after, by each name that is in it after."""
        late = [change for change in self._branch if self._is_late(change.revision)]
        self.contents.fetch(version for change in late for version in (change.old, change.new))
        commits = (tuple(changes) for _, changes in groupby(late, lambda change: change.order))
        sides = (tuple(map(self._held_by, zip(*((c.old, c.new) for c in each), strict=True))) for each in commits)
        return grouped((name, (before, after)) for before, after in sides for name in after.names)

    def _held_by(self, versions: Iterable[Version | None]) -> Holdings:
        return Holdings(self.contents.held(version) for version in versions)

    # With code

    def _code_at(self, commit: str, name: str) -> list[PastManifest]:
        from baseten_jobs.planning.history.commit_files import TooMuch

        try:
            return [written for _, written in self.code.at(commit, name)]
        except TooMuch:
            return []

    @cached_property
    def _late_commits(self) -> tuple[str, ...]:
        """The commits of the branch that touched manifests or their code lately."""
        touched = self.repository.commits_of(self._touching, "--first-parent")
        late = tuple(revision.commit for revision in touched if self._is_late(revision))
        self.code.committed.fetch(each for commit in late for each in (commit, f"{commit}^"))
        return late

    @cached_property
    def code(self) -> "CodeHistory":
        from baseten_jobs.planning.history.code_revisions import CodeHistory
        from baseten_jobs.planning.history.commit_files import Committed

        unchanged = self.repository.unchanged(self._folders) if self._folders else {}
        committed = Committed(self.repository.objects, dict(self._hashed(unchanged)))
        return CodeHistory(self.history, committed, self.repository.commits_of(self._touching))

    def _hashed(self, unchanged: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """The SHA-256 of blobs whose content was hashed in the work tree already, by the blob's name."""
        root = f"{self.repository.root}/"
        for request in self.requests:
            for file in request.content.files if request.content else ():
                if file.target is None and (blob := unchanged.get(file.source.removeprefix(root))):
                    yield blob, file.sha256

    @cached_property
    def _folders(self) -> frozenset[str]:
        """The folders in which the code of these manifests ever was."""
        from baseten_jobs.planning.history.code_revisions import folders

        names = {request.name for request in self.requests} | {written.name for written in self.history.taken_out()}
        names |= {upstream.name for request in self.requests for upstream in request.upstreams}
        names |= set(self.history.names) if self._every else set()
        return frozenset(folder for name in names for folder in folders(self._with_workspace(name)))

    @cached_property
    def _touching(self) -> frozenset[str]:
        return self._folders | {change.revision.path for change in self.history.changes}

    def _with_workspace(self, name: str) -> Iterator[tuple[str, PastManifest]]:
        """The revisions of a manifest that have code, each with its path."""
        for change in islice(self.history.naming(name), self.limit):
            found = self.contents.held(change.new).named(name)
            yield from ((change.revision.path, written) for written in found if written.workspace)


def _wanted_in(manifests: Iterable[PastManifest], request: JobRequest, project: ObservedProject) -> bool:
    return any(w.identity == request.identity and w.belongs_to(project) and not w.suspended for w in manifests)
