"""Jobs to submit + GPU capacity -> whether each starts now or queues."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from baseten_jobs.job.cost import gpu_key
from baseten_jobs.job.request import JobRequest


class Start(Enum):
    NOW = "now"
    QUEUES = "queues"


@dataclass(frozen=True)
class Limit:
    """How many GPUs of a type may be in use at once, by a team or (without one) by the organisation."""

    gpu_type: str
    limit: int
    used: int
    team: str | None = None


@dataclass(frozen=True)
class GpuCapacity:
    """All limits; without any, no GPU is limited."""

    limits: tuple[Limit, ...] = ()


def capacity_of(data: Mapping[str, Any]) -> GpuCapacity:
    """The limits in an answer of `GET /v1/training/capacity`; raises ValueError for one of another shape."""
    teams = _rows(data.get("team_gpu_capacities") or [])
    return GpuCapacity(
        (
            *(_limit(row, _text(row.get("team_name"))) for row in teams),
            *(_limit(row, None) for row in _rows(data.get("gpu_capacities"))),
        )
    )


def _rows(value: object) -> list[dict[str, Any]]:
    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        return value
    raise ValueError("the answer holds no list of limits")


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise ValueError("the answer holds a limit without a name")


def _limit(row: Mapping[str, Any], team: str | None) -> Limit:
    limit, used = row.get("limit"), row.get("usage_count")
    if type(limit) is not int or type(used) is not int:
        raise ValueError("the answer holds a limit without numbers")
    return Limit(_text(row.get("gpu_type")), limit, used, team)


def starts(submits: Iterable[tuple[JobRequest, str | None]], capacity: GpuCapacity) -> tuple[Start | None, ...]:
    """Whether each of these jobs, given with its team, starts now or queues; None if that is not known.

    They take free GPUs one after the other. A team's limit is checked before the organisation's; a job that
    queues keeps its place before the later ones. Spot jobs may exceed a limit, and CPU jobs have none.
    """
    room = {(each.team, gpu_key(each.gpu_type)): each.limit - each.used for each in capacity.limits}
    return tuple(_start(request, team, room) for request, team in submits)


def _start(request: JobRequest, team: str | None, room: dict[tuple[str | None, str], int]) -> Start | None:
    compute = request.training_job.get("compute", {})
    accelerator = compute.get("accelerator")
    if accelerator is None:
        return Start.NOW
    gpu, spot = gpu_key(accelerator["accelerator"]), compute.get("availability_model") == "spot"
    start: Start | None = Start.NOW
    if team is None and not spot and any(limited and kind == gpu for limited, kind in room):
        start = None
    for limited in dict.fromkeys((team, None)):
        if (limited, gpu) not in room:
            continue
        room[limited, gpu] -= request.gpus
        if room[limited, gpu] < 0 and not spot:
            return Start.QUEUES
    return start
