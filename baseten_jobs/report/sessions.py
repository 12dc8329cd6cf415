"""Interactive sessions of jobs -> a table, and fields for JSON; their codes masked unless they may be shown."""

from collections.abc import Mapping, Sequence
from typing import Any

from baseten_jobs.job.observation import short
from baseten_jobs.job.sessions import InteractiveSession
from baseten_jobs.job.times import age
from baseten_jobs.phrases import Page, one_line, page
from baseten_jobs.provider.job_sessions import JobSessions
from baseten_jobs.report import job_fields
from baseten_jobs.report.style import PLAIN, Look
from baseten_jobs.report.table import table
from baseten_jobs.secrecy import MASK, Values

_HEADS = ("NODE", "STATE", "TIME LEFT", "CODE", "LINK", "TUNNEL", "FOLDER")
_DROPPED = ("FOLDER", "TUNNEL")


def sessions(every: Sequence[JobSessions], look: Look = PLAIN) -> Page:
    lines: list[str] = []
    for each in every:
        job = f"{each.name}  {one_line(short(each.job.status), 20)}  job {one_line(each.job.id, 40)}"
        lines += ["", job] if lines else [job]
        if each.trouble:
            lines += [f"    sessions can't be read: {one_line(str(each.trouble), 300)}"]
        elif not each.sessions:
            lines += ["    no active session; Baseten shows active ones only"]
        else:
            lines += table(_HEADS, [_row(one, each.read_at, look) for one in each.sessions], look, drop=_DROPPED)
    return page(lines)


def json(every: Sequence[JobSessions], look: Look = PLAIN) -> Page:
    return job_fields.document({"sessions": [_data(each, look) for each in every]})


def time_left(session: InteractiveSession, now: float) -> str:
    left = session.left(now)
    return "not told" if left is None else age(left) if left > 0 else "none"


def _data(each: JobSessions, look: Look) -> Mapping[str, Any]:
    return {
        "name": each.name,
        "job": job_fields.job(each.job),
        "sessions": [_fields(session, each.read_at, look) for session in each.sessions],
        **({"error": str(each.trouble)} if each.trouble else {}),
    }


def _fields(session: InteractiveSession, now: float, look: Look) -> Mapping[str, Any]:
    left, (code, link) = session.left(now), _signing_in(session, look)
    return {
        "session_id": session.id,
        "node": session.node,
        "state": _state(session, now),
        "seconds_left": None if left is None else max(0, int(left)),
        "expires_at": session.expires_at or None,
        "auth_code": code,
        "auth_url": link,
        "tunnel_name": session.tunnel or None,
        "working_directory": session.folder or None,
    }


def _row(session: InteractiveSession, now: float, look: Look) -> tuple[str, ...]:
    code, link = _signing_in(session, look)
    places = (one_line(each, 200) for each in (code, link, session.tunnel, session.folder))
    return one_line(session.node, 20), _state(session, now), time_left(session, now), *places


def _state(session: InteractiveSession, now: float) -> str:
    left = session.left(now)
    return "active" if left is None or left > 0 else "expired"


def _signing_in(session: InteractiveSession, look: Look) -> tuple[str, str]:
    """The code and the link as they may be shown: a link may hold the code, in its query for one."""
    if look.values is Values.ALL:
        return session.code, session.link
    bare = session.link.partition("?")[0].partition("#")[0]
    for code in (session.code, session.code.replace("-", "")):
        bare = bare.replace(code, MASK) if code else bare
    return MASK if session.code else "", bare
