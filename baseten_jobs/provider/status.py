"""Requests + observation -> how each manifest's job is, what it cost so far, and what changed since the last look."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType

from baseten_jobs.job.claims import with_claims
from baseten_jobs.job.copies import copies, runs
from baseten_jobs.job.cost import Machine, cost_of
from baseten_jobs.job.gpu_use import GpuUse
from baseten_jobs.job.identity import Identity
from baseten_jobs.job.names import run_name, without_letters
from baseten_jobs.job.observation import Observation, ObservedJob, short
from baseten_jobs.job.request import JobRequest, ProjectRef
from baseten_jobs.job.retries import Retry, next_retry
from baseten_jobs.job.times import epoch_of
from baseten_jobs.phrases import one_line

_AT_ONCE = 2.0
"""Seconds between a job's creation and its `updated_at` that are no sign of a change: two clocks, whole seconds."""


@dataclass(frozen=True)
class Checkpoints:
    """What a job has saved so far; `latest` is the id of the newest."""

    count: int
    latest: str = ""


@dataclass(frozen=True)
class Awaiting:
    """A manifest whose job is waited for, and how that job is."""

    name: str
    state: str

    def __str__(self) -> str:
        return f"{self.name} ({self.state})"


@dataclass(frozen=True)
class Status:
    """A manifest beside its job; `others` are live jobs of its name with another spec or attempt.

    `copies` are live ones that a person made of its jobs, `read_at` is when they were looked at, in epoch seconds, and
    `age` is in seconds. `cost` is in USD, and what the job cost at most: the API does not tell when it left the queue.
    Both, and the checkpoints, are None if they are not known. `waits` are set on a stage that has no job yet, `use` on
    a job that runs on GPUs, and `retry` on a manifest whose job ended as its `policy.retry` names it: the retry that is
    due now or later, or used up.
    """

    request: JobRequest
    job: ObservedJob | None = None
    duplicates: tuple[ObservedJob, ...] = ()
    others: tuple[ObservedJob, ...] = ()
    age: float | None = None
    cost: float | None = None
    checkpoints: Checkpoints | None = None
    copies: tuple[ObservedJob, ...] = ()
    read_at: float | None = None
    waits: tuple[Awaiting, ...] = ()
    use: GpuUse | None = None
    retry: Retry | None = None

    @property
    def state(self) -> str:
        """The provider's word for the job, shortened, or `not submitted`."""
        return short(self.job.status) if self.job else "not submitted"

    @property
    def job_name(self) -> str | None:
        """The name that the manifest's job has or would have; without a manifest the job's own, which may be None."""
        if self.request.path or self.job is None:
            held = self.job.name if self.job else None
            return run_name(self.request.identity, held) or self.request.job_name
        return without_letters(self.job.name)

    @property
    def idle(self) -> bool:
        """True if its job runs, and its GPUs have been idle for long."""
        return self.use is not None and self.use.idle

    @property
    def cost_uncertain(self) -> bool:
        """True if the job's status is not known here: its cost counts it as running, and it may have ended."""
        return self.job is not None and not self.job.status_known

    @property
    def live(self) -> tuple[ObservedJob, ...]:
        """Every live job of the manifest's name, whatever its spec."""
        own = self.duplicates or ((self.job,) if self.job and self.job.live else ())
        return (*own, *self.others, *self.copies)


def statuses(requests: Iterable[JobRequest], observation: Observation) -> tuple[Status, ...]:
    """Return a row for each request, in order, with its live job, else one that is done, else the newest."""
    requests = tuple(requests)
    observation = with_claims(observation, requests)
    return tuple(_status(request, observation) for request in requests)


def _status(request: JobRequest, observation: Observation) -> Status:
    project = observation.project(request.project)
    named = project.by_name.get(request.name, ())
    copied = copies(named)
    same = [job for job in named if job.identity == request.identity]
    live = tuple(job for job in same if job.live)
    running = runs(live, copied)
    job = running[0] if running else next(iter([j for j in same if j.ran] or same[-1:]), None)
    others = tuple(job for job in named if job.live and job.identity != request.identity and job.id not in copied)
    also = tuple(each for each in named if each.live and each.id in copied and each is not job)
    retry = next_retry(same, request.retries) if not request.suspended and not _ran_later(named, request) else None
    twins = running if len(running) > 1 else ()
    return Status(request, job, twins, others, copies=also, read_at=project.read_at, retry=retry)


def _ran_later(named: Iterable[ObservedJob], request: JobRequest) -> bool:
    """True if the spec has a later attempt, beside which this one is not retried."""
    own = (identity for job in named if (identity := job.identity) and identity.digest == request.identity.digest)
    return any(identity.attempt > request.attempt for identity in own)


def with_waits(rows: Iterable[Status]) -> tuple[Status, ...]:
    """Return the same rows; those of stages without a job tell how the jobs are that they load from."""
    rows = tuple(rows)
    known = {(row.request.project, row.request.name): row.state for row in rows}

    def waits(row: Status) -> tuple[Awaiting, ...]:
        keys = ((upstream.project, upstream.name) for upstream in row.request.upstreams)
        return tuple(Awaiting(name, known.get((project, name), "not known")) for project, name in keys)

    return tuple(replace(row, waits=waits(row)) if row.job is None and row.request.upstreams else row for row in rows)


def deployed(job: ObservedJob) -> bool:
    """True unless the job's status is one before the deployment: it may cost something now, or did."""
    return not job.queued


def by_itself(job: ObservedJob) -> Status:
    """Return the row of a job without a manifest, named by its identity if it has one; its cost is by what it shows."""
    identity = job.identity or Identity(one_line(job.name or job.id, 40), "")
    nodes = job.node_count or 1
    accelerator = {"accelerator": job.gpu_type, "count": job.gpus // nodes} if job.gpus and job.gpu_type else None
    body = {"compute": {"node_count": nodes, "accelerator": accelerator}}
    project = ProjectRef(id=job.project_id)
    return Status(JobRequest("", 0, project, identity.name, identity.attempt, identity.digest, body), job)


def surveyed(
    rows: Iterable[Status],
    machines: Iterable[Machine],
    saved: Mapping[str, Checkpoints],
    now: float,
    billed: Collection[str] = (),
    used: Mapping[str, GpuUse] = MappingProxyType({}),
) -> tuple[Status, ...]:
    """Return the same rows with age, cost, checkpoints and use of GPUs; `now` is in epoch seconds.

    `saved` and `used` are by job id; `billed` are ids of jobs that were seen deployed at some time.
    """
    machines = tuple(machines)
    return tuple(
        replace(
            row,
            age=_age(row.job, now),
            cost=_cost(row, machines, now, billed),
            checkpoints=saved.get(row.job.id),
            use=used.get(row.job.id),
        )
        if row.job
        else row
        for row in rows
    )


def _age(job: ObservedJob, now: float) -> float | None:
    created = epoch_of(job.created_at)
    return None if created is None else max(0.0, now - created)


def _cost(row: Status, machines: Sequence[Machine], now: float, billed: Collection[str]) -> float | None:
    job = row.job
    if job is None or (job.id not in billed and _never_left_the_queue(job)):
        return 0.0
    per_hour = cost_of(row.request, machines).usd_per_hour
    created, ended = epoch_of(job.created_at), now if job.live else epoch_of(job.updated_at)
    if per_hour is None or created is None or ended is None:
        return None
    return round(per_hour * max(0.0, ended - created) / 3600, 2)


def _never_left_the_queue(job: ObservedJob) -> bool:
    """True if the job waits and has not changed since it was created.

    One that ran may be PENDING again, and no row tells; only `queue_context`, which is for admins, has the time at
    which a job left the queue. But `updated_at` moves with each status. It moves with a new priority as well, and with
    CREATED after a long wait: such a job may not have cost anything, and still costs "at most" its time.
    """
    created, updated = epoch_of(job.created_at), epoch_of(job.updated_at)
    return not deployed(job) and created is not None and updated is not None and updated - created <= _AT_ONCE


def counted(rows: Iterable[Status]) -> Mapping[str, int]:
    """Return the number of manifests in each state, the most common state first."""
    return dict(Counter(row.state for row in rows).most_common())


def changes(before: Sequence[Status], after: Sequence[Status], now: float) -> tuple[str, ...]:
    """Return a line for each manifest whose state, job or checkpoint changed; all did if `before` is empty."""
    was = {_place(row): row for row in before}
    time = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%dT%H:%M:%SZ}"
    found = ((row, _change(was.get(_place(row)), row)) for row in after)
    return tuple(f"{time}  {row.request.name}  {change}" for row, change in found if change)


def _place(row: Status) -> tuple[str, int, str]:
    """Return the key of a row: path and line of its manifest, or else the id of its job."""
    return (row.request.path, row.request.line, "" if row.request.path else _id(row))


def _change(before: Status | None, row: Status) -> str:
    told = []
    if before is None or (before.state, _id(before)) != (row.state, _id(row)):
        told.append(row.state if before is None else f"{before.state} → {row.state}")
        told += [f"(job {row.job.id})"] if row.job else []
    if row.checkpoints and row.checkpoints.latest and (before is None or before.checkpoints != row.checkpoints):
        told.append(f"checkpoint {row.checkpoints.latest}")
    if row.idle and not (before is not None and before.idle and _id(before) == _id(row)):
        told.append("GPUs idle")
    return "  ".join(told)


def _id(row: Status) -> str:
    return row.job.id if row.job else ""
