"""Creates without a clear answer -> one job each: checks names, searches for jobs, and stops duplicates."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from baseten_jobs.applying.known import CreateKey, Lost, Second, Settled
from baseten_jobs.applying.plausibility import Shown, called, left_alone, not_shown, shown_as
from baseten_jobs.job.copies import DOUBLED, copies, runs, seconds_between
from baseten_jobs.job.names import JobName, Signature, arrived
from baseten_jobs.job.observation import ObservedJob, StatusClass
from baseten_jobs.planning.duplicates import duplicate_warning
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.snapshot import Snapshot, look_at

_STOPPERS = 8


@dataclass(frozen=True)
class Windows:
    """Seconds: how long a job is searched for, and how old its create is before a second job of its identity is."""

    settle: float = 120.0
    twins_after: float = 5.0


@dataclass
class Settlement:
    """The open creates of one apply.

    `own` holds the jobs that creates returned; `unknown` the reasons why it is not known whether others made one;
    `taken` those of the unknown that were refused because their name is taken; `refused` those that made no job, by
    their answers; `lost` those whose job has another name; `found` the jobs that were found for unknown and refused
    ones; `sent` the names of all creates; `last_create` when the last create of a project ended, in seconds of the
    clock; `seen` the ids from before.
    """

    api: Api
    windows: Windows
    seen: frozenset[str]
    own: dict[CreateKey, ObservedJob] = field(default_factory=dict)
    unknown: dict[CreateKey, str] = field(default_factory=dict)
    taken: set[CreateKey] = field(default_factory=set)
    refused: set[CreateKey] = field(default_factory=set)
    lost: dict[CreateKey, Lost] = field(default_factory=dict)
    found: dict[CreateKey, ObservedJob] = field(default_factory=dict)
    sent: dict[CreateKey, list[JobName]] = field(default_factory=dict)
    last_create: dict[str, float] = field(default_factory=dict)
    _second_to: dict[str, ObservedJob] = field(default_factory=dict)
    _given_up: set[str] = field(default_factory=set)
    _watched: dict[str, float] = field(default_factory=dict)
    _last: dict[str, Snapshot] = field(default_factory=dict)

    def signed(self, key: CreateKey, signature: Signature, retry: int = 0) -> JobName:
        """Return the name of one more create, and know its job by it from now on; of each key one thread asks."""
        name = signature.sign(key.identity, retry)
        self.sent.setdefault(key, []).append(name)
        return name

    def check_names(self, keys: Iterable[CreateKey]) -> frozenset[CreateKey]:
        """Look for jobs that were answered with another name, until all are shown or the window ends.

        Returns those that neither search nor job list has shown; each of the others has its own name after all, or is
        lost, or unknown now.
        """
        open_keys, clock, attempt = set(keys), self.api.clock, 0
        end = clock.now() + self.windows.settle
        while open_keys:
            last = clock.now() >= end
            for look in self._look({key.project_id for key in open_keys}, end).values():
                for key in sorted(key for key in open_keys if key.project_id == look.project_id):
                    if self._judged(key, look, last=last) not in (None, Shown.HIDDEN):
                        open_keys.discard(key)
            if last:
                break
            if open_keys:
                clock.sleep(min(self.api.backoff.wait(attempt), max(0.0, end - clock.now())))
                attempt += 1
        return frozenset(open_keys)

    def search_unknown(self) -> frozenset[CreateKey]:
        """Search for the jobs of unknown creates until the window ends.

        Returns the unknowns that neither the search nor the job list shows, both read after the window.
        """
        clock, end, attempt = self.api.clock, self.api.clock.now() + self.windows.settle, 0
        while self._open_projects() and clock.now() < end:
            self._adopt(self._look(self._open_projects(), end))
            if self._open_projects():
                clock.sleep(min(self.api.backoff.wait(attempt), max(0.0, end - clock.now())))
                attempt += 1
        looks = self._look(self._open_projects(), clock.now() + self._within, attempts=3)
        self._adopt(looks)
        absent = (key for key in self._open() if key in self.unknown and looks[key.project_id].complete)
        return frozenset(absent) - self.taken

    def watch(self, keys: Iterable[CreateKey]) -> None:
        """Let `find_twins` look at these projects for a whole window from now on: each key had two creates."""
        end = self.api.clock.now() + self.windows.settle
        for key in keys:
            self._watched[key.project_id] = end

    def find_twins(self) -> None:
        """Search until every own job is visible and no other live job shares its identity, or the window ends.

        Own jobs that an older one precedes are stopped. A project whose creates were all refused is read once.
        """
        clock, attempt, looked = self.api.clock, 0, set[str]()
        keys: dict[str, list[CreateKey]] = {}
        for key in {**self.own, **self.unknown, **dict.fromkeys(self.refused)}:
            keys.setdefault(key.project_id, []).append(key)
        open_projects = set(keys)
        while open_projects:
            clock.sleep(max(0.0, min(self._earliest(p) for p in open_projects) - clock.now()))
            started = clock.now()
            ready = {p for p in open_projects if self._earliest(p) <= started}
            stops: list[Second] = []
            for project_id, look in self._look(
                ready, max((self._latest(p, started) for p in ready), default=0.0)
            ).items():
                late = started >= self._latest(project_id, started)
                second: list[Second] | None = None if late and project_id in looked else []
                looked.add(project_id)
                self._last[project_id] = self._last.get(project_id, look) if look.blind else look
                self._adopt({project_id: look})
                lone = [self._is_alone(key, look, second) for key in keys[project_id]]
                if all(lone) and look.complete and started >= self._watched.get(project_id, 0.0):
                    open_projects.discard(project_id)
                elif late and not second:
                    open_projects.discard(project_id)
                    self._give_up(project_id)
                stops += second or ()
            self._stop_second(stops, max((self._latest(each.project_id, started) for each in stops), default=0.0))
            if open_projects:
                soonest = min(self._latest(p, started) for p in open_projects)
                clock.sleep(max(0.0, min(self.api.backoff.wait(attempt), soonest - clock.now())))
                attempt += 1

    def lives(self, key: CreateKey) -> bool:
        """True if the last look shows a live job of this identity; if it shows none at all, if the own job was live."""
        jobs = self._same(key)
        if jobs:
            return any(job.live for job in jobs)
        own = self.own.get(key) or self.found.get(key)
        return own is not None and own.live

    def was_searched(self, key: CreateKey) -> bool:
        """True if `find_twins` has read this project, and has not given it up at the end of the window."""
        return key.project_id in self._last and key.project_id not in self._given_up

    def holder(self, key: CreateKey) -> ObservedJob | None:
        """The oldest job of this identity in the last look; None if there is none."""
        return next(iter(self._same(key)), None)

    def settled(self, key: CreateKey) -> Settled:
        """What became of one create, by the last look at its project."""
        jobs, look = self._same(key), self._last.get(key.project_id)
        own, job = self.own.get(key), self.found.get(key) or self.own.get(key)
        live = runs([each for each in jobs if each.live], copies(jobs))
        ran = [each for each in jobs if look and look.surely_ran(each.id)]
        if job is not None and ran and all(job.id != other.id for other in ran) and self._gone(key, job, jobs):
            job = ran[0]
        unclear = ""
        if len(live) > 1:
            unclear = duplicate_warning(live, self.api.clock.wall())
        elif job is not None and (older := self._second_to.get(job.id)):
            unclear = left_alone(job, older, look.job(job.id) if look else None, look.job(older.id) if look else None)
        elif own is not None and look is not None and not look.rows(own.id):
            unclear = not_shown(own)
        elif own is not None and not (look and look.complete):
            unclear = f"search and job list could not both be read, so the check for twins of job {own.id} is open"
        adopted = job is not None and (own is None or job.id != own.id)
        return Settled(job.id if job else None, adopted, unclear, job.name if job else None)

    def _same(self, key: CreateKey) -> Sequence[ObservedJob]:
        look = self._last.get(key.project_id)
        return look.same(key.identity) if look else ()

    def _open(self) -> list[CreateKey]:
        return [key for key in (*self.unknown, *self.refused) if key not in self.found]

    def _open_projects(self) -> set[str]:
        return {key.project_id for key in self._open() if key in self.unknown}

    def _earliest(self, project_id: str) -> float:
        after = self.last_create.get(project_id)
        return 0.0 if after is None else after + self.windows.twins_after

    def _latest(self, project_id: str, now: float) -> float:
        after = self.last_create.get(project_id)
        created = now if after is None else after + max(self.windows.settle, self.windows.twins_after)
        return max(created, self._watched.get(project_id, 0.0))

    def _adopt(self, looks: Mapping[str, Snapshot]) -> None:
        """Note, for each open create, a new job of its identity as the one that it made."""
        for key in self._open():
            if key.project_id in looks:
                same = looks[key.project_id].same(key.identity)
                jobs = [job for job in same if job.id not in self.seen]
                jobs = self._own_among(key, jobs) or jobs
                if jobs:
                    self.found[key] = next((job for job in jobs if job.ran), jobs[0])

    def _judged(self, key: CreateKey, look: Snapshot, *, last: bool) -> Shown | None:
        """How the own job is shown; None if that may still change. One of another's identity is no longer the own job.

        A job without its name counts as lost; as another's if a new job has the identity.
        """
        job = self.own[key]
        rows = look.rows(job.id)
        shown = shown_as(rows, *key)
        if shown is Shown.OWN:
            self.own[key] = replace(job, name=next(row.name for row in rows if row.identity == key.identity))
        if shown in (Shown.OWN, Shown.HIDDEN):
            return shown
        if not last and (shown is Shown.NAMELESS or not look.agrees(job.id)):
            return None
        del self.own[key]
        if shown is Shown.OTHER or any(other.id not in self.seen for other in look.same(key.identity)):
            self.unknown[key] = f"the answer to its create named job {job.id}, which is shown {called(rows)}"
            self._adopt({key.project_id: look})
        else:
            words = f"in project '{rows[-1].project_id}'" if shown is Shown.ELSEWHERE else called(rows)
            self.lost[key] = Lost(job.id, words, shown is not Shown.ELSEWHERE)
        return shown

    def _own_among(self, key: CreateKey, jobs: Iterable[ObservedJob]) -> list[ObservedJob]:
        """Those of the jobs, oldest first, that creates of this key made, by an answer or a token; no later copies."""
        own, first = [], dict[str, ObservedJob]()
        answered = self.own[key].id if key in self.own else None
        for job in jobs:
            token = next((name.token for name in self.sent.get(key, ()) if arrived(name, job.name)), "")
            signed = token and not job.disputed and _together(first.setdefault(token, job), job)
            if signed or job.id == answered:
                own.append(job)
        return own

    def _is_alone(self, key: CreateKey, look: Snapshot, second: list[Second] | None) -> bool:
        """True if the own job is shown, and at most one job of this identity lives.

        Own jobs that an older one of it precedes, which ran, are added to `second`, to be stopped; not if that is
        None, after the window.
        """
        shown = self._judged(key, look, last=False) if key in self.own else Shown.OWN
        if shown is None or (shown is Shown.HIDDEN and not (self.own[key].id in self._second_to and look.complete)):
            return False
        same = look.same(key.identity)
        oldest = next((job for job in same if look.surely_ran(job.id)), None)
        own = [job for job in self._own_among(key, same) if job.live]
        younger = [job for job in own if oldest and oldest.age_order < job.age_order]
        if oldest and second is not None:
            second += (Second(key.project_id, job.id) for job in younger)
            self._second_to |= {job.id: oldest for job in younger}
        return not younger and len(runs([job for job in same if job.live], copies(same))) < 2

    def _stop_second(self, jobs: Sequence[Second], until: float) -> None:
        """Stop these jobs, in parallel, by `until` at the latest; the next look shows which live on."""
        hasty = self.api.hasty(1, self._within, until)

        def stop(job: Second) -> None:
            try:
                hasty.stop(job.project_id, job.id)
            except ApiError:
                return

        if jobs:
            with ThreadPoolExecutor(min(_STOPPERS, len(jobs))) as pool:
                list(pool.map(stop, jobs))

    def _give_up(self, project_id: str) -> None:
        """Judge the own jobs of a project by the last look: the window has ended."""
        self._given_up.add(project_id)
        look = self._last[project_id]
        for key in [key for key in self.own if key.project_id == project_id]:
            self._judged(key, look, last=True)
        self._adopt({project_id: look})

    def _gone(self, key: CreateKey, job: ObservedJob, jobs: Iterable[ObservedJob]) -> bool:
        """True if the job is shown as stopped, or is not shown any more after a stop was sent for it."""
        shown = next((each for each in jobs if each.id == job.id), None)
        return job.id in self._second_to if shown is None else shown.status_class is StatusClass.STOPPED

    @property
    def _within(self) -> float:
        """Seconds that one read may take, so that a server that hangs does not stretch the windows."""
        return max(10.0, self.windows.settle / 4)

    def _look(self, project_ids: Iterable[str], until: float, attempts: int = 1) -> dict[str, Snapshot]:
        return look_at(self.api.hasty(attempts, self._within, until), project_ids)


def _together(first: ObservedJob, job: ObservedJob) -> bool:
    """True for one job, and for two that were made within the time in which a request is sent twice."""
    apart = seconds_between(first, job)
    return first.id == job.id or (apart is not None and apart <= DOUBLED)
