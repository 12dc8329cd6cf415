"""The tool on one page: load, validate, compile, observe, plan, apply."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from baseten_jobs.applying.execute import Execution, execute
from baseten_jobs.applying.in_flight import Ledger
from baseten_jobs.applying.outcome import Applied
from baseten_jobs.applying.second_look import looked_at_again
from baseten_jobs.applying.upload import Sent, upload_workspaces
from baseten_jobs.compilation import Compiled
from baseten_jobs.git.repository import first_repository
from baseten_jobs.job.claims import not_there
from baseten_jobs.job.observation import Observation
from baseten_jobs.job.project_resolution import Unresolved
from baseten_jobs.job.request import JobRequest, ProjectRef
from baseten_jobs.manifest.diagnostics import Diagnostic, Position, Severity, field_name, has_errors, in_order
from baseten_jobs.manifest.document import Document
from baseten_jobs.manifest.rules import errors
from baseten_jobs.manifest.secret_references import missing_secrets, secret_references
from baseten_jobs.phrases import nearest
from baseten_jobs.planning.decide import Claimed, make_plan
from baseten_jobs.planning.history.review import Inquiry, with_witness
from baseten_jobs.planning.plan import EVERY, Plan, Policy, Verb
from baseten_jobs.planning.preflight import Appraisal, appraise, appraised
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.observe import observe, with_second_witness
from baseten_jobs.provider.presence import Recall
from baseten_jobs.provider.status import Status


@dataclass(frozen=True)
class Planned:
    """A plan, or the diagnostics that forbid one."""

    plan: Plan
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def valid(self) -> bool:
        return not has_errors(self.diagnostics)


def look(api: Api, compiled: Compiled) -> tuple[Observation, tuple[Diagnostic, ...]]:
    """What the provider has of the projects that the manifests name."""
    observed = observe(api, (request.project for request in compiled.requests))
    return observed.observation, (
        *_unresolved(compiled, observed.unresolved),
        *_conflicts(compiled, observed.observation),
    )


def make(
    api: Api, compiled: Compiled, policy: Policy, inquiry: Inquiry | None = None, *, rehearsal: bool = False
) -> Planned:
    """Observe and decide; a project with a planned submit or stop is read by a second witness, and git is asked last.

    Beside that, what the submits cost and refer to is read. A missing secret is an error, but for a `rehearsal`.
    """
    if misnamed := _misnamed(compiled, policy):
        return Planned(Plan(), misnamed)
    observation, diagnostics = look(api, compiled)
    if diagnostics:
        return Planned(Plan(), in_order(diagnostics))
    plan = make_plan(compiled.requests, observation, policy)
    with ThreadPoolExecutor(1) as beside:
        appraisal = beside.submit(_appraise, api, compiled, plan)
        doubted = _doubted(plan, observation, compiled, policy.prune)
        if doubted:
            observation = with_second_witness(api, observation, doubted)
            plan = make_plan(compiled.requests, observation, policy)
        if inquiry is not None:
            again = partial(make_plan, compiled.requests, observation, policy)
            plan = _asked_of_git(api, plan, inquiry, again)
    if strangers := _not_adoptable(compiled, observation):
        return Planned(Plan(), strangers)
    missing = _missing_secrets(compiled, plan, appraisal.result(), Severity.WARNING if rehearsal else Severity.ERROR)
    return Planned(Plan() if has_errors(missing) else appraised(plan, appraisal.result()), missing)


def _doubted(plan: Plan, observation: Observation, compiled: Compiled, prune: bool) -> list[ProjectRef]:
    """The projects in which what the search alone shows decides on something: of submits, stops and adoptions."""
    decided = [*plan.possible_submits, *plan.of(Verb.STOP), *(plan.actions if prune else ())]
    requests = (*(action.request for action in decided), *not_there(observation, compiled.requests))
    return [request.project for request in requests if observation.project(request.project).exists]


def _not_adoptable(compiled: Compiled, observation: Observation) -> tuple[Diagnostic, ...]:
    """A diagnostic for each adopted job that its project does not show."""
    requests = {(request.path, request.line): request for request in not_there(observation, compiled.requests)}
    at = ("metadata", "adopts", "job")
    return tuple(
        Diagnostic(
            "adopts", f"there is no job '{request.adopts.job_id}' in the project '{request.project}'",
            document.position(at), field_name(at), "is it another project's? without `adopts` the spec is submitted",
        )
        for document in compiled.documents
        if (request := requests.get((document.path, document.line))) and request.adopts
    )  # fmt: skip


def _appraise(api: Api, compiled: Compiled, plan: Plan) -> Appraisal:
    """Nothing is read for a plan that submits nothing."""
    projects = {action.request.project: plan.project_of(action) for action in plan.possible_submits}
    referring = {request.project for document, request in _submitted(compiled, plan) if secret_references(document)}
    return appraise(api, projects.values(), referring) if projects else Appraisal()


def _submitted(compiled: Compiled, plan: Plan) -> Iterator[tuple[Document, JobRequest]]:
    submits = {(action.request.path, action.request.line) for action in plan.possible_submits}
    pairs = zip(compiled.documents, compiled.requests, strict=True)
    return ((document, request) for document, request in pairs if (request.path, request.line) in submits)


def _missing_secrets(
    compiled: Compiled, plan: Plan, appraisal: Appraisal, severity: Severity
) -> tuple[Diagnostic, ...]:
    """A diagnostic for each secret that a submit refers to and its team is known not to have."""
    return in_order(
        diagnostic
        for document, request in _submitted(compiled, plan)
        if (team := appraisal.team_of(request.project)) in appraisal.secrets
        for diagnostic in missing_secrets(document, appraisal.secrets[team], team.name, severity)
    )


def _asked_of_git(api: Api, plan: Plan, inquiry: Inquiry, again: Callable[[Claimed], Plan]) -> Plan:
    paths = [action.request.path for action in plan.actions if os.path.exists(action.request.path)]
    folders = dict.fromkeys(os.path.dirname(os.path.realpath(path)) for path in paths)
    with first_repository(folders or (".",)) as repository:
        return with_witness(plan, repository, inquiry, partial(_of_abandoned, api, inquiry.policy.prune), again)


def _of_abandoned(api: Api, prune: bool, refs: tuple[ProjectRef, ...]) -> Observation:
    """What projects hold that only deleted manifests name; by both witnesses where something may be stopped."""
    observation = observe(api, refs).observation
    return with_second_witness(api, observation, observation.projects) if prune else observation


def apply(
    api: Api,
    plan: Plan,
    policy: Policy,
    how: Execution,
    ledger: Ledger,
    sent: Sent = lambda done, total, text: None,
    *,
    waited: bool = False,
) -> Applied:
    """Carry out a confirmed plan: first every upload of what is still to be submitted, then everything else.

    Where somebody was `waited` for, and around uploads, the provider is looked at again: what is not to be done any
    more drops out. Raises Conflict, UploadFailed and ApiError only before the first create.
    """
    dropped: tuple[str, ...] = ()
    if waited or _uploads(plan):
        plan, dropped = looked_at_again(api, plan, policy)
    if _uploads(plan):
        plan, since = looked_at_again(api, upload_workspaces(api, plan, sent), policy)
        dropped += since
    return replace(execute(api, plan, policy, how, ledger), notes=dropped)


def _uploads(plan: Plan) -> bool:
    return any(action.request.content is not None for action in plan.of(Verb.SUBMIT))


def status(
    api: Api, compiled: Compiled, recall: Recall | None = None
) -> tuple[tuple[Status, ...], tuple[Diagnostic, ...]]:
    """How each manifest's job is: by a search, and by more where that leaves one out; `recall` knows earlier looks."""
    observation, diagnostics = look(api, compiled)
    if diagnostics:
        return (), in_order(diagnostics)
    return (recall or Recall(api)).rows(compiled.requests, observation), ()


def _misnamed(compiled: Compiled, policy: Policy) -> tuple[Diagnostic, ...]:
    """Options that name a manifest which is not there."""
    names = [request.name for request in compiled.requests]
    return tuple(
        Diagnostic(
            "unknown-name", f"no manifest has the name '{name}'", Position(option),
            hint=f"did you mean '{near}'?" if (near := nearest(name, names)) else "",
        )
        for option, given in (("--retry-failed", policy.retry_failed), ("--create", policy.create - {EVERY}))
        for name in sorted(given)
        if name not in names
    )  # fmt: skip


def _unresolved(compiled: Compiled, unresolved: Iterable[Unresolved]) -> list[Diagnostic]:
    problems = {problem.ref: problem for problem in unresolved}
    return [
        Diagnostic("project", problem.message, document.position(at), field_name(at), problem.hint)
        for document, request in zip(compiled.documents, compiled.requests, strict=True)
        if (problem := problems.get(request.project))
        for at in [("metadata", problem.field)]
    ]


def _conflicts(compiled: Compiled, observation: Observation) -> list[Diagnostic]:
    """Two manifests of one name whose projects turn out to be the same."""
    claims: dict[tuple[str, str], list[tuple[Document, str]]] = {}
    for document, request in zip(compiled.documents, compiled.requests, strict=True):
        project = observation.projects.get(request.project)
        if project is not None and project.id:
            for name in request.names:
                claims.setdefault((project.id, name), []).append((document, name))
    return [d for claim in claims.values() if len(claim) > 1 for d in errors.clash(claim)]
