"""NAMEs and ids on the command line -> the jobs whose remains are asked for."""

from typing import NamedTuple

from baseten_jobs.cli import job_names
from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.job_names import Asked
from baseten_jobs.cli.session import CommandEnded, Session
from baseten_jobs.job.names import run_name, without_letters
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.job.request import JobRequest
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.status import Status


class Meant(NamedTuple):
    """A job, and the request of the manifest that was named; None for a job that was asked for by its id."""

    job: ObservedJob
    request: JobRequest | None = None

    @property
    def name(self) -> str:
        """The manifest's name, or else what the job's name says of it, or the whole of that."""
        identity = self.job.identity
        return self.request.name if self.request else identity.name if identity else self.job.name or ""

    @property
    def run(self) -> str:
        """The job's name as a plan shows it."""
        named = run_name(self.job.identity, self.job.name) if self.job.identity else ""
        return named or without_letters(self.job.name) or ""


def one(session: Session, api: Api, asked: Asked) -> Meant:
    """The job of the one manifest, or of the one id, that is asked for; raises CommandEnded, and ApiError."""
    if asked.job_ids:
        return Meant(job_names.jobs_by_id(session, api, asked.job_ids)[0])
    (name,) = asked.names
    (row,) = job_names.rows(session, api, job_names.manifest(session, asked.paths, name, asked.allowed))
    meant = _of_row(session, row)
    if meant is None:
        raise CommandEnded(session.fail(job_names.not_submitted(row), Exit.FAILED))
    return meant


def several(session: Session, api: Api, asked: Asked) -> tuple[Meant, ...]:
    """The jobs of manifests and of ids, with a note for each manifest without one.

    Raises CommandEnded, also where no manifest has a job, and ApiError.
    """
    rows: tuple[Status, ...] = ()
    if asked.names:
        rows = job_names.rows(session, api, job_names.manifests(session, asked.paths, asked.names, asked.allowed))
    meant = [_of_row(session, row) for row in rows]
    without = [job_names.not_submitted(row) for row, each in zip(rows, meant, strict=True) if each is None]
    by_id = [Meant(job) for job in job_names.jobs_by_id(session, api, asked.job_ids)]
    found = (*(each for each in meant if each is not None), *by_id)
    if without and not found:
        raise CommandEnded(session.fail("; ".join(without), Exit.FAILED))
    for told in without:
        session.note(told)
    return found


def _of_row(session: Session, row: Status) -> Meant | None:
    job_names.live_jobs(session, [row])
    job = job_names.job_of(session, row)
    return None if job is None else Meant(job, row.request)
