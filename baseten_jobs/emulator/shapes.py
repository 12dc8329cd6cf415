"""Stored rows to the JSON of the API."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from . import jobs
from .catalogue import InstanceType
from .faults import Dice
from .lifecycle import DEPLOY_FAILED, FAILED, PENDING, TERMINAL, moment, ran
from .records import Job, Project
from .store import Transaction
from .times import iso

WARMING = "TRAINING_JOB_WARMING"
USER_EMAIL = "you@example.com"

_FAILURES = {
    FAILED: "a start command exited with code 1",
    DEPLOY_FAILED: "the image could not be pulled",
}


def fixed_part(
    *, job_id: str, name: str | None, created_at: str, project: Project, instance: InstanceType, nodes: int
) -> str:
    """What never changes in a job's JSON, as text without its closing brace.

    It is stored beside the row, so that a list of 100,000 jobs is built by joining text.
    """
    fields = {
        "id": job_id,
        "created_at": created_at,
        "instance_type": instance.shown(),
        "node_count": nodes,
        "training_project_id": project.id,
        "training_project": {"id": project.id, "name": project.name},
        "name": name,
        "user": {"email": USER_EMAIL},
    }
    return json.dumps(fields)[:-1]


@dataclass(frozen=True)
class View:
    """How jobs look at a moment to a client."""

    now: int
    dice: Dice

    def status(self, job: Job) -> str:
        """The status that the client sees."""
        status = moment(job, self.now).status
        return WARMING if status not in TERMINAL and self.dice.warms(job.id) else status

    def job_text(self, job: Job) -> str:
        """A job as JSON text."""
        status, since = moment(job, self.now)
        updated = max(since, job.touched_us)
        if status not in TERMINAL and self.dice.warms(job.id):
            status = WARMING
        message = job.error_message or _default_message(job, status)
        return (
            f'{job.shape}, "current_status": {quoted(status)}'
            f', "error_message": {"null" if message is None else quoted(message)}'
            f', "updated_at": "{iso(updated)}"'
            f', "checkpoint_sync_status": {self._checkpoint_sync(job, status)}'
            f', "priority": {job.priority}'
            f', "availability_model": {quoted(job.availability_model)}}}'
        )

    def job(self, job: Job) -> dict[str, Any]:
        """A job as the API shows it (`TrainingJobV1`)."""
        shown: dict[str, Any] = json.loads(self.job_text(job))
        return shown

    def jobs_text(self, rows: Iterable[Job]) -> str:
        """Jobs as a JSON array in text."""
        return f"[{', '.join(map(self.job_text, rows))}]"

    def project(self, transaction: Transaction, project: Project) -> dict[str, Any]:
        """A project as the API shows it (`TrainingProjectV1`)."""
        latest = jobs.latest(transaction, project.id)
        return {
            "id": project.id,
            "name": project.name,
            "created_at": iso(project.created_us),
            "updated_at": iso(project.created_us),
            "team_name": project.team_name,
            "latest_job": None if latest is None else self.job(latest),
        }

    def _checkpoint_sync(self, job: Job, status: str) -> str:
        if not job.checkpointing or ran(job, self.now) is None:
            return "null"
        return '"COMPLETED"' if status in TERMINAL else '"SYNCING"'


def instance_of(job: Job) -> Mapping[str, Any]:
    """The machine that a job got on each of its nodes."""
    instance: dict[str, Any] = json.loads(f"{job.shape}}}")["instance_type"]
    return instance


def _default_message(job: Job, status: str) -> str | None:
    if status == PENDING and job.gpu_type is not None and job.availability_model != "spot":
        # The API uses the field for advice while a job waits; that is no failure.
        return f"waiting for {job.gpus} x {job.gpu_type}; spot capacity would start this job sooner"
    return _FAILURES.get(status)
