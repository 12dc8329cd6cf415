"""`stop`: jobs by their manifest's name or a glob, by their ids, or all whose manifest was deleted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import click

from baseten_jobs import compilation, pipeline
from baseten_jobs.applying.intent import Planned
from baseten_jobs.cli import job_names, job_options, options, sink
from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.helped import HelpedCommand
from baseten_jobs.cli.job_names import Asked
from baseten_jobs.cli.job_of_name import narrowed
from baseten_jobs.cli.owner_option import owner_letters
from baseten_jobs.cli.session import CommandEnded, Session, guarded, inquiry, opened, or_default, still_there
from baseten_jobs.job.observation import ObservedJob, short
from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.manifest.name_globs import is_glob, means
from baseten_jobs.phrases import listed, page
from baseten_jobs.planning.plan import Orphan, Policy
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.connection import Connection
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.status import Status, by_itself
from baseten_jobs.provider.stop import stop_job
from baseten_jobs.report import json as as_json
from baseten_jobs.report import stop_list
from baseten_jobs.report.stop_list import Listed

_PATIENCE = 60.0


@dataclass(frozen=True)
class _Call:
    """One run of the command: what it is asked for, and how it reaches the jobs."""

    session: Session
    api: Api
    connection: Connection
    asked: Asked
    owners: tuple[str, ...]


@dataclass(frozen=True)
class _Found:
    """The jobs to stop, the lines to show before, and the orphans that are left; None if none were looked for."""

    jobs: Sequence[Listed]
    lines: Sequence[str]
    left: Sequence[Orphan] | None = None


@click.command("stop", cls=HelpedCommand)
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=options.complete_names)
@click.option("--job", "job_ids", multiple=True, metavar="ID", help="Stop this job, managed or not.")
@click.option(
    "--orphans", is_flag=True, help="Stop what `apply --prune` would: live jobs whose manifest was deleted from git."
)
@click.option(
    "--owner-too", "owners", type=owner_letters, multiple=True, metavar="OWNER",
    help="Orphans with these three letters of an owner are ours, too: for a repository that was moved or renamed.",
)  # fmt: skip
@options.files
@options.allow_outside
@options.output("text", "json")
@click.option("-y", "--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
@options.connection
def command(
    names: tuple[str, ...],
    job_ids: tuple[str, ...],
    orphans: bool,
    owners: tuple[str, ...],
    paths: tuple[str, ...],
    allowed: tuple[str, ...],
    output: str,
    yes: bool,
    connection: Connection,
) -> Exit:
    """Stop the live job of each manifest by NAME, which may be a glob such as 'qwen3-*', or any job by its id.

    The jobs are listed, and it asks first. Where several jobs of one name live, these are listed, and none of any name
    is stopped: choose with --job ID. With a NAME and --job ID only that job is stopped, and it has to be one of that
    name. A glob lists the orphans that it matches beside them, which --orphans stops.
    """
    if orphans and (names or job_ids):
        raise click.UsageError("--orphans takes no NAME, and no --job")
    if not (names or job_ids or orphans):
        raise click.UsageError("name a manifest, or a job with --job ID, or give --orphans")
    asked = job_options.asked_of(names, job_ids, paths, allowed)
    session = Session(output)

    def work() -> Exit:
        call = _Call(session, opened(connection), connection, asked, owners)
        found = _orphans(call) if orphans else _named(call)
        return _stop(session, call.api, found, yes)

    return guarded(session, work)


def _named(call: _Call) -> _Found:
    """The live jobs of manifests or ids, and the orphans that globs match; raises CommandEnded and ApiError."""
    session, api, now = call.session, call.api, call.api.clock.wall()
    asked = narrowed(session, api, call.asked)
    if not asked.names:
        return _by_id(call, asked.job_ids)
    compiled = job_names.everything(session, asked.paths, asked.allowed)
    rows = job_names.rows(session, api, job_names.chosen(session, compiled, asked.names))
    live = job_names.live_jobs(session, rows)
    found = {job.id: _listed(row, job) for row, job in live}
    _tell_others(session, rows)
    _tell_stages(session, compiled, [row for row, _ in live])
    jobs = stop_list.in_order(found.values())
    if not any(map(is_glob, asked.names)):
        return _Found(jobs, stop_list.jobs(jobs, now))
    made = _planned(call, compiled)
    if not made.valid:
        session.warn(made.diagnostics)
        session.note("no orphans are listed, since these manifests can't be planned")
    beside = [
        orphan
        for orphan in made.plan.orphans
        if orphan.job.id not in found and any(means(name, stop_list.listed(orphan).name) for name in asked.names)
    ]
    return _Found(jobs, [*stop_list.jobs(jobs, now), *stop_list.beside(made.plan, beside, now)], beside)


def _by_id(call: _Call, job_ids: tuple[str, ...]) -> _Found:
    """Jobs by their ids, without those that have ended; raises CommandEnded and ApiError.

    Beside a NAME it is told which have: who names the run of a manifest takes it to be alive.
    """
    jobs = {job.id: job for job in job_names.jobs_by_id(call.session, call.api, job_ids)}.values()
    for job in jobs:
        if call.asked.names and not job.live:
            call.session.note(f"job {job.id} has ended already: {short(job.status)}")
    found = stop_list.in_order(_listed(by_itself(job), job) for job in jobs if job.live)
    return _Found(found, stop_list.jobs(found, call.api.clock.wall()))


def _listed(row: Status, job: ObservedJob) -> Listed:
    return Listed(row.request.name, str(row.request.project), job)


def _orphans(call: _Call) -> _Found:
    """What `apply --prune` would stop, and the orphans that it would not; raises CommandEnded and ApiError."""
    paths = still_there(call.session, or_default(call.asked.paths), prune=True)
    compiled = compilation.compile_all(Inputs(paths, allowed=call.asked.allowed), call.session.stdin)
    if not compiled.valid:
        raise CommandEnded(call.session.invalid(compiled.diagnostics))
    made = _planned(call, compiled)
    if not made.valid:
        raise CommandEnded(call.session.invalid(made.diagnostics))
    stops = stop_list.prunable(made.plan)
    left = [orphan for orphan in made.plan.orphans if orphan not in stops]
    lines = stop_list.pruned(made.plan, call.api.clock.wall())
    return _Found([stop_list.listed(orphan) for orphan in stops], lines, left)


def _planned(call: _Call, compiled: compilation.Compiled) -> Planned:
    """The plan of `apply --prune`, of which only the orphans and their stops are of interest; raises ApiError."""
    policy = Policy(prune=True, owner_too=frozenset(call.owners))
    asked = replace(inquiry(policy, call.connection, or_default(call.asked.paths)), missing=False)
    return pipeline.make(call.api, compiled, policy, asked, rehearsal=True)


def _tell_others(session: Session, rows: tuple[Status, ...]) -> None:
    for row in rows:
        for job in row.others:
            session.note(f"job {job.id} runs another spec of {row.request.name} than the manifest's")


def _tell_stages(session: Session, compiled: compilation.Compiled, stopped: Sequence[Status]) -> None:
    """Say which manifests load checkpoints of what is stopped."""
    for row in stopped:
        run = (row.request.project, row.request.name)
        if heirs := [each.name for each in compiled.requests if run in {(u.project, u.name) for u in each.upstreams}]:
            load, are, have = ("loads", "is", "it has") if len(heirs) == 1 else ("load", "are", "they have")
            told = f"{listed(heirs)} {load} its checkpoints, and {are} held from then on unless {have} begun"
            session.note(f"note: {row.request.name}: {told}")


def _stop(session: Session, api: Api, found: _Found, yes: bool) -> Exit:
    """List the jobs, ask, and stop each; what is left is told in the document of `-o json`."""
    jobs = [each.job for each in found.jobs]
    if found.lines:
        session.note(page(found.lines))
    if jobs and not yes and not sink.confirmed(f"Stop {len(jobs)}?"):
        return session.fail("not confirmed, so nothing was stopped; --yes confirms", Exit.REFUSED)
    left = {} if found.left is None else {"orphans": [as_json.orphan(orphan) for orphan in found.left]}
    stopped: list[str] = []
    failed: list[str] = []
    for job in jobs:
        try:
            stop_job(api, job.project_id, job.id, _PATIENCE)
            stopped.append(job.id)
        except ApiError as error:
            failed.append(f"job {job.id} could not be stopped: {error}")
            session.error(failed[-1])
            if error.status == 401:
                session.result(as_json.failure(failed[-1], stopped=stopped, **left)) if session.json else None
                return Exit.UNAUTHORISED
    if session.json:
        session.result(as_json.failure("; ".join(failed), stopped=stopped, **left))
    else:
        session.result(page([f"stopped job {job_id}" for job_id in stopped] or ["nothing to stop"]))
    return Exit.FAILED if failed else Exit.DONE
