"""A plan + what its jobs cost so far -> how each manifest stands, worst first, and whether that needs a person."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from baseten_jobs.job.copies import copies
from baseten_jobs.job.observation import ObservedJob, StatusClass, short
from baseten_jobs.job.request import JobRequest
from baseten_jobs.planning.limits import STOPPED_OVER_LIMIT
from baseten_jobs.planning.plan import Action, Orphan, Plan, Verb
from baseten_jobs.planning.runs import own_runs, strays
from baseten_jobs.provider.status import Status


class Kind(Enum):
    """How a manifest stands, the worst first, in the word that a reader sees."""

    WRONG = "wrong"
    DUPLICATE = "duplicate"
    OVER_LIMIT = "over its limit"
    FAILED = "failed"
    PREEMPTED = "preempted"
    STOPPED = "stopped"
    HELD = "held"
    UNKNOWN = "unknown status"
    ORPHAN = "orphan"
    WARNING = "warning"
    RUNS = "runs"
    WAITS = "waits"
    SUBMIT = "to submit"
    UPDATE = "to update"
    STOP = "to stop"
    COMPLETED = "completed"
    SUSPENDED = "suspended"

    @property
    def needs_a_person(self) -> bool:
        return self in _NEEDY

    @property
    def rank(self) -> int:
        return _RANKS[self]


_NEEDY = frozenset(
    {
        Kind.WRONG,
        Kind.DUPLICATE,
        Kind.OVER_LIMIT,
        Kind.FAILED,
        Kind.PREEMPTED,
        Kind.STOPPED,
        Kind.HELD,
        Kind.UNKNOWN,
        Kind.ORPHAN,
        Kind.WARNING,
    }
)
_RANKS: Mapping[Kind, int] = MappingProxyType({kind: rank for rank, kind in enumerate(Kind)})
_ENDS: Mapping[StatusClass, Kind] = MappingProxyType(
    {
        StatusClass.FAILED: Kind.FAILED,
        StatusClass.INTERRUPTED: Kind.PREEMPTED,
        StatusClass.STOPPED: Kind.STOPPED,
    }
)
_TO_DO: Mapping[Verb, Kind] = MappingProxyType({Verb.SUBMIT: Kind.SUBMIT, Verb.UPDATE: Kind.UPDATE})


@dataclass(frozen=True)
class Standing:
    """How one manifest stands, or one job that no manifest has; `said` are sentences on it.

    `rows` are its jobs, the newest last, as the status knows them. `runs` are all that its spec had, retries and all:
    with them it cost `cost` USD so far, at most; None if that is not known. `request` is None without a manifest.
    """

    kind: Kind
    name: str
    project: str
    rows: tuple[Status, ...] = ()
    said: tuple[str, ...] = ()
    runs: int = 0
    cost: float | None = 0.0
    request: JobRequest | None = None


def standings(made: Plan, rows: Iterable[Status]) -> tuple[Standing, ...]:
    """All of a plan, the worst first; `rows` have a row for each of its jobs."""
    known = {row.job.id: row for row in rows if row.job}
    return tuple(sorted(_all(made, known), key=lambda each: (each.kind.rank, each.name, each.project)))


def cost_so_far(rows: Iterable[Status]) -> tuple[float, bool]:
    """What the jobs cost so far, at most, in USD; and whether that is all: False if the cost of one is not known."""
    costs = [row.cost for row in rows]
    return sum(cost or 0.0 for cost in costs), None not in costs


def _all(made: Plan, known: Mapping[str, Status]) -> Iterator[Standing]:
    for action in made.actions:
        if action.verb is Verb.STOP:
            kind = Kind.OVER_LIMIT if action.over_limit else Kind.STOP
            yield _of_job(kind, action.job, str(action.request.project), known, action.reason, action.request.name)
            continue
        yield _of_manifest(made, action, known)
        copied = copies(made.project_of(action).by_name.get(action.request.name, ()))
        for job in strays(made, action):
            told = "a copy that a person made" if job.id in copied else f"another spec of {action.request.name}"
            kind = _of_live(job)
            yield _of_job(kind, job, str(action.request.project), known, told, action.request.name)
    stopped = {action.job.id for action in made.of(Verb.STOP) if action.job}
    yield from (_orphan(orphan, known) for orphan in made.orphans if orphan.job.id not in stopped)


def _of_manifest(made: Plan, action: Action, known: Mapping[str, Status]) -> Standing:
    own = own_runs(made, action)
    jobs = action.duplicates or ((action.job,) if action.job else own[-1:])
    costs = [known[job.id].cost if job.id in known else None for job in own]
    return Standing(
        _kind(action),
        action.request.name,
        str(action.request.project),
        tuple(known.get(job.id, Status(action.request, job)) for job in jobs),
        tuple(dict.fromkeys(_said(action))),
        len(own),
        None if None in costs else sum(cost or 0.0 for cost in costs),
        action.request,
    )


def _kind(action: Action) -> Kind:
    job = action.job
    if action.duplicates:
        return Kind.DUPLICATE
    if action.verb is Verb.HOLD and action.reason.startswith(STOPPED_OVER_LIMIT):
        return Kind.OVER_LIMIT
    if action.verb is Verb.HOLD and not (action.submits_later or action.request.suspended):
        own = job is not None and action.doubt is None and job.identity == action.request.identity
        return _ENDS.get(job.status_class, Kind.HELD) if job and own else Kind.HELD
    if action.error:
        return Kind.WRONG
    if job is not None and not job.status_known:
        return Kind.UNKNOWN
    if action.cautions:
        return Kind.WARNING
    if action.verb in _TO_DO:
        return _TO_DO[action.verb]
    if action.submits_later:
        return Kind.WAITS
    if job is not None and job.live:
        return _of_live(job)
    return Kind.SUSPENDED if action.verb is Verb.HOLD else Kind.COMPLETED


def _of_live(job: ObservedJob) -> Kind:
    if not job.status_known:
        return Kind.UNKNOWN
    return Kind.WAITS if job.queued else Kind.RUNS


def _said(action: Action) -> Iterator[str]:
    """What a plan says of an action, but for what the job's own row shows."""
    if not action.reason.startswith("unchanged") and not action.duplicates:
        verb = f"{action.verb.value}: " if action.verb in _TO_DO else ""
        yield f"{verb}{action.reason}"
    if action.error:
        yield action.error.removeprefix(f"{action.request.name}: ")
    yield from action.cautions
    if action.job is not None and not action.job.status_known:
        yield f"job {action.job.id} has the status {short(action.job.status)}, not known here and counted as live"


def _of_job(
    kind: Kind, job: ObservedJob | None, project: str, known: Mapping[str, Status], told: str, name: str
) -> Standing:
    """One job by itself; it costs what it cost alone."""
    row = known.get(job.id) if job else None
    return Standing(kind, name, project, (row,) if row else (), (told,), 1, row.cost if row else None)


def _orphan(orphan: Orphan, known: Mapping[str, Status]) -> Standing:
    job = orphan.job
    name = job.identity.name if job.identity else job.name or job.id
    told = _told_of(orphan)
    return _of_job(Kind.ORPHAN, job, orphan.project, known, told, name)


def _told_of(orphan: Orphan) -> str:
    where = f"its manifest was deleted in commit {orphan.deleted.commit[:10]}"
    return f"{where}; {orphan.doubt or '`baseten-jobs stop --orphans` stops it'}"


def needs_a_person(found: Sequence[Standing]) -> bool:
    return any(each.kind.needs_a_person for each in found)
