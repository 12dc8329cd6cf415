"""What became of an action -> its fields for JSON."""

from collections.abc import Mapping
from typing import Any

from baseten_jobs.applying.outcome import Awaited, End, Outcome
from baseten_jobs.report import cells, job_fields


def outcome(of: Outcome) -> Mapping[str, Any]:
    request = of.action.request
    return {
        "action": of.action.verb.value,
        "outcome": of.fate.value,
        "path": request.path,
        "project": request.project.name or request.project.id,
        "name": request.name,
        "job_name": of.action.job_name,
        "job_id": of.job_id,
        **({"url": of.url} if of.url else {}),
        **cells.data(request),
        **job_fields.submitted(of.submitted_name),
        "error": of.error or of.unclear or None,
        **_awaited(of.awaited),
        **{name: told for name, told in (("warning", of.warning), ("reason", of.why)) if told},
    }


def _awaited(state: Awaited | None) -> Mapping[str, Any]:
    """How the wait for a job ended; empty where it was not waited for."""
    if state is None:
        return {}
    job = state.job
    message = job.error_message if job and state.end is End.FAILED else None
    return {"status": job and job.status, "wait": state.end.value, "error_message": message}
