"""Epoch microseconds, the emulator's only unit of time, to and from the forms of the wire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE

_EPOCH = datetime(1970, 1, 1)


def micros(seconds: float) -> int:
    """Seconds as whole microseconds."""
    return round(seconds * SECOND)


def iso(at: int) -> str:
    """ISO 8601 in UTC with microseconds and `Z`."""
    return (_EPOCH + timedelta(microseconds=at)).isoformat(timespec="microseconds") + "Z"


def iso_seconds(at: int) -> str:
    """ISO 8601 in UTC, cut to whole seconds."""
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
