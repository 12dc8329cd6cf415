"""`session`: the interactive sessions of manifests' jobs, and more time for them."""

import os
from collections.abc import Sequence

import click

from baseten_jobs.cli import job_names, job_options, options, sink
from baseten_jobs.cli.exits import Exit, worst
from baseten_jobs.cli.helped import HelpedCommand
from baseten_jobs.cli.job_names import Asked
from baseten_jobs.cli.job_of_name import narrowed
from baseten_jobs.cli.session import Session, guarded, opened
from baseten_jobs.job.sessions import InteractiveSession
from baseten_jobs.phrases import count, one_line, page
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.connection import Connection
from baseten_jobs.provider.api.errors import ApiError, NotSent
from baseten_jobs.provider.job_sessions import JobSessions
from baseten_jobs.provider.session_reader import read_sessions
from baseten_jobs.report import formats
from baseten_jobs.report.sessions import time_left
from baseten_jobs.secrecy import Values

_MOST_MINUTES = 527_040
"""A year."""


@click.command("session", cls=HelpedCommand)
@click.option(
    "--extend", type=click.IntRange(1, _MOST_MINUTES), metavar="MINUTES", help="Give each active session more time."
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
@click.option("--show-values", is_flag=True, help="Show codes where there is no terminal, in CI and in JSON, too.")
@job_options.jobs("The sessions of this job, managed or not.")
@options.output(*formats.SESSIONS)
@options.connection
def command(
    extend: int | None,
    yes: bool,
    show_values: bool,
    asked: Asked,
    output: str,
    connection: Connection,
) -> Exit:
    """Show the active interactive sessions of jobs: the code and the link to sign in with, and the time left.

    NAME may be a glob, such as 'lr-*'. A code lets its reader into the job, so that it is shown on a terminal only.
    Baseten shows no session that is not active.
    """
    private = output == "text" and sink.is_terminal() and not (os.environ.get("CI") or sink.read_by_runner())
    session = Session(output, Values.ALL if show_values or private else Values.PLAIN)

    def work() -> Exit:
        api = opened(connection)
        jobs, _ = job_names.named_jobs(session, api, narrowed(session, api, asked))
        chosen = [(each.name, each.job) for each in jobs]
        every, code = read_sessions(api, chosen), Exit.DONE
        if extend is not None:
            code = _extended(session, api, every, extend, yes)
            if code in (Exit.REFUSED, Exit.UNAUTHORISED) or not any(each.sessions for each in every):
                return code
            every = read_sessions(api, chosen)
        session.result(formats.SESSIONS[output](every, session.look()))
        if any(one.code for each in every for one in each.sessions) and session.values is not Values.ALL:
            session.note("codes are masked here; --show-values shows them")
        return worst([code, job_names.told_troubles(session, every)])

    return guarded(session, work)


def _extended(session: Session, api: Api, every: Sequence[JobSessions], minutes: int, yes: bool) -> Exit:
    """List the sessions, ask, and give each more time once: a call without an answer may have done it."""
    found = [(each, one) for each in every for one in each.sessions]
    if not found:
        job_names.told_troubles(session, every)
        return session.fail("there is no active session, so nothing was extended", Exit.FAILED)
    session.note(page(_listed(each.name, one, each.read_at) for each, one in found))
    asked = f"Extend {count(len(found), 'session')} by {count(minutes, 'minute')}?"
    if not yes and not sink.confirmed(asked):
        return session.fail("not confirmed, so nothing was extended; --yes confirms", Exit.REFUSED)
    failed = False
    for each, one in found:
        try:
            api.extend_session(each.job.project_id, each.job.id, one.id, minutes)
        except ApiError as error:
            failed = True
            unknown = "; it may have been extended, which its time left tells" if _unclear(error) else ""
            told = f"session {one_line(one.id, 40)} of {each.name} could not be extended: {error}{unknown}"
            if error.status == 401:
                return session.fail(told, Exit.UNAUTHORISED)
            session.error(told)
    return Exit.FAILED if failed else Exit.DONE


def _listed(name: str, session: InteractiveSession, now: float) -> str:
    place = f"{one_line(session.node, 20)}  session {one_line(session.id, 40)}"
    return f"  {name}  {place}  time left: {time_left(session, now)}"


def _unclear(error: ApiError) -> bool:
    """True if the server may have done what it was asked."""
    if isinstance(error, NotSent):
        return False
    return error.status is None or error.status >= 500 or error.status < 300
