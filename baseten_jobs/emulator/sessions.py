"""A job's interactive sessions: which there are, which are open, and what a change makes of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .identifiers import derived_identifier
from .lifecycle import FAILED, RUNNING, moment, ran
from .logs import replica
from .records import Job
from .store import Transaction
from .times import MINUTE, iso

# The API's meaning of -1: ten years.
_FOR_EVER = 10 * 365 * 24 * 60


@dataclass(frozen=True)
class NodeSession:
    """The session of one node."""

    id: str
    rank: int
    trigger: str
    timeout_minutes: int
    session_provider: str
    auth_provider: str
    open: bool
    opened_us: int | None
    expires_us: int | None

    @property
    def auth_code(self) -> str:
        code = derived_identifier(self.id, "code").upper()
        return f"{code[:4]}-{code[3:]}"

    @property
    def auth_url(self) -> str:
        if self.auth_provider == "microsoft":
            return "https://microsoft.com/devicelogin"
        return "https://github.com/login/device"

    @property
    def tunnel_name(self) -> str:
        return f"training-{self.id}"

    def shown_code(self) -> dict[str, Any]:
        """The session as `auth_codes` shows it (`AuthCodeV1`)."""
        return {
            "session_id": self.id,
            "replica_id": replica(self.rank),
            "auth_code": self.auth_code,
            "auth_url": self.auth_url,
            "generated_at": _iso(self.opened_us),
            "tunnel_name": self.tunnel_name,
            "expires_at": _iso(self.expires_us),
            "working_directory": "/b10/workspace",
        }

    def shown(self) -> dict[str, Any]:
        """The session as its PATCH shows it (`InteractiveSessionV1`)."""
        return {
            "id": self.id,
            "trigger": self.trigger,
            "timeout_minutes": self.timeout_minutes,
            "session_provider": self.session_provider,
            "auth_provider": self.auth_provider,
            "pod_name": replica(self.rank),
            "expires_at": _iso(self.expires_us),
            "tunnel_name": self.tunnel_name if self.open else None,
            "auth_code": self.auth_code if self.open else None,
            "auth_url": self.auth_url if self.open else None,
            "auth_code_generated_at": _iso(self.opened_us),
            "authenticated_at": None,
            "working_directory": "/b10/workspace",
        }


def sessions(transaction: Transaction, job: Job, body: Mapping[str, Any]) -> list[NodeSession]:
    """The sessions of a job, one a node; none unless its body asks for them."""
    asked = body.get("interactive_session")
    if asked is None:
        return []
    changes = {
        str(row[0]): (str(row[1]), int(str(row[2])))
        for row in transaction.rows("SELECT id, trigger, extra_minutes FROM sessions WHERE job_id = ?", job.id)
    }
    found = []
    for rank in range(job.node_count):
        session_id = derived_identifier(job.id, "session", rank)
        trigger, extra = changes.get(session_id, (asked.get("trigger", "on_demand"), 0))
        plain = NodeSession(
            id=session_id,
            rank=rank,
            trigger=trigger,
            timeout_minutes=minutes(minutes(asked.get("timeout_minutes", 480)) + extra),
            session_provider=asked.get("session_provider", "vs_code"),
            auth_provider=asked.get("auth_provider", "github"),
            open=False,
            opened_us=None,
            expires_us=None,
        )
        found.append(_opened(plain, job, transaction.now))
    return found


def change(transaction: Transaction, job: Job, session: NodeSession, trigger: str, extra_minutes: int) -> None:
    """Set a session's trigger and add minutes to its timeout."""
    transaction.run(
        "INSERT INTO sessions VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE"
        " SET trigger = excluded.trigger, extra_minutes = extra_minutes + excluded.extra_minutes",
        session.id,
        job.id,
        trigger,
        extra_minutes,
    )


def minutes(value: int) -> int:
    """A number of minutes as sent, where -1 stands for ten years, which is also the most there is."""
    return _FOR_EVER if value == -1 else max(0, min(value, _FOR_EVER))


def _opened(session: NodeSession, job: Job, now: int) -> NodeSession:
    """Open the session if its trigger has fired: failure, or else the start of the run."""
    status, since = moment(job, now)
    window = ran(job, now)
    if session.trigger == "on_failure":
        opened = since if status == FAILED else None
    else:
        opened = window.start_us if status == RUNNING and window is not None else None
    if opened is None:
        return session
    expires = opened + session.timeout_minutes * MINUTE
    return replace(session, open=now < expires, opened_us=opened, expires_us=expires)


def _iso(at: int | None) -> str | None:
    return None if at is None else iso(at)
