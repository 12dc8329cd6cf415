"""A repository and the API -> the record of the runs of all manifests that the repository ever had."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from baseten_jobs.git.repository import Repository
from baseten_jobs.job.bills import Bills
from baseten_jobs.job.identity import Identity
from baseten_jobs.job.observation import ObservedJob, ObservedProject
from baseten_jobs.job.project_resolution import Unresolved
from baseten_jobs.job.times import epoch_of
from baseten_jobs.manifest.name_globs import means, unmet
from baseten_jobs.phrases import listed, one_line
from baseten_jobs.planning.history.run_commits import RunCommits, Written
from baseten_jobs.planning.records.assembly import Taken, run_of
from baseten_jobs.planning.records.record import Others, Record
from baseten_jobs.planning.records.run import RunCommit, lived_at
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.bills import read_bills
from baseten_jobs.provider.observe import observe
from baseten_jobs.provider.run_spending import machines

_SHALLOW = "this clone is shallow, so commits of older runs are missing: clone with `fetch-depth: 0`"


@dataclass(frozen=True)
class Wanted:
    """Which runs: those of manifests that these NAMEs mean, all without any; and that lived at a time, or later.

    `since` takes the present time and returns that one, both in epoch seconds.
    """

    names: tuple[str, ...] = ()
    since: Callable[[float], float] | None = None

    def takes(self, name: str) -> bool:
        return not self.names or any(means(each, name) for each in self.names)


class NoSuchRun(Exception):
    """A NAME means no manifest that the repository ever had, or no run."""


@dataclass(frozen=True)
class _Found:
    project: ObservedProject
    job: ObservedJob
    identity: Identity
    written: Written | None


def recorded(api: Api, commits: RunCommits, wanted: Wanted) -> Record:
    """The runs, the newest first: by one search for each project, and one call for each 31 days of bills.

    Raises NoSuchRun, GitError, NotWhole and ApiError.
    """
    if unknown := [why for each in wanted.names if (why := unmet(each, commits.names))]:
        raise NoSuchRun("; ".join(map(str, unknown)))
    observed = observe(api, commits.projects)
    now = api.clock.wall()
    since = wanted.since(now) if wanted.since else None
    projects = {each.id: each for each in observed.observation.projects.values() if each.exists}
    found: list[_Found] = []
    others: list[tuple[str, ObservedJob]] = []
    for project in projects.values():
        for job in project.jobs:
            if not lived_at(job, since):
                continue
            identity = commits.identity_of(project, job)
            if identity is None:
                others.append((project.name or project.id or "", job))
            elif wanted.takes(identity.name):
                found.append(_Found(project, job, identity, commits.of(project, job, identity)))
    bills = _bills(api, [each.job for each in found], now)
    names = dict.fromkeys(each.written.revision.commit for each in found if each.written)
    subjects = commits.repository.subjects(tuple(names))
    taken = Taken(now, machines(api) if found else (), bills)
    runs = [run_of(each.project, each.job, each.identity, _commit(each.written, subjects), taken) for each in found]
    runs.sort(key=lambda run: run.job.age_order, reverse=True)
    notes = (*_unread(bills), *_unresolved(observed.unresolved), *_of_clone(commits.repository))
    beside = Others(() if wanted.names else tuple(others))
    return Record(tuple(runs), beside, now, since, not bills.unread, notes, commits.repository.root.name)


def _bills(api: Api, jobs: Sequence[ObservedJob], now: float) -> Bills:
    started = [at for job in jobs if (at := epoch_of(job.created_at)) is not None]
    return read_bills(api, min(started), now) if started else Bills()


def _commit(written: Written | None, subjects: dict[str, str]) -> RunCommit | None:
    if written is None:
        return None
    return RunCommit(written.revision, subjects.get(written.revision.commit, ""), written.manifest)


def _unread(bills: Bills) -> Iterable[str]:
    if bills.unread:
        yield f"costs are what runs cost at most, since bills can't be read: {one_line(bills.unread, 300)}"


def _unresolved(unresolved: Sequence[Unresolved]) -> Iterable[str]:
    messages = [one_line(each.message, 200) for each in unresolved]
    if messages:
        yield f"projects that manifests named and that were not read: {listed(messages, 3)}"


def _of_clone(repository: Repository) -> Iterable[str]:
    if repository.shallow:
        yield _SHALLOW
