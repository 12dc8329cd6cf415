"""The tool on one page: load, validate, compile, observe, plan, apply."""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from baseten_jobs.applying.carry_out import carry_out
from baseten_jobs.applying.execute import Conflict, Execution, execute
from baseten_jobs.applying.intent import Done, Failed, Intent, Invalid, NotApplied, Operator, Planned
from baseten_jobs.applying.outcome import Applied, Outcome
from baseten_jobs.applying.stages import GivenUp, part_of
from baseten_jobs.applying.upload import UploadFailed, check_client
from baseten_jobs.compilation import Compiled
from baseten_jobs.git.repository import NotInGit, Repository, first_repository
from baseten_jobs.job.claims import not_there
from baseten_jobs.job.observation import Observation
from baseten_jobs.job.request import CompiledManifest, JobRequest, ProjectRef
from baseten_jobs.manifest.diagnostics import Diagnostic, Severity, has_errors, in_order
from baseten_jobs.manifest.secret_references import secret_references
from baseten_jobs.planning.decide import Claimed, make_plan
from baseten_jobs.planning.guards import refusals
from baseten_jobs.planning.history.branch_tip import decisive
from baseten_jobs.planning.history.limit_proof import with_proven_limits
from baseten_jobs.planning.history.review import Inquiry, with_history
from baseten_jobs.planning.history.unclaimed_jobs import unclaimed
from baseten_jobs.planning.idleness import old_enough, with_idle
from baseten_jobs.planning.limits import Readings, seen_again, with_limits
from baseten_jobs.planning.named import misnamed, notes
from baseten_jobs.planning.plan import ActionKey, Plan, Policy, Verb
from baseten_jobs.planning.preflight import Appraisal, appraise, appraised, checked_secrets
from baseten_jobs.planning.problems import misplaced, not_adoptable
from baseten_jobs.planning.runs import runs_of
from baseten_jobs.planning.saved_plan import SavedPlan
from baseten_jobs.planning.stages import Stages
from baseten_jobs.planning.terms import Terms, differences, narrowed
from baseten_jobs.planning.twins import owners_of, with_twin_stops
from baseten_jobs.planning.unclaimed import Unclaimed
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.checkpoints import saved_by
from baseten_jobs.provider.gpu_uses import gpu_uses
from baseten_jobs.provider.observe import observe, with_second_witness
from baseten_jobs.provider.presence import Recall
from baseten_jobs.provider.run_spending import billed, first_lines, machines
from baseten_jobs.provider.status import Status, by_itself, with_waits
from baseten_jobs.provider.status_reader import Survey

_DIFFERENCES = 5
"""As many are shown of those that make a plan stale."""


def look(api: Api, compiled: Compiled, *, loads: bool = True) -> tuple[Observation, tuple[Diagnostic, ...]]:
    """What the provider has of the projects that the manifests name, and of those of jobs whose checkpoints they load.

    Unless it `loads` any now, what is wrong with the latter is no diagnostic.
    """
    every = (*compiled.manifests, *compiled.loaded)
    observed = observe(api, (each.request.project for each in every))
    return observed.observation, misplaced(
        every if loads else compiled.manifests, observed.observation, observed.unresolved
    )


def agreed(given: Terms, saved: SavedPlan | None) -> Terms | NotApplied:
    """The terms to plan on: those that are given, narrowed by those of a saved plan, which decides on the paths."""
    if saved is None:
        return given
    given = replace(given, paths=saved.terms.paths)
    if refused := differences(saved.terms, given):
        told = f"the plan was made with other options: {'; '.join(refused)}; nothing was sent"
        return NotApplied(f"{told}, give the same or plan again")
    return narrowed(given, saved.terms)


def plan(api: Api, compiled: Compiled, intent: Intent) -> Planned:
    """What apply would do, and why it would refuse to. Raises UploadFailed where it could send no code."""
    policy, strict = intent.terms.policy, intent.terms.strict
    if intent.limits_only:
        return _of_limits(api, compiled, intent)
    made = make(api, compiled, policy, intent.inquiry, rehearsal=intent.local, branch=intent.terms.if_tip or "")
    if not made.valid:
        return made
    check_client(api, (*made.plan.possible_submits, *made.plan.later))
    told = replace(made.plan, notes=(*made.plan.notes, *compiled.allowances))
    refused = refusals(told, policy, compiled.cost_limits, strict=strict, goes_on=intent.goes_on)
    return replace(made, plan=told, refusals=refused)


def make(
    api: Api,
    compiled: Compiled,
    policy: Policy,
    inquiry: Inquiry | None = None,
    *,
    rehearsal: bool = False,
    branch: str = "",
) -> Planned:
    """Observe and decide; a project with a planned submit or stop is read by a second witness, and git is asked last.

    Beside that, what the submits cost and refer to is read, and how much the GPUs of the kept jobs are used. A missing
    secret is an error, or in a `rehearsal` a note. `branch` decides on stops over limits, or the remote's default one.
    """
    names = [request.name for request in compiled.requests]
    if unknown := misnamed(names, policy):
        return Planned(Plan(), unknown)
    observation, diagnostics = look(api, compiled)
    if diagnostics:
        return Planned(Plan(), in_order(diagnostics))
    stages = Stages(compiled.requests, (each.request for each in compiled.loaded), policy, partial(saved_by, api))
    plan = stages.plan(observation)
    with ThreadPoolExecutor(2) as beside:
        appraisal = beside.submit(_appraise, api, compiled, plan)
        uses = beside.submit(gpu_uses, api, old_enough(plan, api.server_clock.now()))
        doubted = _doubted(plan, observation, compiled, policy.prune)
        if doubted:
            observation = with_second_witness(api, observation, doubted)
            plan = stages.plan(observation)
        if inquiry is not None:
            again = partial(stages.plan, observation)
            plan = stages.held(_asked_of_git(api, plan, inquiry, again))
            plan = with_twin_stops(plan, owners_of(inquiry.owner, policy))
        plan = stages.held(_within_limits(api, plan, compiled, inquiry, branch))
    if strangers := not_adoptable(compiled.manifests, observation):
        return Planned(Plan(), strangers)
    known = read if (read := appraisal.result()) != Appraisal() else _appraise(api, compiled, plan)
    missing, without = checked_secrets(_submitted(compiled, plan), known, rehearsal=rehearsal)
    plan = with_idle(replace(plan, notes=(*notes(names, policy), *without, *plan.notes)), uses.result())
    return Planned(Plan() if has_errors(missing) else appraised(plan, known), missing)


def _doubted(plan: Plan, observation: Observation, compiled: Compiled, prune: bool) -> list[ProjectRef]:
    """The projects in which what the search alone shows decides on something, such as a submit, a stop or a twin."""
    others = plan.actions if prune else [action for action in plan.actions if action.duplicates]
    decided = [*plan.possible_submits, *plan.of(Verb.STOP), *others]
    requests = (*(action.request for action in decided), *not_there(observation, compiled.requests))
    loaded = (wait.upstream for action in plan.actions for wait in action.waits if wait.broken and wait.job is None)
    refs = (*(request.project for request in requests), *(upstream.project for upstream in loaded))
    return [ref for ref in refs if observation.project(ref).exists]


def _appraise(api: Api, compiled: Compiled, plan: Plan) -> Appraisal:
    """Nothing is read for a plan that submits nothing, now or later, stops nothing, and leaves no orphan."""
    priced = (*plan.possible_submits, *plan.later, *plan.of(Verb.STOP))
    projects = {action.request.project: plan.project_of(action) for action in priced}
    referring = {each.request.project for each in _submitted(compiled, plan) if secret_references(each.document)}
    return appraise(api, projects.values(), referring) if projects or plan.orphans else Appraisal()


def _submitted(compiled: Compiled, plan: Plan) -> Iterator[CompiledManifest]:
    submits = {action.key for action in (*plan.possible_submits, *plan.later)}
    return (each for each in compiled.manifests if ActionKey(each.request.project, each.request.name) in submits)


def _asked_of_git(api: Api, plan: Plan, inquiry: Inquiry, again: Callable[[Claimed], Plan]) -> Plan:
    with _repository_of(plan) as repository:
        return with_history(plan, repository, inquiry, partial(_of_abandoned, api, inquiry.policy.prune), again)


def _repository_of(plan: Plan) -> Repository | NotInGit:
    paths = [action.request.path for action in plan.actions if os.path.exists(action.request.path)]
    folders = dict.fromkeys(os.path.dirname(os.path.realpath(path)) for path in paths)
    return first_repository(folders or (".",))


def _within_limits(api: Api, plan: Plan, compiled: Compiled, inquiry: Inquiry | None, branch: str) -> Plan:
    """The plan with stops of runs that are over their limits: seen by both witnesses, and borne out by git."""
    readings = Readings(api.server_clock.now(), partial(machines, api), partial(first_lines, api), partial(billed, api))
    plan = with_limits(plan, readings)
    refs = [stop.request.project for stop in plan.of(Verb.STOP) if stop.over_limit]
    if not refs:
        return plan
    plan = seen_again(plan, with_second_witness(api, Observation(plan.projects), refs))
    if inquiry is None:
        return plan
    bases = {each.path: each.bases for each in compiled.documents}
    ask_tip = partial(decisive, branch, inquiry.paths or tuple(bases), compiled.documents)
    with _repository_of(plan) as repository:
        return with_proven_limits(plan, repository, inquiry, bases, ask_tip)


def _of_limits(api: Api, compiled: Compiled, intent: Intent) -> Planned:
    """Only the stops of runs that are over their limits, whatever else is to be done, or is wrong."""
    limited = [each for each in compiled.manifests if each.request.limits is not None]
    observed = observe(api, dict.fromkeys(each.request.project for each in limited))
    there = [each.request for each in limited if each.request.project in observed.observation.projects]
    plan = make_plan(there, observed.observation, intent.terms.policy)
    plan = replace(plan, actions=tuple(action for action in plan.actions if action.verb is not Verb.STOP))
    plan = _within_limits(api, plan, compiled, intent.inquiry, intent.terms.if_tip or "")
    told = (f"{a.request.name}: {warning}" for a in plan.actions if a.request.limits for warning in a.warnings)
    unknown = (f"{problem.message}" for problem in observed.unresolved)
    stops = tuple(stop for stop in plan.of(Verb.STOP) if stop.over_limit)
    return Planned(replace(plan, actions=stops, notes=(*plan.notes, *unknown, *told)))


def _of_abandoned(api: Api, prune: bool, refs: tuple[ProjectRef, ...]) -> Observation:
    """What projects hold that only deleted manifests name; by both witnesses where something may be stopped."""
    observation = observe(api, refs).observation
    return with_second_witness(api, observation, observation.projects) if prune else observation


def apply(api: Api, compiled: Compiled, intent: Intent, operator: Operator) -> Invalid | NotApplied | Failed | Done:
    """Plan, show the plan, and carry it out: unless it is stale, a guard forbids it, or it is not confirmed.

    Until then the API is only read. Raises ApiError where that fails.
    """
    planned = plan(api, compiled, intent)
    if not planned.valid:
        return Invalid(planned.diagnostics)
    operator.show(planned)
    made = planned.plan
    follows = intent.goes_on and any(action.follows for action in made.actions)
    asks = not intent.confirmed and (made.has_changes or follows)
    if reason := _stale(made, intent.saved) or _guarded(planned):
        return NotApplied(reason, made)
    if asks and not operator.confirm():
        return NotApplied("not confirmed, so nothing was sent; --yes confirms where there is no terminal", made)
    try:
        with operator.watch() as (ledger, sent):
            applied = carry_out(
                api, made, intent.terms.policy, _at_once(intent), ledger, sent, waited=asks, goes_on=intent.goes_on
            )
    except (Conflict, UploadFailed, ApiError) as trouble:
        unauthorised = isinstance(trouble, ApiError) and trouble.unauthorised
        return Failed(f"{trouble}; nothing was submitted", made, unauthorised)
    return Done(made, applied)


def report(api: Api, compiled: Compiled, intent: Intent) -> tuple[Planned, tuple[Status, ...]]:
    """What apply would do, and what each job that this is about cost so far; the API is only read."""
    planned = plan(api, compiled, intent)
    rows = (Status(run.request, run.job) if run.request else by_itself(run.job) for run in runs_of(planned.plan))
    return planned, Survey(api).of(tuple(rows))


def _stale(made: Plan, saved: SavedPlan | None) -> str:
    """Why a saved plan is not the one that is made now; empty if it is, or if there is none."""
    found = saved.stale(made) if saved else ()
    return f"the plan is stale: {'; '.join(found[:_DIFFERENCES])}; nothing was sent, plan again" if found else ""


def _guarded(planned: Planned) -> str:
    return f"refused: {'; '.join(planned.refusals)}; nothing was sent" if planned.refusals else ""


def _at_once(intent: Intent) -> Execution:
    """How to carry it out: the embedded API shows a job at once, so there is no wait for twins."""
    how = intent.how
    return replace(how, windows=replace(how.windows, twins_after=0.0)) if intent.local else how


@dataclass(frozen=True)
class Onward:
    """How an apply goes on with the stages that are due: under the guards, and with the code, of its start."""

    api: Api
    compiled: Compiled
    intent: Intent
    operator: Operator

    def planned(self, due: Mapping[ActionKey, Outcome]) -> Plan | GivenUp:
        if overtaken := self.operator.overtaken():
            return overtaken
        made = plan(self.api, self.compiled, replace(self.intent, goes_on=False))
        if has_errors(made.diagnostics):
            return GivenUp("; ".join(each.message for each in made.diagnostics if each.severity is Severity.ERROR))
        reason = _guarded(made)
        return GivenUp(reason) if reason else part_of(made.plan, due)

    def carried_out(self, plan: Plan) -> Applied:
        with self.operator.watch_on() as ledger:
            return execute(self.api, plan, self.intent.terms.policy, _at_once(self.intent), ledger)


def beside(api: Api, compiled: Compiled, observation: Observation, inquiry: Inquiry) -> Unclaimed:
    """The live jobs beside those of the manifests, in the projects that were observed; raises no ApiError."""
    requests = (*compiled.requests, *(each.request for each in compiled.upstreams))
    folders = dict.fromkeys(os.path.dirname(os.path.realpath(each.path)) for each in requests if _lies(each))
    with first_repository(folders or (".",)) as repository:
        try:
            return unclaimed(requests, observation, repository, inquiry, partial(_of_abandoned, api, False))
        except ApiError as error:
            return Unclaimed(problem=str(error))


def _lies(request: JobRequest) -> bool:
    return os.path.exists(request.path)


def status(
    api: Api, compiled: Compiled, recall: Recall | None = None
) -> tuple[tuple[Status, ...], tuple[Diagnostic, ...]]:
    """How each manifest's job is: by a search, and by more where that leaves one out; `recall` knows earlier looks."""
    observation, diagnostics = look(api, compiled, loads=False)
    if diagnostics:
        return (), in_order(diagnostics)
    loaded = [each.request for each in compiled.loaded if each.request.project in observation.projects]
    rows = with_waits((recall or Recall(api)).rows((*compiled.requests, *loaded), observation))
    return rows[: len(compiled.requests)], ()
