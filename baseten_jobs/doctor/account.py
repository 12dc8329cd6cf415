"""A client, or why there is none, and manifests -> what the API shows of the account; each call fails by itself."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from baseten_jobs.compilation import Compiled
from baseten_jobs.doctor.readings import Account, Calls, Projects, Secrets, Team, Unread
from baseten_jobs.job.cost import price_list
from baseten_jobs.job.observation import Observation, ObservedProject
from baseten_jobs.job.project_resolution import Listed, Unresolved, in_team
from baseten_jobs.manifest.secret_references import secret_references
from baseten_jobs.planning.capacity import capacity_of
from baseten_jobs.planning.preflight import known_secrets, unknown_secrets
from baseten_jobs.planning.problems import misplaced
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError

T = TypeVar("T")

_READERS = 8


def unread(error: ApiError, *, unsent: bool = False) -> Unread:
    return Unread(str(error), error.status, unsent)


def without_connection(base_url: str, error: ApiError, *, local: bool) -> Account:
    """The account if no request can be made at all."""
    why = unread(error, unsent=True)
    return Account(base_url, local, why, why, why, why, why, why, why, why, why)


def read_account(api: Api, compiled: Compiled, *, local: bool) -> Account:
    """Ask for everything side by side; only reads, and never raises."""
    now = datetime.fromtimestamp(api.clock.wall(), UTC)

    def billed() -> int:
        return len(api.training_bill(_iso(now - timedelta(days=1)), _iso(now)))

    with ThreadPoolExecutor(_READERS) as pool:

        def begun(read: Callable[[], T]) -> Future[T | Unread]:
            return pool.submit(_tried, read)

        user, teams, listed = begun(api.user), begun(api.teams), begun(api.projects)
        machines, capacity = begun(lambda: len(price_list(api.prices()))), begun(lambda: capacity_of(api.capacity()))
        bill = begun(billed)
        rows = teams.result()
        projects = _projects(listed.result(), rows, compiled)
        secrets = begun(lambda: _secrets(api, projects, compiled))
        account = Account(
            api.base_url, local, user.result(), rows if isinstance(rows, Unread) else _teams(rows), projects,
            secrets.result(), machines.result(), capacity.result(), bill.result(),
        )  # fmt: skip
    heard = api.server_clock.ahead
    ahead = rows if heard is None and isinstance(rows, Unread) and rows.status is None else heard
    return replace(account, ahead=ahead, calls=Calls(api.rate_limit.rate, api.rate_limit.refused))


def _tried(read: Callable[[], T]) -> T | Unread:
    try:
        return read()
    except ApiError as error:
        return unread(error)
    except ValueError as error:
        return Unread(str(error), 200)


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _teams(rows: list[dict[str, Any]]) -> tuple[Team, ...]:
    return tuple(sorted((Team(row["name"], row.get("default") is True) for row in rows), key=lambda team: team.name))


def _projects(
    listed: list[dict[str, Any]] | Unread, teams: list[dict[str, Any]] | Unread, compiled: Compiled
) -> Projects | Unread:
    if isinstance(listed, Unread):
        return listed
    every, known = (*compiled.manifests, *compiled.loaded), Listed(listed)
    found: list[ObservedProject] = []
    unresolved: list[Unresolved] = []
    for ref in dict.fromkeys(each.request.project for each in every):
        project = known.resolved(ref)
        if isinstance(project, ObservedProject) and not project.exists and ref.team and not isinstance(teams, Unread):
            project = in_team(project, teams)
        if isinstance(project, Unresolved):
            unresolved.append(project)
        else:
            found.append(project)
    observation = Observation({project.ref: project for project in found})
    return Projects(tuple(found), misplaced(every, observation, unresolved))


def _secrets(api: Api, projects: Projects | Unread, compiled: Compiled) -> Secrets:
    """Raises ApiError where the projects, whose teams have the secrets, are not known."""
    referring = [each for each in compiled.manifests if secret_references(each.document)]
    number = sum(len(secret_references(each.document)) for each in referring)
    if not referring:
        return Secrets()
    if isinstance(projects, Unread):
        raise ApiError("secrets", projects.reason, projects.status)
    refs = {each.request.project for each in referring}
    known = known_secrets(api, [project for project in projects.found if project.ref in refs], refs)
    return Secrets(number, unknown_secrets(referring, known), known.notes)
