"""The organisation: teams, secrets, machines and prices, the user, and upload credentials."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from flask import Blueprint, request

from .. import authentication, catalogue, projects
from ..core import core
from ..identifiers import derived_identifier
from ..records import Team
from ..shapes import USER_EMAIL
from ..times import iso

blueprint = Blueprint("organisation", __name__)

_WORKSPACE = "local"
_BUCKET = "baseten-jobs-local"


@blueprint.get("/v1/teams")
def list_teams() -> dict[str, Any]:
    name = request.args.get("name")
    with core().reading() as transaction:
        found = projects.teams(transaction)
    return {"teams": [_team(team) for team in found if name in (None, team.name)]}


@blueprint.get("/v1/teams/<team_id>")
def get_team(team_id: str) -> dict[str, Any]:
    with core().reading() as transaction:
        return _team(projects.team(transaction, team_id))


@blueprint.get("/v1/secrets")
def list_secrets() -> dict[str, Any]:
    with core().reading() as transaction:
        return {"secrets": _secrets(projects.teams(transaction))}


@blueprint.get("/v1/teams/<team_id>/secrets")
def list_team_secrets(team_id: str) -> dict[str, Any]:
    with core().reading() as transaction:
        return {"secrets": _secrets([projects.team(transaction, team_id)])}


@blueprint.get("/v1/instance_types")
def list_instance_types() -> dict[str, Any]:
    return {"instance_types": [machine.shown() for machine in catalogue.INSTANCE_TYPES]}


@blueprint.get("/v1/instance_type_prices")
def list_prices() -> dict[str, Any]:
    prices = [{"instance_type": machine.shown(), "price": machine.price} for machine in catalogue.INSTANCE_TYPES]
    return {"instance_types": prices}


@blueprint.get("/v1/users/me")
def me() -> dict[str, Any]:
    return {
        "user_id": derived_identifier("user"),
        "email": USER_EMAIL,
        "name": "You",
        "workspace_name": _WORKSPACE,
    }


@blueprint.get("/v1/blobs/credentials/train")
def upload_credentials() -> dict[str, Any]:
    """A fresh place for one archive. Baseten tells no `s3_endpoint_url`: it is an object store that takes it."""
    with core().writing() as transaction:
        key = f"training/{transaction.new_id()}.tgz"
    seal = hashlib.sha256(key.encode()).hexdigest()
    return {
        "creds": {
            "aws_access_key_id": f"ASIA{seal[:16].upper()}",
            "aws_secret_access_key": seal[16:56],
            "aws_session_token": authentication.seal(core().settings.api_key, f"/_emulator/s3/{_BUCKET}/{key}"),
        },
        "s3_bucket": _BUCKET,
        "s3_key": key,
        "s3_endpoint_url": f"{request.host_url}_emulator/s3",
    }


def _team(team: Team) -> dict[str, Any]:
    return {
        "id": team.id,
        "name": team.name,
        "default": bool(team.is_default),
        "created_at": iso(team.created_us),
    }


def _secrets(of_teams: Iterable[Team]) -> list[dict[str, Any]]:
    wanted = sorted(_secret_place(text) for text in core().settings.secrets)
    return [
        {
            "id": derived_identifier("secret", team.id, name),
            "created_at": iso(team.created_us),
            "name": name,
            "team_name": team.name,
        }
        for team in of_teams
        for team_name, name in wanted
        if team_name == team.name
    ]


def _secret_place(text: str) -> tuple[str, str]:
    """`TEAM/NAME` or `NAME` to team and name."""
    team_name, slash, name = text.rpartition("/")
    return (team_name if slash else projects.DEFAULT_TEAM, name)
