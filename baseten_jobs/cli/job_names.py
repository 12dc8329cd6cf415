"""NAMEs on the command line -> the manifests that are meant, and the live jobs of these."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from baseten_jobs import compilation, pipeline
from baseten_jobs.cli.command_again import command_of_job
from baseten_jobs.cli.exits import Exit, worst
from baseten_jobs.cli.session import CommandEnded, Session, or_default
from baseten_jobs.job.observation import ObservedJob, short
from baseten_jobs.job.reading_order import by_name
from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.manifest.name_globs import is_glob
from baseten_jobs.phrases import count, one_line, page
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.observe import job_by_id
from baseten_jobs.provider.presence import Recall
from baseten_jobs.provider.status import Status

if TYPE_CHECKING:
    from baseten_jobs.provider.job_sessions import JobSessions
    from baseten_jobs.provider.measured import Measured


def manifests(
    session: Session, paths: tuple[str, ...], names: tuple[str, ...], allowed: tuple[str, ...]
) -> compilation.Compiled:
    """The manifests that these NAMEs mean, or all where none is given; raises CommandEnded."""
    compiled = everything(session, paths, allowed)
    return chosen(session, compiled, names) if names else compiled


def everything(session: Session, paths: tuple[str, ...], allowed: tuple[str, ...]) -> compilation.Compiled:
    """All manifests of these paths, or of the default one where none is given; raises CommandEnded."""
    compiled = compilation.compile_all(Inputs(or_default(paths), allowed=allowed, governed=False), session.stdin)
    if not compiled.valid:
        raise CommandEnded(session.invalid(compiled.diagnostics))
    return compiled


def chosen(session: Session, compiled: compilation.Compiled, names: Sequence[str]) -> compilation.Compiled:
    """Those manifests that these NAMEs mean; raises CommandEnded where one means none, or is that of several."""
    found, unmet = compiled.named(names)
    if unmet:
        raise CommandEnded(session.fail("; ".join(map(str, unmet)), Exit.FAILED))
    if ambiguous := found.ambiguous(names):
        raise CommandEnded(session.fail(f"several manifests have the name {ambiguous}; choose a file", Exit.FAILED))
    return found


def manifest(session: Session, paths: tuple[str, ...], name: str, allowed: tuple[str, ...]) -> compilation.Compiled:
    """The one manifest that a NAME means; raises CommandEnded, which lists those that a glob matches beyond one."""
    found = manifests(session, paths, (name,), allowed)
    if len(found.requests) != 1 and is_glob(name):
        told = f"'{one_line(name)}' matches {count(len(found.requests), 'manifest')}, and one is wanted:"
        places = (f"  {r.name}  {one_line(r.path, 1024)}:{r.line}" for r in found.requests)
        raise CommandEnded(session.fail(page([told, *places]), Exit.FAILED))
    return found


def rows(
    session: Session, api: Api, compiled: compilation.Compiled, recall: Recall | None = None
) -> tuple[Status, ...]:
    """The status of each manifest's jobs, by name; raises CommandEnded where a manifest has errors, and ApiError."""
    found, diagnostics = pipeline.status(api, compiled, recall)
    if diagnostics:
        raise CommandEnded(session.invalid(diagnostics))
    return by_name(found, lambda row: row.request)


def live_jobs(session: Session, rows: Iterable[Status]) -> list[tuple[Status, ObservedJob]]:
    """The live job of each row that has one; raises CommandEnded where a row has several, with those of all rows."""
    rows = tuple(rows)
    if crowded := [row for row in rows if len(row.live) > 1]:
        raise CommandEnded(session.fail(page(line for row in crowded for line in _candidates(row)), Exit.FAILED))
    return [(row, job) for row in rows for job in row.live]


@dataclass(frozen=True)
class Named:
    """A job, and what to call it: its manifest's name, or its id where it was asked for by that."""

    name: str
    job: ObservedJob


@dataclass(frozen=True)
class Asked:
    """What a command line says of jobs: NAMEs or ids, and where manifests lie; with both the ids choose among jobs."""

    names: tuple[str, ...]
    job_ids: tuple[str, ...]
    paths: tuple[str, ...]
    allowed: tuple[str, ...]

    @property
    def several(self) -> bool:
        """True if more than one job may be meant, whatever is there."""
        return len(self.names) + len(self.job_ids) > 1 or any(map(is_glob, self.names))


def named_jobs(session: Session, api: Api, asked: Asked) -> tuple[list[Named], bool]:
    """The live job of each manifest, else the last one of its own spec, and jobs by id; and whether each has one.

    Raises CommandEnded where none has one, and ApiError.
    """
    compiled = manifests(session, asked.paths, asked.names, asked.allowed) if asked.names else None
    found = rows(session, api, compiled) if compiled else ()
    live_jobs(session, found)
    jobs: dict[str, Named] = {}
    missing: list[str] = []
    for row in found:
        job = job_of(session, row)
        if job is None:
            missing.append(not_submitted(row))
        else:
            jobs[job.id] = Named(row.request.name, job)
    for job in jobs_by_id(session, api, asked.job_ids):
        jobs.setdefault(job.id, Named(job.id, job))
    if missing and not jobs:
        raise CommandEnded(session.fail(page(missing) if len(missing) > 1 else missing[0], Exit.FAILED))
    for told in missing:
        session.note(told)
    return list(jobs.values()), not missing


def job_of(session: Session, row: Status) -> ObservedJob | None:
    """The live job of a manifest's name, else the last one of its own spec; a note tells if it runs another spec."""
    job = next(iter(row.live), row.job)
    if job is not None and job.identity != row.request.identity:
        told = f"job {job.id} runs another spec of {row.request.name} than the manifest's"
        session.note(f"{told}: {one_line(job.name or '')}")
    return job


def not_submitted(row: Status) -> str:
    """That a manifest has no job, and what it waits for."""
    waits = "".join(f"; it waits for {wait}" for wait in row.waits)
    return f"{row.request.name} is not submitted{waits}"


def told_troubles(session: Session, every: Iterable["Measured | JobSessions"]) -> Exit:
    """The exit code of what was read of jobs; an error is printed for each that could not be."""
    code = Exit.DONE
    for each in every:
        if each.trouble:
            session.error(f"{each.name}: {each.trouble}")
            code = worst([code, Exit.UNAUTHORISED if each.trouble.unauthorised else Exit.FAILED])
    return code


def _candidates(row: Status) -> list[str]:
    told = f"{row.request.name} has {len(row.live)} live jobs; choose one with --job ID:"
    return [told, *(line for job in row.live for line in _candidate(job))]


def _candidate(job: ObservedJob) -> tuple[str, str]:
    """The job, and below it the command of the one that runs which is about this job only."""
    told = f"  {job.id}  {short(job.status)}  since {job.created_at[:16]}  {one_line(job.name or '')}"
    return told, f"      {one_line(command_of_job(job.id), 1024)}"


def jobs_by_id(session: Session, api: Api, ids: Iterable[str]) -> list[ObservedJob]:
    """Jobs by their bare ids; raises CommandEnded where one is not there, and ApiError."""
    found = {job_id: job_by_id(api, job_id) for job_id in ids}
    if missing := [one_line(job_id) for job_id, job in found.items() if job is None]:
        raise CommandEnded(session.fail(f"there is no job {', '.join(missing)}", Exit.FAILED))
    return [job for job in found.values() if job is not None]
