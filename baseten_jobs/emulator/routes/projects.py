"""Projects: upsert, list, get, delete, and the summary of their cache."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from .. import bodies, capacity, incoming, jobs, projects
from ..artifacts import cache_files
from ..core import core
from ..errors import not_found
from ..lifecycle import ran
from ..times import iso

blueprint = Blueprint("projects", __name__)


@blueprint.post("/v1/training_projects")
def upsert_project() -> dict[str, Any]:
    return _upsert(None)


@blueprint.post("/v1/teams/<team_id>/training_projects")
def upsert_team_project(team_id: str) -> dict[str, Any]:
    return _upsert(team_id)


@blueprint.get("/v1/training_projects")
def list_projects() -> dict[str, Any]:
    with core().reading() as transaction:
        view = core().view(transaction)
        found = projects.projects(transaction)
        return {"training_projects": [view.project(transaction, project) for project in found]}


@blueprint.get("/v1/training_projects/<project_id>")
def get_project(project_id: str) -> dict[str, Any]:
    with core().reading() as transaction:
        project = projects.project(transaction, project_id)
        return {"training_project": core().view(transaction).project(transaction, project)}


@blueprint.delete("/v1/training_projects/<project_id>")
def delete_project(project_id: str) -> dict[str, Any]:
    with core().writing() as transaction:
        projects.delete(transaction, projects.project(transaction, project_id).id)
        capacity.changed(transaction)
    return {"id": project_id, "deleted": True}


@blueprint.get("/v1/training_projects/<project_id>/cache/summary")
def cache_summary(project_id: str) -> dict[str, Any]:
    with core().reading() as transaction:
        project = projects.project(transaction, project_id)
        latest = jobs.latest(transaction, project.id)
        if latest is None:
            raise not_found("cache of training project", project_id)
        files = cache_files(project.id, jobs.body(transaction, latest.id), ran(latest, transaction.now))
        return {"timestamp": iso(transaction.now), "project_id": project.id, "file_summaries": files}


def _upsert(team_id: str | None) -> dict[str, Any]:
    name = incoming.body(bodies.UPSERT_PROJECT)["training_project"]["name"]
    with core().writing() as transaction:
        team = projects.team(transaction, team_id) if team_id else projects.default_team(transaction)
        project = projects.upsert(transaction, team, name)
        return {"training_project": core().view(transaction).project(transaction, project)}
