"""Capacity limits, GPU usage, and the queue settled in the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from . import jobs
from .catalogue import gpu_type as catalogue_name
from .lifecycle import WAITING, ends_us, holds_gpus
from .queueing import Limits, releases
from .records import Capacity, Job
from .store import Transaction

_WAITING = "SELECT DISTINCT gpu_type FROM jobs WHERE released_us IS NULL AND held_us IS NULL AND committed_us <= ?"


@dataclass(frozen=True)
class Usage:
    """GPUs in use, split by availability model."""

    dedicated: int = 0
    spot: int = 0

    @property
    def total(self) -> int:
        return self.dedicated + self.spot


class CapacityRules:
    """The organisation's limits, which come from the settings, with those of teams, which are stored."""

    def __init__(self, organisation: Iterable[tuple[str, int]]) -> None:
        self.organisation: Mapping[str, int] = {catalogue_name(name) or name: limit for name, limit in organisation}

    def limits(self, transaction: Transaction, gpu_type: str) -> Limits:
        """What may be in use of a GPU type at once."""
        teams = {row.team_id: row.max_gpus for row in team_capacities(transaction) if row.gpu_type == gpu_type}
        return Limits(self.organisation.get(gpu_type), teams)

    def waits(self, transaction: Transaction, gpu_type: str | None, availability_model: str) -> bool:
        """Whether a new job goes through the queue; spot jobs may push usage over the limit."""
        if gpu_type is None or availability_model == "spot":
            return False
        return self.limits(transaction, gpu_type).present

    def settle(self, transaction: Transaction) -> None:
        """Release every job whose turn has come by now; call it before and after a change to the queue."""
        since = transaction.number("queue_changed_us")
        for (gpu_type,) in transaction.rows(_WAITING, transaction.now):
            start = max(since, jobs.first_waiting(transaction, str(gpu_type)))
            pool = jobs.pool(transaction, str(gpu_type), start)
            waiting = [job for job in pool if job.released_us is None and job.held_us is None]
            busy = [job for job in pool if _is_busy(job, start)]
            limits = self.limits(transaction, str(gpu_type))
            for job_id, at in releases(waiting, busy, limits, since, transaction.now).items():
                jobs.release(transaction, job_id, at)

    def is_due(self, transaction: Transaction) -> bool:
        """Whether any job waits, so that a read has to settle the queue first."""
        return transaction.row(f"{_WAITING} LIMIT 1", transaction.now) is not None


def _is_busy(job: Job, start: int) -> bool:
    """Whether a job uses GPUs at some time from `start` on, as far as is known."""
    if job.held_status in WAITING or (job.released_us is None and job.held_status is None):
        return False
    end = ends_us(job)
    return end is None or end > start


def changed(transaction: Transaction) -> None:
    """Note that the queue, its limits or its jobs are different from now on."""
    transaction.run("UPDATE meta SET value = ? WHERE name = 'queue_changed_us'", transaction.now)


def usage(pool: Iterable[Job], now: int, team_id: str | None = None) -> Usage:
    """The GPUs that jobs of a pool use, of one team if given: instance GPUs times nodes."""
    counts = {True: 0, False: 0}
    for job in pool:
        if team_id in (None, job.team_id) and holds_gpus(job, now):
            counts[job.availability_model == "spot"] += job.gpus
    return Usage(dedicated=counts[False], spot=counts[True])


def team_capacities(transaction: Transaction) -> list[Capacity]:
    """The limits of all teams."""
    statement = "SELECT team_id, gpu_type, max_gpus, modified_us FROM team_capacity ORDER BY gpu_type, team_id"
    return [Capacity(*row) for row in transaction.connection.execute(statement)]


def limit_team(transaction: Transaction, team_id: str, gpu_type: str, max_gpus: int) -> Capacity:
    """Set the limit of a team."""
    transaction.run(
        "INSERT OR REPLACE INTO team_capacity VALUES (?, ?, ?, ?)",
        team_id,
        gpu_type,
        max_gpus,
        transaction.now,
    )
    return Capacity(team_id, gpu_type, max_gpus, transaction.now)
