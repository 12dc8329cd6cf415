"""A job's course and start commands to its log lines, the same for the same job every time; pure."""

from __future__ import annotations

import heapq
import itertools
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from .lifecycle import (
    COMPLETED,
    CREATED,
    DEPLOY_FAILED,
    DEPLOYING,
    FAILED,
    PENDING,
    PREEMPTED,
    STOPPED,
    Window,
    history,
    ran,
    worked,
)
from .records import Job
from .times import SECOND

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

_LEADER = "g00r0"


class Line(NamedTuple):
    """One log line; the time is epoch nanoseconds."""

    nanos: int
    level: str | None
    message: str
    replica: str | None

    def shown(self) -> dict[str, object]:
        """The line as the API shows it (`LogV1`)."""
        return {
            "timestamp": str(self.nanos),
            "message": self.message,
            "replica": self.replica,
            "request_id": None,
            "level": self.level,
        }


@dataclass(frozen=True)
class Query:
    """Which lines are asked for: from `start_us` up to, not including, `end_us`; a job writes one `every_us`."""

    start_us: int
    end_us: int
    limit: int
    newest_first: bool
    min_level: str | None
    every_us: int = SECOND


def replica(rank: int) -> str:
    """The name of a node's replica."""
    return f"g00r{rank}"


def lines(job: Job, body: Mapping[str, Any], now: int, query: Query) -> list[Line]:
    """The lines that a query selects."""
    fixed = sorted(_fixed(job, body, now), reverse=query.newest_first, key=lambda line: line.nanos)
    window = worked(job, now)
    steps = iter(()) if window is None else _steps(job, window, query)
    merged = heapq.merge(fixed, steps, key=lambda line: line.nanos, reverse=query.newest_first)
    return list(itertools.islice((line for line in merged if _selected(line, query)), query.limit))


def _selected(line: Line, query: Query) -> bool:
    if not query.start_us * 1000 <= line.nanos < query.end_us * 1000:
        return False
    if query.min_level is None:
        return True
    return line.level is not None and LEVELS.index(line.level) >= LEVELS.index(query.min_level)


def _fixed(job: Job, body: Mapping[str, Any], now: int) -> Iterator[Line]:
    """The lines of which every job has a few: its statuses and its start commands; none while it is queued."""
    messages = {
        CREATED: ("INFO", "training job created"),
        DEPLOYING: ("INFO", f"pulling image {body['image']['base_image']}"),
        COMPLETED: ("INFO", "training job completed"),
        FAILED: ("ERROR", job.error_message or "start command exited with code 1"),
        DEPLOY_FAILED: ("ERROR", job.error_message or "the image could not be pulled"),
        STOPPED: ("WARNING", "training job stopped by a user"),
        PREEMPTED: ("WARNING", "training job preempted"),
    }
    so_far = list(history(job, now))
    if all(moment.status in (PENDING, CREATED) for moment in so_far):
        return
    for moment in so_far:
        if moment.status in messages:
            level, message = messages[moment.status]
            yield Line(moment.since_us * 1000, level, message, None)
    window = ran(job, now)
    if window is None:
        return
    commands = body.get("runtime", {}).get("start_commands", [])
    for rank, (index, command) in itertools.product(range(job.node_count), enumerate(commands)):
        nanos = window.start_us * 1000 + index * 1_000_000 + rank * 1_000
        if nanos < window.end_us * 1000:
            yield Line(nanos, None, f"+ {command}", replica(rank))


def _steps(job: Job, window: Window, query: Query) -> Iterator[Line]:
    """One line each `every_us` while the job runs; only those near the queried window are made."""
    first = max(1, (query.start_us - window.start_us) // query.every_us)
    last = min((min(query.end_us, window.end_us) - 1 - window.start_us) // query.every_us, 10**9)
    numbers = range(first, last + 1)
    for number in reversed(numbers) if query.newest_first else numbers:
        yield _step_line(job, (window.start_us + number * query.every_us) * 1000, number)


def _step_line(job: Job, nanos: int, number: int) -> Line:
    noise = zlib.crc32(f"{job.id}:{number}".encode()) / 2**32
    if number % 25 == 0:
        return Line(nanos, "WARNING", f"step {number}: data loading took {noise:.2f} s", _LEADER)
    if number % 10 == 0:
        return Line(nanos, "DEBUG", f"step {number}: learning rate {1e-4 / (1 + number / 1000):.3e}", _LEADER)
    return Line(nanos, "INFO", f"step {number}: loss {0.5 + 3 / (1 + number / 20) + noise / 10:.4f}", _LEADER)
