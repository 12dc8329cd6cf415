"""Rows of the API -> the jobs and projects that a plan is made against, with classes of status."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cached_property
from types import MappingProxyType
from typing import Any

from baseten_jobs.job.identity import SHOWN, Identity
from baseten_jobs.job.names import parse_job_name
from baseten_jobs.job.request import ProjectRef
from baseten_jobs.job.settings import Setting, settings_of_row


class StatusClass(Enum):
    """What a status means for a spec. A job that was stopped or interrupted has ended, and its spec is not done."""

    LIVE = "live"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"


_PREFIX = "TRAINING_JOB_"
PENDING, RUNNING = "TRAINING_JOB_PENDING", "TRAINING_JOB_RUNNING"
_QUEUED = frozenset({PENDING, "TRAINING_JOB_QUEUED", "TRAINING_JOB_CREATED"})
"""Statuses of jobs that have no machines yet and cost nothing: Baseten bills from the deployment on."""

_CLASSES: Mapping[str, StatusClass] = MappingProxyType(
    {
        PENDING: StatusClass.LIVE,
        "TRAINING_JOB_QUEUED": StatusClass.LIVE,
        "TRAINING_JOB_CREATED": StatusClass.LIVE,
        "TRAINING_JOB_DEPLOYING": StatusClass.LIVE,
        RUNNING: StatusClass.LIVE,
        "TRAINING_JOB_COMPLETED": StatusClass.DONE,
        "TRAINING_JOB_FAILED": StatusClass.FAILED,
        "TRAINING_JOB_DEPLOY_FAILED": StatusClass.FAILED,
        "TRAINING_JOB_STOPPED": StatusClass.STOPPED,
        "TRAINING_JOB_CANCELLED": StatusClass.STOPPED,
        "TRAINING_JOB_CANCELED": StatusClass.STOPPED,
        "TRAINING_JOB_PREEMPTED": StatusClass.INTERRUPTED,
    }
)
"""`PREEMPTED` is from Baseten's Go CLI, which stops following logs at it. No list of the API has the `CANCEL(L)ED`."""


def spelled(status: str) -> str:
    """Returns a known status as the API spells it, also for `RUNNING` or `completed`; any other as it is."""
    whole = _PREFIX + status.strip().upper().removeprefix(_PREFIX)
    return whole if whole in _CLASSES else status


def short(status: str) -> str:
    """Returns a status in lower case and without the prefix that all have; "not told" for an empty one."""
    return status.removeprefix(_PREFIX).lower() or "not told"


_OVER = frozenset(status for status, kind in _CLASSES.items() if kind is not StatusClass.LIVE)


@dataclass(frozen=True)
class ObservedJob:
    """A job as a search shows it; `gpus` counts those of all nodes, and is None where the API does not give it.

    `settings` are the fields that the API changes on a waiting job, as far as it shows them. `counts_as` is the
    identity that a manifest gives the job, by `metadata.adopts` or `metadata.renamed_from`. A job is `disputed` if the
    job list of its project gives it another name than the search does; it is never stopped. `user` is who made it, by
    e-mail address, and `instance_type` the name of the machine that each of its nodes is.
    """

    id: str
    name: str | None
    status: str
    created_at: str
    project_id: str
    gpus: int | None = None
    gpu_type: str | None = None
    node_count: int | None = None
    settings: tuple[Setting, ...] = ()
    error_message: str | None = None
    updated_at: str = ""
    user: str = ""
    counts_as: Identity | None = None
    disputed: bool = False
    instance_type: str = ""

    @property
    def identity(self) -> Identity | None:
        """The identity that a manifest gives the job, or else the one in its name.

        None for a job that no manifest manages.
        """
        return self.counts_as or parse_job_name(self.name)

    @property
    def status_class(self) -> StatusClass:
        """The class of its status. One that is not known counts as live: the job may be running, and cost something."""
        return _CLASSES.get(self.status, StatusClass.LIVE)

    @property
    def status_known(self) -> bool:
        return self.status in _CLASSES

    @property
    def live(self) -> bool:
        return self.status not in _OVER

    @property
    def ran(self) -> bool:
        """True if it is live or done, so that its spec needs no second job."""
        return self.status_class in (StatusClass.LIVE, StatusClass.DONE)

    @property
    def pending(self) -> bool:
        return self.status == PENDING

    @property
    def queued(self) -> bool:
        """True if the job has no machines yet; it may have had some before, if it was preempted."""
        return self.status in _QUEUED

    @property
    def age_order(self) -> tuple[str, str]:
        """A key that sorts jobs by their creation, oldest first; the times are the provider's."""
        return (_sortable(self.created_at), self.id)


def job_of(data: Mapping[str, Any]) -> ObservedJob:
    """Returns the job in a `TrainingJobV1` of the API; a value of the wrong type is None, as if it were missing.

    Raises KeyError if it has no id. A missing status counts as live, as any other that is not known.
    """
    job_id, instance, project = data.get("id"), data.get("instance_type"), data.get("training_project")
    if not isinstance(job_id, str) or not job_id:
        raise KeyError("id")
    nodes = _number(data.get("node_count"))
    machine: Mapping[str, Any] = instance if isinstance(instance, dict) else _NOTHING
    project_id = data.get("training_project_id") or (project.get("id") if isinstance(project, dict) else None)
    return ObservedJob(
        job_id,
        _text(data.get("name")),
        spelled(str(data.get("current_status") or "")),
        str(data.get("created_at") or ""),
        str(project_id or ""),
        _product(_number(machine.get("gpu_count")), nodes),
        _text(machine.get("gpu_type")),
        nodes,
        settings_of_row(data),
        _text(data.get("error_message")),
        str(data.get("updated_at") or ""),
        _email(data.get("user")),
        instance_type=_text(machine.get("name")) or "",
    )


_NOTHING: Mapping[str, Any] = MappingProxyType({})


def _email(user: object) -> str:
    return _text(user.get("email")) or "" if isinstance(user, dict) else ""


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> int | None:
    return value if type(value) is int else None


def _product(per_node: int | None, nodes: int | None) -> int | None:
    """Returns the GPUs of all nodes, or of one where the API does not give `node_count`, which older servers don't."""
    return per_node * nodes if per_node is not None and nodes is not None else per_node


_PLAIN_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")


def _sortable(timestamp: str) -> str:
    """Returns a timestamp such as `…T10:00:00Z` or `…T12:00:00.5+02:00` in a form that sorts as text."""
    if _PLAIN_TIME.fullmatch(timestamp):
        return timestamp[:-1] + "+00:00"
    try:
        moment = datetime.fromisoformat(timestamp)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC).isoformat(timespec="microseconds")
    except (ValueError, OverflowError):
        return timestamp


@dataclass(frozen=True)
class ObservedProject:
    """A project as the list call shows it; `id` is None for one that apply will make.

    `rows` is the number of rows that its search returned. `capped` is the same number if the search left jobs out that
    the job list shows, else 0. `unlike` are the ids of jobs that search and job list, where both were read, do not both
    show with one name and status. `similar` names an existing project that may be meant in the place of a new one. Its
    jobs were read at `read_at`, in epoch seconds; None if they were not.
    """

    ref: ProjectRef
    id: str | None = None
    name: str = ""
    team: str | None = None
    team_id: str | None = None
    jobs: tuple[ObservedJob, ...] = ()
    notes: tuple[str, ...] = ()
    rows: int = 0
    capped: int = 0
    unlike: frozenset[str] = frozenset()
    similar: str = ""
    read_at: float | None = None

    @property
    def exists(self) -> bool:
        return self.id is not None

    @cached_property
    def by_name(self) -> "JobsByName":
        """The managed jobs by their manifest's name, oldest first."""
        return JobsByName(self.jobs)

    @cached_property
    def _by_digest(self) -> Mapping[str, tuple[ObservedJob, ...]]:
        """The jobs by the part of their names where a digest stands. No name is parsed: there may be 100,000 jobs."""
        found: dict[str, list[ObservedJob]] = defaultdict(list)
        for job in self.jobs:
            digest = job.counts_as.digest if job.counts_as else (job.name or "").partition("--")[2][:SHOWN]
            found[digest].append(job)
        return {digest: tuple(sorted(jobs, key=lambda job: job.age_order)) for digest, jobs in found.items() if digest}

    def that_ran(self, digest: str) -> tuple[ObservedJob, ...]:
        """The managed jobs with this digest that are live or done, oldest first."""
        return tuple(job for job in self._by_digest.get(digest, ()) if job.ran and job.identity is not None)

    @cached_property
    def unmanaged(self) -> tuple[ObservedJob, ...]:
        """The live jobs whose names were not made by this tool, and which no manifest adopts, oldest first."""
        strangers = (job for job in self.jobs if job.live and job.identity is None)
        return tuple(sorted(strangers, key=lambda job: job.age_order))


class JobsByName(Mapping[str, tuple[ObservedJob, ...]]):
    """Managed jobs by their manifest's name. Only the jobs of a name that is looked up are parsed.

    A project may have a hundred times as many jobs as a plan looks up.
    """

    def __init__(self, jobs: Iterable[ObservedJob]) -> None:
        self._begins: dict[str, list[ObservedJob]] = defaultdict(list)
        for job in jobs:
            begin, found, _ = (job.name or "").partition("--")
            if job.counts_as is not None:
                self._begins[job.counts_as.name].append(job)
            elif found:
                self._begins[begin].append(job)

    def __getitem__(self, name: str) -> tuple[ObservedJob, ...]:
        managed = [job for job in self._begins.get(name, ()) if job.identity is not None]
        if not managed:
            raise KeyError(name)
        return tuple(sorted(managed, key=lambda job: job.age_order))

    def __iter__(self) -> Iterator[str]:
        return (name for name, jobs in self._begins.items() if any(job.identity is not None for job in jobs))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        return any(True for _ in self)


@dataclass(frozen=True)
class Observation:
    """The projects that manifests name, with their jobs: all that a plan needs of the provider."""

    projects: Mapping[ProjectRef, ObservedProject]

    def project(self, ref: ProjectRef) -> ObservedProject:
        return self.projects[ref]
