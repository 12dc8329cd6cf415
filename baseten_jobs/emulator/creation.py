"""A checked body and a request's dice to a stored job, or to a refusal."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import jobs
from .capacity import CapacityRules
from .catalogue import InstanceType, allocate
from .faults import Dice, Fault, Roll
from .identifiers import identifier
from .lifecycle import COMPLETED, DEPLOY_FAILED, FAILED, PENDING, PREEMPTED, RUNNING
from .records import Job, Project
from .settings import Behaviour, Durations, Settings
from .shapes import fixed_part
from .store import Transaction
from .times import SECOND, iso, iso_seconds, micros

_SHORT_NAME = 16

_TURNS = (("failure", FAILED), ("preemption", PREEMPTED), ("stall", RUNNING))
"""The faults of a course, and what a job is from then on."""


@dataclass(frozen=True)
class Wanted:
    """What one create asks for, on the machine it gets."""

    body: Mapping[str, Any]
    instance: InstanceType
    nodes: int
    priority: int
    availability_model: str
    checkpointing: bool
    name: str | None


def wanted(body: Mapping[str, Any]) -> Wanted:
    """Read a `training_job` whose types are checked; a Refusal if no machine fits."""
    compute: Mapping[str, Any] = body.get("compute", {})
    checkpointing = body.get("runtime", {}).get("checkpointing_config", {})
    return Wanted(
        body=body,
        instance=allocate(compute),
        nodes=compute.get("node_count", 1),
        priority=body.get("priority") or 0,
        availability_model=compute.get("availability_model", "dedicated"),
        checkpointing=checkpointing.get("enabled", False),
        name=body.get("name"),
    )


class Creator:
    """Creates jobs as the settings say."""

    def __init__(self, settings: Settings, capacity: CapacityRules, dice: Dice) -> None:
        self._settings = settings
        self._capacity = capacity
        self._dice = dice

    def create(self, transaction: Transaction, project: Project, asked: Wanted, roll: Roll, late: Fault | None) -> Job:
        """Store a job; with `late` it is committed only when that fault's seconds are over."""
        committed = transaction.now + (micros(late.seconds) if late else 0)
        created, created_at = _creation_time(committed, roll)
        lag = roll.strikes("lagging-search")
        name = _server_name(transaction, project, asked.name, roll)
        waits = self._capacity.waits(transaction, asked.instance.gpu_type, asked.availability_model)
        number = transaction.take_numbers(1)[0]
        job = new_row(number, project, asked, name, self._settings.durations)._replace(
            created_us=created,
            committed_us=committed,
            touched_us=created,
            released_us=None if waits else committed,
            shape=fixed_part(
                job_id=identifier(number),
                name=name,
                created_at=created_at,
                project=project,
                instance=asked.instance,
                nodes=asked.nodes,
            ),
        )
        job = _behaving(_turning(job, self._dice), asked.name or "", self._settings.behaviour)
        visible = committed + (micros(lag.seconds) if lag else 0)
        jobs.insert(transaction, [jobs.NewJob(job, visible, json.dumps(asked.body))])
        if not waits or late:
            return job
        self._capacity.settle(transaction)
        return jobs.find(transaction, job.id)


def new_row(number: int, project: Project, asked: Wanted, name: str | None, durations: Durations) -> Job:
    """The row of a job that runs its whole course; times and shape are still to be filled in."""
    return Job(
        id=identifier(number),
        seq=number,
        project_id=project.id,
        team_id=project.team_id,
        name=name,
        created_us=0,
        committed_us=0,
        released_us=None,
        created_for=micros(durations.created),
        deploying_for=micros(durations.deploying),
        running_for=micros(durations.running),
        outcome=COMPLETED,
        held_status=None,
        held_us=None,
        touched_us=0,
        error_message=None,
        gpu_type=asked.instance.gpu_type,
        gpus=asked.instance.gpu_count * asked.nodes,
        node_count=asked.nodes,
        priority=asked.priority,
        availability_model=asked.availability_model,
        checkpointing=int(asked.checkpointing),
        shape="",
    )


def _behaving(job: Job, name: str, behaviour: Behaviour) -> Job:
    if _matches(name, behaviour.queue):
        return job._replace(released_us=None, held_status=PENDING, held_us=job.committed_us)
    if _matches(name, behaviour.deploy_fail):
        return job._replace(outcome=DEPLOY_FAILED, running_for=0)
    if _matches(name, behaviour.fail):
        return job._replace(outcome=FAILED)
    if _matches(name, behaviour.preempt):
        return job._replace(outcome=PREEMPTED)
    if _matches(name, behaviour.stall):
        return job._replace(outcome=RUNNING)
    return job


def _turning(job: Job, dice: Dice) -> Job:
    """The job with the first of the faults that strike it while it runs; only spot capacity is taken away."""
    struck = [
        (after, status)
        for kind, status in _TURNS
        if (after := dice.turn(kind, job.id)) is not None and (kind != "preemption" or job.availability_model == "spot")
    ]
    after, status = min(struck, default=(0.0, COMPLETED))
    spent = micros(after)
    return job._replace(outcome=status, running_for=spent) if struck and spent < job.running_for else job


def _matches(name: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(name, glob) for glob in globs)


def _creation_time(committed: int, roll: Roll) -> tuple[int, str]:
    created = committed
    if roll.strikes("early-time"):
        created -= int(roll.chance("how early") * SECOND)
    if roll.strikes("coarse-time"):
        created -= created % SECOND
        return created, iso_seconds(created)
    return created, iso(created)


def _server_name(transaction: Transaction, project: Project, name: str | None, roll: Roll) -> str | None:
    if name is None:
        return None
    if roll.strikes("rename"):
        name = name[:_SHORT_NAME]
    if not roll.strikes("suffix") or not jobs.name_is_taken(transaction, project.id, name):
        return name
    count = 2
    while jobs.name_is_taken(transaction, project.id, f"{name}-{count}"):
        count += 1
    return f"{name}-{count}"
