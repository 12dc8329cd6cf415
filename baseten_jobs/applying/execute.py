"""Plan + client -> outcomes: projects and updates, then the creates, then what the new jobs supersede."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from baseten_jobs.applying.create import Creates, Halt
from baseten_jobs.applying.in_flight import Ledger
from baseten_jobs.applying.outcome import Applied, Fate, Outcome
from baseten_jobs.applying.second_look import decided_again
from baseten_jobs.applying.settle import Key, Settlement, Windows
from baseten_jobs.job.observation import Observation, ObservedJob, ObservedProject
from baseten_jobs.job.request import ProjectRef
from baseten_jobs.planning.plan import Action, Plan, Policy, Verb
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.observe import job_by_id, with_jobs, with_second_witness
from baseten_jobs.provider.stop import stop_job


@dataclass(frozen=True)
class Execution:
    """How a plan is carried out; `windows` are in seconds."""

    concurrency: int = 4
    windows: Windows = field(default_factory=Windows)


class Conflict(Exception):
    """Two manifests turn out to name one job, now that the projects' ids are known. Nothing was created."""


def execute(api: Api, plan: Plan, policy: Policy, how: Execution, ledger: Ledger) -> Applied:
    """Carry out a plan that was confirmed. Raises Conflict and ApiError only before the first create."""
    return _Run(api, plan, policy, how, ledger).run()


class _Run:
    """One apply under way: outcomes by action, until all have one."""

    def __init__(self, api: Api, plan: Plan, policy: Policy, how: Execution, ledger: Ledger) -> None:
        self.api, self.policy, self.how, self.ledger = api, policy, how, ledger
        self.actions = list(plan.actions)
        self.projects = dict(plan.projects)
        self.outcomes: dict[int, Outcome] = {}
        self.ended: set[str] = set()
        seen = frozenset(job.id for project in plan.projects.values() for job in project.jobs)
        self.halt = Halt(api.clock)
        self.settlement = Settlement(api, how.windows, seen)
        self.creates = Creates(api, self.settlement, self.halt, ledger, how.concurrency)

    def run(self) -> Applied:
        self._make_projects(self._indices(Verb.SUBMIT))
        submits = self._indices(Verb.SUBMIT)
        self.ledger.total = len(submits) + len(self._indices(Verb.UPDATE)) + len(self._indices(Verb.STOP))
        for index in self._indices(Verb.KEEP, Verb.HOLD):
            self.outcomes[index] = _left_alone(self.actions[index])
        for index in self._indices(Verb.UPDATE):
            self._finish(index, self._update(self.actions[index]))
        self.creates.carry_out({self._key(index): self.actions[index].request for index in submits})
        for index in submits:
            self.outcomes[index] = self.creates.outcome(self.actions[index], self._key(index))
        for index in self._indices(Verb.STOP):
            self._finish(index, self._stop(self.actions[index]))
        return Applied(
            tuple(self.outcomes[index] for index in range(len(self.actions))),
            self.api.clock.interrupted.is_set(),
            self.halt.unauthorised,
        )

    def _indices(self, *verbs: Verb) -> list[int]:
        """Actions of these kinds that have no outcome yet, in order."""
        return [i for i, action in enumerate(self.actions) if action.verb in verbs and i not in self.outcomes]

    def _finish(self, index: int, outcome: Outcome) -> None:
        self.outcomes[index] = outcome
        self.ledger.step(f"{outcome.fate.value} {outcome.action.request.job_name}")

    # Projects

    def _make_projects(self, submits: Iterable[int]) -> None:
        """Make the projects that are missing; one that turns out to hold jobs may drop submits."""
        made: dict[ProjectRef, ObservedProject] = {}
        for ref in dict.fromkeys(self.actions[index].request.project for index in submits):
            project = self.projects[ref]
            if project.exists or self._over():
                continue
            try:
                row = self.api.upsert_project(ref.name or "", project.team_id)
                made[ref] = replace(project, id=str(row["id"]), team=row.get("team_name"))
            except ApiError as error:
                self._give_up(error)
                for index in submits:
                    if self.actions[index].request.project == ref:
                        message = f"the project could not be made: {error}"
                        self.outcomes[index] = Outcome(self.actions[index], Fate.FAILED, error=message)
        self.projects |= {project.ref: project for project in with_jobs(self.api, made.values())}
        if made:
            observation = with_second_witness(self.api, Observation(self.projects), made)
            self.projects = dict(observation.projects)
        held = [ref for ref in made if self.projects[ref].jobs]
        self._refuse_conflicts()
        self.actions = list(decided_again(self.actions, self.projects, frozenset(held), self.policy))
        self.settlement.seen |= {job.id for ref in held for job in self.projects[ref].jobs}

    def _refuse_conflicts(self) -> None:
        claims: dict[tuple[str | None, str], Action] = {}
        for action in self.actions:
            if action.pruned:
                continue
            project_id = self.projects[action.request.project].id
            first = claims.setdefault((project_id, action.request.name), action)
            if project_id and first.request is not action.request:
                raise Conflict(
                    f"{first.request.path}:{first.request.line} and {action.request.path}:"
                    f"{action.request.line} both name '{action.request.name}' of one project"
                )

    # Updates and stops

    def _over(self) -> bool:
        return self.halt.over

    def _give_up(self, error: ApiError) -> None:
        self.halt.refuse(error.status, str(error))

    def _key(self, index: int) -> Key:
        request = self.actions[index].request
        return Key(self.projects[request.project].id or "", request.identity)

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
        """The job as it is now, if it waits no longer."""
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

    def _lives(self, stop: Action) -> bool:
        """Whether the manifest's own identity lives, now that the rest is done; a deleted one needs none."""
        if stop.pruned:
            return True
        for index, action in enumerate(self.actions):
            if action.request is stop.request and action.verb is not Verb.STOP:
                outcome = self.outcomes[index]
                if outcome.fate in (Fate.SUBMITTED, Fate.ADOPTED):
                    return self.settlement.lives(self._key(index))
                kept = outcome.fate in (Fate.UPDATED, Fate.KEPT) and action.identity_lives
                return kept and outcome.job_id not in self.ended
        return False


def _left_alone(action: Action) -> Outcome:
    job_id = action.job.id if action.job else None
    unclear = action.warnings[0] if action.duplicates else ""
    error = action.error or (action.reason if action.doubt else "")
    return Outcome(action, Fate.KEPT if action.verb is Verb.KEEP else Fate.HELD, job_id, error, unclear)
