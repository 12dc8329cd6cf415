"""`policy.max_duration` and `policy.max_cost` of a manifest -> what its runs may take, and whether they took it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from baseten_jobs.manifest.durations import seconds_of


@dataclass(frozen=True)
class Range:
    """At least and at most so much; `most` is None where nothing bounds it."""

    least: float = 0.0
    most: float | None = None

    def reaches(self, limit: float | None) -> bool:
        """True if it may be the limit, or more."""
        return limit is not None and (self.most is None or self.most >= limit)

    def exceeds(self, limit: float | None) -> bool:
        """True if it is the limit, or more, for sure."""
        return limit is not None and self.least >= limit


@dataclass(frozen=True)
class Spending:
    """What runs took together: seconds, and USD. `begun` is True if each run that lives has a first log line."""

    seconds: Range
    usd: Range
    begun: bool = True


@dataclass(frozen=True)
class RunLimits:
    """How many seconds all runs of one attempt may take together, and what they may cost in USD; None for no limit."""

    seconds: int | None = None
    usd: float | None = None

    def usd_at_most(self, usd_per_hour: float | None) -> float | None:
        """What a run may cost in all, in USD; None if nothing limits it, or if that is not known."""
        by_time = None if self.seconds is None or usd_per_hour is None else usd_per_hour * self.seconds / 3600
        return min((usd for usd in (by_time, self.usd) if usd is not None), default=None)

    def may_be_reached_by(self, took: Spending) -> bool:
        """True if runs that took so much may be over a limit."""
        return took.seconds.reaches(self.seconds) or took.usd.reaches(self.usd)

    def exceeded_by(self, took: Spending) -> bool:
        """True if runs that took so much are over a limit for sure."""
        return took.seconds.exceeds(self.seconds) or took.usd.exceeds(self.usd)


def run_limits(policy: Mapping[str, Any]) -> RunLimits | None:
    """Returns the limits that a manifest's policy sets; None if it sets none."""
    duration, usd = policy.get("max_duration"), policy.get("max_cost")
    if duration is None and usd is None:
        return None
    return RunLimits(None if duration is None else seconds_of(duration), None if usd is None else float(usd))
