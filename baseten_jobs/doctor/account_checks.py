"""What the API showed of the account -> verdicts: whose key it is, what it may, and what manifests refer to in vain."""

from collections.abc import Iterator

from baseten_jobs.distribution import OURS
from baseten_jobs.doctor.findings import Verdict, fail, ok, warn
from baseten_jobs.doctor.readings import Account, Readings, Unread
from baseten_jobs.manifest.diagnostics import Diagnostic
from baseten_jobs.phrases import count, listed, one_line
from baseten_jobs.secrecy import quoted

_DEFAULT = "https://api.baseten.co"
_SKEWED, _REFUSED = 30.0, 900.0
"""Seconds by which a clock may differ: from the first on times mislead, from the second on object stores refuse."""

_KEY = "export BASETEN_API_KEY=KEY"
_URL = "unset BASETEN_BASE_URL"


def check_base_url(readings: Readings) -> Iterator[Verdict]:
    account = readings.account
    asked = (account.teams, account.projects, account.user)
    refused = [each for each in asked if isinstance(each, Unread)]
    why = next((each for each in refused if each.status is None), refused[0] if refused else None)
    if account.local:
        yield ok("the embedded API") if why is None else fail(f"the embedded API: {why.reason}", _extra(why))
    elif len(refused) < len(asked) or all(each.refused for each in refused):
        yield ok(one_line(account.base_url, 200))
    elif why is not None and why.status is not None and (why.status == 429 or why.status >= 500):
        yield warn(f"{one_line(account.base_url, 200)} answers with errors: {why.reason}", "baseten-jobs doctor")
    elif why is not None:
        yield fail(f"{one_line(account.base_url, 200)} does not answer as the API does: {why.reason}", _URL)


def _extra(why: Unread) -> str:
    return OURS.install("local") if "extra" in why.reason else ""


def check_key(readings: Readings) -> Iterator[Verdict]:
    account, user = readings.account, readings.account.user
    if account.local:
        yield ok("the embedded API needs none")
    elif isinstance(user, Unread) and user.unsent:
        yield fail(user.reason, _KEY) if user.refused else warn(f"not tried: {user.reason}")
    elif isinstance(user, Unread) and isinstance(account.teams, Unread):
        tried = next((each for each in (user, account.teams) if each.refused), user)
        told = "the API does not accept this key" if tried.refused else "whether the key is accepted can't be told"
        yield (fail if tried.refused else warn)(f"{told}: {tried.reason}", _KEY if tried.refused else "")
    elif isinstance(user, Unread):
        yield ok("accepted; whose it is can't be read")
    else:
        yield ok(_owner(user.get("email"), user.get("workspace_name")))


def _owner(email: object, workspace: object) -> str:
    who = one_line(email) if isinstance(email, str) and email else "accepted"
    return f"{who}, workspace {quoted(workspace)}" if isinstance(workspace, str) and workspace else who


def check_teams(readings: Readings) -> Iterator[Verdict]:
    teams = readings.account.teams
    assert not isinstance(teams, Unread)
    names = [f"{one_line(team.name)}{' (default)' if team.default else ''}" for team in teams]
    if not teams:
        yield fail("this key sees no team", _KEY)
    else:
        yield ok(listed(names, 10))
    projects, seen = readings.account.projects, {team.name for team in teams}
    for project in () if isinstance(projects, Unread) else projects.found:
        if teams and project.team and project.team not in seen:
            told = (
                f"the project {quoted(project.name)} is of the team {quoted(project.team)}, which this key does not see"
            )
            yield fail(told, _KEY)


def check_clock(readings: Readings) -> Iterator[Verdict]:
    ahead = readings.account.ahead
    if isinstance(ahead, Unread):
        return
    if ahead is None:
        yield warn("the server does not tell its time")
        return
    told = f"{abs(ahead):.0f} s {'behind' if ahead > 0 else 'ahead of'} the server's"
    if abs(ahead) >= _SKEWED:
        yield (fail if abs(ahead) >= _REFUSED else warn)(
            f"this machine's clock is {told}", "sudo timedatectl set-ntp true"
        )
    else:
        yield ok(f"within {max(1.0, abs(ahead)):.0f} s of the server's")


def check_rate_limit(readings: Readings) -> Iterator[Verdict]:
    calls = readings.account.calls
    if isinstance(calls, Unread):
        return
    if calls.refused:
        yield warn(f"{count(calls.refused, 'call')} of this doctor's met 429: others use this key up", _KEY)
    else:
        yield ok(f"no call was refused; at most {calls.rate} a second of one kind are sent")


def check_projects(readings: Readings) -> Iterator[Verdict]:
    projects = readings.account.projects
    assert not isinstance(projects, Unread)
    there = [project for project in projects.found if project.exists]
    if there:
        yield ok(listed([quoted(project.name) for project in there], 10))
    elif not projects.found and not projects.misnamed:
        yield ok("no manifest names one")
    for problem in projects.misnamed:
        yield fail(f"{problem.position}: {problem.field}: {problem.message}", problem.hint)
    for project in projects.found:
        if not project.exists:
            near = f"; did you mean {quoted(project.similar)}?" if project.similar else ""
            yield warn(f"there is no project {quoted(str(project.ref))} yet{near}", "baseten-jobs apply")


def check_secrets(readings: Readings) -> Iterator[Verdict]:
    secrets = readings.account.secrets
    assert not isinstance(secrets, Unread)
    if not secrets.checked:
        yield ok("no manifest refers to one")
    elif not secrets.missing and not secrets.notes:
        yield ok(f"{count(secrets.checked, 'reference')}, each to a secret that is there")
    for problem in secrets.missing:
        yield fail(_at(problem), problem.hint)
    for note in secrets.notes:
        yield warn(note, _KEY)


def _at(problem: Diagnostic) -> str:
    return f"{problem.position}: {problem.message}"


def check_prices(readings: Readings) -> Iterator[Verdict]:
    machines = readings.account.machines
    assert not isinstance(machines, Unread)
    yield ok(f"{count(machines, 'instance type')} with a price") if machines else warn("no instance type has a price")


def check_capacity(readings: Readings) -> Iterator[Verdict]:
    capacity = readings.account.capacity
    assert not isinstance(capacity, Unread)
    limits = [f"{one_line(each.gpu_type)} {each.used} of {each.limit}" for each in capacity.limits]
    yield ok(f"in use: {listed(limits, 6)}" if limits else "no GPU type is limited")


def check_billing(readings: Readings) -> Iterator[Verdict]:
    billed = readings.account.billed
    assert not isinstance(billed, Unread)
    yield ok(f"can be read: {count(billed, 'job')} since yesterday")


def read_of(account: Account, name: str) -> Unread | None:
    """Why a part of the account was not read; None if it was."""
    found = getattr(account, name)
    return found if isinstance(found, Unread) else None
