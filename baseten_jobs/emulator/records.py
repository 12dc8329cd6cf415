"""Rows of the database as values."""

from __future__ import annotations

from typing import NamedTuple


class Team(NamedTuple):
    """A team of the organisation."""

    id: str
    name: str
    is_default: int
    created_us: int


class Project(NamedTuple):
    """A training project; its name is unique within its team."""

    id: str
    team_id: str
    team_name: str
    name: str
    created_us: int


class Job(NamedTuple):
    """A training job without its request body.

    A named tuple and not a dataclass, because a search builds one for each of 100,000 rows.
    Times are epoch microseconds. The natural course of a job follows from `released_us` and the
    three spans; `held_status`, from `held_us` on, overrides it (a stop, or a forced status). One
    whose `outcome` is RUNNING stalls after them: it stays RUNNING, and works no more.
    """

    id: str
    seq: int
    project_id: str
    team_id: str
    name: str | None
    created_us: int
    committed_us: int
    released_us: int | None
    created_for: int
    deploying_for: int
    running_for: int
    outcome: str
    held_status: str | None
    held_us: int | None
    touched_us: int
    error_message: str | None
    gpu_type: str | None
    gpus: int
    node_count: int
    priority: int
    availability_model: str
    checkpointing: int
    shape: str


class Capacity(NamedTuple):
    """How many GPUs of a type a team may use at once."""

    team_id: str
    gpu_type: str
    max_gpus: int
    modified_us: int
