"""How all manifests stand -> one JSON document for a program, with the version of its format in it."""

from collections.abc import Mapping, Sequence
from typing import Any

from baseten_jobs.job.times import moment
from baseten_jobs.phrases import Page
from baseten_jobs.planning.plan import Plan
from baseten_jobs.provider.status import Status
from baseten_jobs.report import gpu_use
from baseten_jobs.report.issue import address, notes_of, retry_of, why
from baseten_jobs.report.job_fields import document
from baseten_jobs.report.standings import Standing, cost_so_far, needs_a_person, standings
from baseten_jobs.report.style import PLAIN, Look


def report(
    made: Plan, rows: Sequence[Status], alerts: Sequence[str] = (), look: Look = PLAIN, now: float = 0.0
) -> Page:
    """The same as in the document for an issue, with nothing left out."""
    found = standings(made, rows)
    cost, whole = cost_so_far(rows)
    return document(
        {
            "needs_a_person": bool(alerts) or needs_a_person(found),
            "alerts": list(alerts),
            "cost_usd_at_most": round(cost, 2),
            "cost_uncertain": not whole,
            "read_at": moment(now),
            "manifests": [_standing(each, look) for each in found],
            "notes": list(notes_of(made)),
        }
    )


def _standing(each: Standing, look: Look) -> Mapping[str, Any]:
    return {
        "stands": each.kind.value,
        "needs_a_person": each.kind.needs_a_person,
        "name": each.name,
        "project": each.project,
        "path": each.request.path if each.request else None,
        "line": each.request.line if each.request else None,
        "runs": each.runs,
        "cost_usd_at_most": each.cost,
        "jobs": [_job(row, look) for row in each.rows],
        "why": list(why(each, look)),
    }


def _job(row: Status, look: Look) -> Mapping[str, Any]:
    job = row.job
    assert job is not None
    return {
        "id": job.id,
        "status": job.status,
        "retry": retry_of(row),
        "page": address(job, look) or None,
        "age_seconds": None if row.age is None else int(row.age),
        "cost_usd_at_most": row.cost,
        **gpu_use.data(row.use),
    }
