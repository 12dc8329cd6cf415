"""Rows of a bill -> what each job was billed, day by day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import fsum, isfinite
from typing import Any, NamedTuple


class BilledDay(NamedTuple):
    """A day in UTC, such as `2026-11-22`, and what a job took on it: USD and seconds."""

    date: str
    usd: float
    seconds: float


@dataclass(frozen=True)
class Bill:
    """What one job was billed so far; its `days` may be fewer than it ran on, where the API does not tell them."""

    usd: float
    seconds: float | None
    days: tuple[BilledDay, ...] = ()

    def and_also(self, other: Bill) -> Bill:
        """The bill of both, for two windows of time that do not overlap."""
        both = None if None in (self.seconds, other.seconds) else (self.seconds or 0.0) + (other.seconds or 0.0)
        return Bill(fsum((self.usd, other.usd)), both, (*self.days, *other.days))


@dataclass(frozen=True)
class Bills:
    """The bills by job id, for all days from `since` on, in epoch seconds; `unread` says why there are none."""

    by_id: Mapping[str, Bill] = field(default_factory=dict)
    since: float = 0.0
    unread: str = ""


def bills_in(rows: Iterable[Mapping[str, Any]]) -> Mapping[str, Bill]:
    """The bill of each job in rows of `training_usage.breakdown`; a row without an id or an amount is left out.

    An amount may be a number, or a text that is one.
    """
    found: dict[str, Bill] = {}
    for row in rows:
        of = row.get("billable_resource")
        job_id, usd = of.get("id") if isinstance(of, dict) else None, _number(row.get("subtotal"))
        if isinstance(job_id, str) and usd is not None:
            minutes = _number(row.get("minutes"))
            bill = Bill(usd, None if minutes is None else minutes * 60, tuple(_days(row.get("daily"))))
            found[job_id] = found[job_id].and_also(bill) if job_id in found else bill
    return found


def _days(rows: object) -> Iterable[BilledDay]:
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and isinstance(row.get("date"), str):
            usd, minutes = _number(row.get("subtotal")), _number(row.get("minutes"))
            if usd is not None:
                yield BilledDay(row["date"][:10], usd, (minutes or 0.0) * 60)


def _number(amount: object) -> float | None:
    try:
        found = (
            float(amount) if isinstance(amount, (int, float, str)) and not isinstance(amount, bool) else float("nan")
        )
    except (ValueError, OverflowError):
        return None
    return found if isfinite(found) and found >= 0 else None
