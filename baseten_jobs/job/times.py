"""`10m`, `1h30m`, a timestamp -> seconds; and seconds -> how a person reads an age."""

import re
from datetime import UTC, datetime

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?")
LONGEST = 10 * 366 * 86_400
"""The longest duration, in seconds: ten years, so that a time that far from now is still a valid date."""


def seconds_of(duration: str) -> int | None:
    """Returns the seconds in `90s`, `10m`, `2h`, `1h30m` or `3d`, or None for other text."""
    read = _DURATION.fullmatch(duration)
    if not duration or not read or any(len(number or "") > 9 for number in read.groups()):
        return None
    seconds = sum(int(number or 0) * unit for number, unit in zip(read.groups(), _UNITS.values(), strict=True))
    return seconds if seconds <= LONGEST else None


def epoch_of(timestamp: str) -> float | None:
    """Returns the epoch seconds of an ISO 8601 timestamp, or None for other text; without a zone it is in UTC."""
    try:
        moment = datetime.fromisoformat(timestamp)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def age(seconds: float) -> str:
    """Returns `45s`, `10m`, `2h14m` or `5d3h` for a number of seconds: two units from an hour on."""
    left, parts = max(0, int(seconds)), []
    for unit, size in _UNITS.items():
        number, left = divmod(left, size)
        if number:
            parts.append(f"{number}{unit}")
        if parts and unit in ("m", "s"):
            break
    return "".join(parts[:2]) or "0s"


def clock_time(nanos: int) -> str:
    """Returns epoch nanoseconds as `2026-11-22T10:00:00.123Z`, in UTC; only the number if that is no valid date."""
    seconds, rest = divmod(nanos, 10**9)
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return str(nanos)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest // 10**6:03}Z"
