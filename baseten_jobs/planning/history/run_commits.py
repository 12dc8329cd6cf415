"""A repository's history + jobs -> which of them are runs of its manifests, and the commit that wrote each spec."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from os.path import dirname, relpath
from typing import NamedTuple

from baseten_jobs.git.log import Revision, Version
from baseten_jobs.git.repository import Repository
from baseten_jobs.job.content import File
from baseten_jobs.job.identity import SHOWN, Identity
from baseten_jobs.job.names import parse_job_name
from baseten_jobs.job.observation import ObservedJob, ObservedProject
from baseten_jobs.job.request import ProjectRef
from baseten_jobs.job.times import epoch_of
from baseten_jobs.manifest.sources import read_raw
from baseten_jobs.planning.history.commit_files import TooMuch
from baseten_jobs.planning.history.lookup import Evidence
from baseten_jobs.planning.history.past_manifests import PastManifest, grouped

_EVERY = 10**9
"""No limit to how many revisions are looked through."""

_SLACK = 60.0
"""Seconds by which the clock of a commit may be ahead of the provider's."""


class Written(NamedTuple):
    """A manifest as the commit that wrote its spec has it."""

    revision: Revision
    manifest: PastManifest


Key = tuple[str, str, int]
"""Name, digest and attempt."""


class RunCommits:
    """The manifests that a repository ever had, living and dead; each part of git is read once, when it is needed.

    Every method may raise GitError and NotWhole.
    """

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self.evidence = Evidence(repository, (), _EVERY, datetime.now(UTC), every=True)
        self._known: dict[str, Mapping[Key, Sequence[Written]]] = {}
        self._in_project: dict[str | None, frozenset[str]] = {}

    @cached_property
    def _every(self) -> tuple[PastManifest, ...]:
        """Every manifest of every version, those of the work tree too; equal ones of equal places once."""
        history, contents = self.evidence.history, self.evidence.contents
        found: dict[object, PastManifest] = {}
        for change in history.changes:
            for version in (change.old, change.new):
                for written in contents.held(version).manifests:
                    found[written.place, written.adopts] = written
        for written in self._here():
            found.setdefault((written.place, written.adopts), written)
        return tuple(found.values())

    def _here(self) -> Iterator[PastManifest]:
        for path in self.repository.work_tree():
            version = Version((), relpath(path, self.repository.root), f"here:{path}")
            yield from self.evidence.contents.held_in(version, read_raw(path) or b"").manifests

    @property
    def projects(self) -> tuple[ProjectRef, ...]:
        """The projects that any of the manifests names."""
        refs = (
            ProjectRef(each.project if each.project_id is None else None, each.project_id, each.team)
            for each in self._every
            if each.project or each.project_id
        )
        return tuple(dict.fromkeys(refs))

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(each.name for each in self._every)

    @cached_property
    def _adopted(self) -> Mapping[str, tuple[PastManifest, ...]]:
        return grouped((each.adopts[0], each) for each in self._every if each.adopts)

    def identity_of(self, project: ObservedProject, job: ObservedJob) -> Identity | None:
        """The identity of a job that is a run of one of these manifests; None if it is none."""
        for written in self._adopted.get(job.id, ()):
            if written.adopts and written.belongs_to(project):
                return Identity(written.name, written.adopts[1][:SHOWN], written.attempt)
        identity = parse_job_name(job.name)
        return identity if identity and identity.name in self._names_in(project) else None

    def _names_in(self, project: ObservedProject) -> frozenset[str]:
        if project.id not in self._in_project:
            names = frozenset(each.name for each in self._every if each.belongs_to(project))
            self._in_project[project.id] = names
        return self._in_project[project.id]

    def of(self, project: ObservedProject, job: ObservedJob, identity: Identity) -> Written | None:
        """The commit that wrote the spec of a run: the newest from before its job was created, else the oldest.

        None if no commit has it.
        """
        if identity.name not in self._known:
            self._known[identity.name] = self._introduced(identity.name)
        found = [each for each in self._known[identity.name].get(identity, ()) if each.manifest.belongs_to(project)]
        created = epoch_of(job.created_at)
        if not found or created is None:
            return found[0] if found else None
        before = (each for each in found if (epoch_of(each.revision.date) or 0.0) <= created + _SLACK)
        return next(before, found[-1])

    def _introduced(self, name: str) -> Mapping[Key, Sequence[Written]]:
        """The commits that brought each spec of a manifest, the newest first; merges only where no other did."""
        carries = self.evidence.carries_code(name)
        every = tuple(self._with_code(name) if carries else self._without_code(name))
        merges: dict[Key, list[Written]] = {}
        found: dict[Key, list[Written]] = {}
        for merge, written in every:
            (merges if merge else found).setdefault(written.manifest.identity, []).append(written)
        return {**merges, **found}

    def _without_code(self, name: str) -> Iterator[tuple[bool, Written]]:
        held = self.evidence.contents.held
        for change in self.evidence.history.naming(name):
            before = {(each.identity, each.place) for each in held(change.old).named(name)}
            for written in held(change.new).named(name):
                if (written.identity, written.place) not in before:
                    yield change.merge, Written(change.revision, written)

    def _with_code(self, name: str) -> Iterator[tuple[bool, Written]]:
        """Of several commits in a row, as git lists them, that have one spec and code the oldest brought them."""
        newer: dict[object, Written] = {}
        code = self.evidence.code
        code.committed.fetch(each.commit for each in code.commits)
        try:
            for revision in code.commits:
                here: dict[object, Written] = {}
                for path, written in code.at(revision.commit, name):
                    commit = Revision(revision.commit, revision.author, revision.date, path)
                    here[written.identity, written.place] = Written(commit, written)
                yield from ((False, each) for key, each in newer.items() if key not in here)
                newer = here
        except TooMuch:
            pass
        yield from ((False, each) for each in newer.values())

    def texts(self, written: Written, files: Sequence[File]) -> Mapping[str, bytes] | None:
        """The bytes of these files of a run's code by their paths, but for links; None where it is too much."""
        committed = self.evidence.code.committed
        blobs = {f.path: committed.at(written.revision.commit, f.source) for f in files if f.target is None}
        try:
            return {path: committed.text(blob) for path, blob in blobs.items() if blob is not None}
        except TooMuch:
            return None

    def files(self, written: Written) -> tuple[File, ...] | None:
        """The code of a run as its commit has it; none where it has none, None where git can't tell it."""
        if written.manifest.workspace is None:
            return ()
        home = dirname(written.revision.path)
        try:
            return self.evidence.code.committed.files(written.revision.commit, home, written.manifest.workspace) or None
        except TooMuch:
            return None
