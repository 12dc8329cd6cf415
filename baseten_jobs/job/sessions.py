"""A row of the API -> an interactive session of one node of a job."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from baseten_jobs.job.times import epoch_of


@dataclass(frozen=True)
class InteractiveSession:
    """A session that is active: the API shows no others.

    `code` signs its reader in at `link`, and is a secret. `expires_at` is as the API wrote it, and empty if it is not
    given, as are `tunnel` and `folder`.
    """

    id: str
    node: str
    code: str = field(default="", repr=False)
    link: str = field(default="", repr=False)
    tunnel: str = ""
    folder: str = ""
    expires_at: str = ""

    def left(self, now: float) -> float | None:
        """Seconds until it ends, negative if that is over; None if it is not known."""
        end = epoch_of(self.expires_at)
        return None if end is None else end - now


def sessions_of(rows: Iterable[Mapping[str, Any]]) -> tuple[InteractiveSession, ...]:
    """The sessions in an `auth_codes` of the API; a row without an id is left out."""
    return tuple(_session(row) for row in rows if isinstance(row.get("session_id"), str) and row["session_id"])


def _session(row: Mapping[str, Any]) -> InteractiveSession:
    names = ("session_id", "replica_id", "auth_code", "auth_url", "tunnel_name", "working_directory", "expires_at")
    return InteractiveSession(*(value if isinstance(value := row.get(name), str) else "" for name in names))
