"""All that is known of a job -> a block of lines, one for each part; and fields for JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from baseten_jobs.job.checkpoint import Checkpoint
from baseten_jobs.job.names import read_job_name
from baseten_jobs.job.observation import ObservedJob, StatusClass
from baseten_jobs.job.times import age
from baseten_jobs.phrases import Page, count, human, one_line, prose
from baseten_jobs.planning.spec_commit import SpecCommit
from baseten_jobs.provider.particulars import Particulars
from baseten_jobs.provider.status import Awaiting, Status
from baseten_jobs.report import gpu_use, log_lines, retries
from baseten_jobs.report.style import PLAIN, Look

_COMMIT = 10
"""Hex digits of a commit that a person reads."""

_LABEL = 13
_NEWEST = 3
"""Checkpoints that a person reads of, beside their number."""


@dataclass(frozen=True)
class Description:
    """A row, and what was read beside it; `heirs` are stages without a job that load from its job.

    `url` is the job's page on the dashboard; empty if it is not known.
    """

    row: Status
    commit: SpecCommit = field(default_factory=SpecCommit)
    read: Particulars = field(default_factory=Particulars)
    url: str = ""
    heirs: tuple[Awaiting, ...] = ()


def described(found: Sequence[Description], look: Look = PLAIN) -> Page:
    blocks = [[*_lines(each, look)] for each in found]
    return prose(line for i, block in enumerate(blocks) for line in (*([""] if i else []), *block))


def _lines(of: Description, look: Look) -> Iterator[str]:
    row, job = of.row, of.row.job
    yield f"{one_line(row.job_name or row.request.name, 120)}  {look.paint(one_line(row.state, 40), _colour(job))}"
    for label, values in _parts(of).items():
        for number, value in enumerate(values):
            yield f"  {look.paint((label if not number else '').ljust(_LABEL), 'bright_black')}{value}"
    if of.read.log:
        yield f"  the last {count(len(of.read.log), 'line')} of its log:"
        for line in of.read.log:
            told = log_lines.on_terminal(line, look.paint).split("\n")
            yield Page("\n".join(f"    {each}" for each in told))


def _colour(job: ObservedJob | None) -> str:
    bad = job is not None and job.status_class in (StatusClass.FAILED, StatusClass.INTERRUPTED)
    return "red" if bad else "" if job is None else "cyan" if job.live else ""


def _parts(of: Description) -> Mapping[str, Sequence[str]]:
    """What is told, by its label; a part that there is nothing to say of is left out."""
    row, job, request = of.row, of.row.job, of.row.request
    place = f"{one_line(request.path, 1024)}:{request.line}" if request.path else ""
    found: dict[str, list[str]] = {
        "manifest": [place] if place else [],
        "cell": [request.cell.label] if request.cell else [],
        "project": [one_line(str(request.project))],
    }
    if job is not None:
        found |= {
            "job": [job.id],
            "page": [of.url],
            "commit": [commit(of.commit)],
            "user": [one_line(job.user, 120)],
            "machines": [machines(job)],
            "created": [_times(row, job)],
            "cost": [_cost(row)],
            "GPU use": [gpu_use.cell(row.use)],
            "checkpoints": [*_checkpoints(of.read)],
        }
    found["retries"] = [retries_of(row)]
    found["waits for"] = [one_line(str(wait), 200) for wait in row.waits]
    found["awaited by"] = [one_line(str(heir), 200) for heir in of.heirs]
    found["beside"] = [f"job {other.id} runs another spec of it" for other in (*row.others, *row.copies)]
    found["duplicates"] = [f"job {each.id}" for each in row.duplicates if job is None or each.id != job.id]
    if job is not None and job.error_message:
        found["error" if not job.pending else "advice"] = [one_line(job.error_message, 1000)]
    if of.read.log_problem:
        found["log"] = [unread(of.read.log_problem)]
    elif of.read.log == ():
        found["log"] = ["empty"]
    return {label: told for label, values in found.items() if (told := [value for value in values if value])}


def commit(of: SpecCommit) -> str:
    """`0123456789 by Ada on 2026-11-22: Raise the learning rate (specs/sft.yaml)`, or why it is not known."""
    r = of.revision
    if r is None:
        return f"not known: {one_line(of.problem, 300)}" if of.problem else ""
    subject = f": {one_line(of.subject, 120)}" if of.subject else ""
    return f"{r.commit[:_COMMIT]} by {one_line(r.author, 60)} on {r.date[:10]}{subject} ({one_line(r.path, 200)})"


def machines(job: ObservedJob) -> str:
    """`2 nodes · 16 H100 · H100:8x160x1800`, as far as the API tells."""
    told = [count(job.node_count, "node")] if job.node_count else []
    told += [f"{job.gpus} {one_line(job.gpu_type or 'GPU', 40)}"] if job.gpus else []
    return " · ".join([*told, *([one_line(job.instance_type, 80)] if job.instance_type else [])])


def retries_of(row: Status) -> str:
    """Which retry a job is, and what becomes of it; empty for a first run of which nothing is retried."""
    name = read_job_name(row.job.name) if row.job else None
    told = [f"this is retry {name.retry}"] if name and name.retry else []
    return "; ".join([*told, *filter(None, [retries.told(row)])])


def unread(problem: str) -> str:
    return f"can't be read: {one_line(problem, 300)}"


def _times(row: Status, job: ObservedJob) -> str:
    ago = f", {age(row.age)} ago" if row.age is not None else ""
    changed = f"; last changed {one_line(job.updated_at, 40)}" if job.updated_at else ""
    return f"{one_line(job.created_at, 40)}{ago}{changed}"


def _cost(row: Status) -> str:
    if row.cost is None:
        return "not known"
    return f"≤ ${row.cost:,.2f} so far" if row.cost else "$0.00"


def _checkpoints(read: Particulars) -> Iterator[str]:
    if read.checkpoints_problem:
        yield unread(read.checkpoints_problem)
    elif read.checkpoints is not None:
        newest = read.checkpoints[: -_NEWEST - 1 : -1]
        yield f"{len(read.checkpoints)}{', the newest:' if newest else ''}"
        yield from (f"  {_checkpoint(each)}" for each in newest)


def _checkpoint(of: Checkpoint) -> str:
    size = [human(of.size)] if of.size is not None else []
    return "  ".join([one_line(of.id, 80), one_line(of.created_at, 40), *size, "synced" if of.synced else "not synced"])


def data(of: Description) -> Mapping[str, Any]:
    """For JSON: what is told beside the fields of a row; what can't be read is null, and `problems` says why."""
    job, read, r = of.row.job, of.read, of.commit.revision
    problems = {"commit": of.commit.problem, "saved": read.checkpoints_problem, "log": read.log_problem}
    name = read_job_name(job.name) if job else None
    return {
        "url": of.url or None,
        "user": (job.user or None) if job else None,
        "nodes": job.node_count if job else None,
        "gpu_type": job.gpu_type if job else None,
        "instance_type": (job.instance_type or None) if job else None,
        "updated_at": (job.updated_at or None) if job else None,
        "commit": r
        and {"commit": r.commit, "author": r.author, "date": r.date, "path": r.path, "subject": of.commit.subject},
        "saved": None if read.checkpoints is None else list(map(_saved, read.checkpoints)),
        "retry_number": name.retry if name else None,
        "waited_for_by": [{"name": heir.name, "state": heir.state} for heir in of.heirs],
        "log": None if read.log is None else [log_lines.data(line) for line in read.log],
        "problems": {part: problem for part, problem in problems.items() if problem},
    }


def _saved(of: Checkpoint) -> Mapping[str, Any]:
    return {
        "checkpoint_id": of.id,
        "created_at": of.created_at or None,
        "size_bytes": of.size,
        "synced": of.synced,
    }
