"""Pages of a job's log -> the lines that are new, and the window to ask for next.

The API shows at most 1000 lines of at most 7 days at a time, and its windows begin at whole milliseconds. Nodes write
at once and the lines of one may come late, so that what was read is read again, and every line counted: a line is
told as often as a window holds it, and no more.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

LIMIT = 1000
"""The most lines that one page may have."""

LONGEST = 6 * 86_400_000
"""Milliseconds that one window may span: the API allows 7 days, by its own clock."""

_REMEMBERED = 90_000
"""The most milliseconds before the newest line that are read again without showing a line twice."""

_MOST = 128 << 20
"""The most memory for the lines of the overlap: their characters, and `_EACH` more for every line."""

_EACH = 100

_NANOS = 1_000_000


class LogLine(NamedTuple):
    """One line as the job wrote it; the time is in epoch nanoseconds."""

    nanos: int
    message: str
    replica: str | None = None
    level: str | None = None

    @property
    def millis(self) -> int:
        return self.nanos // _NANOS

    @property
    def weight(self) -> int:
        """About the bytes that the line takes in memory."""
        return len(self.message) + _EACH


def line_of(row: Mapping[str, Any]) -> LogLine:
    """Return the line of a `LogV1` of the API; raises ValueError if it has no time."""
    replica, level = row.get("replica"), row.get("level")
    return LogLine(
        int(str(row.get("timestamp"))),
        str(row.get("message") or ""),
        replica if isinstance(replica, str) else None,
        level if isinstance(level, str) else None,
    )


class LogWindow(NamedTuple):
    """The times to ask for, in epoch milliseconds; an end of None is now."""

    start: int
    end: int | None = None


@dataclass(frozen=True)
class Reading:
    """How far a log is read: the window to ask for next, and how often each of the newest lines was returned already.

    `whole` says that everything up to now was read; `crowded` counts milliseconds with more lines than a page holds,
    of which the API shows no more than that. Lines from before `forgotten` are remembered no longer. `newest` is never
    later than now: a node whose clock is ahead hides no line of the others. `weight` is that of the lines in `told`.
    Lines from `until` on are not read.
    """

    window: LogWindow
    first: int
    newest: int = 0
    told: Mapping[LogLine, int] = field(default_factory=dict, repr=False)
    whole: bool = False
    crowded: int = 0
    forgotten: int = 0
    weight: int = 0
    until: int | None = None

    @property
    def endless(self) -> bool:
        """True if one moment has more lines than any job writes, so that reading on would never pass it."""
        return self.weight > _MOST


def begin(start: int, now: int, until: int | None = None) -> Reading:
    """Return where to begin to read what was written from `start` on, before `until`; in epoch milliseconds."""
    until = until if until is not None and until < now else None
    return Reading(_window(start, now, until), start, whole=until is not None and start >= until, until=until)


def again(reading: Reading, overlap: int, now: int) -> Reading:
    """Return where to read on, with the last `overlap` milliseconds before the newest line read again."""
    start = reading.window.start
    if reading.newest:
        start = max(reading.first, reading.newest - min(overlap, _REMEMBERED))
    return replace(reading, window=_window(start, now, reading.until), whole=False)


def read(
    reading: Reading, page: Iterable[LogLine], now: int, limit: int = LIMIT
) -> tuple[Reading, tuple[LogLine, ...]]:
    """Take the page of at most `limit` lines that the window asked for; the new lines in it, oldest first."""
    lines = sorted(page, key=lambda line: line.nanos)
    full = len(lines) >= limit
    lines = [line for line in lines if line.millis >= reading.window.start]
    full = full and bool(lines)
    crowded = False
    if full:
        # The last millisecond may go on behind the page, so it is left to the next one.
        last = lines[-1].millis
        crowded = lines[0].millis == last
        following = last + 1 if crowded else last
        lines = lines if crowded else [line for line in lines if line.millis < last]
    else:
        following = reading.window.end or reading.window.start
    counts = Counter(lines)
    new = _unseen(lines, reading.told)
    newest = max(reading.newest, min(lines[-1].millis, now) if lines else 0)
    forgotten = reading.forgotten
    weight = reading.weight + sum(line.weight for line in counts if line not in reading.told)
    told = {**reading.told, **{line: max(n, reading.told.get(line, 0)) for line, n in counts.items()}}
    if newest - forgotten > 2 * _REMEMBERED:
        forgotten = newest - _REMEMBERED
        told = {line: count for line, count in told.items() if line.millis >= forgotten}
        weight = sum(line.weight for line in told)
    over = reading.until is not None and following >= reading.until
    return Reading(
        window=_window(following, now, reading.until),
        first=reading.first,
        newest=newest,
        told=told,
        forgotten=forgotten,
        weight=weight,
        whole=over or (not full and reading.window.end is None),
        crowded=reading.crowded + crowded,
        until=reading.until,
    ), new


def _window(start: int, now: int, until: int | None) -> LogWindow:
    end = now if until is None else until
    return LogWindow(start, start + LONGEST if end - start > LONGEST else until)


def _unseen(lines: Iterable[LogLine], told: Mapping[LogLine, int]) -> tuple[LogLine, ...]:
    left, new = Counter(lines), []
    left.subtract({line: told.get(line, 0) for line in left})
    for line in lines:
        if left[line] > 0:
            left[line] -= 1
            new.append(line)
    return tuple(new)
