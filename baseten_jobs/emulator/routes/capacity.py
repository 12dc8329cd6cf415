"""Capacity: limits, usage, and why a job had to wait."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Blueprint

from .. import bodies, capacity, catalogue, incoming, jobs, projects
from ..core import core
from ..errors import not_valid
from ..lifecycle import WAITING, history, holds_gpus, moment
from ..queueing import order
from ..records import Capacity, Job
from ..shapes import instance_of
from ..store import Transaction
from ..times import SECOND, iso

blueprint = Blueprint("capacity", __name__)

_PLANE = "local"


@blueprint.get("/v1/training/capacity")
def get_capacity() -> dict[str, Any]:
    with core().reading() as transaction:
        organisation = [
            {"gpu_type": gpu_type, "baseline": 0, "limit": limit, **_usage(transaction, gpu_type)}
            for gpu_type, limit in core().capacity.organisation.items()
        ]
        of_teams = [_team_item(transaction, row) for row in capacity.team_capacities(transaction)]
    return {"gpu_capacities": organisation, "team_gpu_capacities": of_teams}


@blueprint.patch("/v1/training/capacity")
def patch_capacity() -> dict[str, Any]:
    asked = incoming.body(bodies.PATCH_CAPACITY)
    gpu_type = catalogue.gpu_type(asked["gpu_type"])
    if gpu_type is None:
        raise not_valid(f"gpu_type: '{asked['gpu_type']}' is not a GPU type here")
    if asked["max_gpus"] < 0:
        raise not_valid(f"max_gpus: {asked['max_gpus']} is less than 0")
    with core().writing() as transaction:
        team = projects.team(transaction, asked["team_id"])
        row = capacity.limit_team(transaction, team.id, gpu_type, asked["max_gpus"])
        capacity.changed(transaction)
        return {"team_gpu_capacity": _team_item(transaction, row)}


@blueprint.get("/v1/training/jobs/<job_id>/queue_context")
def queue_context(job_id: str) -> dict[str, Any]:
    with core().reading() as transaction:
        job = jobs.find(transaction, job_id)
        if job.gpu_type is None:
            raise not_valid(f"training job {job_id} uses no GPU and waits for none")
        return _context(transaction, job, job.gpu_type)


def _context(transaction: Transaction, job: Job, gpu_type: str) -> dict[str, Any]:
    submitted = job.committed_us
    others = [other for other in jobs.pool(transaction, gpu_type) if other.id != job.id]
    earlier = [other for other in others if other.committed_us <= submitted]
    active = [other for other in earlier if holds_gpus(other, submitted)]
    ahead = [
        other
        for other in sorted(earlier, key=order)
        if moment(other, submitted).status in WAITING and order(other) < order(job)
    ]
    released = next((turn.since_us for turn in history(job, transaction.now) if turn.status not in WAITING), None)
    until = transaction.now if released is None else released
    teams = [row for row in capacity.team_capacities(transaction) if row.gpu_type == gpu_type]
    limit = core().capacity.organisation.get(gpu_type)
    return {
        "target_job_id": job.id,
        "target_job_name": job.name,
        "gpu_type": gpu_type,
        "requested_gpus": job.gpus,
        "submitted_at": iso(submitted),
        "released_at": None if released is None else iso(released),
        "pending_seconds": None if released is None else (released - submitted) // SECOND,
        "org_capacity": None if limit is None else _cap(gpu_type, limit, _began(transaction)),
        "team_capacity": next(
            (_cap(gpu_type, row.max_gpus, row.modified_us) for row in teams if row.team_id == job.team_id),
            None,
        ),
        "active_at_submit": [_active(other, submitted) for other in active],
        "pending_ahead_at_submit": [_pending(other) for other in ahead],
        "events": _events((job, *active, *ahead), submitted, until),
        "events_window_end": iso(until),
    }


def _began(transaction: Transaction) -> int:
    """When the organisation was made; its limits come from the settings and have no time of their own."""
    return projects.default_team(transaction).created_us


def _events(involved: Iterable[Job], start: int, end: int) -> list[dict[str, Any]]:
    turns = sorted(
        (turn.since_us, job.seq, turn.status, job)
        for job in involved
        for turn in history(job, end)
        if turn.since_us >= start
    )
    return [
        {
            "training_job_id": job.id,
            "training_job_name": job.name,
            "status": status,
            "created": iso(since),
            "event_message": None,
            "exit_code": None,
        }
        for since, _, status, job in turns
    ]


def _active(job: Job, at: int) -> dict[str, Any]:
    status, since = moment(job, at)
    return {
        "training_job_id": job.id,
        "training_job_name": job.name,
        "instance_type_name": instance_of(job)["name"],
        "total_gpus": job.gpus,
        "workload_plane_name": _PLANE,
        "status_at_submit": status,
        "status_set_at": iso(since),
    }


def _pending(job: Job) -> dict[str, Any]:
    return {
        "training_job_id": job.id,
        "training_job_name": job.name,
        "instance_type_name": instance_of(job)["name"],
        "requested_gpus": job.gpus,
        "priority": job.priority,
        "submitted_at": iso(job.committed_us),
    }


def _cap(gpu_type: str, limit: int, modified: int) -> dict[str, Any]:
    return {"gpu_type": gpu_type, "max_gpus": limit, "min_gpus": None, "last_modified": iso(modified)}


def _team_item(transaction: Transaction, row: Capacity) -> dict[str, Any]:
    team = projects.team(transaction, row.team_id)
    return {
        "team_id": team.id,
        "team_name": team.name,
        "gpu_type": row.gpu_type,
        "baseline": 0,
        "limit": row.max_gpus,
        **_usage(transaction, row.gpu_type, team.id),
    }


def _usage(transaction: Transaction, gpu_type: str, team_id: str | None = None) -> dict[str, int]:
    used = capacity.usage(jobs.pool(transaction, gpu_type), transaction.now, team_id)
    return {
        "usage_count": used.total,
        "dedicated_usage_count": used.dedicated,
        "spot_usage_count": used.spot,
    }
