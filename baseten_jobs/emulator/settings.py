"""Everything that one embedded API is told before it starts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .faults import Fault


@dataclass(frozen=True)
class Durations:
    """How long a job stays in each status, how often it saves a checkpoint and writes a log line; seconds."""

    created: float = 1.0
    deploying: float = 2.0
    running: float = 60.0
    checkpoint: float = 20.0
    line: float = 1.0


@dataclass(frozen=True)
class Files:
    """What a job leaves: how many files a checkpoint has on each node, how large one is on average, in bytes, and for
    how many seconds a presigned link to one opens it."""

    count: int = 3
    size: int = 1024
    link: float = 900.0


@dataclass(frozen=True)
class Behaviour:
    """Globs over job names: which jobs wait for ever, fail, fail to deploy, or are preempted or stall once they ran."""

    queue: tuple[str, ...] = ()
    fail: tuple[str, ...] = ()
    deploy_fail: tuple[str, ...] = ()
    preempt: tuple[str, ...] = ()
    stall: tuple[str, ...] = ()


@dataclass(frozen=True)
class Settings:
    """One embedded API.

    `api_key` None accepts any key that is not empty. `secrets` are names in the default team, or
    `TEAM/NAME`. `capacity` pairs a GPU type with the number that may be in use at once. `clock`
    gives epoch seconds, and time passes `speed` times as fast as it says; None keeps the speed that
    the database has, 1 at first. `sleep` None waits for real, but no longer than the API is open.
    """

    database: Path
    api_key: str | None = field(default=None, repr=False)
    seed: int = 0
    faults: tuple[Fault, ...] = ()
    latency: float = 0.0
    durations: Durations = Durations()
    files: Files = Files()
    behaviour: Behaviour = Behaviour()
    teams: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    capacity: tuple[tuple[str, int], ...] = ()
    clock: Callable[[], float] = time.time
    speed: float | None = None
    sleep: Callable[[float], None] | None = None
