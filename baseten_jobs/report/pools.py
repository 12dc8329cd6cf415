"""Limits, use and queue of GPUs -> a table, and fields for JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from baseten_jobs.job.pools import Pool
from baseten_jobs.job.times import age, epoch_of
from baseten_jobs.phrases import Page, count, one_line, page
from baseten_jobs.report import job_fields
from baseten_jobs.report.style import PLAIN, Look
from baseten_jobs.report.table import table

_HEADS = ("GPU", "TEAM", "IN USE", "SPOT", "BASELINE", "LIMIT", "FREE", "QUEUED")
_DROPPED = ("BASELINE", "SPOT")


def pools(every: Sequence[Pool], now: float, look: Look = PLAIN) -> Page:
    """A row for each pool; `now` is in epoch seconds."""
    if not every:
        return page(["no limits are set, and no job waits for a GPU"])
    return page(table(_HEADS, [_row(pool, now) for pool in every], look, drop=_DROPPED))


def json(every: Sequence[Pool], now: float, look: Look = PLAIN) -> Page:
    return job_fields.document({"capacity": [_data(pool, now) for pool in every]})


def _row(pool: Pool, now: float) -> tuple[str, ...]:
    numbers = (pool.used, pool.spot, pool.baseline, pool.limit, pool.free)
    shown = ("-" if number is None else str(number) for number in numbers)
    team = "all" if pool.team is None else one_line(pool.team, 40)
    return one_line(pool.gpu_type, 20), team, *shown, _queued(pool, now)


def _queued(pool: Pool, now: float) -> str:
    if not pool.queued_jobs:
        return "0"
    waits = _waits(pool, now)
    since = "" if waits is None else f", for {age(waits)}"
    return f"{count(pool.queued_jobs, 'job')}, {count(pool.queued_gpus, 'GPU')}{since}"


def _waits(pool: Pool, now: float) -> float | None:
    began = epoch_of(pool.oldest)
    return None if began is None else max(0.0, now - began)


def _data(pool: Pool, now: float) -> Mapping[str, Any]:
    waits = _waits(pool, now)
    return {
        "gpu_type": pool.gpu_type,
        "team": pool.team,
        "baseline": pool.baseline,
        "limit": pool.limit,
        "in_use": pool.used,
        "dedicated_in_use": pool.dedicated,
        "spot_in_use": pool.spot,
        "free": pool.free,
        "queued_jobs": pool.queued_jobs,
        "queued_gpus": pool.queued_gpus,
        "longest_wait_seconds": None if waits is None else int(waits),
    }
