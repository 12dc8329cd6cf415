"""Client -> prices, GPU capacity, and the secrets that teams have; what can't be read is a note, never a failure."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from baseten_jobs.job.cost import Cost, Machine, cost_of, cost_of_gpus, price_list
from baseten_jobs.job.observation import ObservedJob, ObservedProject
from baseten_jobs.job.request import CompiledManifest, ProjectRef
from baseten_jobs.manifest.diagnostics import Diagnostic, in_order
from baseten_jobs.manifest.secret_references import missing_secrets, unheld
from baseten_jobs.phrases import listed
from baseten_jobs.planning.capacity import GpuCapacity, capacity_of, starts
from baseten_jobs.planning.plan import Plan, Verb
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.secrecy import quoted

T = TypeVar("T")

Rows = Sequence[Mapping[str, Any]]

_READERS = 8


@dataclass(frozen=True)
class KnownTeam:
    """A project's team, as far as the API shows it; both fields are empty if it does not."""

    name: str = ""
    id: str = ""

    def __str__(self) -> str:
        return f"the team {quoted(self.name)}" if self.name else "a team that is not known"


@dataclass(frozen=True)
class Appraisal:
    """What was read. `secrets` has the names of the secrets of each team whose secrets could be read; `capacity` is
    None, and `machines` are empty, if they could not be read; `notes` say why.
    """

    machines: tuple[Machine, ...] = ()
    capacity: GpuCapacity | None = None
    teams: Mapping[ProjectRef, KnownTeam] = field(default_factory=dict)
    secrets: Mapping[KnownTeam, frozenset[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def team_of(self, ref: ProjectRef) -> KnownTeam:
        return self.teams.get(ref, KnownTeam())


def appraise(api: Api, projects: Iterable[ObservedProject], referring: Collection[ProjectRef]) -> Appraisal:
    """Read side by side what a plan's submits into `projects` cost, and may refer to; never raises.

    As many calls for a thousand manifests as for one: prices, capacity, the list of teams where one is not known, and
    the secrets of each team in whose projects (`referring`) a manifest refers to a secret.
    """
    projects = tuple(projects)
    with ThreadPoolExecutor(2) as pool:
        priced = pool.submit(_read, lambda: _machines(api.prices()))
        limited = pool.submit(_read, lambda: capacity_of(api.capacity()))
        known = known_secrets(api, projects, referring)
        machines, no_prices = priced.result()
        capacity, no_capacity = limited.result()
    notes = (
        *([f"prices can't be read, so no cost is told: {no_prices}"] if no_prices else []),
        *(
            [f"capacity can't be read, so nobody knows whether jobs start or queue: {no_capacity}"]
            if no_capacity
            else []
        ),
        *known.notes,
    )
    return replace(known, machines=machines or (), capacity=capacity, notes=notes)


def known_secrets(api: Api, projects: Iterable[ObservedProject], referring: Collection[ProjectRef]) -> Appraisal:
    """An appraisal of the teams of `projects` and of their secrets alone; never raises."""
    projects = tuple(projects)
    teams, no_teams = _teams(api, projects, referring)
    secrets, problems = _secrets(api, [teams[p.ref] for p in projects if p.ref in referring], no_teams)
    told = (f"the secrets of {team} can't be read, so they are not checked: {no}" for team, no in problems.items())
    return Appraisal(teams=teams, secrets=secrets, notes=tuple(told))


def appraised(plan: Plan, appraisal: Appraisal) -> Plan:
    """The plan with what each submit costs, and whether it starts now; what each stop saves, and each orphan costs."""
    submits = plan.of(Verb.SUBMIT)
    if not (submits or plan.later or plan.of(Verb.STOP) or plan.orphans):
        return plan
    jobs = [(action.request, appraisal.team_of(action.request.project).name or None) for action in submits]
    told = iter([None] * len(jobs) if appraisal.capacity is None else starts(jobs, appraisal.capacity))
    actions = tuple(
        replace(
            action,
            cost=cost_of(action.request, appraisal.machines),
            starts=next(told),
            beside=tuple(replace(each, cost=_running_cost(each.job, appraisal.machines)) for each in action.beside),
        )
        if action.verb is Verb.SUBMIT
        else replace(action, cost=cost_of(action.request, appraisal.machines))
        if action.waits
        else replace(action, cost=_running_cost(action.job, appraisal.machines))
        if action.verb is Verb.STOP and action.job
        else action
        for action in plan.actions
    )
    orphans = tuple(replace(each, cost=_running_cost(each.job, appraisal.machines)) for each in plan.orphans)
    return replace(plan, actions=actions, orphans=orphans, notes=(*plan.notes, *appraisal.notes))


def unknown_secrets(submitted: Iterable[CompiledManifest], appraisal: Appraisal) -> tuple[Diagnostic, ...]:
    """A diagnostic for each secret that a submitted manifest refers to and its team is known not to have."""
    return in_order(
        diagnostic
        for each in submitted
        if (team := appraisal.team_of(each.request.project)) in appraisal.secrets
        for diagnostic in missing_secrets(each.document, appraisal.secrets[team], team.name)
    )


def checked_secrets(
    submitted: Iterable[CompiledManifest], appraisal: Appraisal, *, rehearsal: bool
) -> tuple[tuple[Diagnostic, ...], tuple[str, ...]]:
    """The errors of secrets that teams do not have; in a rehearsal, which has none of Baseten's, one note of all."""
    if not rehearsal:
        return unknown_secrets(submitted, appraisal), ()
    names = {
        each.name
        for manifest in submitted
        if (team := appraisal.team_of(manifest.request.project)) in appraisal.secrets
        for each in unheld(manifest.document, appraisal.secrets[team])
    }
    shown = listed([quoted(name) for name in sorted(names)])
    are = "secret is" if len(names) == 1 else "secrets are"
    return (), (f"{len(names)} {are} not looked up in a rehearsal: {shown}",) if names else ()


def _running_cost(job: ObservedJob, machines: Sequence[Machine]) -> Cost | None:
    """What a job costs, by the GPUs and nodes that it has; None for one without GPUs, whose machine is not known."""
    nodes = job.node_count or 1
    return cost_of_gpus(nodes, job.gpus // nodes, job.gpu_type or "", machines) if job.gpus else None


def _read(read: Callable[[], T]) -> tuple[T | None, str]:
    """What was read, and an empty text; or None, and why it could not be read."""
    try:
        return read(), ""
    except (ApiError, ValueError) as error:
        return None, str(error)


def _machines(rows: Rows) -> tuple[Machine, ...]:
    if machines := price_list(rows):
        return machines
    raise ValueError("the answer holds no instance type with a price")


def _teams(
    api: Api, projects: Sequence[ObservedProject], referring: Collection[ProjectRef]
) -> tuple[Mapping[ProjectRef, KnownTeam], str]:
    """Each project's team; one that is to be made without a team will be in the default team."""
    listed: Rows | None = ()
    problem = "the key does not see this team"
    if any((p.ref in referring and not p.team_id) or _in_default_team(p) for p in projects):
        listed, failed = _read(api.teams)
        problem = failed or problem
    return {project.ref: _team(project, listed or ()) for project in projects}, problem


def _in_default_team(project: ObservedProject) -> bool:
    return not project.exists and not project.team


def _team(project: ObservedProject, listed: Rows) -> KnownTeam:
    for row in listed:
        name, team_id = row.get("name"), row.get("id")
        meant = row.get("default") is True if _in_default_team(project) else name == project.team
        if meant and isinstance(name, str) and isinstance(team_id, str):
            return KnownTeam(name, team_id)
    return KnownTeam(project.team or "", project.team_id or "")


def _secrets(
    api: Api, teams: Iterable[KnownTeam], unlisted: str
) -> tuple[Mapping[KnownTeam, frozenset[str]], Mapping[KnownTeam, str]]:
    """The names of each team's secrets, or why they can't be read: from its own list, or else from the list of all."""
    teams = tuple(dict.fromkeys(teams))
    found: dict[KnownTeam, frozenset[str]] = {}
    problems: dict[KnownTeam, str] = {}
    with ThreadPoolExecutor(_READERS) as pool:
        own = pool.map(lambda team: _read(lambda: _names(api.secrets(team.id))) if team.id else (None, unlisted), teams)
        for team, (names, problem) in zip(teams, own, strict=True):
            if names is None:
                problems[team] = problem
            else:
                found[team] = names
    everybodys, _ = _read(api.secrets) if problems else (None, "")
    for team in tuple(problems):
        if names := _names_of(team, everybodys or ()):  # none may as well mean that the key does not see the team
            found[team] = names
            del problems[team]
    return found, problems


def _names_of(team: KnownTeam, rows: Rows) -> frozenset[str]:
    """The names of a team's secrets in the list of all; all names if the team is not known."""
    return frozenset(str(row.get("name")) for row in rows if not team.name or row.get("team_name") == team.name)


def _names(rows: Rows) -> frozenset[str]:
    names = [row.get("name") for row in rows]
    if not all(isinstance(name, str) for name in names):
        raise ValueError("the answer holds a secret without a name")
    return frozenset(str(name) for name in names)
