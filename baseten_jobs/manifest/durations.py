"""`10m`, `1h30m` -> seconds."""

import re

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
