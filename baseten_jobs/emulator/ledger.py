"""What the emulator was asked and what it did: every create in the database, counts in memory."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

from .store import Transaction
from .times import iso


class Counts:
    """Requests by endpoint since this emulator started."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, endpoint: str) -> None:
        with self._lock:
            self._counts[endpoint] += 1

    def shown(self) -> dict[str, int]:
        with self._lock:
            return dict(sorted(self._counts.items()))


def note(
    transaction: Transaction, job_name: str | None, project_id: str, fault: str | None, job_id: str | None
) -> None:
    """Enter one create."""
    transaction.run(
        "INSERT INTO ledger (job_name, project_id, fault, job_id, at_us) VALUES (?, ?, ?, ?, ?)",
        job_name,
        project_id,
        fault,
        job_id,
        transaction.now,
    )


def creates(transaction: Transaction) -> list[dict[str, Any]]:
    """Every create in order of arrival."""
    rows = transaction.connection.execute(
        "SELECT seq, job_name, project_id, fault, job_id, at_us FROM ledger ORDER BY seq"
    )
    return [
        {
            "sequence": seq,
            "job_name": job_name,
            "project_id": project_id,
            "fault": fault,
            "job_id": job_id,
            "time": iso(at),
        }
        for seq, job_name, project_id, fault, job_id, at in rows
    ]
