"""Accidental twins that wait -> stopped ones, each after two readings and without a sign that it ever ran."""

from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from baseten_jobs.applying.outcome import Fate, Outcome
from baseten_jobs.job.observation import ObservedJob, short
from baseten_jobs.job.times import epoch_of
from baseten_jobs.planning.duplicates import duplicate_warning
from baseten_jobs.planning.plan import Action, ActionKey
from baseten_jobs.planning.twins import why_not_stopped
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.snapshot import Snapshot, look_at
from baseten_jobs.provider.stop import stop_job

_BETWEEN = 2.5
"""Seconds between the two readings of a twin."""
_AT_ONCE = 8
"""As many twins are stopped side by side, right after they were read for the second time."""
_WITHIN = 10.0
"""Seconds that one read may take."""
READINGS = _BETWEEN + 2 * 2 * _WITHIN
"""Seconds that both readings of a twin take at most, each tried twice."""
_EARLIER = 10.0
"""Seconds before a job's creation from which its log is read: nodes have clocks of their own."""


@dataclass
class TwinStops:
    """The stops of one apply's twins; `owners` have the letters of whose twins they may be.

    A stop may take `patience` seconds. Once `over` is true nothing more is sent.
    """

    api: Api
    owners: Collection[str]
    patience: float
    over: Callable[[], bool]
    _doubts: dict[ActionKey, str] = field(default_factory=dict)
    _latest: dict[ActionKey, tuple[ObservedJob, ObservedJob]] = field(default_factory=dict)
    _ended: dict[ActionKey, Outcome] = field(default_factory=dict)

    def carried_out(self, stops: Sequence[Action]) -> tuple[Outcome, ...]:
        """Stop each twin that may be stopped; returns what became of all, in the order given."""
        if not self.over():
            self._read(stops)
        if not self.over() and (due := self._undoubted(stops)):
            self.api.clock.pause(_BETWEEN)
            for first in range(0, len(due), _AT_ONCE):
                self._stop_some(due[first : first + _AT_ONCE])
        return tuple(self._ended.get(stop.key) or self._left(stop) for stop in stops)

    def _stop_some(self, stops: Sequence[Action]) -> None:
        if self.over():
            return
        with ThreadPoolExecutor(len(stops), "stop") as pool:
            traces = list(pool.map(self._trace, stops))
            self._read(stops)
            self._doubts |= {stop.key: trace for stop, trace in zip(stops, traces, strict=True) if trace}
            ready = self._undoubted(stops)
            self._ended |= dict(zip((stop.key for stop in ready), pool.map(self._stop, ready), strict=True))

    def _undoubted(self, stops: Iterable[Action]) -> list[Action]:
        return [stop for stop in stops if not self._doubts.get(stop.key)]

    def _read(self, stops: Iterable[Action]) -> None:
        """Look at the twins once; a doubt that one look raises, no later look ends."""
        pairs = {stop.key: (stop.job, stop.twin_of) for stop in stops if stop.job and stop.twin_of}
        looks = look_at(self.api.hasty(2, _WITHIN), {job.project_id for job, _ in pairs.values()})
        for key, (job, older) in pairs.items():
            doubt = self._doubt(key, looks[job.project_id], job, older)
            self._doubts[key] = self._doubts.get(key) or doubt

    def _doubt(self, key: ActionKey, look: Snapshot, job: ObservedJob, older: ObservedJob) -> str:
        shown, first = look.job(job.id), look.job(older.id)
        if shown and first:
            self._latest[key] = (shown, first)
        if not (look.agrees(job.id) and look.agrees(older.id)):
            return "search and job list do not both show the two jobs"
        rows, olders = look.rows(job.id), look.rows(older.id)
        if any(len({row.name for row in each}) > 1 for each in (rows, olders)):
            return "search and job list name it differently"
        identity = rows[0].identity
        jobs = look.same(identity) if identity else ()
        reasons = (why_not_stopped(row, other, jobs, self.owners) for row in rows for other in olders)
        return next(filter(None, reasons), "")

    def _trace(self, stop: Action) -> str:
        """A sign that a job ran, or that it can't be told; empty if there is none."""
        job, api = stop.job, self.api.hasty(2, _WITHIN)
        assert job is not None
        start = int(((epoch_of(job.created_at) or 0.0) - _EARLIER) * 1000)
        try:
            if api.logs(job.project_id, job.id, max(0, start), None, 1):
                return "it has a log"
            if api.checkpoints(job.project_id, job.id):
                return "it has a checkpoint"
        except ApiError as error:
            return f"its log or its checkpoints can't be read: {error}"
        return ""

    def _stop(self, stop: Action) -> Outcome:
        job = stop.job
        assert job is not None
        try:
            stop_job(self.api, job.project_id, job.id, self.patience)
        except ApiError as error:
            return Outcome(stop, Fate.FAILED, job.id, str(error))
        return Outcome(stop, Fate.STOPPED, job.id)

    def _left(self, stop: Action) -> Outcome:
        job, older = self._latest.get(stop.key, (stop.job, stop.twin_of))
        assert job is not None
        assert older is not None
        doubt = self._doubts.get(stop.key, "")
        if not doubt:
            return Outcome(stop, Fate.SKIPPED, job.id, "not started")
        if ended := next((each for each in (job, older) if not each.live), None):
            return Outcome(stop, Fate.SKIPPED, job.id, f"not stopped: job {ended.id} is {short(ended.status)}")
        warning = duplicate_warning((older, job), self.api.clock.wall())
        return Outcome(stop, Fate.SKIPPED, job.id, unclear=f"{warning}; it was not stopped here: {doubt}")
