"""`policy.max_duration` and `policy.max_cost` of a manifest -> how long its job may run, and what it may cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from baseten_jobs.manifest.durations import seconds_of


@dataclass(frozen=True)
class RunLimits:
    """How many seconds all runs of one attempt may take together, and what they may cost in USD; None for no limit."""

    seconds: int | None = None
    usd: float | None = None

    def usd_at_most(self, usd_per_hour: float | None) -> float | None:
        """What a run may cost in all, in USD; None if nothing limits it, or if that is not known."""
        by_time = None if self.seconds is None or usd_per_hour is None else usd_per_hour * self.seconds / 3600
        return min((usd for usd in (by_time, self.usd) if usd is not None), default=None)


def run_limits(policy: Mapping[str, Any]) -> RunLimits | None:
    """Returns the limits that a manifest's policy sets; None if it sets none."""
    duration, usd = policy.get("max_duration"), policy.get("max_cost")
    if duration is None and usd is None:
        return None
    return RunLimits(None if duration is None else seconds_of(duration), None if usd is None else float(usd))
