"""Jobs -> the lines of their logs, page by page, and on until the jobs have ended."""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import merge
from itertools import groupby, islice
from operator import itemgetter

from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.job.times import epoch_of
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.log_pages import LIMIT, LogLine, again, begin, read
from baseten_jobs.provider.log_tail import last_lines, lines_of
from baseten_jobs.provider.observe import jobs_in
from baseten_jobs.provider.outages import Tell, patiently
from baseten_jobs.provider.presence import Presence
from baseten_jobs.provider.standstill import Standstill

_POLL = 3.0
"""Seconds between two looks at the logs of jobs that live."""

_LOOK = 9.0
"""Seconds between two looks at a job itself."""

_GRACE = 10.0
"""Seconds after a job's end during which its last lines still arrive."""

_NARROW, _WIDE = 5_000, 90_000
"""Milliseconds that are read again for late lines: at every look, and every `_WIDE_EVERY` seconds."""

_WIDE_EVERY = 60.0

_CHUNK = 1000
"""The most lines that are passed on at once where several logs are read."""

_RANK = re.compile(r"(?:.*r)?([0-9]+)")


@dataclass(frozen=True)
class Selection:
    """Which lines of a log are wanted; times in epoch seconds.

    `level` is the lowest, as the API spells it. `nodes` are ranks such as `0`, or replicas such as `g00r0`. Of each
    log's lines until now the last `tail` are wanted, or all where it is None.
    """

    since: float | None = None
    until: float | None = None
    level: str | None = None
    nodes: frozenset[str] = frozenset()
    tail: int | None = None

    def holds(self, line: LogLine) -> bool:
        """True if the line is one of the nodes'. A line of no node, as the platform's, is not."""
        return not self.nodes or line.replica in self.nodes or _rank(line.replica) in self.nodes


ALL = Selection()


def _rank(replica: str | None) -> str | None:
    found = _RANK.fullmatch(replica or "")
    return str(int(found[1])) if found else None


@dataclass(frozen=True)
class Heard:
    """New lines, oldest first, and the job as it was when they were read; `whole` says that these are all by now.

    `gone` says that the job was deleted meanwhile, and that its log is read no further.
    """

    lines: tuple[LogLine, ...]
    job: ObservedJob
    whole: bool = True
    crowded: int = 0
    gone: bool = False


def lines_so_far(api: Api, jobs: Sequence[ObservedJob], wanted: Selection, tell: Tell) -> Iterator[Heard]:
    """What jobs wrote up to now, since their creation or later, in the order of time; raises ApiError."""
    return _interleaved([_Log(api, job, wanted, tell).lines() for job in jobs])


def follow(api: Api, jobs: Sequence[ObservedJob], wanted: Selection, tell: Tell) -> Iterator[Heard]:
    """Yield the same, and what follows until the jobs have ended; raises ApiError, also if the only job is gone.

    Ends with a job that lives where its status is not known here, and has not changed for ten minutes.
    """
    followed = [_Followed(api, job, wanted, tell, alone=len(jobs) == 1) for job in jobs]
    while True:
        yield from _interleaved([each.lines() for each in followed])
        followed = [each for each in followed if not each.over]
        if not followed:
            return
        api.clock.sleep(_POLL)
        for each in followed:
            yield from each.look()


class _Log:
    """One log, and how far it is read."""

    def __init__(self, api: Api, job: ObservedJob, wanted: Selection, tell: Tell) -> None:
        self.api, self.job, self.wanted, self._tell = api, job, wanted, tell
        self._begun = False
        until = None if wanted.until is None else int(wanted.until * 1000)
        self.reading = begin(_first(job, wanted.since), _now(api), until)

    def lines(self) -> Iterator[Heard]:
        """Everything that is new by now; at the first time only the tail, if that is wanted."""
        tail, self._begun = None if self._begun else self.wanted.tail, True
        if tail is None:
            yield from self._pages()
        elif self.wanted.until is not None:
            yield Heard(self._last(tail), self.job)
        else:
            newest = self._last(tail)
            if newest:
                self.reading = begin(max(self.reading.first, newest[0].millis), _now(self.api))
            kept, crowded = deque[LogLine](maxlen=tail), 0
            for heard in self._pages():
                kept.extend(heard.lines)
                crowded = heard.crowded
            yield Heard(tuple(kept), self.job, crowded=crowded)

    def _last(self, tail: int) -> tuple[LogLine, ...]:
        def ask() -> tuple[LogLine, ...]:
            return last_lines(self.api, self.job, self.reading, tail, self.wanted.level, self.wanted.holds)

        return patiently(self.api, ask, self._tell)

    def _pages(self) -> Iterator[Heard]:
        while not self.reading.whole:
            new = self._page()
            yield Heard(tuple(filter(self.wanted.holds, new)), self.job, self.reading.whole, self.reading.crowded)

    def _page(self) -> tuple[LogLine, ...]:
        api, job, window, level = self.api, self.job, self.reading.window, self.wanted.level

        def ask() -> list[LogLine]:
            rows = api.logs(job.project_id, job.id, window.start, window.end, LIMIT, level=level)
            return lines_of(job, rows)

        self.reading, new = read(self.reading, patiently(api, ask, self._tell), _now(api))
        if self.reading.endless:
            raise ApiError(f"logs of job {job.id}", "there is no end to the lines of one time; --since begins later")
        return new


class _Followed(_Log):
    """A log that is read until its job has ended; `over` says that it was read for the last time."""

    def __init__(self, api: Api, job: ObservedJob, wanted: Selection, tell: Tell, *, alone: bool) -> None:
        super().__init__(api, job, wanted, tell)
        self._looks, self._alone = _Looks(api, job), alone
        self._looked = self._widely = api.clock.now()
        self._end = _last_look(api, job)
        self.over = False

    def lines(self) -> Iterator[Heard]:
        if self.over:
            return
        self.over = self._looks.stuck or self._is_last
        try:
            yield from super().lines()
        except ApiError as error:
            yield self._gone(error)

    def _gone(self, error: ApiError) -> Heard:
        """Read on without a job that was deleted, if there are others; raises the error else."""
        if self._alone or error.status != 404:
            raise error
        self._tell(str(error))
        self.over = True
        return Heard((), self.job, gone=True)

    @property
    def _is_last(self) -> bool:
        return self._end is not None and self.api.clock.now() >= self._end

    def look(self) -> Iterator[Heard]:
        """Look at the job if that is due, and have the log read on; yields what is heard of a job that is gone."""
        clock = self.api.clock
        if self._end is None and clock.now() >= self._looked + _LOOK:
            try:
                self.job, self._looked = patiently(self.api, self._looks.again, self._tell), clock.now()
            except ApiError as error:
                yield self._gone(error)
            self._end = None if self.job.live else clock.now() + _GRACE
        wide = clock.now() >= self._widely + _WIDE_EVERY or self._is_last
        self._widely = clock.now() if wide else self._widely
        self.reading = again(self.reading, _WIDE if wide else _NARROW, _now(self.api))


def _interleaved(logs: Sequence[Iterable[Heard]]) -> Iterator[Heard]:
    """The lines of several logs in the order of their times, and at last each job as it was then."""
    if len(logs) == 1:
        yield from logs[0]
        return
    latest: dict[int, Heard] = {}

    def timed(index: int, log: Iterable[Heard]) -> Iterator[tuple[int, int, LogLine]]:
        for heard in log:
            latest[index] = heard
            yield from ((line.nanos, index, line) for line in heard.lines)

    every = merge(*(timed(index, log) for index, log in enumerate(logs)), key=itemgetter(0, 1))
    for index, lines in groupby(every, key=itemgetter(1)):
        while chunk := tuple(line for _, _, line in islice(lines, _CHUNK)):
            yield replace(latest[index], lines=chunk, whole=False)
    yield from (replace(heard, lines=()) for heard in latest.values())


def _first(job: ObservedJob, since: float | None) -> int:
    """Return where to begin: a little before the job's creation by the API's clock: lines have the nodes' times."""
    created = epoch_of(job.created_at)
    return int(max(t for t in (0.0, since, created and created - _GRACE) if t is not None) * 1000)


def _last_look(api: Api, job: ObservedJob) -> float | None:
    """Return the clock's time of the last read of an ended job's log; None while the job lives."""
    if job.live:
        return None
    ended = epoch_of(job.updated_at)
    passed = api.clock.wall() - ended if ended is not None else 0.0
    return api.clock.now() + min(_GRACE, max(0.0, _GRACE - passed))


class _Looks:
    """Looks at one job, one after another; one that a look misses is as it was, until it is gone."""

    def __init__(self, api: Api, job: ObservedJob) -> None:
        self._api, self._job = api, job
        self._presence, self._standstill = Presence(api), Standstill()
        self._standstill.look([job], api.clock.now())

    @property
    def stuck(self) -> bool:
        return self._standstill.stuck(self._job)

    def again(self) -> ObservedJob:
        """Return the job as the API shows it now; raises ApiError, also if it is gone."""
        job_id = self._job.id
        searched = {job.id: job for job in jobs_in(self._api.search(job_id=job_id))}
        self._job = self._presence.look({job_id: self._job.project_id}, searched).get(job_id, self._job)
        if self._presence.gone(job_id):
            raise ApiError(f"job {job_id}", "it is gone: neither a search nor its project shows it any longer", 404)
        self._standstill.look([self._job], self._api.clock.now())
        return self._job


def _now(api: Api) -> int:
    return int(api.clock.wall() * 1000)
