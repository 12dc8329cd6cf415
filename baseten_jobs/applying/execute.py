"""Plan + client -> outcomes: projects and updates, then the creates, then what the new jobs supersede."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from baseten_jobs.applying.create import Creates, Halt
from baseten_jobs.applying.in_flight import Ledger
from baseten_jobs.applying.known import CreateKey
from baseten_jobs.applying.outcome import Applied, Fate, Outcome
from baseten_jobs.applying.second_look import decided_again
from baseten_jobs.applying.settle import Settlement, Windows
from baseten_jobs.applying.twin_stops import READINGS, TwinStops
from baseten_jobs.job.names import Signature
from baseten_jobs.job.observation import Observation, ObservedJob, ObservedProject
from baseten_jobs.job.request import ProjectRef
from baseten_jobs.phrases import count
from baseten_jobs.planning.plan import Action, ActionKey, Plan, Policy, Verb
from baseten_jobs.planning.twins import owners_of
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.observe import job_by_id, with_jobs, with_second_witness
from baseten_jobs.provider.stop import stop_job


@dataclass(frozen=True)
class Execution:
    """How a plan is carried out: how many creates at a time, how they are signed, how long it looks for their jobs."""

    concurrency: int = 4
    windows: Windows = field(default_factory=Windows)
    signature: Signature = field(default_factory=Signature)


class Conflict(Exception):
    """Two manifests turn out to name one job, now that the projects' ids are known. Nothing was created."""


def execute(api: Api, plan: Plan, policy: Policy, how: Execution, ledger: Ledger) -> Applied:
    """Carry out a plan that was confirmed. Raises Conflict and ApiError only before the first create."""
    return _Run(api, plan, policy, how, ledger).run()


class _Run:
    """One apply: its actions by key, and their outcomes by the same key; at the end each action has one."""

    def __init__(self, api: Api, plan: Plan, policy: Policy, how: Execution, ledger: Ledger) -> None:
        self.api, self.policy, self.how, self.ledger = api, policy, how, ledger
        self.actions = _by_key(plan.actions)
        self.projects = dict(plan.projects)
        self.outcomes: dict[ActionKey, Outcome] = {}
        self.ended: set[str] = set()
        seen = frozenset(job.id for project in plan.projects.values() for job in project.jobs)
        self.halt = Halt(api.clock)
        self.settlement = Settlement(api, how.windows, seen)
        self.creates = Creates(api, self.settlement, self.halt, ledger, how.concurrency, how.signature)

    def run(self) -> Applied:
        self._make_projects(self._due(Verb.SUBMIT))
        submits = self._due(Verb.SUBMIT)
        self.ledger.total = len(submits) + len(self._due(Verb.UPDATE)) + len(self._due(Verb.STOP))
        for action in self._due(Verb.KEEP, Verb.HOLD):
            self._note(_left_alone(action))
        for action in self._due(Verb.STOP):
            if action.over_limit:
                self._finish(self._stop(action))
        for action in self._due(Verb.UPDATE):
            self._finish(self._update(action))
        self.creates.carry_out({self._of_create(action): action.request for action in submits})
        for action in submits:
            self._note(self.creates.outcome(action, self._of_create(action)))
        for outcome in self._of_twins([action for action in self._due(Verb.STOP) if action.twin_of]):
            self._finish(outcome)
        for action in self._due(Verb.STOP):
            self._finish(self._stop(action))
        return Applied(
            tuple(self._with_page(self.outcomes[key]) for key in self.actions),
            self.api.clock.interrupted.is_set(),
            self.halt.unauthorised,
        )

    def _due(self, *verbs: Verb) -> list[Action]:
        """The actions of these kinds that have no outcome yet, in the plan's order."""
        return [each for key, each in self.actions.items() if each.verb in verbs and key not in self.outcomes]

    def _note(self, outcome: Outcome) -> None:
        self.outcomes[outcome.action.key] = outcome

    def _with_page(self, outcome: Outcome) -> Outcome:
        if outcome.job_id is None:
            return outcome
        job, project = outcome.action.job, self.projects.get(outcome.action.request.project)
        project_id = job.project_id if job and job.id == outcome.job_id else (project.id if project else None)
        return replace(outcome, url=self.api.page_of(project_id or "", outcome.job_id))

    def _finish(self, outcome: Outcome) -> None:
        self._note(outcome)
        self.ledger.step(f"{outcome.fate.value} {outcome.action.request.job_name}")

    # Projects

    def _make_projects(self, submits: Iterable[Action]) -> None:
        """Make the missing projects. One that has jobs after all is decided on again, so that submits may drop out."""
        made: dict[ProjectRef, ObservedProject] = {}
        for ref in dict.fromkeys(action.request.project for action in submits):
            project = self.projects[ref]
            if project.exists or self._over():
                continue
            try:
                row = self.api.upsert_project(ref.name or "", project.team_id)
                made[ref] = replace(project, id=str(row["id"]), team=row.get("team_name"))
            except ApiError as error:
                self._give_up(error)
                message = f"the project could not be made: {error}"
                for action in submits:
                    if action.request.project == ref:
                        self._note(Outcome(action, Fate.FAILED, error=message))
        self.projects |= {project.ref: project for project in with_jobs(self.api, made.values())}
        if made:
            observation = with_second_witness(self.api, Observation(self.projects), made)
            self.projects = dict(observation.projects)
        held = [ref for ref in made if self.projects[ref].jobs]
        self._refuse_conflicts()
        again = decided_again(self.actions.values(), self.projects, frozenset(held), self.policy)
        self.actions = _by_key(again)
        self.settlement.seen |= {job.id for ref in held for job in self.projects[ref].jobs}

    def _refuse_conflicts(self) -> None:
        claims: dict[tuple[str, str], Action] = {}
        for key, action in self.actions.items():
            project_id = self.projects[key.project].id
            if action.verb is Verb.STOP or not project_id:
                continue
            first = claims.setdefault((project_id, key.name), action)
            if first.key != key:
                raise _conflict(first, action)

    # Updates and stops

    def _over(self) -> bool:
        return self.halt.over

    def _give_up(self, error: ApiError) -> None:
        self.halt.refuse(error.status, str(error))

    def _of_create(self, submit: Action) -> CreateKey:
        return CreateKey(self.projects[submit.request.project].id or "", submit.request.identity)

    def _update(self, action: Action) -> Outcome:
        job = action.job
        assert job is not None
        if self._over():
            return Outcome(action, Fate.SKIPPED, job.id, "not started")
        try:
            self.api.update(job.project_id, job.id, action.updates)
        except ApiError as error:
            self._give_up(error)
            if error.status == 400 and (now := self._left_the_queue(job.id)):
                self.ended |= set() if now.live else {job.id}
                return Outcome(action, Fate.KEPT, job.id, f"no longer pending, so not updated: {error}")
            return Outcome(action, Fate.FAILED, job.id, str(error))
        return Outcome(action, Fate.UPDATED, job.id)

    def _left_the_queue(self, job_id: str) -> ObservedJob | None:
        """The job as it is now, if it is no longer pending; None if it is, or can't be read."""
        try:
            job = job_by_id(self.api, job_id)
        except ApiError:
            return None
        return job if job is not None and not job.pending else None

    def _stop(self, action: Action) -> Outcome:
        job = action.job
        assert job is not None
        if self._over():
            return Outcome(action, Fate.SKIPPED, job.id, "not started")
        if not self._lives(action):
            return Outcome(action, Fate.SKIPPED, job.id, f"'{action.request.job_name}' does not live, so it runs on")
        try:
            stop_job(self.api, job.project_id, job.id, self.how.windows.settle)
        except ApiError as error:
            self._give_up(error)
            return Outcome(action, Fate.FAILED, job.id, str(error))
        return Outcome(action, Fate.STOPPED, job.id)

    def _of_twins(self, stops: Sequence[Action]) -> Sequence[Outcome]:
        if not stops:
            return ()
        self.ledger.say(f"reading {count(len(stops), 'twin')} twice before any is stopped, up to {READINGS:.0f} s")
        owners = owners_of(self.how.signature.owner, self.policy)
        return TwinStops(self.api, owners, self.how.windows.settle, self._over).carried_out(stops)

    def _lives(self, stop: Action) -> bool:
        """True if the manifest's own job lives by now, so that the stop may follow.

        Always for a deleted manifest, and for a run that is over its limits.
        """
        if stop.pruned or stop.over_limit:
            return True
        key = stop.key.of_manifest
        if key not in self.actions:
            return False
        action, outcome = self.actions[key], self.outcomes[key]
        if outcome.fate in (Fate.SUBMITTED, Fate.ADOPTED):
            return self.settlement.lives(self._of_create(action))
        kept = outcome.fate in (Fate.UPDATED, Fate.KEPT) and action.identity_lives
        return kept and outcome.job_id not in self.ended


def _by_key(actions: Iterable[Action]) -> dict[ActionKey, Action]:
    """The actions in their order; raises Conflict if two have one key, so that none is left out."""
    found: dict[ActionKey, Action] = {}
    for action in actions:
        if action.key in found:
            raise _conflict(found[action.key], action)
        found[action.key] = action
    return found


def _conflict(one: Action, other: Action) -> Conflict:
    places = (f"{each.request.path}:{each.request.line}" for each in (one, other))
    return Conflict(f"{' and '.join(places)} both name '{other.request.name}' of one project")


def _left_alone(action: Action) -> Outcome:
    job_id = action.job.id if action.job else None
    unclear = action.warnings[0] if action.duplicates else ""
    error = action.error or (action.reason if action.doubt else "")
    return Outcome(action, Fate.KEPT if action.verb is Verb.KEEP else Fate.HELD, job_id, error, unclear)
