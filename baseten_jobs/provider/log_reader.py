"""A job -> its log lines, page by page, and on until the job has ended."""

from collections.abc import Iterator
from dataclasses import dataclass

from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.job.times import epoch_of
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.log_pages import LIMIT, LogLine, Reading, again, begin, line_of, read
from baseten_jobs.provider.observe import jobs_in
from baseten_jobs.provider.outages import Tell, patiently
from baseten_jobs.provider.presence import Presence
from baseten_jobs.provider.standstill import Standstill

_POLL = 3.0
"""Seconds between two looks at the log of a job that lives."""

_LOOK = 9.0
"""Seconds between two looks at the job itself."""

_GRACE = 10.0
"""Seconds after a job's end during which its last lines still arrive."""

_NARROW, _WIDE = 5_000, 90_000
"""Milliseconds that are read again for late lines: at every look, and every `_WIDE_EVERY` seconds."""

_WIDE_EVERY = 60.0


@dataclass(frozen=True)
class Heard:
    """New lines, oldest first, and the job as it was when they were read; `whole` says that these are all by now."""

    lines: tuple[LogLine, ...]
    job: ObservedJob
    whole: bool = True
    crowded: int = 0


def lines_so_far(api: Api, job: ObservedJob, since: float | None, tell: Tell) -> Iterator[Heard]:
    """What a job wrote up to now, since its creation or a later time in epoch seconds; raises ApiError."""
    reading = _beginning(api, job, since)
    while not reading.whole:
        reading, new = _page(api, job, reading, tell)
        yield Heard(new, job, reading.whole, reading.crowded)


def follow(api: Api, job: ObservedJob, since: float | None, tell: Tell) -> Iterator[Heard]:
    """Yield the same, and the lines that follow until the job has ended; raises ApiError, also if the job is gone.

    Ends with a job that lives where its status is not known here, and has not changed for ten minutes.
    """
    clock, reading, looks = api.clock, _beginning(api, job, since), _Looks(api, job)
    looked = widely = clock.now()
    end = _last_look(api, job)
    while True:
        over = looks.stuck or (end is not None and clock.now() >= end)
        while not reading.whole:
            reading, new = _page(api, job, reading, tell)
            yield Heard(new, job, reading.whole, reading.crowded)
        if over:
            return
        clock.sleep(_POLL)
        if end is None and clock.now() >= looked + _LOOK:
            job, looked = patiently(api, looks.again, tell), clock.now()
            end = None if job.live else clock.now() + _GRACE
        wide = clock.now() >= widely + _WIDE_EVERY or (end is not None and clock.now() >= end)
        widely = clock.now() if wide else widely
        reading = again(reading, _WIDE if wide else _NARROW, _now(api))


def _beginning(api: Api, job: ObservedJob, since: float | None) -> Reading:
    """Return where to begin: a little before the job's creation by the API's clock: lines have the nodes' times."""
    created = epoch_of(job.created_at)
    start = max(t for t in (0.0, since, created and created - _GRACE) if t is not None)
    return begin(int(start * 1000), _now(api))


def _last_look(api: Api, job: ObservedJob) -> float | None:
    """Return the clock's time of the last read of an ended job's log; None while the job lives."""
    if job.live:
        return None
    ended = epoch_of(job.updated_at)
    passed = api.clock.wall() - ended if ended is not None else 0.0
    return api.clock.now() + min(_GRACE, max(0.0, _GRACE - passed))


def _page(api: Api, job: ObservedJob, reading: Reading, tell: Tell) -> tuple[Reading, tuple[LogLine, ...]]:
    window = reading.window
    rows = patiently(api, lambda: api.logs(job.project_id, job.id, window.start, window.end, LIMIT), tell)
    try:
        page = [line_of(row) for row in rows]
    except ValueError:
        raise ApiError(f"logs of job {job.id}", "the answer holds a line without its time") from None
    reading, new = read(reading, page, _now(api))
    if reading.endless:
        raise ApiError(f"logs of job {job.id}", "there is no end to the lines of one time; --since begins later")
    return reading, new


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
