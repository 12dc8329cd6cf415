"""Jobs shown more than once -> one job each, and what search and job list of a project contradict each other in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, reduce
from types import MappingProxyType
from typing import NamedTuple

from baseten_jobs.job.observation import ObservedJob, StatusClass, short
from baseten_jobs.job.settings import merged_settings
from baseten_jobs.phrases import one_line

_RANKS: Mapping[StatusClass, int] = {kind: rank for rank, kind in enumerate(StatusClass)}
"""Live before done before the rest: of two statuses, the one that keeps a spec from running twice counts."""

_FILLED = tuple(
    f.name for f in fields(ObservedJob) if f.name not in ("id", "settings", "error_message", "counts_as", "disputed")
)
"""Fields that a row may lack: they are then taken from another row of the job."""


class Contradiction(Exception):
    """One job is shown with the names of two managed jobs, so that it is not known which spec ran."""

    def __init__(self, one: ObservedJob, other: ObservedJob) -> None:
        super().__init__(f"job {one_line(one.id)} is shown both as '{one.name}' and as '{other.name}'")


class ShownJobs(NamedTuple):
    """The jobs of a project in one answer, each once, by its id; and the number of rows of the answer."""

    jobs: Mapping[str, ObservedJob]
    rows: int


def once_each(jobs: Iterable[ObservedJob]) -> dict[str, ObservedJob]:
    """Return the jobs of one answer by their ids, in its order; raises Contradiction."""
    jobs = tuple(jobs)
    found = {job.id: job for job in jobs}
    if len(found) == len(jobs):
        return found
    found = {}
    for job in jobs:
        found[job.id] = merged(found[job.id], job) if job.id in found else job
    return found


def merged(one: ObservedJob, other: ObservedJob) -> ObservedJob:
    """Merge two rows of one job, of which `other` is the later one; raises Contradiction.

    What only one of them tells counts, such as the name. Of two statuses a live one counts, else that of a job that is
    done; of two names the one of a managed job, and then the job is disputed.
    """
    if one.identity and other.identity and _names_differ(one, other):
        raise Contradiction(one, other)
    return _merged(one, other)


def as_one(rows: Iterable[ObservedJob]) -> ObservedJob:
    """One job of all its rows, the latest last, by the rules of `merged`; of two managed names the later one counts."""
    return reduce(_merged, rows)


def _merged(one: ObservedJob, other: ObservedJob) -> ObservedJob:
    base, rest = (one, other) if _rank(one) < _rank(other) else (other, one)
    known = _filled(base, rest)
    if not _names_differ(one, other):
        return replace(known, name=other.name or one.name, disputed=one.disputed or other.disputed)
    return replace(known, name=one.name if one.identity and not other.identity else other.name, disputed=True)


def _rank(job: ObservedJob) -> tuple[bool, int, bool, bool]:
    """Of two rows the status of the lesser rank counts: a job that left the queue in one answer does not wait."""
    return (not job.status, _RANKS[job.status_class], job.queued, job.pending)


def _filled(job: ObservedJob, other: ObservedJob) -> ObservedJob:
    """Return the job with the fields that it lacks as the other has them; its error only of the same status."""
    unknown = [name for name in _FILLED if getattr(job, name) in (None, "")]
    if job.error_message is None and job.status == other.status:
        unknown.append("error_message")
    settings = merged_settings(job.settings, other.settings)
    if unknown or settings != job.settings:
        return replace(job, settings=settings, **{name: getattr(other, name) for name in unknown})
    return job


def _names_differ(one: ObservedJob, other: ObservedJob) -> bool:
    """True if both have a name, and the names are of different identities."""
    if one.name == other.name or not one.name or not other.name:
        return False
    return one.identity is None or one.identity != other.identity


def _statuses_differ(one: ObservedJob, other: ObservedJob) -> bool:
    if one.status == other.status or not one.status or not other.status:
        return False
    return one.status_class is not other.status_class or one.pending is not other.pending


@dataclass(frozen=True)
class Compared:
    """The answers of search and job list about one project, and for each job that they disagree on what each says.

    `capped` is the number of the search's rows where it ended early: the list alone tells then which jobs are not
    there. `unequal` are jobs that both show, but not just the same, and `before` those that were shown earlier.
    """

    search: ShownJobs
    listed: ShownJobs
    doubts: Mapping[str, str]
    unequal: tuple[str, ...] = ()
    capped: int = 0
    before: Mapping[str, ObservedJob] = field(default_factory=dict)

    @cached_property
    def jobs(self) -> Mapping[str, ObservedJob]:
        """Return every job that either answer shows or that was shown before; raises Contradiction."""
        found = {**self.search.jobs, **self.listed.jobs}
        found |= {job_id: merged(self.search.jobs[job_id], self.listed.jobs[job_id]) for job_id in self.unequal}
        return _newer(self.before, found) if self.before else found

    @property
    def unlike(self) -> frozenset[str]:
        """Return the ids of the jobs, earlier ones too, that the two answers do not both show as one."""
        one, other = self.search.jobs, self.listed.jobs
        differing = {i for i in self.unequal if (one[i].status, one[i].name) != (other[i].status, other[i].name)}
        return frozenset((one.keys() ^ other.keys()) | (self.before.keys() - one.keys()) | differing)

    @property
    def ever_shown(self) -> Mapping[str, ObservedJob]:
        """Return every job that either answer shows, as the list has it, to be compared with a later answer."""
        return _newer(self.search.jobs, self.listed.jobs)

    @property
    def note(self) -> str:
        """Return what the two answers disagree on; "" if they agree."""
        if not self.doubts:
            return ""
        first = sorted(self.doubts.items())[:5]
        shown = ", ".join(one_line(f"{job_id}: {what}" if what else job_id) for job_id, what in first)
        return f"search and job list of the project disagree on {len(self.doubts)} jobs ({shown})"


def compared(
    search: ShownJobs, listed: ShownJobs, before: Mapping[str, ObservedJob] = MappingProxyType({})
) -> Compared:
    """Compare two answers about one project that were asked for one after the other."""
    doubts = dict.fromkeys(search.jobs.keys() - listed.jobs.keys(), "")
    further = listed.jobs.keys() - search.jobs.keys()
    capped = may_be_capped(search.rows) and bool(further)
    doubts |= {} if capped else dict.fromkeys(further, "")
    shown = search.jobs.get
    unequal = tuple(i for i, job in listed.jobs.items() if (other := shown(i)) is not None and _unequal(other, job))
    contradictions = ((i, _contradiction(search.jobs[i], listed.jobs[i])) for i in unequal)
    doubts |= {i: what for i, what in contradictions if what}
    return Compared(search, listed, doubts, unequal, search.rows if capped else 0, before)


def _unequal(one: ObservedJob, other: ObservedJob) -> bool:
    """True if a plan may depend on which of the rows is used; most of 100,000 jobs are the same in both."""
    return (
        one.status != other.status
        or one.name != other.name
        or one.created_at != other.created_at
        or one.gpus != other.gpus
        or one.settings != other.settings
    )


def _contradiction(one: ObservedJob, other: ObservedJob) -> str:
    """Return what two rows of one job say that can't both be true; "" if there is no such thing."""
    if _names_differ(one, other):
        return f"named '{one_line(one.name or '', 40)}' and '{one_line(other.name or '', 40)}', so it is not stopped"
    return f"{short(one.status)} and {short(other.status)}" if _statuses_differ(one, other) else ""


def _newer(earlier: Mapping[str, ObservedJob], later: Mapping[str, ObservedJob]) -> dict[str, ObservedJob]:
    """Return every job that either reading shows, as the later one has it; what that lacks is as the earlier has it."""
    known = {job_id: _filled(job, earlier[job_id]) if job_id in earlier else job for job_id, job in later.items()}
    return {**earlier, **known}


def may_be_capped(rows: int) -> bool:
    """True if so many rows may be a server's limit: 50, or a multiple of 100 or 250, up to 100,000."""
    return rows == 50 or (0 < rows <= 100_000 and (rows % 100 == 0 or rows % 250 == 0))
