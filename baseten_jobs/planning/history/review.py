"""Plan + git history -> the plan with changes and orphans, without doubtful stops, and with missing jobs held."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from baseten_jobs.git.objects import NotWhole
from baseten_jobs.git.process import GitError
from baseten_jobs.git.repository import NotInGit, Repository
from baseten_jobs.job.identity import Identity
from baseten_jobs.job.names import NO_OWNER, owner_in, parse_job_name
from baseten_jobs.job.observation import ObservedJob, StatusClass
from baseten_jobs.job.times import epoch_of
from baseten_jobs.phrases import one_line
from baseten_jobs.planning.decide import Claimed, revealed
from baseten_jobs.planning.diff import changes
from baseten_jobs.planning.endings import STOPPED
from baseten_jobs.planning.history.lookup import Evidence
from baseten_jobs.planning.history.missing_jobs import Absences
from baseten_jobs.planning.history.orphans import Observe, Orphans, of_another
from baseten_jobs.planning.history.upstreams import changed_origins
from baseten_jobs.planning.masking import overlaps
from baseten_jobs.planning.plan import Action, ActionKey, Beside, Doubt, Plan, Policy, Verb

_LONG_AGO = timedelta(days=7)

NOT_FOUND = (
    "no revision in this history has the spec that runs: it was rewritten, submitted from elsewhere or with `--set`, "
    "or lies further back than `--history`"
)
SHALLOW = "the revision that runs is not in this shallow clone: clone with `fetch-depth: 0` to see what changed"
CODE_NOT_FOUND = (
    "no revision in this history has both the spec and the code that run: they were rewritten, held files that git "
    "does not have or that its filters change, were submitted from elsewhere or with `--set`, or lie too far back"
)


@dataclass(frozen=True)
class Inquiry:
    """What is asked of git. `now` has a time zone. Only jobs of manifests below `paths` are pruned; all if it is None.

    `missing` is False if no job can be missing. `newer` are YAML files, path and bytes, that a newer commit has:
    what they claim is not abandoned. `owner` has the letters of this repository; empty, no job counts as another's.
    """

    now: datetime
    policy: Policy = field(default_factory=Policy)
    missing: bool = True
    paths: tuple[str, ...] | None = None
    newer: tuple[tuple[str, bytes], ...] = ()
    owner: str = ""

    def other_owner(self, job: ObservedJob) -> str:
        """The letters of the other repository that a job is of; empty for one of ours, and for one without."""
        owner = owner_in(job.name)
        ours = {"", NO_OWNER, self.owner, *self.policy.owner_too}
        return owner if self.owner and owner not in ours else ""


class _Doubt(NamedTuple):
    """Why a superseded run is not stopped; `warns` is True if a person should act on that."""

    text: str
    warns: bool = True


def with_history(
    plan: Plan,
    repository: Repository | NotInGit,
    inquiry: Inquiry,
    observe: Observe,
    again: Callable[[Claimed], Plan],
) -> Plan:
    """The plan as the git history supports it; `observe` reads projects that only deleted manifests name.

    `again` makes the plan anew, with names of further manifests in the repository. Outside of any repository the plan
    stays as it is, with a note. If the history can't be read, stops are left out, and submits of specs that may be old
    are held. Raises ApiError.
    """
    plan = _with_owners(plan, inquiry)
    if isinstance(repository, NotInGit) and not repository.refused:
        return _unexplained(plan, repository.reason, inquiry)
    if isinstance(repository, NotInGit):
        return _not_readable(plan, repository.reason, inquiry)
    try:
        return _Review(repository, inquiry, plan).reviewed(observe, again)
    except (GitError, NotWhole) as error:
        return _not_readable(plan, str(error), inquiry)


def _with_owners(plan: Plan, inquiry: Inquiry) -> Plan:
    """The plan without stops and updates of what is of another repository, and with a note in their place."""
    others = {a.key: owner for a in plan.actions if a.job and (owner := inquiry.other_owner(a.job))}
    stops = (stop for stop in plan.of(Verb.STOP) if stop.key in others)
    plan = _without_stops(plan, {stop.key: _Doubt(_not_stopped(stop, of_another(others[stop.key]))) for stop in stops})
    return replace(
        plan,
        actions=tuple(
            _as_anothers(a, f"job {a.job.id}: {of_another(others[a.key])}") if a.job and a.key in others else a
            for a in plan.actions
        ),
    )


def _as_anothers(action: Action, note: str) -> Action:
    """The action with the note; a keep if it would update the job."""
    if action.verb is not Verb.UPDATE:
        return replace(action, notes=(*action.notes, note))
    notes = (*action.notes, f"{note}; so {action.reason} is not sent")
    return replace(action, verb=Verb.KEEP, reason="unchanged", updates={}, changes=(), notes=notes)


def _not_readable(plan: Plan, reason: str, inquiry: Inquiry) -> Plan:
    doubts = {stop.key: _Doubt(_not_stopped(stop, "git can't tell its spec's history")) for stop in plan.of(Verb.STOP)}
    plan = _without_stops(plan, doubts)
    if inquiry.missing:
        plan = Absences(plan, inquiry.policy).of_unknown_age(reason)
    return _unexplained(plan, reason, inquiry)


def _unexplained(plan: Plan, reason: str, inquiry: Inquiry) -> Plan:
    """The plan if git can't be read: with the changes that the API shows, and with the reason."""
    actions = tuple(_unknown(action, reason) for action in plan.actions)
    asked = inquiry.policy.prune or any(action.history or action.verb is Verb.STOP for action in actions)
    asked = asked or (inquiry.missing and any(plan.lacks_job_of(action) for action in plan.of(Verb.SUBMIT)))
    return replace(plan, actions=actions, notes=(*plan.notes, reason) if asked else plan.notes)


def _unknown(action: Action, reason: str) -> Action:
    if action.verb is not Verb.SUBMIT or action.older is None or action.changes:
        return action
    return replace(action, history=reason, changes=revealed(action.request, action.older))


def _not_stopped(stop: Action, why: str) -> str:
    job_id = stop.job.id if stop.job else ""
    return f"job {job_id} of another spec is not stopped: {why}; `baseten-jobs stop --job {job_id}` stops it"


def _without_stops(plan: Plan, doubts: Mapping[ActionKey, _Doubt]) -> Plan:
    """The plan without the stops in doubt; the manifest's own action gets the reason and the run that goes on."""
    kept = [action for action in plan.actions if action.key not in doubts]
    dropped: dict[ActionKey, list[Action]] = {}
    for stop in plan.of(Verb.STOP):
        if stop.key in doubts:
            dropped.setdefault(stop.key.of_manifest, []).append(stop)
    return replace(plan, actions=tuple(_leaving(each, dropped.get(each.key, ()), doubts) for each in kept))


def _leaving(action: Action, stops: Sequence[Action], doubts: Mapping[ActionKey, _Doubt]) -> Action:
    told = [doubts[stop.key] for stop in stops]
    beside = tuple(Beside(stop.job, remedy="") for stop in stops if stop.job) if action.verb is Verb.SUBMIT else ()
    return replace(
        action,
        beside=(*action.beside, *beside),
        warnings=(*action.warnings, *(doubt.text for doubt in told if doubt.warns)),
        notes=(*action.notes, *(doubt.text for doubt in told if not doubt.warns)),
    )


def own_identity(job: ObservedJob) -> Identity | None:
    """The identity by which git has a job's spec: that of its name, which may be from before a renaming."""
    return parse_job_name(job.name) or job.identity


class _Review:
    """One plan held against one repository."""

    def __init__(self, repository: Repository, inquiry: Inquiry, plan: Plan) -> None:
        self.repository, self.inquiry, self.plan = repository, inquiry, plan
        requests = [action.request for action in plan.actions]
        since = inquiry.now - _LONG_AGO
        self.base = inquiry.policy.since
        base = repository.ancestor(self.base) if self.base else None
        self.evidence = Evidence(repository, requests, inquiry.policy.history, since, base)
        self.history = self.evidence.history
        given = inquiry.paths
        paths: list[str | None] = [""] if given is None else [repository.path_of(path) for path in given]
        within = tuple(path for path in paths if path is not None)
        self.orphans = Orphans(self.evidence, inquiry.policy.prune, within, inquiry.newer, inquiry.other_owner)

    def reviewed(self, observe: Observe, again: Callable[[Claimed], Plan]) -> Plan:
        if elsewhere := self._claimed_elsewhere():
            self.plan = again(elsewhere)
        plan = replace(self.plan, actions=tuple(self._explained(action) for action in self.plan.actions))
        plan = _without_stops(plan, {a.key: doubt for a in plan.of(Verb.STOP) if (doubt := self._doubt(a))})
        if self.base and self.evidence.base is None:
            note = f"--since {one_line(self.base)} is not in HEAD's history, so it is ignored"
            plan = replace(plan, notes=(*plan.notes, note))
        if self.inquiry.missing:
            plan = Absences(plan, self.inquiry.policy).as_git_says(self.evidence)
        return self.orphans.listed(plan, observe)

    def _claimed_elsewhere(self) -> Claimed:
        """The names under which specs of the plan ran, and which manifests have that it has not read."""
        found: dict[str | None, set[str]] = {}
        for action in self.plan.of(Verb.HOLD):
            was = action.job.identity if action.doubt is Doubt.RENAMED and action.job else None
            project = self.plan.project_of(action)
            if was is not None and self.orphans.in_work_tree(was.name, project):
                found.setdefault(project.id, set()).add(was.name)
        return found

    # What changed, and what ended

    def _explained(self, action: Action) -> Action:
        if action.verb is Verb.HOLD:
            return self._ended(action)
        older = action.older
        if action.verb is not Verb.SUBMIT or older is None or action.changes:
            return action
        path = self.evidence.paths[action.request.path]
        if path is None:
            return _unknown(action, "the manifest is not in this git repository, so there is nothing to compare with")
        if (was := own_identity(older)) is None:
            return action
        found = self.evidence.of(was.name).find(was, path)
        if found is None:
            not_found = CODE_NOT_FOUND if self.evidence.carries_code(was.name) else NOT_FOUND
            return _unknown(action, SHALLOW if self.repository.shallow else not_found)
        differing = changes(found.written.spec, action.request.manifest["spec"], found.written.api_version)
        request, given = action.request, [field for field, _ in action.request.overrides]
        differing = tuple(
            replace(each, source=request.stands_in(each.path), given=overlaps(each.field, given)) for each in differing
        )
        return replace(
            action,
            previous=found.revision,
            changes=(
                *differing,
                *changed_origins(found.written, request),
                *self.evidence.code_changes(found, request),
            ),
        )

    def _ended(self, hold: Action) -> Action:
        """A hold for a job that was stopped, which says so if a newer revision superseded its spec at that time."""
        job = hold.job
        if job is None or job.status_class is not StatusClass.STOPPED or not hold.reason.startswith(STOPPED):
            return hold
        was = own_identity(job)
        newer = self.history.replacing(was, self.plan.project_of(hold)) if was else None
        stopped_at, replaced_at = epoch_of(job.updated_at), epoch_of(newer.date) if newer else None
        if newer is None or stopped_at is None or replaced_at is None or stopped_at < replaced_at:
            return hold
        told = f"superseded by a newer revision, commit {newer.commit[:10]}"
        return replace(hold, reason=told + hold.reason.removeprefix(STOPPED))

    # What may be stopped

    def _doubt(self, stop: Action) -> _Doubt | None:
        """Why a superseded job must not be stopped, by this repository; None if it may be."""
        job, request = stop.job, stop.request
        was = own_identity(job) if job else None
        if job is None or was is None:
            return None
        project = self.plan.project_of(stop)
        if self.evidence.paths[request.path] is None:
            return _Doubt(_not_stopped(stop, "the manifest is not in the git repository of the rest"))
        found = self.evidence.of(was.name).find_in_project(was, project)
        if found is None:
            what = "its spec and code are" if self.evidence.carries_code(was.name) else "its spec is"
            why = "this clone is shallow" if self.repository.shallow else f"{what} not in this repository's history"
            return _Doubt(_not_stopped(stop, why))
        own = self.evidence.of(request.name).find_in_project(request.identity, project)
        if own is None:
            why = "this manifest's own spec is not in the history (uncommitted, or with `--set`)"
            return _Doubt(_not_stopped(stop, why))
        if found.age < own.age:
            return _Doubt(_not_stopped(stop, "its spec is newer in git than this manifest"), warns=False)
        if self.evidence.holds(self.repository.head, was, project):
            return _Doubt(_not_stopped(stop, "another manifest at HEAD has its spec"), warns=False)
        for commit, ref in self.evidence.ahead.items():
            if self.evidence.holds(commit, was, project):
                why = f"{ref} has its spec again in {commit[:10]}"
                return _Doubt(_not_stopped(stop, why), warns=False)
        return None
