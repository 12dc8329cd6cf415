"""Training jobs in the database: found, listed, created, changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .errors import not_found
from .lifecycle import RUNNING
from .records import Job
from .store import Transaction

_COLUMNS = ", ".join(Job._fields)
_ALL_COLUMNS = f"{_COLUMNS}, visible_us, body"
_INSERT = f"INSERT INTO jobs ({_ALL_COLUMNS}) VALUES ({', '.join('?' * (len(Job._fields) + 2))})"


@dataclass(frozen=True)
class NewJob:
    """A job about to be stored: its row, when search first shows it, and its `training_job` as JSON."""

    job: Job
    visible_us: int
    body: str


def insert(transaction: Transaction, new: Iterable[NewJob]) -> None:
    """Store jobs."""
    transaction.connection.executemany(_INSERT, ((*item.job, item.visible_us, item.body) for item in new))


def find(transaction: Transaction, job_id: str, project_id: str | None = None) -> Job:
    """A committed job, in the project if one is given; a Refusal if there is none."""
    row = transaction.connection.execute(
        f"SELECT {_COLUMNS} FROM jobs WHERE id = ? AND committed_us <= ?", (job_id, transaction.now)
    ).fetchone()
    if row is None or project_id not in (None, row[2]):
        raise not_found("training job", job_id)
    return Job._make(row)


def body(transaction: Transaction, job_id: str) -> dict[str, Any]:
    """The `training_job` of the body that created a job."""
    row = transaction.connection.execute("SELECT body FROM jobs WHERE id = ?", (job_id,)).fetchone()
    loaded: dict[str, Any] = json.loads(row[0])
    return loaded


def listed(
    transaction: Transaction,
    *,
    project_id: str | None = None,
    job_id: str | None = None,
    ascending: bool = False,
    hidden: bool = False,
) -> Iterator[Job]:
    """The jobs that a search shows by now, by creation time; with `hidden` those too that it does not show yet."""
    conditions = ["committed_us <= ?" if hidden else "visible_us <= ?"]
    filters: list[object] = [transaction.now]
    for column, wanted in (("project_id", project_id), ("id", job_id)):
        if wanted is not None:
            conditions.append(f"{column} = ?")
            filters.append(wanted)
    direction = "ASC" if ascending else "DESC"
    cursor = transaction.connection.execute(
        f"SELECT {_COLUMNS} FROM jobs WHERE {' AND '.join(conditions)}"
        f" ORDER BY created_us {direction}, seq {direction}",
        filters,
    )
    return map(Job._make, cursor)


def latest(transaction: Transaction, project_id: str) -> Job | None:
    """The most recently created job of a project that a search shows by now."""
    row = transaction.connection.execute(
        f"SELECT {_COLUMNS} FROM jobs WHERE project_id = ? AND visible_us <= ?"
        " ORDER BY created_us DESC, seq DESC LIMIT 1",
        (project_id, transaction.now),
    ).fetchone()
    return None if row is None else Job._make(row)


def pool(transaction: Transaction, gpu_type: str, since: int = 0) -> list[Job]:
    """Every committed job on GPUs of a type, but for those that ended by themselves before `since`."""
    cursor = transaction.connection.execute(
        f"SELECT {_COLUMNS} FROM jobs WHERE gpu_type = ? AND committed_us <= ?"
        " AND (held_us IS NOT NULL OR released_us IS NULL"
        " OR outcome = ? OR released_us + created_for + deploying_for + running_for >= ?) ORDER BY seq",
        (gpu_type, transaction.now, RUNNING, since),
    )
    return list(map(Job._make, cursor))


def first_waiting(transaction: Transaction, gpu_type: str) -> int:
    """When the oldest job that waits for GPUs of a type was committed; there has to be one."""
    row = transaction.connection.execute(
        "SELECT MIN(committed_us) FROM jobs WHERE gpu_type = ? AND released_us IS NULL AND held_us IS NULL",
        (gpu_type,),
    ).fetchone()
    return int(row[0])


def name_is_taken(transaction: Transaction, project_id: str, name: str) -> bool:
    """Whether a job of the project has this name."""
    return transaction.row("SELECT 1 FROM jobs WHERE project_id = ? AND name = ?", project_id, name) is not None


def hold(transaction: Transaction, job: Job, status: str | None, message: str | None) -> None:
    """Force a status from now on; None gives a job back to its own course."""
    held_us = None if status is None else transaction.now
    transaction.run(
        "UPDATE jobs SET held_status = ?, held_us = ?, touched_us = ?, error_message = ? WHERE id = ?",
        status,
        held_us,
        transaction.now,
        message,
        job.id,
    )


def reschedule(transaction: Transaction, job: Job, priority: int, availability_model: str) -> None:
    """Change what the queue goes by."""
    transaction.run(
        "UPDATE jobs SET priority = ?, availability_model = ?, touched_us = ? WHERE id = ?",
        priority,
        availability_model,
        transaction.now,
        job.id,
    )


def release(transaction: Transaction, job_id: str, at: int) -> None:
    """Let a job leave the queue at a time."""
    transaction.run("UPDATE jobs SET released_us = ? WHERE id = ?", at, job_id)


def delete(transaction: Transaction, job_id: str) -> None:
    """Delete a job and all that belongs to it."""
    transaction.run("DELETE FROM jobs WHERE id = ?", job_id)
