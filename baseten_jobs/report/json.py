"""Everything that is told as JSON: one document, its format's version in it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from baseten_jobs.diagnostics import Diagnostic, has_errors
from baseten_jobs.observation import ObservedJob
from baseten_jobs.outcome import Applied, Outcome
from baseten_jobs.plan import Action, Plan
from baseten_jobs.request import JobRequest
from baseten_jobs.status import Status

FORMAT = "1.0"


def diagnostics(found: Sequence[Diagnostic], error: str = "") -> str:
    """The document of `validate`; of any other command too where manifests stop it, then with `error`."""
    document: dict[str, Any] = {"valid": not has_errors(found), "diagnostics": [_diagnostic(d) for d in found]}
    return _document(document, error)


def requests(compiled: Iterable[JobRequest]) -> str:
    rows = [
        {
            "path": r.path,
            "line": r.line,
            "project": str(r.project.name or r.project.id),
            "name": r.name,
            "attempt": r.attempt,
            "digest": r.digest,
            "job_name": r.job_name,
            "request": r.body,
        }
        for r in compiled
    ]
    return _dumped(rows)


def plan(made: Plan, error: str = "") -> str:
    return _document({"summary": made.summary, "actions": [_action(action) for action in made.actions]}, error)


def applied(result: Applied, error: str = "") -> str:
    return _document({"summary": result.summary, "results": [_outcome(o) for o in result.outcomes]}, error)


def status(rows: Iterable[Status]) -> str:
    return _document({"jobs": [_status(row) for row in rows]})


def failure(error: str, **more: Any) -> str:
    """The one document of a command that was stopped before it had anything to tell."""
    return _document(dict(more), error)


def _diagnostic(d: Diagnostic) -> Mapping[str, Any]:
    return {
        "rule": d.rule,
        "severity": d.severity.value,
        "path": d.position.path,
        "line": d.position.line,
        "column": d.position.column,
        "field": d.field,
        "message": d.message,
        "hint": d.hint,
    }


def _action(action: Action) -> Mapping[str, Any]:
    request = action.request
    return {
        "action": action.verb.value,
        "reason": action.reason,
        "path": request.path,
        "line": request.line,
        "project": request.project.name or request.project.id,
        "name": request.name,
        "attempt": request.attempt,
        "digest": request.digest,
        "job_name": request.job_name,
        "gpus": request.gpus,
        "changes": [{"field": c.field, "old": c.old, "new": c.new} for c in action.changes],
        "job": _job(action.job),
        "superseded": [{"job_id": job.id, "gpus": job.gpus} for job in action.superseded],
        "warnings": [*action.warnings, *([action.error] if action.error else [])],
    }


def _job(job: ObservedJob | None) -> Mapping[str, Any] | None:
    if job is None:
        return None
    return {"job_id": job.id, "name": job.name, "status": job.status, "created_at": job.created_at, "gpus": job.gpus}


def _outcome(outcome: Outcome) -> Mapping[str, Any]:
    request = outcome.action.request
    return {
        "action": outcome.action.verb.value,
        "outcome": outcome.fate.value,
        "path": request.path,
        "project": request.project.name or request.project.id,
        "name": request.name,
        "job_name": request.job_name,
        "job_id": outcome.job_id,
        "error": outcome.error or outcome.unclear or None,
    }


def _status(row: Status) -> Mapping[str, Any]:
    request = row.request
    return {
        "path": request.path,
        "line": request.line,
        "project": request.project.name or request.project.id,
        "name": request.name,
        "attempt": request.attempt,
        "digest": request.digest,
        "job_name": request.job_name,
        "state": row.state,
        "job": _job(row.job),
        "error_message": row.job.error_message if row.job else None,
        "duplicates": [job.id for job in row.duplicates],
        "others": [{"job_id": job.id, "name": job.name, "gpus": job.gpus} for job in row.others],
    }


def _document(content: Mapping[str, Any], error: str = "") -> str:
    return _dumped({"format_version": FORMAT, **content, **({"error": error} if error else {})})


def _dumped(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
