"""A project of the user's own account -> what its API does where no document says it, measured with six small jobs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import ceil

from baseten_jobs.doctor import probe_meanings as meanings
from baseten_jobs.doctor.findings import Finding
from baseten_jobs.doctor.probe_creates import Sent
from baseten_jobs.doctor.probe_jobs import BODY, MOST, ProbeJobs
from baseten_jobs.job.cost import Machine, price_list
from baseten_jobs.job.observation import ObservedJob, short
from baseten_jobs.job.times import epoch_of
from baseten_jobs.planning.capacity import capacity_of
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.observe import jobs_in

_SHOWN, _OVER, _EACH = 30.0, 30.0, 0.25
"""Seconds until a new job should be shown, and a stopped one be over; and between two looks."""

_WITHIN = 10.0
_FOR_ANOTHER_TIME = {
    "row-cap": "whether a search ends early shows only in a project of thousands of jobs",
}


class Probe:
    """One probe: `findings` sends what it sends, and every job that it made is stopped when it returns or raises."""

    def __init__(self, jobs: ProbeJobs) -> None:
        self.jobs, self.api = jobs, jobs.api
        self.prompt: Api = jobs.api.hasty(3, _WITHIN)
        self._machines: tuple[Machine, ...] = ()
        self._first: Sent | None = None

    def findings(self) -> tuple[Finding, ...]:
        """Ask one question after the other; one that gets no answer hides no other, and a signal ends the asking."""
        found: list[Finding] = []
        try:
            for question, ask in self._questions():
                found.append(self._asked(question, ask))
        finally:
            self.jobs.ledger.say("stopping what the probe made")
            self.jobs.wind_up()
        found += (meanings.never_asked(question, why) for question, why in _FOR_ANOTHER_TIME.items())
        return (*found, self._cost(), self._rest())

    def _questions(self) -> tuple[tuple[str, Callable[[], Finding]], ...]:
        return (
            ("prices", self._prices),
            ("capacity", self._capacity),
            ("billing", self._billing),
            ("name", lambda: self._named("name", self.jobs.named("kept"))),
            ("shown-after", self._shown),
            ("patch", self._patch),
            ("same-name", self._second),
            ("recreate", self._copy),
            ("name-63", lambda: self._named("name-63", self.jobs.named("of-63-", 63))),
            ("name-64", lambda: self._named("name-64", self.jobs.named("of-64-", 64))),
            ("name-128", lambda: self._named("name-128", self.jobs.named("of-128-", 128))),
            ("stop", self._stop),
        )

    def _asked(self, question: str, ask: Callable[[], Finding]) -> Finding:
        if self.api.clock.interrupted.is_set():
            return meanings.unasked(question, "interrupted")
        self.jobs.ledger.say(f"{question} ({len(self.jobs.sent)} of {MOST} creates)")
        try:
            return ask()
        except ApiError as error:
            return meanings.unasked(question, str(error))

    # What can be read

    def _prices(self) -> Finding:
        return self._read("prices", self._priced)

    def _priced(self) -> str:
        self._machines = price_list(self.prompt.prices())
        if not self._machines:
            raise ValueError("the answer holds no instance type with a price")
        return f"{len(self._machines)} instance types"

    def _capacity(self) -> Finding:
        return self._read("capacity", lambda: f"{len(capacity_of(self.prompt.capacity()).limits)} limits")

    def _billing(self) -> Finding:
        now = datetime.fromtimestamp(self.api.clock.wall(), UTC)
        start, end = (f"{each:%Y-%m-%dT%H:%M:%SZ}" for each in (now - timedelta(days=1), now))
        return self._read("billing", lambda: f"{len(self.prompt.training_bill(start, end))} jobs since yesterday")

    def _read(self, question: str, read: Callable[[], str]) -> Finding:
        try:
            return meanings.of_reading(question, read(), "")
        except (ApiError, ValueError) as error:
            return meanings.of_reading(question, "", str(error))

    # What has to be made

    def _named(self, question: str, name: str) -> Finding:
        sent = self.jobs.create(name)
        self._first = self._first or sent
        return meanings.of_name(question, sent)

    def _original(self) -> tuple[str, ObservedJob]:
        """The name of the first create, and its job; raises ApiError where there is none."""
        if self._first is None or self._first.job is None:
            raise ApiError("the first create", "it made no job that is known")
        return self._first.name, self._first.job

    def _shown(self) -> Finding:
        _, job = self._original()
        assert self._first is not None
        looks = {
            "search": lambda: self.api.hasty(1, _WITHIN).search_of(self.jobs.project_id),
            "list": lambda: self.api.hasty(1, _WITHIN).jobs(self.jobs.project_id),
        }
        seconds: dict[str, float | None] = dict.fromkeys(looks)
        clock, since = self.api.clock, self._first.ended
        while None in seconds.values() and clock.now() < since + _SHOWN and not clock.interrupted.is_set():
            for where in [where for where, time in seconds.items() if time is None]:
                try:
                    if any(each.id == job.id for each in jobs_in(looks[where]())):
                        seconds[where] = clock.now() - since
                except ApiError:
                    continue
            if None in seconds.values():
                clock.pause(_EACH)
        return meanings.of_visibility(seconds, self.jobs.settle)

    def _patch(self) -> Finding:
        _, job = self._original()
        before = self.jobs.job(job.id)
        began = self.api.clock.now()
        answer = self.api.hasty(1, _WITHIN).update_once(self.jobs.project_id, job.id, {"priority": 1})
        took = self.api.clock.now() - began
        if answer.status == 429 or answer.status >= 500:
            raise answer.error()
        return meanings.of_patch(answer.status, answer.words, took, short(before.status), pending=before.pending)

    def _second(self) -> Finding:
        name, job = self._original()
        return meanings.of_second(self.jobs.create(name), job.name or name)

    def _copy(self) -> Finding:
        name, job = self._original()
        return meanings.of_copy(self.jobs.recreate(job), job.name or name)

    def _stop(self) -> Finding:
        live = next((job for job in reversed(self.jobs.known.values()) if self.jobs.job(job.id).live), None)
        if live is None:
            return meanings.unasked("stop", "every job had ended by itself")
        clock = self.api.clock
        began = clock.now()
        answer = self.api.hasty(1, _WITHIN).stop_once(self.jobs.project_id, live.id)
        answered = clock.now() - began
        ended: float | None = None
        while ended is None and clock.now() < began + _OVER and not clock.interrupted.is_set():
            if not self.jobs.job(live.id).live:
                ended = clock.now() - began
            else:
                clock.pause(_EACH)
        return meanings.of_stop(answer.status, answer.words, answered, ended)

    # What it came to

    def _cost(self) -> Finding:
        jobs, now = self.jobs, self.api.server_clock.now()
        spans = [jobs.over.get(job.id, now) - (epoch_of(job.created_at) or now) for job in jobs.known.values()]
        minutes = sum(max(1, ceil(span / 60)) for span in spans)
        machine = min((each for each in self._machines if each.fits(BODY["compute"])), default=None)
        cents = None if machine is None else round(minutes * machine.usd_per_minute * 100, 4)
        return meanings.of_cost(len(jobs.sent), len(jobs.known), minutes, cents)

    def _rest(self) -> Finding:
        left = {job.id: str(self.jobs.trouble.get(job.id, "it was not shown to be over")) for job in self.jobs.left}
        return meanings.of_rest(left, len(self.jobs.lost), self.jobs.token)
