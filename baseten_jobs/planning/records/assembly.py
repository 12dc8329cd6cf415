"""Observed jobs, prices, bills and commits -> runs, each with what it took and what it cost."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from baseten_jobs.job.bills import Bill, Bills
from baseten_jobs.job.cost import Machine, cost_of_gpus
from baseten_jobs.job.identity import Identity
from baseten_jobs.job.names import read_job_name
from baseten_jobs.job.observation import ObservedJob, ObservedProject
from baseten_jobs.job.times import epoch_of
from baseten_jobs.planning.records.run import UNKNOWN, Day, Figure, Run, RunCommit

_DAY = 86_400
_MINUTE = 60
"""Seconds below which a bill, which counts whole minutes, does not tell how long a run took."""

_LONGEST = 3660
"""As many days of a run are told apart at most."""

_AT_ONCE = 2.0
"""Seconds between a job's creation and its `updated_at` that are no sign of a change: two clocks, whole seconds."""


@dataclass(frozen=True)
class Taken:
    """What runs took is made from: `now` in epoch seconds, prices, and bills as far as they can be read."""

    now: float
    machines: Sequence[Machine] = ()
    bills: Bills = field(default_factory=Bills)


def run_of(
    project: ObservedProject, job: ObservedJob, identity: Identity, commit: RunCommit | None, taken: Taken
) -> Run:
    """The run of a job: it cost what was billed, or else at most the price of the whole time since its creation."""
    read = read_job_name(job.name)
    started = epoch_of(job.created_at)
    ended = None if job.live else epoch_of(job.updated_at)
    until = taken.now if job.live else ended
    most = None if started is None or until is None else max(0.0, until - started)
    bill = _bill(started, taken.bills, job)
    if bill is not None:
        told = bill.seconds is not None and bill.seconds >= _MINUTE
        seconds = Figure(_least(bill.seconds or 0.0, most)) if told else Figure(most, False)
        usd = Figure(bill.usd)
    elif _never_left_the_queue(job):
        seconds, usd = Figure(0.0), Figure(0.0)
    else:
        price = _usd_per_second(job, commit, taken.machines)
        seconds = UNKNOWN if most is None else Figure(most, False)
        usd = seconds.times(price)
    days = tuple(_days(bill, started, until, seconds, usd))
    retry, owner = (read.retry, read.owner) if read else (0, "")
    return Run(
        job, project.name or project.id or "", identity, retry, owner, commit, started, ended, seconds, usd, days
    )


def _bill(started: float | None, bills: Bills, job: ObservedJob) -> Bill | None:
    """The bill of a job, if bills tell of the whole time of it."""
    return None if started is None or started < bills.since else bills.by_id.get(job.id)


def _least(one: float, other: float | None) -> float:
    return one if other is None else min(one, other)


def _never_left_the_queue(job: ObservedJob) -> bool:
    created, updated = epoch_of(job.created_at), epoch_of(job.updated_at)
    return job.queued and created is not None and updated is not None and updated - created <= _AT_ONCE


def _usd_per_second(job: ObservedJob, commit: RunCommit | None, machines: Sequence[Machine]) -> float | None:
    """The price of the GPUs that a job has, or of the smallest machine that its spec fits on; None if not known."""
    nodes = job.node_count or 1
    if job.gpus:
        per_hour = cost_of_gpus(nodes, job.gpus // nodes, job.gpu_type or "", machines).usd_per_hour
        return None if per_hour is None else per_hour / 3600
    compute = commit.written.spec.get("compute") if commit else None
    if not isinstance(compute, Mapping) or compute.get("accelerator"):
        return None
    known = {name: value for name, value in compute.items() if value is not None}
    try:
        machine = min((each for each in machines if each.fits(known)), default=None)
    except (TypeError, ValueError):
        return None
    return None if machine is None else nodes * machine.usd_per_minute / 60


def _days(bill: Bill | None, started: float | None, until: float | None, seconds: Figure, usd: Figure) -> Iterator[Day]:
    """What a run took on each day: as it was billed, or spread evenly over its time."""
    if bill is not None and bill.days:
        for day in bill.days:
            yield Day(day.date, Figure(day.usd), Figure(day.seconds))
        return
    if started is None or until is None:
        return
    parts = tuple(_parts(started, until))
    whole = sum(part for _, part in parts) or 1.0
    for date, part in parts:
        yield Day(date, usd.times(part / whole), seconds.times(part / whole))


def _parts(start: float, end: float) -> Iterable[tuple[str, float]]:
    """The days between two times, with the seconds of each; one of no seconds for an instant."""
    for _ in range(_LONGEST):
        stop = min(end, start - start % _DAY + _DAY)
        try:
            yield f"{datetime.fromtimestamp(start, UTC):%Y-%m-%d}", max(0.0, stop - start)
        except (ValueError, OverflowError, OSError):
            return
        start = stop
        if start >= end:
            return
