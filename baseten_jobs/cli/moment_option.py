"""A duration or a time on a command line -> a moment, once the present time is known."""

from collections.abc import Callable
from typing import Any

import click

from baseten_jobs.job.times import epoch_of
from baseten_jobs.manifest.durations import seconds_of

Moment = Callable[[float], float]
"""The present time -> the moment that is meant, both in epoch seconds."""


class MomentType(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A duration such as `10m`, which is so long ago, or a time."""

    name = "DURATION|TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if (back := seconds_of(value)) is not None:
            return lambda now: now - back
        if (moment := epoch_of(value)) is not None:
            return lambda now: moment
        return self.fail(f"'{value}' is no duration such as 10m or 2h, and no time such as 2026-11-22T10:00:00Z")
