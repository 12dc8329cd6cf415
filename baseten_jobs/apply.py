"""Plan + client -> outcomes: creates in parallel, then shared settling, then what the new jobs supersede."""

import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from baseten_jobs.api.client import Api
from baseten_jobs.api.errors import ApiError
from baseten_jobs.ledger import Ledger
from baseten_jobs.observation import Observation, ObservedJob, ObservedProject
from baseten_jobs.observe import job_by_id, jobs_of, with_second_witness
from baseten_jobs.outcome import Applied, Fate, Outcome
from baseten_jobs.plan import Action, Plan, Policy, Verb
from baseten_jobs.replan import decided_again
from baseten_jobs.request import ProjectRef
from baseten_jobs.settle import Key, Settlement, Windows
from baseten_jobs.stopping import stop_job
from baseten_jobs.submit import Created, NotCreated, Proof, Refused, Unknown, create, read_back


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
        self.halted = threading.Event()
        self.unauthorised = ""
        self.ended: set[str] = set()
        seen = frozenset(job.id for project in plan.projects.values() for job in project.jobs)
        self.settlement = Settlement(api, how.windows, seen)

    def run(self) -> Applied:
        self._make_projects(self._indices(Verb.SUBMIT))
        submits = self._indices(Verb.SUBMIT)
        self.ledger.total = len(submits) + len(self._indices(Verb.UPDATE)) + len(self._indices(Verb.STOP))
        for index in self._indices(Verb.KEEP, Verb.HOLD):
            self.outcomes[index] = _left_alone(self.actions[index])
        for index in self._indices(Verb.UPDATE):
            self._finish(index, self._update(self.actions[index]))
        proofs = self._create_all(submits)
        self._settle(proofs)
        for index in self._indices(Verb.STOP):
            self._finish(index, self._stop(self.actions[index]))
        return Applied(
            tuple(self.outcomes[index] for index in range(len(self.actions))),
            self.api.clock.interrupted.is_set(),
            self.unauthorised,
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
        jobs = jobs_of(self.api.search_of, [p.id for p in made.values() if p.id])
        for ref, project in made.items():
            self.projects[ref] = replace(project, jobs=jobs[project.id or ""])
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

    # Creates

    def _over(self) -> bool:
        return self.halted.is_set() or self.api.clock.interrupted.is_set()

    def _give_up(self, error: ApiError) -> None:
        if error.status == 401:
            self.unauthorised = str(error)
            self.halted.set()

    def _key(self, index: int) -> Key:
        request = self.actions[index].request
        return Key(self.projects[request.project].id or "", request.identity)

    def _create_all(self, indices: Iterable[int]) -> dict[int, Proof]:
        """One create for each of these, `concurrency` at a time; those not started any more get no proof."""
        indices = list(indices)
        with ThreadPoolExecutor(self.how.concurrency, "create") as pool:
            proofs = dict(zip(indices, pool.map(self._create, indices), strict=True))
        for index, proof in proofs.items():
            self._note(index, proof)
        return {index: proof for index, proof in proofs.items() if proof is not None}

    def _create(self, index: int) -> Proof | None:
        action = self.actions[index]
        if self._over():
            return None
        self.ledger.sent(action.request.job_name)
        proof = create(self.api, self._key(index).project_id, action.request, self._over)
        self.settlement.last_create[self._key(index).project_id] = self.api.clock.now()
        if isinstance(proof, Created):
            proof = read_back(self.api, self._key(index).project_id, action.request, proof, self.halted.set)
        if isinstance(proof, Refused) and proof.status == 401:
            self.unauthorised = proof.reason
            self.halted.set()
        if not isinstance(proof, Unknown):
            self.ledger.settled(action.request.job_name)
        self.ledger.step(f"{_said(proof)} {action.request.job_name}")
        return proof

    def _note(self, index: int, proof: Proof | None) -> None:
        key = self._key(index)
        if isinstance(proof, Created):
            self.settlement.own[key] = proof.job
        elif isinstance(proof, Unknown):
            self.settlement.unknown.setdefault(key, proof.reason)

    def _settle(self, proofs: Mapping[int, Proof]) -> None:
        settlement = self.settlement
        if self.unauthorised:  # most likely no read can succeed any more
            settlement.windows = replace(settlement.windows, settle=0.0)
        by_key = {self._key(index): index for index in proofs}
        if settlement.unknown:
            count = len(settlement.unknown)
            self.ledger.say(f"{count} creates without a clear answer: searching up to {self.how.windows.settle:g} s")
            absent = settlement.search_unknown()
            again = [by_key[key] for key in sorted(absent)] if not self._over() else []
            if again:
                self.ledger.total += len(again)
                proofs = {**proofs, **self._create_all(again)}
                settlement.watch(self._key(index) for index in again)
        if settlement.own or settlement.unknown:
            self.ledger.say("looking for twins of the new jobs")
            settlement.find_twins()
        for index in self._indices(Verb.SUBMIT):
            self.outcomes[index] = self._outcome(index, proofs.get(index))
            if self.outcomes[index].fate is not Fate.UNKNOWN:
                self.ledger.settled(self.actions[index].request.job_name)

    def _outcome(self, index: int, proof: Proof | None) -> Outcome:
        action, key = self.actions[index], self._key(index)
        if proof is None:
            return Outcome(action, Fate.SKIPPED, error="not started")
        settled = self.settlement.settled(key)
        if settled.job_id is not None:
            fate = Fate.ADOPTED if settled.adopted else Fate.SUBMITTED
            return Outcome(action, fate, settled.job_id, unclear=settled.unclear)
        sure = key not in self.settlement.unknown or self.settlement.was_searched(key)
        if isinstance(proof, Refused) and sure:
            return Outcome(action, Fate.FAILED, proof.job_id, error=proof.reason)
        if key in self.settlement.unknown:
            reason = self.settlement.unknown[key]
            return Outcome(
                action,
                Fate.UNKNOWN,
                error=f"{reason}; nobody knows yet whether job "
                f"'{action.request.job_name}' exists: run apply again, which finds it or submits it",
            )
        if isinstance(proof, NotCreated) and proof.interrupted:
            return Outcome(action, Fate.SKIPPED, error=f"not created: {proof.reason}")
        return Outcome(
            action, Fate.FAILED, error=f"not created: {proof.reason}" if isinstance(proof, NotCreated) else ""
        )

    # Updates and stops

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


def _said(proof: Proof) -> str:
    words = {Created: "submitted", NotCreated: "not created", Refused: "failed", Unknown: "no clear answer for"}
    return words[type(proof)]
