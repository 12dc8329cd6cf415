"""A duration or a time on a command line -> a moment, once the present time is known."""

from dataclasses import dataclass
from typing import Any

import click

from baseten_jobs.job.times import epoch_of
from baseten_jobs.manifest.durations import seconds_of


@dataclass(frozen=True)
class Moment:
    """A moment so many seconds `ago`, or at an epoch second if that is None."""

    ago: float | None = None
    at: float = 0.0

    def __call__(self, now: float) -> float:
        """The moment, if the present is `now`; both in epoch seconds."""
        return self.at if self.ago is None else now - self.ago


class MomentType(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A duration such as `10m`, which is so long ago, or a time."""

    name = "DURATION|TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, Moment):
            return value
        if (ago := seconds_of(value)) is not None:
            return Moment(ago)
        if (at := epoch_of(value)) is not None:
            return Moment(at=at)
        return self.fail(f"'{value}' is no duration such as 10m or 2h, and no time such as 2026-11-22T10:00:00Z")
