"""Jobs: create, recreate, search, list, get, stop, update, delete."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response

from .. import bodies, capacity, incoming, jobs, ledger, projects
from ..core import core
from ..creation import wanted
from ..errors import not_valid
from ..exchange import exchange
from ..lifecycle import PENDING, STOPPED, TERMINAL

blueprint = Blueprint("jobs", __name__)

_JOBS = "/v1/training_projects/<project_id>/jobs"
_JOB = f"{_JOBS}/<job_id>"


@blueprint.post(_JOBS)
def create_job(project_id: str) -> dict[str, Any]:
    return _create(project_id, incoming.body(bodies.CREATE_JOB)["training_job"])


@blueprint.post(f"{_JOB}/recreate")
def recreate_job(project_id: str, job_id: str) -> dict[str, Any]:
    with core().reading() as transaction:
        body = jobs.body(transaction, jobs.find(transaction, job_id, project_id).id)
    return _create(project_id, body)


@blueprint.post("/v1/training_jobs/search")
def search_jobs() -> Response:
    asked = incoming.body(bodies.SEARCH_JOBS)
    order = asked.get("order_by") or [{"order": "desc"}]
    with core().reading() as transaction:
        view = core().view(transaction)
        found = jobs.listed(
            transaction,
            project_id=asked.get("project_id"),
            job_id=asked.get("job_id"),
            ascending=order[0]["order"] == "asc",
        )
        statuses = asked.get("statuses")
        if statuses is not None:
            found = (job for job in found if view.status(job) in statuses)
        text = "[]" if _shows_nothing() else view.jobs_text(found)
    return Response(f'{{"training_jobs": {text}}}', mimetype="application/json")


@blueprint.get(_JOBS)
def list_jobs(project_id: str) -> Response:
    with core().reading() as transaction:
        view = core().view(transaction)
        project = projects.project(transaction, project_id)
        project_text = json.dumps(view.project(transaction, project))
        found = jobs.listed(transaction, project_id=project.id)
        text = "[]" if _shows_nothing() else view.jobs_text(found)
    return Response(f'{{"training_project": {project_text}, "training_jobs": {text}}}', mimetype="application/json")


@blueprint.get(_JOB)
def get_job(project_id: str, job_id: str) -> dict[str, Any]:
    with core().reading() as transaction:
        view = core().view(transaction)
        job = jobs.find(transaction, job_id, project_id)
        project = projects.project(transaction, project_id)
        return {"training_project": view.project(transaction, project), "training_job": view.job(job)}


@blueprint.post(f"{_JOB}/stop")
def stop_job(project_id: str, job_id: str) -> dict[str, Any]:
    """Stop a job at once; one that is over is refused, for there is nothing to stop."""
    incoming.body(bodies.STOP_JOB)
    with core().writing() as transaction:
        view = core().view(transaction)
        job = jobs.find(transaction, job_id, project_id)
        status = view.status(job)
        if status in TERMINAL:
            raise not_valid(f"training job {job_id} is {status} and cannot be stopped")
        jobs.hold(transaction, job, STOPPED, None)
        capacity.changed(transaction)
        return {"training_job": view.job(jobs.find(transaction, job_id))}


@blueprint.patch(_JOB)
def update_job(project_id: str, job_id: str) -> dict[str, Any]:
    asked = incoming.body(bodies.UPDATE_JOB)
    priority, availability_model = asked.get("priority"), asked.get("availability_model")
    if priority is None and availability_model is None:
        raise not_valid("body: expected priority or availability_model")
    with core().writing() as transaction:
        view = core().view(transaction)
        job = jobs.find(transaction, job_id, project_id)
        status = view.status(job)
        if status != PENDING:
            raise not_valid(f"training job {job_id} is {status}; only a {PENDING} job can be updated")
        jobs.reschedule(
            transaction,
            job,
            job.priority if priority is None else priority,
            availability_model or job.availability_model,
        )
        if availability_model == "spot" and job.held_us is None:
            # Spot jobs may push usage over the limit, so this one no longer waits for room.
            jobs.release(transaction, job.id, transaction.now)
        capacity.changed(transaction)
        core().capacity.settle(transaction)
        return {"training_job": view.job(jobs.find(transaction, job_id))}


@blueprint.delete(_JOB)
def delete_job(project_id: str, job_id: str) -> dict[str, Any]:
    with core().writing() as transaction:
        jobs.delete(transaction, jobs.find(transaction, job_id, project_id).id)
        capacity.changed(transaction)
    return {"id": job_id, "deleted": True, "training_project_id": project_id}


def _create(project_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
    asked = wanted(body)
    current = exchange()
    late = current.fault if current.fault_name == "late-commit" else None
    # Unlike other changes, a new job changes nothing about the past, so the queue is settled once, behind it.
    with core().store.writing() as transaction:
        project = projects.project(transaction, project_id)
        job = core().creator.create(transaction, project, asked, current.roll, late)
        ledger.note(transaction, asked.name, project_id, current.fault_name, job.id)
        current.in_ledger = True
        return {"training_job": core().view(transaction).job(job)}


def _shows_nothing() -> bool:
    return exchange().roll.strikes("empty-search") is not None
