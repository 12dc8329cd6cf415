"""NAME on the command line -> the manifests that are meant, and the one job that is."""

from collections.abc import Iterable

from baseten_jobs import compilation, pipeline
from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.session import Session, or_default
from baseten_jobs.job.observation import ObservedJob, short
from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.phrases import nearest, one_line, page
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.observe import job_by_id
from baseten_jobs.provider.presence import Recall
from baseten_jobs.provider.status import Status


class CommandEnded(Exception):
    """Raised where a command can't go on and has printed why; `code` is its exit code."""

    def __init__(self, code: Exit) -> None:
        self.code = code


def manifests(
    session: Session, paths: tuple[str, ...], names: tuple[str, ...], allowed: tuple[str, ...]
) -> compilation.Compiled:
    """The manifests of these names, or all where none is given; raises CommandEnded."""
    compiled = compilation.compile_all(Inputs(or_default(paths), allowed=allowed, governed=False), session.stdin)
    if not compiled.valid:
        raise CommandEnded(session.invalid(compiled.diagnostics))
    if not names:
        return compiled
    chosen, unknown = compiled.named(names)
    if unknown:
        known = sorted({request.name for request in compiled.requests})
        raise CommandEnded(session.fail("; ".join(_unknown(name, known) for name in unknown), Exit.FAILED))
    if ambiguous := chosen.ambiguous():
        raise CommandEnded(session.fail(f"several manifests have the name {ambiguous}; choose a file", Exit.FAILED))
    return chosen


def _unknown(name: str, known: list[str]) -> str:
    near = nearest(name, known)
    return f"no manifest has the name '{one_line(name)}'" + (f"; did you mean '{near}'?" if near else "")


def rows(
    session: Session, api: Api, compiled: compilation.Compiled, recall: Recall | None = None
) -> tuple[Status, ...]:
    """The status of each manifest's jobs; raises CommandEnded where a manifest has errors, and ApiError."""
    found, diagnostics = pipeline.status(api, compiled, recall)
    if diagnostics:
        raise CommandEnded(session.invalid(diagnostics))
    return found


def live_job(session: Session, row: Status) -> ObservedJob | None:
    """The live job of a manifest's name, or None; raises CommandEnded where there are several."""
    if len(row.live) > 1:
        told = f"{row.request.name} has {len(row.live)} live jobs; choose one with --job ID:"
        raise CommandEnded(session.fail(page([told, *map(_candidate, row.live)]), Exit.FAILED))
    return next(iter(row.live), None)


def _candidate(job: ObservedJob) -> str:
    return f"  {job.id}  {short(job.status)}  since {job.created_at[:16]}  {one_line(job.name or '')}"


def jobs_by_id(session: Session, api: Api, ids: Iterable[str]) -> list[ObservedJob]:
    """Jobs by their bare ids; raises CommandEnded where one is not there, and ApiError."""
    found = {job_id: job_by_id(api, job_id) for job_id in ids}
    if missing := [one_line(job_id) for job_id, job in found.items() if job is None]:
        raise CommandEnded(session.fail(f"there is no job {', '.join(missing)}", Exit.FAILED))
    return [job for job in found.values() if job is not None]
