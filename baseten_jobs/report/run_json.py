"""Runs, and what differs between two -> JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from baseten_jobs.job.names import read_job_name
from baseten_jobs.job.observation import ObservedJob, short
from baseten_jobs.phrases import Page
from baseten_jobs.planning.diff import Change
from baseten_jobs.planning.records.between import Between
from baseten_jobs.planning.records.record import Record, Telling
from baseten_jobs.planning.records.run import Figure, Run
from baseten_jobs.planning.records.sums import Sum, summed
from baseten_jobs.report import run_cells
from baseten_jobs.report.job_fields import document
from baseten_jobs.report.style import PLAIN, Look


def runs(record: Record, telling: Telling, look: Look = PLAIN) -> Page:
    others: dict[str, Any] = {"count": len(record.others.jobs), "live": record.others.live}
    if telling.others:
        others["jobs"] = [{"project": project, **_job(job)} for project, job in record.others.jobs]
    sums = {"by": telling.by, "sums": list(map(_sum, summed(record.runs, telling.by)))} if telling.by else {}
    return document(
        {
            "now": run_cells.instant(record.now),
            "since": run_cells.instant(record.since),
            "billed": record.billed,
            "runs": list(map(run, record.runs)),
            **sums,
            "others": others,
            "notes": list(record.notes),
        }
    )


def run(each: Run) -> Mapping[str, Any]:
    """One run; `at_most` is true where the number is an upper bound."""
    return {
        "name": each.name,
        "project": each.project,
        "run": each.run_name,
        "digest": each.identity.digest,
        "attempt": each.identity.attempt,
        "retry": each.retry,
        "owner": each.owner,
        **_job(each.job),
        "started": run_cells.instant(each.started),
        "ended": run_cells.instant(each.ended),
        "seconds": _figure(each.seconds, 0),
        "gpu_hours": _figure(each.gpu_hours, 2),
        "usd": _figure(each.usd, 2),
        "commit": _commit(each),
    }


def _job(job: ObservedJob) -> Mapping[str, Any]:
    read = read_job_name(job.name)
    return {
        "job_id": job.id,
        "submitted_name": job.name,
        "token": read.token if read else "",
        "state": short(job.status),
        "live": job.live,
        "gpus": job.gpus,
        "gpu_type": job.gpu_type,
        "nodes": job.node_count,
        "user": job.user,
        "error": job.error_message,
    }


def _commit(each: Run) -> Mapping[str, Any] | None:
    if each.commit is None:
        return None
    revision = each.commit.revision
    return {
        "commit": revision.commit,
        "author": revision.author,
        "date": revision.date,
        "path": revision.path,
        "subject": each.commit.subject,
    }


def _figure(figure: Figure, digits: int) -> Mapping[str, Any]:
    value = None if figure.value is None else round(figure.value, digits) if digits else int(figure.value)
    return {"value": value, "at_most": not figure.exact, **({} if figure.whole else {"whole": False})}


def _sum(each: Sum) -> Mapping[str, Any]:
    figures = {"gpu_hours": _figure(each.gpu_hours, 2), "usd": _figure(each.usd, 2)}
    return {"key": each.key, "runs": each.runs, "live": each.live, **figures}


def run_diff(pair: tuple[Run, Run], between: Between, look: Look = PLAIN) -> Page:
    old, new = pair
    return document(
        {
            "a": run(old),
            "b": run(new),
            "spec": _changes(look.shown(between.spec)),
            "code": [{**told, **_lines(between, told)} for told in _changes(between.code)],
            "notes": list(between.untold),
        }
    )


def _lines(between: Between, told: Mapping[str, Any]) -> Mapping[str, Any]:
    lines = between.lines.get(told["field"])
    return {"added": lines.added, "removed": lines.removed, "lines": list(lines.lines)} if lines else {}


def _changes(changes: Sequence[Change]) -> list[Mapping[str, Any]]:
    return [
        {"field": each.field, "old": each.old, "new": each.new, **({"moved": each.moved} if each.moved else {})}
        for each in changes
    ]
