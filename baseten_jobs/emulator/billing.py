"""The times in which jobs ran -> what they are billed, by job and by day (`UsageSummary`); pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from .catalogue import INSTANCE_TYPES
from .lifecycle import Window, cost_money
from .records import Job
from .shapes import instance_of
from .times import DAY, MINUTE, iso_seconds

LONGEST = 31 * DAY
_CENT = Decimal("0.01")
_PRICES = {machine.id: Decimal(str(machine.price)) for machine in INSTANCE_TYPES}


@dataclass(frozen=True)
class Usage:
    """What one job used within a window. Amounts are texts, as the API may send them."""

    job: Job
    within: Window

    @cached_property
    def micros(self) -> int:
        return self.within.end_us - self.within.start_us

    @cached_property
    def usd(self) -> Decimal:
        return self._usd(self.micros)

    def _usd(self, micros: int) -> Decimal:
        price = _PRICES.get(instance_of(self.job)["id"], Decimal(0))
        return (price * self.job.node_count * micros / MINUTE).quantize(_CENT)

    @property
    def minutes(self) -> int:
        return self.micros // MINUTE

    def shown(self) -> dict[str, object]:
        return {
            "billable_resource": {
                "id": self.job.id,
                "kind": "TRAINING_JOB",
                "name": self.job.name,
                "is_deleted": False,
                "instance_type": instance_of(self.job)["name"],
            },
            "subtotal": str(self.usd),
            "minutes": self.minutes,
            "daily": list(self._days()),
        }

    def _days(self) -> Iterator[dict[str, object]]:
        start = self.within.start_us
        while start < self.within.end_us:
            end = min(self.within.end_us, start - start % DAY + DAY)
            usd = str(self._usd(end - start))
            yield {"date": iso_seconds(start)[:10], "subtotal": usd, "minutes": (end - start) // MINUTE}
            start = end


def usages(jobs: Iterable[Job], window: Window, now: int) -> Iterator[Usage]:
    """What each job used within a window, those left out that used nothing."""
    for job in jobs:
        running = cost_money(job, now)
        if running is None:
            continue
        start, end = max(running.start_us, window.start_us), min(running.end_us, window.end_us)
        if start < end:
            yield Usage(job, Window(start, end))


def summary(jobs: Iterable[Job], window: Window, now: int) -> dict[str, object]:
    """The bill for a window; training is null where no job used anything."""
    found = tuple(usages(jobs, window, now))
    total = str(sum((usage.usd for usage in found), Decimal("0.00")))
    training = {
        "subtotal": total,
        "credits_used": "0",
        "total": total,
        "minutes": sum(usage.minutes for usage in found),
        "breakdown": [usage.shown() for usage in found],
    }
    return {"dedicated_usage": None, "training_usage": training if found else None, "model_apis_usage": None}
