"""Live jobs that no manifest of a plan has + git -> which of them have a deleted manifest, and what may be pruned."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from itertools import chain
from pathlib import PurePosixPath

from baseten_jobs.git.log import FileChange, Version
from baseten_jobs.job.copies import copies
from baseten_jobs.job.observation import Observation, ObservedJob, ObservedProject
from baseten_jobs.job.request import JobRequest, ProjectRef
from baseten_jobs.manifest.sources import read_raw
from baseten_jobs.phrases import as_counted
from baseten_jobs.planning.history.contents import Holdings
from baseten_jobs.planning.history.lookup import Evidence
from baseten_jobs.planning.history.past_manifests import PastFile, grouped
from baseten_jobs.planning.history.revisions import CommittedManifest
from baseten_jobs.planning.plan import Action, Orphan, Plan, Verb

_Specs = Mapping[tuple[str | None, str], Sequence[str]]
"""The names of a plan's manifests, by the id of their project and the digest in their jobs' names."""

Observe = Callable[[tuple[ProjectRef, ...]], Observation]


class Orphans:
    """The orphans of one plan. If `prune` is True, those are stopped whose manifest was below a path in `within`.

    `newer` are YAML files, path and bytes, that a newer commit has: what they claim is no orphan. `other_owner` returns
    the letters of the other repository that a job is of, or an empty text.
    """

    def __init__(
        self,
        evidence: Evidence,
        prune: bool,
        within: Sequence[str],
        newer: Iterable[tuple[str, bytes]] = (),
        other_owner: Callable[[ObservedJob], str] = lambda job: "",
    ) -> None:
        self.evidence, self.prune, self.within, self.newer = evidence, prune, within, newer
        self.other_owner = other_owner
        self.repository, self.contents = evidence.repository, evidence.contents

    def listed(self, plan: Plan, observe: Observe) -> Plan:
        """The plan with its orphans, and with a stop for each that is to be pruned; raises ApiError."""
        orphans, stops = [], []
        specs = _specs_of(plan)
        for project, job in _unclaimed(plan, self._abandoned(plan, observe)):
            assert job.identity is not None
            found = self.evidence.of(job.identity.name).find_in_project(job.identity, project)
            if found is None or self._has_manifest(project, job.identity.name):
                continue
            gone = self.evidence.deletion(job.identity.name, project)
            if gone is None:
                continue
            doubt = self._doubt(specs, project, job, gone)
            orphans.append(Orphan(job, project.name, gone.revision, doubt))
            if self.prune and not self.repository.hidden and not doubt:
                stops.append(_pruning(project, job, found, gone.revision.commit))
        projects = {**plan.projects, **{stop.request.project: p for p, stop in stops}}
        actions = (*plan.actions, *(stop for _, stop in stops))
        notes = (*plan.notes, *self._notes(orphans))
        orphans.sort(key=lambda orphan: as_counted(orphan.job.identity.name if orphan.job.identity else ""))
        return replace(plan, orphans=tuple(orphans), actions=actions, projects=projects, notes=notes)

    def _notes(self, orphans: Sequence[Orphan]) -> Iterable[str]:
        if self.prune and self.repository.shallow:
            yield "this clone is shallow, so orphans may be missed: clone with `fetch-depth: 0` to prune"
        if self.prune and orphans and self.repository.hidden:
            hidden = ", ".join(self.repository.hidden[:3])
            yield f"nothing is pruned: a manifest may live on behind {hidden}, which this history does not hold"

    def _doubt(self, specs: _Specs, project: ObservedProject, job: ObservedJob, gone: FileChange) -> str:
        """Why a job is not pruned although its manifest is gone; empty if it may be."""
        identity = job.identity
        assert identity is not None
        if owner := self.other_owner(job):
            return of_another(owner)
        if original := copies(project.by_name.get(identity.name, ())).get(job.id):
            return f"it is a copy that a person made of job {original.id}"
        if name := self._lives_on(specs, project, job):
            return f"its spec lives on as '{name}': `metadata.renamed_from: {identity.name}` says that it was renamed"
        if job.disputed:
            return "the search and the job list of its project name it differently"
        if not _earlier(job.created_at, gone.revision.date):
            return "it was created after its manifest was deleted, by their dates"
        for commit, ref in self.evidence.ahead.items():
            if self.evidence.names(commit, identity.name, project):
                return f"{ref} has its manifest again in {commit[:10]}"
        if not any(PurePosixPath(gone.path_before).is_relative_to(folder) for folder in self.within):
            return f"{gone.path_before} is not below the paths given"
        return ""

    def _lives_on(self, specs: _Specs, project: ObservedProject, job: ObservedJob) -> str:
        """The name of a manifest that has, or may have, just the spec that a job runs; empty if none has."""
        digest = job.identity.digest if job.identity else ""
        unknown = (each for each in self._living.of_digest("") if each.loads)
        found = chain(self._living.of_digest(digest), unknown)
        living = (each.name for each in found if each.belongs_to(project))
        return next(chain(specs.get((project.id, digest), ()), living), "")

    def _abandoned(self, plan: Plan, observe: Observe) -> tuple[ObservedProject, ...]:
        """The projects that only deleted manifests name, as far as they exist."""
        refs = [
            ProjectRef(written.project if written.project_id is None else None, written.project_id, written.team)
            for written in self.evidence.history.taken_out()
            if not any(written.belongs_to(project) for project in plan.projects.values())
            and not self._living.may_hold(written.name, written.shares_place)
        ]
        return tuple(p for p in observe(tuple(dict.fromkeys(refs))).projects.values() if p.exists) if refs else ()

    def _has_manifest(self, project: ObservedProject, name: str) -> bool:
        return self._living.may_hold(name, lambda written: written.belongs_to(project))

    def in_work_tree(self, name: str, project: ObservedProject) -> bool:
        """True if the work tree has a manifest of this name in this project, whatever paths were given."""
        return any(written.belongs_to(project) for written in self._work_tree.named(name))

    @cached_property
    def _work_tree(self) -> Holdings:
        return Holdings(self._added(path, path, read_raw(path) or b"") for path in self.repository.work_tree())

    @cached_property
    def _living(self) -> Holdings:
        """What HEAD's tree, the work tree and `newer` hold, whatever paths were given."""
        self.evidence.contents.bases.newer = dict(self.newer)
        newer = (self._added(path, f"newer:{path}", raw) for path, raw in self.newer)
        return Holdings((*self.evidence.at_head.files, *self._work_tree.files, *newer))

    def _added(self, path: str, name: str, raw: bytes) -> PastFile:
        version = Version((), path, name)
        self.contents.add(version, raw)
        return self.contents.held(version)


def _specs_of(plan: Plan) -> _Specs:
    requests = ((plan.project_of(action).id, action.request) for action in plan.actions)
    return grouped(((project_id, request.identity.digest), request.name) for project_id, request in requests)


def of_another(owner: str) -> str:
    """Why a job with these letters is left alone."""
    return f"it is of another repository, '{owner}'; `--owner-too {owner}` if that is this one's former address"


def _unclaimed(plan: Plan, others: Iterable[ObservedProject]) -> Iterable[tuple[ObservedProject, ObservedJob]]:
    """Live jobs with a managed name that no manifest of this plan has."""
    claimed = {(plan.project_of(action).id, name) for action in plan.actions for name in action.request.names}
    projects = {project.id: project for project in (*others, *plan.projects.values())}
    for project in projects.values():
        for job in project.jobs:
            if job.live and job.identity and (project.id, job.identity.name) not in claimed:
                yield project, job


def _earlier(created_at: str, deleted_at: str) -> bool:
    try:
        return datetime.fromisoformat(created_at) < datetime.fromisoformat(deleted_at)
    except (ValueError, TypeError):
        return False


def _pruning(
    project: ObservedProject, job: ObservedJob, found: CommittedManifest, commit: str
) -> tuple[ObservedProject, Action]:
    written = found.written
    request = JobRequest(
        path=found.revision.path, line=1, project=ProjectRef(name=project.name, id=project.id), name=written.name,
        attempt=written.attempt, digest=written.digest, training_job={"name": written.identity.job_name},
    )  # fmt: skip
    return project, Action(Verb.STOP, request, f"its manifest was deleted in {commit[:8]}", job, pruned=True)
