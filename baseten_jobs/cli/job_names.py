"""NAMEs on the command line -> the manifests that are meant, and the live jobs of these."""

from collections.abc import Iterable, Sequence

from baseten_jobs import compilation, pipeline
from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.session import Session, or_default
from baseten_jobs.job.observation import ObservedJob, short
from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.manifest.name_globs import is_glob
from baseten_jobs.phrases import count, one_line, page
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
    """The status of each manifest's jobs; raises CommandEnded where a manifest has errors, and ApiError."""
    found, diagnostics = pipeline.status(api, compiled, recall)
    if diagnostics:
        raise CommandEnded(session.invalid(diagnostics))
    return found


def live_jobs(session: Session, rows: Iterable[Status]) -> list[tuple[Status, ObservedJob]]:
    """The live job of each row that has one; raises CommandEnded where a row has several, with those of all rows."""
    rows = tuple(rows)
    if crowded := [row for row in rows if len(row.live) > 1]:
        raise CommandEnded(session.fail(page(line for row in crowded for line in _candidates(row)), Exit.FAILED))
    return [(row, job) for row in rows for job in row.live]


def _candidates(row: Status) -> list[str]:
    told = f"{row.request.name} has {len(row.live)} live jobs; choose one with --job ID:"
    return [told, *map(_candidate, row.live)]


def _candidate(job: ObservedJob) -> str:
    return f"  {job.id}  {short(job.status)}  since {job.created_at[:16]}  {one_line(job.name or '')}"


def jobs_by_id(session: Session, api: Api, ids: Iterable[str]) -> list[ObservedJob]:
    """Jobs by their bare ids; raises CommandEnded where one is not there, and ApiError."""
    found = {job_id: job_by_id(api, job_id) for job_id in ids}
    if missing := [one_line(job_id) for job_id, job in found.items() if job is None]:
        raise CommandEnded(session.fail(f"there is no job {', '.join(missing)}", Exit.FAILED))
    return [job for job in found.values() if job is not None]
