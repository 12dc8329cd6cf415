"""`doctor`: what is wrong with the key, the account, git and the pipeline, before it costs anything."""

import os
import platform
from pathlib import Path

import click

from baseten_jobs import __version__, compilation, pipeline
from baseten_jobs.applying.in_flight import Ledger
from baseten_jobs.cli import options, sink
from baseten_jobs.cli.exits import Exit, worst
from baseten_jobs.cli.helped import HelpedCommand
from baseten_jobs.cli.interrupts import ending_at_once, winding_up
from baseten_jobs.cli.session import Session, guarded, inquiry, opened, or_default
from baseten_jobs.compilation import Compiled
from baseten_jobs.doctor.account import read_account, unread, without_connection
from baseten_jobs.doctor.checks import findings
from baseten_jobs.doctor.findings import Finding, Level
from baseten_jobs.doctor.pipeline_files import pipelines_in
from baseten_jobs.doctor.probe import Probe
from baseten_jobs.doctor.probe_jobs import MOST, ProbeJobs, fresh_token
from baseten_jobs.doctor.readings import Account, Manifests, Readings, Tool, Unread
from baseten_jobs.git.repository import origin_of
from baseten_jobs.git.setup import setup_of
from baseten_jobs.job.names import NO_OWNER, owner_for
from baseten_jobs.job.project_resolution import Listed, Unresolved
from baseten_jobs.job.request import ProjectRef
from baseten_jobs.manifest.diagnostics import Severity
from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.manifest.paths import check_landing, checkout_of
from baseten_jobs.phrases import one_line
from baseten_jobs.planning.plan import Plan, Policy
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.connection import Connection
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.report import formats
from baseten_jobs.secrecy import quoted

_ATTEMPTS, _WITHIN = 3, 10.0
"""How often a call is tried, and the seconds that an answer may take: a doctor should not keep one waiting."""


@click.command("doctor", cls=HelpedCommand)
@click.argument("paths", nargs=-1, metavar="[PATH]...", shell_complete=options.complete_paths)
@click.option(
    "--probe",
    "probed",
    metavar="PROJECT",
    help="Instead, measure on the account what its API does: makes up to six CPU jobs in this project, and stops them.",
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask before a probe; needed in CI and without a terminal.")
@click.option(
    "--out", type=click.Path(dir_okay=False), default=None, metavar="FILE", help="Write the result as JSON, too."
)
@options.allow_outside
@options.output(*formats.FINDINGS)
@options.connection
def command(
    paths: tuple[str, ...],
    probed: str | None,
    yes: bool,
    out: str | None,
    allowed: tuple[str, ...],
    output: str,
    connection: Connection,
) -> Exit:
    """Check the key, the account, git and the pipeline; each line says what it means, and what mends it.

    Only reads, and goes on where a part can't be read. The exit code is 1 where something fails. With --probe it asks
    first, and its jobs cost some cents at most.
    """
    session = Session(output)
    if probed is not None and paths:
        raise click.UsageError("--probe takes no PATH")
    if yes and probed is None:
        raise click.UsageError("--yes is for --probe")
    if out and (refused := _landing(out)):
        return session.fail(refused, Exit.FAILED)
    if probed is not None:
        return _probe(session, probed, yes, out, connection)
    with ending_at_once(as_json=session.json):
        found = findings(_readings(session, or_default(paths), allowed, connection))
    return _tell(session, found, out)


def _tell(session: Session, found: tuple[Finding, ...], out: str | None) -> Exit:
    session.result(formats.FINDINGS[session.output](found, session.look()))
    if out:
        try:
            Path(out).write_text(f"{formats.FINDINGS['json'](found)}\n", "utf-8")
        except OSError as error:
            return session.fail(f"{one_line(out)} can't be written: {error.strerror}", Exit.FAILED)
    return Exit.FAILED if any(each.level is Level.FAIL for each in found) else Exit.DONE


def _probe(session: Session, name: str, yes: bool, out: str | None, connection: Connection) -> Exit:
    """Ask, then measure; a signal ends the measuring, and what was made is stopped before the command ends."""

    def asked() -> Exit | ProbeJobs:
        api = opened(connection)
        project = Listed(api.projects()).resolved(ProjectRef(name))
        if isinstance(project, Unresolved):
            return session.fail(f"{project.message}{'; ' if project.hint else ''}{project.hint}", Exit.FAILED)
        made = "" if project.exists else ", which is made, and stays"
        session.note(
            f"this makes up to {MOST} CPU jobs of the smallest size in the project {quoted(name)}{made}, at "
            f"{connection.target}, and stops them; they cost some cents"
        )
        if not yes and (_in_ci() or not sink.confirmed("Make them?")):
            return session.fail("not confirmed, so nothing was sent; --yes confirms", Exit.REFUSED)
        project_id = project.id or api.upsert_project(name)["id"]
        return ProbeJobs(api, project_id, fresh_token(), Ledger(lambda done, total, text: session.note(text)))

    def work() -> Exit:
        jobs = asked()
        if isinstance(jobs, Exit):
            return jobs
        with winding_up(jobs.api.clock, jobs.ledger, as_json=session.json):
            found = Probe(jobs).findings()
        told = _tell(session, found, out)
        interrupted = (Exit.INTERRUPTED,) if jobs.api.clock.interrupted.is_set() else ()
        return worst([told, *interrupted, *((Exit.UNCLEAR,) if jobs.left or jobs.lost else ())])

    return guarded(session, work)


def _in_ci() -> bool:
    """True if the environment is that of a pipeline, where nobody is there to be asked."""
    return sink.read_by_runner() or os.environ.get("CI", "").lower() not in ("", "0", "false")


def _landing(out: str) -> str:
    """Why a file can't be written to; empty if it can, as far as that can be told."""
    try:
        check_landing(out)
    except OSError as error:
        return f"{one_line(out)} can't be written: {error.strerror}"
    return ""


def _readings(session: Session, paths: tuple[str, ...], allowed: tuple[str, ...], connection: Connection) -> Readings:
    compiled = compilation.compile_all(Inputs(paths, allowed=allowed), session.stdin)
    errors = tuple(each for each in compiled.diagnostics if each.severity is Severity.ERROR)
    account, plan = _asked(compiled, paths, connection)
    folder = next((path for path in paths if os.path.exists(path)), ".")
    root = checkout_of(folder if os.path.isdir(folder) else os.path.dirname(folder) or ".")
    owner = owner_for(os.environ, lambda: origin_of((*paths, ".")))
    return Readings(
        account,
        Manifests(paths, len(compiled.manifests), errors),
        setup_of(root or "."),
        Tool(
            __version__,
            platform.python_version(),
            "" if owner == NO_OWNER else owner,
            _meant(connection),
            or_default(()),
        ),
        pipelines_in(root or "."),
        plan,
    )


def _meant(connection: Connection) -> tuple[str, ...]:
    """The options that another command needs to reach the same API."""
    database = connection.local_db
    return () if database is None else ("--local",) if database == options.DEFAULT_DB else ("--local-db", database)


def _asked(compiled: Compiled, paths: tuple[str, ...], connection: Connection) -> tuple[Account, Plan | Unread]:
    try:
        api = opened(connection).hasty(_ATTEMPTS, _WITHIN)
    except ApiError as error:
        account = without_connection(connection.base_url, error, local=connection.local)
        return account, unread(error, unsent=True)
    return read_account(api, compiled, local=connection.local), _plan(api, compiled, paths, connection)


def _plan(api: Api, compiled: Compiled, paths: tuple[str, ...], connection: Connection) -> Plan | Unread:
    """The plan of an apply, as a reader alone makes it."""
    if not compiled.valid:
        return Unread("the manifests have errors")
    policy = Policy()
    try:
        made = pipeline.make(api, compiled, policy, inquiry(policy, connection, paths), rehearsal=True)
    except ApiError as error:
        return unread(error)
    return made.plan if made.valid else Unread(f"{made.diagnostics[0].position}: {made.diagnostics[0].message}")
