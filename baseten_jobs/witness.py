"""Plan + git history -> the plan with what git bears witness to: changes, doubtful stops, missing jobs, orphans."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from baseten_jobs.decide import revealed
from baseten_jobs.diff import changes
from baseten_jobs.evidence import Evidence
from baseten_jobs.git import GitError, NotInGit, Repository
from baseten_jobs.history import Found
from baseten_jobs.objects import NotWhole
from baseten_jobs.observation import Observation, ObservedJob, ObservedProject
from baseten_jobs.plan import Action, Orphan, Plan, Verb
from baseten_jobs.request import JobRequest, ProjectRef
from baseten_jobs.sources import read_raw

Observe = Callable[[tuple[ProjectRef, ...]], Observation]

LONG_AGO = timedelta(days=7)

NOT_FOUND = (
    "no revision in this history has the spec that runs: it was rewritten, submitted from elsewhere or with `--set`, "
    "or lies further back than `--history`"
)
SHALLOW = "the revision that runs is not in this shallow clone: clone with `fetch-depth: 0` to see what changed"
YOUNG = (
    "this clone is shallow, so nobody knows how old its manifests are, nor whether a job of theirs was deleted at the "
    "provider: clone with `fetch-depth: 0`"
)
CODE_NOT_FOUND = (
    "no revision in this history has both the spec and the code that run: they were rewritten, held files that git "
    "does not have or that its filters change, were submitted from elsewhere or with `--set`, or lie too far back"
)


@dataclass(frozen=True)
class Inquiry:
    """What is asked of git; `limit` bounds the revisions compiled for one manifest, `now` is an aware time."""

    now: datetime
    limit: int = 1000
    prune: bool = False
    missing: bool = True


def without_witness(plan: Plan, reason: str, inquiry: Inquiry) -> Plan:
    """The plan where git can't be asked: what the API reveals instead, and why."""
    actions = tuple(_unknown(action, reason) for action in plan.actions)
    asked = inquiry.prune or any(action.history or action.verb is Verb.STOP for action in actions)
    asked = asked or (inquiry.missing and any(_could_be_missing(plan, action) for action in plan.of(Verb.SUBMIT)))
    return replace(plan, actions=actions, notes=(*plan.notes, reason) if asked else plan.notes)


def with_witness(plan: Plan, repository: Repository | NotInGit, inquiry: Inquiry, observe: Observe) -> Plan:
    """The plan as git bears it out. Without a repository nothing is doubted, and the reason told; one that can't be
    read bears out no stop.

    `observe` looks up projects that only deleted manifests name; it raises ApiError.
    """
    if isinstance(repository, NotInGit):
        return without_witness(plan, repository.reason, inquiry)
    try:
        return _Witness(repository, inquiry, plan).told(observe)
    except (GitError, NotWhole) as error:
        reasons = {id(stop): _not_stopped(stop, "git can't tell its spec's history") for stop in plan.of(Verb.STOP)}
        return without_witness(_without_stops(plan, reasons), str(error), inquiry)


def _not_stopped(stop: Action, why: str) -> str:
    assert stop.job is not None
    return f"job {stop.job.id} of another spec is not stopped: {why}; `baseten-jobs stop --job {stop.job.id}` stops it"


def _without_stops(plan: Plan, doubts: Mapping[int, str]) -> Plan:
    """The plan without the stops in doubt, by id; what they were meant for says why."""
    kept: list[Action] = []
    for action in plan.actions:
        if id(action) not in doubts:
            kept.append(action)
            continue
        index = next(i for i, other in enumerate(kept) if other.request is action.request)
        kept[index] = replace(kept[index], warnings=(*kept[index].warnings, doubts[id(action)]))
    return replace(plan, actions=tuple(kept))


def _unclaimed(plan: Plan, others: Iterable[ObservedProject]) -> Iterable[tuple[ObservedProject, ObservedJob]]:
    """Live jobs with a managed name that no manifest of this plan has."""
    claimed = {(plan.project_of(action).id, action.request.name) for action in plan.actions}
    projects = {project.id: project for project in (*others, *plan.projects.values())}
    for project in projects.values():
        for job in project.jobs:
            if job.live and job.identity and (project.id, job.identity.name) not in claimed:
                yield project, job


def _unknown(action: Action, reason: str) -> Action:
    if action.verb is not Verb.SUBMIT or action.older is None or action.changes:
        return action
    return replace(action, history=reason, changes=revealed(action.request, action.older))


class _Witness:
    """One questioning of one repository."""

    def __init__(self, repository: Repository, inquiry: Inquiry, plan: Plan) -> None:
        self.repository, self.inquiry, self.plan = repository, inquiry, plan
        requests = [action.request for action in plan.actions]
        self.evidence = Evidence(repository, requests, inquiry.limit, since=inquiry.now - LONG_AGO)
        self.history, self.contents = self.evidence.history, self.evidence.contents

    def told(self, observe: Observe) -> Plan:
        plan = replace(self.plan, actions=tuple(self._explained(action) for action in self.plan.actions))
        plan = self._without_doubtful_stops(plan)
        if self.inquiry.missing:
            plan = self._with_missing(plan)
        return self._with_orphans(plan, self._abandoned(plan, observe))

    # What changed

    def _explained(self, action: Action) -> Action:
        older = action.older
        if action.verb is not Verb.SUBMIT or older is None or older.identity is None or action.changes:
            return action
        path = self.evidence.paths[action.request.path]
        if path is None:
            return _unknown(action, "the manifest is not in this git repository, so there is nothing to compare with")
        name = older.identity.name
        found = self.evidence.of(name).find(older.identity, path)
        if found is None:
            not_found = CODE_NOT_FOUND if self.evidence.carries_code(name) else NOT_FOUND
            return _unknown(action, SHALLOW if self.repository.shallow else not_found)
        differing = changes(found.written.spec, action.request.manifest["spec"], found.written.api_version)
        return replace(
            action,
            previous=found.revision,
            changes=(*differing, *self.evidence.code_changes(found, action.request)),
        )

    # What may be stopped

    def _without_doubtful_stops(self, plan: Plan) -> Plan:
        doubts = {id(action): doubt for action in plan.of(Verb.STOP) if (doubt := self._doubt(action))}
        return _without_stops(plan, doubts)

    def _doubt(self, stop: Action) -> str:
        """Why a superseded job must not be stopped on this repository's word, or nothing."""
        job, request = stop.job, stop.request
        if job is None or job.identity is None:
            return ""
        project = self.plan.project_of(stop)
        if self.evidence.paths[request.path] is None:
            return f"job {job.id} of another spec is not stopped: the manifest is not in the git repository of the rest"
        name = job.identity.name
        found = self.evidence.of(name).find_in_project(job.identity, project)
        if found is None:
            what = "its spec and code are" if self.evidence.carries_code(name) else "its spec is"
            why = "this clone is shallow" if self.repository.shallow else f"{what} not in this repository's history"
            return _not_stopped(stop, why)
        own = self.evidence.of(name).find_in_project(request.identity, project)
        if own is not None and found.age < own.age:
            return f"job {job.id} of another spec is not stopped: its spec is newer in git than this manifest"
        return ""

    # What should have been there

    def _with_missing(self, plan: Plan) -> Plan:
        doubted = [action for action in plan.of(Verb.SUBMIT) if _could_be_missing(plan, action)]
        if not doubted:
            return plan
        missed = {id(a) for a in doubted if self.evidence.is_old(a.request, plan.project_of(a))}
        notes = (*plan.notes, YOUNG) if self.repository.shallow and len(missed) < len(doubted) else plan.notes
        actions = tuple(self._missed(a) if id(a) in missed else a for a in plan.actions)
        return replace(plan, actions=actions, notes=notes)

    @staticmethod
    def _missed(action: Action) -> Action:
        was = f" ({action.reason})" if action.older else ""
        return replace(action, missing=True, reason=f"missing: its job was probably deleted at the provider{was}")

    # What nobody wants any more

    def _abandoned(self, plan: Plan, observe: Observe) -> tuple[ObservedProject, ...]:
        """Projects that nobody but a manifest which is gone names."""
        refs = [
            ProjectRef(written.project if written.project_id is None else None, written.project_id, written.team)
            for written in self.history.taken_out()
            if not any(written.belongs_to(project) for project in plan.projects.values())
            and not any(self.contents.may_hold(each, written.name, written.shares_place) for each in self._living)
        ]
        return tuple(p for p in observe(tuple(dict.fromkeys(refs))).projects.values() if p.exists) if refs else ()

    def _with_orphans(self, plan: Plan, abandoned: Iterable[ObservedProject]) -> Plan:
        orphans, stops = [], []
        for project, job in _unclaimed(plan, abandoned):
            assert job.identity is not None
            found = self.evidence.of(job.identity.name).find_in_project(job.identity, project)
            if found is None or self._has_manifest(project, job.identity.name):
                continue
            gone = self.evidence.deletion(job.identity.name, project)
            if gone is None or not _earlier(job.created_at, gone.revision.date):
                continue
            orphans.append(Orphan(job, project.name, gone.revision))
            if self.inquiry.prune and not self.repository.hidden:
                stops.append(_pruning(project, job, found, gone.revision.commit))
        projects = {**plan.projects, **{stop.request.project: p for p, stop in stops}}
        notes = list(plan.notes)
        if self.inquiry.prune and self.repository.shallow:
            notes.append("this clone is shallow, so orphans may be missed: clone with `fetch-depth: 0` to prune")
        if self.inquiry.prune and orphans and self.repository.hidden:
            hidden = ", ".join(self.repository.hidden[:3])
            notes.append(f"nothing is pruned: a manifest may live on behind {hidden}, which this history does not hold")
        return replace(
            plan, orphans=tuple(orphans), actions=(*plan.actions, *(stop for _, stop in stops)), projects=projects,
            notes=tuple(notes),
        )  # fmt: skip

    def _has_manifest(self, project: ObservedProject, name: str) -> bool:
        return any(self.contents.may_hold(each, name, lambda w: w.belongs_to(project)) for each in self._living)

    @cached_property
    def _living(self) -> tuple[str, ...]:
        """The contents about manifests in HEAD's tree and in the work tree, whatever paths were given."""
        for path in (found := [*self.repository.work_tree()]):
            self.contents.add(path, read_raw(path) or b"")
        return tuple(dict.fromkeys((*self.evidence.at_head, *filter(self.contents.mentions, found))))


def _could_be_missing(plan: Plan, action: Action) -> bool:
    project = plan.project_of(action)
    same = [j for j in project.by_name.get(action.request.name, ()) if j.identity == action.request.identity]
    return bool(project.by_name) and not same


def _earlier(created_at: str, deleted_at: str) -> bool:
    try:
        return datetime.fromisoformat(created_at) < datetime.fromisoformat(deleted_at)
    except (ValueError, TypeError):
        return False


def _pruning(project: ObservedProject, job: ObservedJob, found: Found, commit: str) -> tuple[ObservedProject, Action]:
    written = found.written
    request = JobRequest(
        path=found.revision.path, line=1, project=ProjectRef(name=project.name, id=project.id), name=written.name,
        attempt=written.attempt, digest=written.digest, training_job={"name": written.identity.job_name},
    )  # fmt: skip
    return project, Action(Verb.STOP, request, f"its manifest was deleted in {commit[:8]}", job, pruned=True)
