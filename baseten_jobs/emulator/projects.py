"""Teams and projects in the database."""

from __future__ import annotations

from .errors import not_found, not_valid
from .records import Project, Team
from .store import Transaction

DEFAULT_TEAM = "default"

_PROJECT = (
    "SELECT projects.id, team_id, teams.name, projects.name, projects.created_us"
    " FROM projects JOIN teams ON teams.id = team_id"
)


def ensure_teams(transaction: Transaction, names: tuple[str, ...]) -> None:
    """Create the default team and those named, where they do not exist."""
    for name in (DEFAULT_TEAM, *names):
        if transaction.row("SELECT 1 FROM teams WHERE name = ?", name) is None:
            transaction.run(
                "INSERT INTO teams VALUES (?, ?, ?, ?)",
                transaction.new_id(),
                name,
                name == DEFAULT_TEAM,
                transaction.now,
            )


def teams(transaction: Transaction) -> list[Team]:
    """Every team, the default one first."""
    statement = "SELECT id, name, is_default, created_us FROM teams ORDER BY is_default DESC, name"
    return [Team(*row) for row in transaction.connection.execute(statement)]


def team(transaction: Transaction, team_id: str) -> Team:
    """The team with an id; a Refusal if there is none."""
    for candidate in teams(transaction):
        if candidate.id == team_id:
            return candidate
    raise not_found("team", team_id)


def default_team(transaction: Transaction) -> Team:
    """The team that a project belongs to when the path names none."""
    return teams(transaction)[0]


def projects(transaction: Transaction) -> list[Project]:
    """Every project of the organisation, oldest first."""
    rows = transaction.connection.execute(f"{_PROJECT} ORDER BY projects.created_us, projects.id")
    return [Project(*row) for row in rows]


def project(transaction: Transaction, project_id: str) -> Project:
    """The project with an id; a Refusal if there is none."""
    row = transaction.connection.execute(f"{_PROJECT} WHERE projects.id = ?", (project_id,)).fetchone()
    if row is None:
        raise not_found("training project", project_id)
    return Project(*row)


def upsert(transaction: Transaction, in_team: Team, name: str) -> Project:
    """The project of that name in the team, made if it does not exist; the name is kept as sent."""
    if not name.strip():
        raise not_valid("training_project.name: the name is empty")
    statement = f"{_PROJECT} WHERE team_id = ? AND projects.name = ?"
    row = transaction.connection.execute(statement, (in_team.id, name)).fetchone()
    if row is not None:
        return Project(*row)
    created = Project(transaction.new_id(), in_team.id, in_team.name, name, transaction.now)
    transaction.run("INSERT INTO projects VALUES (?, ?, ?, ?)", created.id, in_team.id, name, transaction.now)
    return created


def delete(transaction: Transaction, project_id: str) -> None:
    """Delete a project with all that is in it."""
    transaction.run("DELETE FROM projects WHERE id = ?", project_id)
