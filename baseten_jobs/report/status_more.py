"""What a status tells beside its table -> lines below a row, and below them all; and fields for JSON."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from baseten_jobs.job.names import without_letters
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.phrases import count, listed, one_line
from baseten_jobs.planning.unclaimed import Unclaimed
from baseten_jobs.provider.status import Status
from baseten_jobs.report import description, log_lines
from baseten_jobs.report.description import Description

_INDENT = "    "


@dataclass(frozen=True)
class More:
    """What was read beside the rows: of some of their jobs, by id, and of live jobs without a manifest."""

    described: Mapping[str, Description] = field(default_factory=dict)
    unclaimed: Unclaimed | None = None

    def below(self, row: Status) -> list[str]:
        """What is told of a row's job in short."""
        of = self.described.get(row.job.id) if row.job else None
        return [f"{_INDENT}{line}" for line in _short(of) if line] if of else []

    @property
    def at_the_end(self) -> list[str]:
        """A line for the orphans, and one for other live jobs that no manifest names."""
        return [] if self.unclaimed is None else list(_of_unclaimed(self.unclaimed))

    def of_row(self, row: Status) -> Mapping[str, Any]:
        of = self.described.get(row.job.id) if row.job else None
        return description.data(of) if of else {}

    @property
    def of_document(self) -> Mapping[str, Any]:
        """For JSON: the jobs without a manifest; nothing if they were not looked for."""
        found = self.unclaimed
        if found is None:
            return {}
        orphans = [
            {**_job(each.job, each.project), "deleted_in": each.deleted.commit, "doubt": each.doubt}
            for each in found.orphans
        ]
        unmanaged = [_job(job, project) for job, project in found.unmanaged]
        return {"orphans": orphans, "unmanaged": unmanaged, **({"problem": found.problem} if found.problem else {})}


def _short(of: Description) -> Iterator[str]:
    row, job = of.row, of.row.job
    if job is None:
        return
    told = description.commit(of.commit)
    yield f"commit {told}" if told else ""
    yield " · ".join(filter(None, (one_line(job.user, 120), description.machines(job))))
    yield of.url
    yield _again(row)
    yield f"awaited by {listed([one_line(str(heir), 200) for heir in of.heirs])}" if of.heirs else ""
    if of.read.log_problem:
        yield f"log: {description.unread(of.read.log_problem)}"
    for line in of.read.log or ():
        yield f"log: {one_line(log_lines.on_terminal(line), 200)}"


def _again(row: Status) -> str:
    """Which retry a job is; what comes next is told of each row anyway."""
    return description.retries_of(row).partition(";")[0] if row.retry is None else ""


def _of_unclaimed(found: Unclaimed) -> Iterator[str]:
    if found.orphans:
        told = listed([_named(each.job) for each in found.orphans])
        which = "manifest was" if len(found.orphans) == 1 else "manifests were"
        remedy = "`baseten-jobs stop --orphans` lists them, and stops what may be stopped"
        yield f"{count(len(found.orphans), 'orphan')}, whose {which} deleted: {told}; {remedy}."
    if found.unmanaged:
        told = listed([_named(job) for job, _ in found.unmanaged])
        yield f"{count(len(found.unmanaged), 'live job')} that no manifest names: {told}."
    if found.problem:
        yield f"Whether there are orphans is not known: {one_line(found.problem, 300)}."


def _named(job: ObservedJob) -> str:
    gpus = f", {count(job.gpus, 'GPU')}" if job.gpus else ""
    return f"{one_line(without_letters(job.name) or 'without a name', 80)} (job {job.id}{gpus})"


def _job(job: ObservedJob, project: str) -> Mapping[str, Any]:
    return {
        "job_id": job.id,
        "name": without_letters(job.name),
        "status": job.status,
        "created_at": job.created_at,
        "project": project,
        "gpus": job.gpus,
    }
