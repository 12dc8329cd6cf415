"""A timestamp -> seconds; and seconds -> how a person reads an age, or a time."""

from datetime import UTC, datetime

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


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


def moment(seconds: float) -> str:
    """Returns epoch seconds as `2026-11-22T10:00:00Z`; only the number if that is no valid date."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError, OSError):
        return f"{seconds:.0f}"


def clock_time(nanos: int) -> str:
    """Returns epoch nanoseconds as `2026-11-22T10:00:00.123Z`, in UTC; only the number if that is no valid date."""
    seconds, rest = divmod(nanos, 10**9)
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return str(nanos)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest // 10**6:03}Z"
