"""Endpoints under `/_emulator/`, which Baseten does not have: for tests and rehearsals, open but for its own key."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response

from .. import capacity, catalogue, creation, incoming, jobs, ledger, projects
from ..checking import integer, nullable, number, record, text
from ..core import core
from ..errors import not_found, not_valid
from ..identifiers import identifier
from ..lifecycle import COMPLETED
from ..records import Project, Team
from ..shapes import fixed_part
from ..store import Transaction
from ..times import iso, micros

blueprint = Blueprint("control", __name__, url_prefix="/_emulator")

# A hundred years: further on, times no longer fit into ISO 8601.
_FURTHEST_SECONDS = 100 * 366 * 86_400
_MOST_JOBS = 1_000_000
# Seeded jobs lie this far apart in the past, so that their order is plain.
_SPACING = micros(0.001)

_FORCE = record({"status": nullable(text)}, {"error_message": nullable(text)})
_SEED = record({"project": text, "jobs": integer}, {"name_prefix": text, "status": text, "team": nullable(text)})


_CLOCK = record({"advance": number})


@blueprint.get("/health")
def health() -> dict[str, Any]:
    with core().reading() as transaction:
        return {"status": "ok", "time": iso(transaction.now)}


@blueprint.get("/ledger")
def show_ledger() -> dict[str, Any]:
    """Every create since the database was made, and the requests by endpoint since the start."""
    with core().reading() as transaction:
        return {"creates": ledger.creates(transaction), "requests": core().counts.shown()}


@blueprint.post("/clock")
def advance_clock() -> dict[str, Any]:
    """Move the emulator's clock forward by seconds; kept in the database."""
    seconds = incoming.body(_CLOCK)["advance"]
    if not 0 <= seconds <= _FURTHEST_SECONDS:
        raise not_valid(f"advance: expected 0 to {_FURTHEST_SECONDS} seconds")
    with core().store.writing() as transaction:
        transaction.run("UPDATE meta SET value = value + ? WHERE name = 'clock_offset_us'", micros(seconds))
        return {"time": iso(transaction.now + micros(seconds))}


@blueprint.get("/jobs")
def held_jobs() -> Response:
    """Every committed job, oldest first, whatever a search shows: the truth that a report is held against."""
    with core().reading() as transaction:
        text = core().view(transaction).jobs_text(jobs.listed(transaction, ascending=True, hidden=True))
    return Response(f'{{"training_jobs": {text}}}', mimetype="application/json")


@blueprint.post("/jobs/<job_id>")
def force_job(job_id: str) -> dict[str, Any]:
    """Force a status; null gives a job back to its own course."""
    asked = incoming.body(_FORCE)
    with core().writing() as transaction:
        jobs.hold(transaction, jobs.find(transaction, job_id), asked["status"], asked.get("error_message"))
        capacity.changed(transaction)
        core().capacity.settle(transaction)
        return {"training_job": core().view(transaction).job(jobs.find(transaction, job_id))}


@blueprint.delete("/jobs/<job_id>")
def delete_job(job_id: str) -> dict[str, Any]:
    with core().writing() as transaction:
        jobs.delete(transaction, jobs.find(transaction, job_id).id)
        capacity.changed(transaction)
    return {"id": job_id, "deleted": True}


@blueprint.post("/seed")
def seed() -> dict[str, Any]:
    """Insert many jobs at once: CPU jobs with forced status, COMPLETED unless told otherwise."""
    asked = incoming.body(_SEED)
    count = asked["jobs"]
    if not 0 <= count <= _MOST_JOBS:
        raise not_valid(f"jobs: expected 0 to {_MOST_JOBS}")
    with core().writing() as transaction:
        team = _team(transaction, asked.get("team"))
        project = projects.upsert(transaction, team, asked["project"])
        prefix, status = asked.get("name_prefix", "seed-"), asked.get("status", COMPLETED)
        rows = _seeded(transaction, project, count, prefix, status)
        jobs.insert(transaction, rows)
        return {"project_id": project.id, "jobs": count}


def _team(transaction: Transaction, name: str | None) -> Team:
    for team in projects.teams(transaction):
        if name in (None, team.name):
            return team
    raise not_found("team", str(name))


def _seeded(transaction: Transaction, project: Project, count: int, prefix: str, status: str) -> list[jobs.NewJob]:
    body = {"image": {"base_image": "hello-world"}}
    asked = creation.wanted(body)
    machine = catalogue.allocate({})
    template = creation.new_row(0, project, asked, None, core().settings.durations)
    stored_body = json.dumps(body)
    new = []
    for index, taken in enumerate(transaction.take_numbers(count)):
        created = transaction.now - (count - index) * _SPACING
        name = f"{prefix}{index}"
        job = template._replace(
            id=identifier(taken),
            seq=taken,
            name=name,
            created_us=created,
            committed_us=created,
            released_us=created,
            held_status=status,
            held_us=created,
            touched_us=created,
            shape=fixed_part(
                job_id=identifier(taken),
                name=name,
                created_at=iso(created),
                project=project,
                instance=machine,
                nodes=1,
            ),
        )
        new.append(jobs.NewJob(job, created, stored_body))
    return new
