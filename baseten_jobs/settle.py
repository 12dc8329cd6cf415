"""Creates whose fate is open -> one job each: unknowns settled, twins found, over searches that all share."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from baseten_jobs.api.client import Api
from baseten_jobs.api.errors import ApiError
from baseten_jobs.identity import Identity
from baseten_jobs.observation import ObservedJob, StatusClass, by_identity
from baseten_jobs.observe import jobs_of
from baseten_jobs.plan import duplicate_warning

Reading = Mapping[Identity, tuple[ObservedJob, ...]]
"""The managed jobs of a project by identity, each oldest first."""


class Key(NamedTuple):
    """What a create was for: an identity in a project."""

    project_id: str
    identity: Identity


@dataclass(frozen=True)
class Windows:
    """Seconds: how long an unknown is searched for, and how old a create is before its twins are looked for."""

    settle: float = 120.0
    twins_after: float = 5.0


@dataclass(frozen=True)
class Settled:
    """What the searches showed in the end of one create's identity.

    `job_id` is the job to name; `adopted` tells that another than the create's own is named. `unclear` asks a
    person to look. Without a job nothing was found.
    """

    job_id: str | None
    adopted: bool = False
    unclear: str = ""


@dataclass
class Settlement:
    """The open creates of one apply. `own` holds the jobs that its creates returned, `unknown` the reasons."""

    api: Api
    windows: Windows
    seen: frozenset[str]
    own: dict[Key, ObservedJob] = field(default_factory=dict)
    unknown: dict[Key, str] = field(default_factory=dict)
    found: dict[Key, ObservedJob] = field(default_factory=dict)
    last_create: dict[str, float] = field(default_factory=dict)
    _given_up: set[str] = field(default_factory=set)
    _watched: dict[str, float] = field(default_factory=dict)
    _last: dict[str, Reading] = field(default_factory=dict)

    def search_unknown(self) -> frozenset[Key]:
        """Search for the unknowns until the window ends; those that two reads after its end show to be absent."""
        clock, end, attempt = self.api.clock, self.api.clock.now() + self.windows.settle, 0
        while self._open() and clock.now() < end:
            self._adopt(self._search(self._open_projects()))
            if self._open():
                clock.sleep(min(self.api.backoff.wait(attempt), max(0.0, end - clock.now())))
                attempt += 1
        patient = self.api.hasty(3, self._within)
        searched = self._read(patient.search_of, self._open_projects())
        listed = self._read(patient.jobs, self._open_projects())
        self._adopt(searched)
        self._adopt(listed)
        return frozenset(k for k in self._open() if k.project_id in searched and k.project_id in listed)

    def watch(self, keys: Iterable[Key]) -> None:
        """Keep looking, for a whole window from now on, for what the first create of these may have made."""
        end = self.api.clock.now() + self.windows.settle
        for key in keys:
            self._watched[key.project_id] = end

    def find_twins(self) -> None:
        """Search until each create's own job is shown and alone, or the window ends; stop what came second."""
        clock, attempt = self.api.clock, 0
        keys: dict[str, list[Key]] = {}
        for key in {**self.own, **self.unknown}:
            keys.setdefault(key.project_id, []).append(key)
        open_projects = set(keys)
        while open_projects:
            clock.sleep(max(0.0, min(self._earliest(p) for p in open_projects) - clock.now()))
            started = clock.now()
            ready = {p for p in open_projects if self._earliest(p) <= started}
            for project_id, reading in self._search(ready).items():
                self._last[project_id] = reading
                self._adopt({project_id: reading})
                lone = [self._is_alone(key, reading.get(key.identity, ())) for key in keys[project_id]]
                if all(lone) and started >= self._watched.get(project_id, 0.0):
                    open_projects.discard(project_id)
            for project_id in ready & open_projects:
                if clock.now() >= self._latest(project_id):
                    open_projects.discard(project_id)
                    self._given_up.add(project_id)
            if open_projects:
                soonest = min(self._latest(p) for p in open_projects)
                clock.sleep(max(0.0, min(self.api.backoff.wait(attempt), soonest - clock.now())))
                attempt += 1

    def lives(self, key: Key) -> bool:
        """Whether the last look shows a live job of this identity; without one, whether the own one was live."""
        jobs = self._last.get(key.project_id, {}).get(key.identity, ())
        if jobs:
            return any(job.live for job in jobs)
        own = self.own.get(key) or self.found.get(key)
        return own is not None and own.live

    def was_searched(self, key: Key) -> bool:
        """Whether the watch over this project ended with a search that succeeded."""
        return key.project_id in self._last and key.project_id not in self._given_up

    def settled(self, key: Key) -> Settled:
        """What to say of one create in the end."""
        jobs = self._last.get(key.project_id, {}).get(key.identity, ())
        own, ran = self.own.get(key), [job for job in jobs if job.ran]
        live = [job for job in jobs if job.live]
        job = self.found.get(key) or own
        if job is not None and ran and all(job.id != other.id for other in ran) and self._gone(job, jobs):
            job = ran[0]
        unclear = ""
        if len(live) > 1:
            unclear = duplicate_warning(live)
        elif key.project_id in self._given_up and own is not None and all(own.id != j.id for j in jobs):
            unclear = f"no search shows job {own.id} yet, so the check for twins is open; apply or status tells later"
        adopted = job is not None and (own is None or job.id != own.id)
        return Settled(job.id if job else None, adopted, unclear)

    def _open(self) -> list[Key]:
        return [key for key in self.unknown if key not in self.found]

    def _open_projects(self) -> set[str]:
        return {key.project_id for key in self._open()}

    def _earliest(self, project_id: str) -> float:
        after = self.last_create.get(project_id)
        return 0.0 if after is None else after + self.windows.twins_after

    def _latest(self, project_id: str) -> float:
        created = self.last_create.get(project_id, 0.0) + max(self.windows.settle, self.windows.twins_after)
        return max(created, self._watched.get(project_id, 0.0))

    def _adopt(self, readings: Mapping[str, Reading]) -> None:
        """A job of an unknown's identity that the plan had not seen is the answer to its create."""
        for key in self._open():
            same = readings.get(key.project_id, {}).get(key.identity, ())
            jobs = [job for job in same if job.id not in self.seen]
            if jobs:
                self.found[key] = next((job for job in jobs if job.ran), jobs[0])

    def _is_alone(self, key: Key, same: Sequence[ObservedJob]) -> bool:
        """Whether one job at most of this identity lives; the own one is stopped if it came second."""
        own = next((job for job in same if key in self.own and job.id == self.own[key].id), None)
        if key in self.own and own is None:
            return False
        older = [job for job in same if own and job.ran and job.age_order < own.age_order]
        if own is not None and own.live and older:
            self._stop_second(key, own, older[0])
            return False
        return len([job for job in same if job.live]) < 2

    def _stop_second(self, key: Key, own: ObservedJob, older: ObservedJob) -> None:
        try:
            self.api.stop(key.project_id, own.id)
        except ApiError:
            return  # the next look shows whether it lives, and tries again
        self.found[key] = older

    @staticmethod
    def _gone(job: ObservedJob, jobs: Iterable[ObservedJob]) -> bool:
        return any(j.id == job.id and j.status_class is StatusClass.STOPPED for j in jobs)

    @property
    def _within(self) -> float:
        """Seconds that one read may take: a server that hangs must not stretch the windows."""
        return max(10.0, self.windows.settle / 4)

    def _search(self, project_ids: Iterable[str]) -> dict[str, Reading]:
        return self._read(self.api.hasty(1, self._within).search_of, project_ids)

    def _read(self, read: Callable[[str], list[dict[str, Any]]], project_ids: Iterable[str]) -> dict[str, Reading]:
        """The projects that could be read: a read that fails proves nothing, and is made again later."""
        ids = sorted(project_ids)

        def one(project_id: str) -> Reading | None:
            try:
                return by_identity(jobs_of(read, [project_id])[project_id])
            except ApiError:
                return None

        if not ids:
            return {}
        with ThreadPoolExecutor(min(8, len(ids))) as pool:
            readings = zip(ids, pool.map(one, ids), strict=True)
            return {project_id: reading for project_id, reading in readings if reading is not None}
