"""Answers of the API on capacity, and jobs that are queued -> limits, use and queue of each type of GPU, by team."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from baseten_jobs.job.cost import gpu_key
from baseten_jobs.job.observation import PENDING, ObservedJob

QUEUED = (PENDING, "TRAINING_JOB_QUEUED")
"""Statuses of jobs that wait for GPUs."""


@dataclass(frozen=True)
class Pool:
    """The GPUs of one type, of a team or, where that is None, of the whole organisation; None is not told.

    Of those `used`, `spot` may go beyond the `limit`; jobs below the `baseline` are expected to start at once. The
    queue's jobs have `queued_gpus`, and the one that waits longest was made at `oldest`, which is a timestamp.
    """

    gpu_type: str
    team: str | None = None
    baseline: int | None = None
    limit: int | None = None
    used: int | None = None
    dedicated: int | None = None
    spot: int | None = None
    queued_jobs: int = 0
    queued_gpus: int = 0
    oldest: str = ""

    @property
    def free(self) -> int | None:
        return None if self.limit is None or self.used is None else max(0, self.limit - self.used)


def pools_of(answer: Mapping[str, Any], queued: Iterable[tuple[ObservedJob, str | None]]) -> tuple[Pool, ...]:
    """The pools in an answer of `GET /v1/training/capacity`, and those of queued jobs, each given with its team.

    The organisation's stands before those of teams. Raises ValueError for an answer of another shape.
    """
    teams = answer.get("team_gpu_capacities")
    rows = (*_rows(answer.get("gpu_capacities")), *_rows([] if teams is None else teams))
    found = {(gpu_key(pool.gpu_type), pool.team): pool for pool in map(_pool, rows)}
    waiting = sorted((each for each in queued if _waits(each[0])), key=lambda each: each[0].age_order)
    for job, team in waiting:
        kind = job.gpu_type or ""
        for place in dict.fromkeys((None, team)):
            key = (gpu_key(kind), place)
            found[key] = _joined(found.get(key, Pool(kind, place)), job)
    return tuple(found[key] for key in sorted(found, key=lambda key: (key[0], key[1] is not None, key[1] or "")))


def _waits(job: ObservedJob) -> bool:
    return job.status in QUEUED and bool(job.gpu_type)


def _joined(pool: Pool, job: ObservedJob) -> Pool:
    gpus, oldest = pool.queued_gpus + (job.gpus or 0), pool.oldest or job.created_at
    return replace(pool, queued_jobs=pool.queued_jobs + 1, queued_gpus=gpus, oldest=oldest)


def _rows(value: object) -> Sequence[Mapping[str, Any]]:
    if isinstance(value, list) and all(isinstance(row, dict) and isinstance(row.get("gpu_type"), str) for row in value):
        return value
    raise ValueError("the answer holds no list of limits")


def _pool(row: Mapping[str, Any]) -> Pool:
    team = row.get("team_name", row.get("team_id"))
    return Pool(
        row["gpu_type"],
        team if isinstance(team, str) else None,
        baseline=_number(row, "baseline"),
        limit=_number(row, "limit"),
        used=_number(row, "usage_count"),
        dedicated=_number(row, "dedicated_usage_count"),
        spot=_number(row, "spot_usage_count"),
    )


def _number(row: Mapping[str, Any], name: str) -> int | None:
    value = row.get(name)
    return value if type(value) is int else None
