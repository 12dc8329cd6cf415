"""Values of every kind -> one JSON document each, with the version of its format in it.

What only one command tells is imported where that is told: every plan would pay for it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from baseten_jobs.applying.outcome import Applied
from baseten_jobs.git.log import Revision
from baseten_jobs.job.cost import Bill
from baseten_jobs.job.names import without_letters
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.job.request import JobRequest
from baseten_jobs.manifest.diagnostics import Diagnostic, has_errors
from baseten_jobs.manifest.document import Document
from baseten_jobs.phrases import Page
from baseten_jobs.phrases import document as dumped
from baseten_jobs.planning.diff import Change
from baseten_jobs.planning.plan import Action, Beside, Orphan, Plan
from baseten_jobs.provider.status import Status
from baseten_jobs.report import cells, file_list, gpu_use, job_fields, limits, outcome_fields, projects, stages
from baseten_jobs.report.headline import refused
from baseten_jobs.report.job_fields import document
from baseten_jobs.report.style import PLAIN, Look

if TYPE_CHECKING:
    from baseten_jobs.importing.adoption import Adoption
    from baseten_jobs.manifest.rules.registry import Rule
    from baseten_jobs.manifest.schema.explain import Explanation
    from baseten_jobs.provider.log_pages import LogLine
    from baseten_jobs.report.description import Description
    from baseten_jobs.report.status_more import More


def diagnostics(
    found: Sequence[Diagnostic], documents: Sequence[Document] = (), look: Look = PLAIN, *, error: str = ""
) -> Page:
    """The document of `validate`, and, with `error`, of any other command that the manifests' errors stop."""
    return document({"valid": not has_errors(found), "diagnostics": list(map(_diagnostic, found))}, error)


def requests(compiled: Iterable[JobRequest], look: Look = PLAIN) -> Page:
    rows = [
        {
            "path": r.path,
            "line": r.line,
            "project": str(r.project.name or r.project.id),
            "name": r.name,
            "attempt": r.attempt,
            "digest": r.digest,
            "job_name": r.job_name,
            **cells.data(r),
            "request": r.body,
            **stages.of_request(r),
            **_overrides(r, look),
            **file_list.data(r.content, look),
        }
        for r in compiled
    ]
    return dumped(rows)


def plan(made: Plan, look: Look = PLAIN) -> Page:
    return document(
        {
            "summary": made.summary,
            "cost": _bill(made.cost),
            "cost_beside": _bill(made.cost_beside),
            **({"cost_later": _bill(made.cost_later)} if made.later else {}),
            "actions": [_action(action, look) for action in made.actions],
            "orphans": [orphan(each) for each in made.orphans],
            "notes": [*projects.told(made), *made.notes, *map(refused, made.refusals)],
        }
    )


def applied(result: Applied, look: Look = PLAIN) -> Page:
    error = result.unauthorised or ("interrupted" if result.interrupted else "")
    results = [outcome_fields.outcome(look.said(outcome)) for outcome in result.outcomes]
    return document({"summary": result.summary, "results": results, "notes": list(result.notes)}, error)


def status(rows: Iterable[Status], look: Look = PLAIN, more: "More | None" = None) -> Page:
    jobs = [{**_status(row), **(more.of_row(row) if more else {})} for row in rows]
    return document({"jobs": jobs, **(more.of_document if more else {})})


def described(found: "Iterable[Description]", look: Look = PLAIN) -> Page:
    from baseten_jobs.report import description

    return document({"jobs": [{**_status(each.row), **description.data(each)} for each in found]})


def field(explained: "Explanation") -> Page:
    from baseten_jobs.report import field_help

    return document(field_help.data(explained))


def rule(explained: "Rule") -> Page:
    from baseten_jobs.report import rule_help

    return document(rule_help.data(explained))


def rules(listed: "Iterable[Rule]") -> Page:
    from baseten_jobs.report import rule_help

    return document({"rules": [rule_help.data(each) for each in listed]})


def started(written: Sequence[str], kept: Sequence[str]) -> Page:
    return document({"written": list(written), "kept": list(kept)})


def adopted(request: JobRequest, adopts: Mapping[str, Any]) -> Page:
    return document({"path": request.path, "line": request.line, **cells.data(request), "adopts": dict(adopts)})


def log(job: ObservedJob, lines: "Iterable[LogLine]") -> Page:
    return document(_log(job, lines))


def logs(read: "Iterable[tuple[str, ObservedJob, Iterable[LogLine]]]") -> Page:
    """The logs of several jobs, each with the name that it was asked for by."""
    return document({"logs": [{"name": name, **_log(job, lines)} for name, job, lines in read]})


def _log(job: ObservedJob, lines: "Iterable[LogLine]") -> Mapping[str, Any]:
    from baseten_jobs.report import log_lines

    return {"job": job_fields.job(job), "lines": [log_lines.data(line) for line in lines]}


def failure(error: str, **more: Any) -> Page:
    """The document of a command that was stopped by an error before it had a result."""
    return document(dict(more), error)


def skipped(reason: str, look: Look = PLAIN) -> Page:
    """The document of a command that was skipped, with the reason."""
    return document({"skipped": True, "reason": reason})


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


def _action(action: Action, look: Look) -> Mapping[str, Any]:
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
        "job_name": action.job_name,
        **cells.data(request),
        "gpus": request.gpus,
        **limits.of_action(action),
        "starts": action.starts.value if action.starts else None,
        "changes": [_change(change) for change in look.shown(action.changes)],
        "previous": _revision(action.previous),
        **({"history": action.history} if action.history else {}),
        **_overrides(request, look),
        **file_list.data(request.content, look),
        "job": job_fields.job(action.job),
        "superseded": [{"job_id": job.id, "gpus": job.gpus} for job in action.superseded],
        "beside": [_beside(run) for run in action.beside],
        "doubt": action.doubt.value if action.doubt else None,
        **stages.of_action(action),
        "warnings": [*action.cautions, *([action.error] if action.error else [])],
        "notes": [*map(str, action.beside), *action.notes],
    }


def _beside(run: Beside) -> Mapping[str, Any]:
    return {"job_id": run.job.id, "gpus": run.job.gpus, "usd_per_hour": run.cost and run.cost.usd_per_hour}


def _bill(bill: Bill) -> Mapping[str, Any]:
    return {
        "usd_per_hour": bill.usd_per_hour,
        "by_gpu": [
            {"gpu_type": s.gpu_type or None, "nodes": s.nodes, "gpus": s.gpus, "usd_per_hour": s.usd_per_hour}
            for s in bill.shares
        ],
        "unpriced": list(bill.unpriced),
    }


def _change(change: Change) -> Mapping[str, Any]:
    lines = change.lines and {"added": change.lines[0], "removed": change.lines[1]}
    found = (("moved", change.moved), ("source", change.source), ("lines", lines))
    more = {name: value for name, value in found if value}
    return {"field": change.field, "old": change.old, "new": change.new, **more}


def _overrides(request: JobRequest, look: Look) -> Mapping[str, Any]:
    shown = look.overrides(request)
    return {"overrides": [{"field": change.field, "value": change.new} for change in shown]} if shown else {}


def _revision(r: Revision | None) -> Mapping[str, Any] | None:
    return None if r is None else {"commit": r.commit, "author": r.author, "date": r.date, "path": r.path}


def orphan(found: Orphan) -> Mapping[str, Any]:
    job = found.job
    return {
        "job_id": job.id,
        "job_name": without_letters(job.name),
        "project": found.project,
        "gpus": job.gpus,
        "deleted": _revision(found.deleted),
        "doubt": found.doubt,
    }


def _status(row: Status) -> Mapping[str, Any]:
    request, saved = row.request, row.checkpoints
    return {
        "path": request.path or None,
        "line": request.line or None,
        "project": request.project.name or request.project.id,
        "name": request.name,
        "attempt": request.attempt,
        "digest": request.digest or None,
        "job_name": row.job_name,
        **cells.data(request),
        "state": row.state,
        "job": job_fields.job(row.job),
        "age_seconds": None if row.age is None else int(row.age),
        "cost_usd_at_most": row.cost,
        "cost_uncertain": row.cost_uncertain,
        **gpu_use.data(row.use),
        "checkpoints": None if saved is None else {"count": saved.count, "latest": saved.latest or None},
        "error_message": row.job.error_message if row.job else None,
        "duplicates": [job.id for job in row.duplicates],
        "others": [{"job_id": o.id, "name": without_letters(o.name), "gpus": o.gpus} for o in row.others],
        **({"copies": [job.id for job in row.copies]} if row.copies else {}),
        **stages.of_status(row),
    }


def adoption(done: "Adoption", look: Look = PLAIN) -> Page:
    content = {
        "imported": [
            {
                "source": one.source,
                "path": one.path or None,
                "names": [draft.name for draft in one.drafts],
                "projects": [draft.project for draft in one.drafts],
                "gaps": one.gaps,
                "manifest": one.text,
            }
            for one in done.adopted
        ],
        "failed": done.failed,
        "skipped": done.skipped,
        "diagnostics": [_diagnostic(d) for d in done.diagnostics],
    }
    return document(content)
