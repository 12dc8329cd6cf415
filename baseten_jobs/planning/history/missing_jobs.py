"""Submits + the age of their specs in git -> holds of those whose jobs should exist already."""

from collections.abc import Iterable
from dataclasses import replace

from baseten_jobs.job.times import epoch_of
from baseten_jobs.planning.history.lookup import Evidence
from baseten_jobs.planning.holds import held
from baseten_jobs.planning.plan import Action, ActionKey, Doubt, Plan, Policy, Verb

YOUNG = (
    "this clone is shallow, so it is not known how old its manifests are, nor whether a job of theirs was deleted at "
    "the provider: clone with `fetch-depth: 0`"
)


class Absences:
    """The submits of one plan whose identity no job of their project has, without those that `--create` names."""

    def __init__(self, plan: Plan, policy: Policy) -> None:
        self.plan, self.policy = plan, policy
        self.absent = [a for a in self._unanswered() if plan.lacks_job_of(a)]

    def as_git_says(self, evidence: Evidence) -> Plan:
        """Hold the submits of specs that HEAD has had for long; all of a project if it has no job of any such spec.

        In a shallow clone that may be any project without a managed job. Raises GitError and NotWhole.
        """

        def is_old(action: Action) -> bool:
            return evidence.is_old(action.request, self.plan.project_of(action)) and not any(
                ended is not None and ended >= evidence.since.timestamp() for ended in _ends_of_loaded(action)
            )

        old = [action for action in self.absent if is_old(action)]
        reasons: dict[ActionKey, str] = {action.key: _missing(action) for action in old}
        for project_id in dict.fromkeys(map(self._place, old)):
            missed = [action for action in old if self._place(action) == project_id]
            if not any(is_old(action) for action in self._with_jobs(project_id)):
                into = [action for action in self._unanswered() if self._place(action) == project_id]
                reasons |= {action.key: self._all_missing(action, len(missed)) for action in into}
        notes: tuple[str, ...] = ()
        if evidence.repository.shallow and (unsure := [a for a in self.absent if a.key not in reasons]):
            at_head = (a for a in unsure if evidence.is_at_head(a.request, self.plan.project_of(a)))
            reasons |= self._in_unproven_projects(at_head, "this clone is shallow: clone with `fetch-depth: 0`")
            notes = (YOUNG,) if any(action.key not in reasons for action in unsure) else ()
        return self._held(reasons, notes)

    def of_unknown_age(self, reason: str) -> Plan:
        """Hold the submits into projects without a managed job: there is git, and its history can't be read."""
        return self._held(self._in_unproven_projects(self.absent, reason))

    def _unanswered(self) -> list[Action]:
        return [action for action in self.plan.of(Verb.SUBMIT) if not self.policy.creates(action.request.name)]

    def _place(self, action: Action) -> object:
        """The project's id, or the reference to one that does not exist yet: equal for all actions of one project."""
        return self.plan.project_of(action).id or action.request.project

    def _with_jobs(self, place: object) -> Iterable[Action]:
        """The actions of a project's manifests whose own identity a job has, or had."""
        of_manifests = (action for action in self.plan.actions if action.verb is not Verb.STOP)
        return (a for a in of_manifests if self._place(a) == place and not self.plan.lacks_job_of(a))

    def _all_missing(self, action: Action, count: int) -> str:
        project = self.plan.project_of(action)
        there = "has no job of" if project.exists else "does not exist, nor a job of"
        specs = "the spec" if count == 1 else f"the {count} specs"
        return (
            f"missing: the project '{action.request.project}' {there} {specs} that git has had for more than 7 days: "
            "was it renamed or deleted at the provider, is the key another team's, or may it not see these jobs? "
            f"`--create {action.request.name}` submits it anyway"
        )

    def _in_unproven_projects(self, actions: Iterable[Action], reason: str) -> dict[ActionKey, str]:
        return {
            action.key: f"missing? the project shows no managed job, and {reason}; "
            f"`--create {action.request.name}` submits it anyway"
            for action in actions
            if not self.plan.project_of(action).by_name
        }

    def _held(self, reasons: dict[ActionKey, str], notes: tuple[str, ...] = ()) -> Plan:
        """The plan with these submits held, and without the stops that were to follow them."""
        actions = tuple(
            held(action, Doubt.MISSING, reasons[action.key]) if action.key in reasons else action
            for action in self.plan.actions
            if not (action.follows_a_submit and action.key.of_manifest in reasons)
        )
        return replace(self.plan, actions=actions, notes=(*self.plan.notes, *notes))


def _ends_of_loaded(action: Action) -> Iterable[float | None]:
    """When the jobs ended whose checkpoints a stage loads: before that it could not be submitted."""
    return (epoch_of(job.updated_at) for job in action.loads)


def _missing(action: Action) -> str:
    was = f" ({action.reason})" if action.older else ""
    return (
        "missing: git has had this spec for more than 7 days, and its job is not there, so it was probably deleted at "
        f"the provider; `--create {action.request.name}` submits it again{was}"
    )
