"""A job -> the last lines of its log, read from the end."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.job.times import epoch_of
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.log_pages import LIMIT, LONGEST, LogLine, Reading, begin, line_of

_AFTER_THE_END = 3_600_000
"""Milliseconds after an ended job's last change in which lines may still be dated."""

_MOST = 128 << 20
"""About how many bytes of lines are kept."""


def lines_of(job: ObservedJob, rows: Iterable[Mapping[str, Any]]) -> list[LogLine]:
    """The lines of an answer; raises ApiError where one has no time."""
    try:
        return [line_of(row) for row in rows]
    except ValueError:
        raise ApiError(f"logs of job {job.id}", "the answer holds a line without its time") from None


def tail(api: Api, job: ObservedJob, count: int) -> tuple[LogLine, ...]:
    """The last lines that a job wrote, at most `count`, oldest first; raises ApiError."""
    created = epoch_of(job.created_at) or 0.0
    return last_lines(api, job, begin(int(created * 1000), int(api.clock.wall() * 1000)), count)


def last_lines(
    api: Api,
    job: ObservedJob,
    reading: Reading,
    count: int,
    level: str | None = None,
    holds: Callable[[LogLine], bool] = lambda line: True,
) -> tuple[LogLine, ...]:
    """The last lines that a `reading`, which is at its beginning, would return, at most `count`; raises ApiError.

    `holds` says which lines count. Those of one millisecond beyond a page of them are not shown by the API.
    """
    first, end = reading.first, _end(api, job, reading.until)
    kept, weight = deque[LogLine](), 0
    while len(kept) < count and (end is None or end > first):
        start = max(first, (int(api.clock.wall() * 1000) if end is None else end) - LONGEST)
        rows = api.logs(job.project_id, job.id, start, end, LIMIT, level=level, newest=True)
        lines = reversed(lines_of(job, rows))
        page = [line for line in lines if line.millis >= start and (end is None or line.millis < end)]
        page.sort(key=lambda line: line.nanos)
        end = start
        if len(rows) >= LIMIT and page:
            oldest = page[0].millis
            crowded = page[-1].millis == oldest
            found = sum(map(holds, page))
            # The oldest millisecond may go on in the next page, so it is left to that, unless it is all there is.
            if not crowded and len(kept) + found < count:
                page = [line for line in page if line.millis > oldest]
            end = oldest if crowded else oldest + 1
        for line in filter(holds, reversed(page)):
            if len(kept) == count:
                break
            kept.appendleft(line)
            weight += line.weight
        if weight > _MOST:
            raise ApiError(f"logs of job {job.id}", "so many lines take too much memory; a smaller --tail is needed")
    return tuple(kept)


def _end(api: Api, job: ObservedJob, until: int | None) -> int | None:
    """The time in epoch milliseconds behind the last line; None is now."""
    changed = None if job.live else epoch_of(job.updated_at)
    ends = [] if changed is None else [int(changed * 1000) + _AFTER_THE_END]
    end = min([*ends, *([] if until is None else [until])], default=None)
    return end if end is not None and end < api.clock.wall() * 1000 else None
