"""At most six small jobs of our own -> how their creates were answered; each of them is found again and stopped."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from baseten_jobs.applying.in_flight import Ledger
from baseten_jobs.applying.settle import Windows
from baseten_jobs.doctor.probe_creates import Sent
from baseten_jobs.job.names import LETTERS
from baseten_jobs.job.observation import ObservedJob, job_of
from baseten_jobs.provider.api.answer import Answer
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError, Broken, NotSent
from baseten_jobs.provider.snapshot import Snapshot, look_at
from baseten_jobs.provider.stop import stop_job

MOST = 6
"""Creates that one probe sends, whatever becomes of them."""

BODY: dict[str, Any] = {
    "image": {"base_image": "python:3.13-slim"},
    "compute": {"cpu_count": 1, "memory": "2Gi", "node_count": 1},
    "runtime": {"start_commands": ["true"]},
}
"""The smallest machine, and a command that ends at once."""

_NOBODY_KNOWS = frozenset({408, 409, 425, 499})
_WITHIN, _STOPPING, _LONGER = 10.0, 30.0, 60.0
"""Seconds for one read, for one stop, and for the end beyond the window in which lost jobs are looked for."""


def fresh_token() -> str:
    """Eight letters that are in the names of this probe's jobs, and in no other name."""
    return "".join(secrets.choice(LETTERS) for _ in range(8))


@dataclass
class ProbeJobs:
    """The jobs of one probe, all with its `token` in their names; never more creates than MOST."""

    api: Api
    project_id: str
    token: str
    ledger: Ledger = field(default_factory=Ledger)
    settle: float = Windows.settle
    sent: list[Sent] = field(default_factory=list)
    known: dict[str, ObservedJob] = field(default_factory=dict)
    over: dict[str, float] = field(default_factory=dict)
    trouble: dict[str, ApiError] = field(default_factory=dict)

    def named(self, tag: str, length: int = 0) -> str:
        """A name with the token at its start, where a server that cuts names leaves it; so many characters long."""
        return f"probe-{self.token}--{tag}".ljust(length, "x")

    def create(self, name: str) -> Sent:
        body = {"training_job": {**BODY, "name": name}}
        return self._send(name, lambda: self.api.create_once(self.project_id, body))

    def recreate(self, original: ObservedJob) -> Sent:
        name = original.name or ""
        return self._send(name, lambda: self.api.recreate_once(self.project_id, original.id))

    def _send(self, name: str, call: Callable[[], Answer]) -> Sent:
        if len(self.sent) >= MOST or self.api.clock.interrupted.is_set():
            return Sent(name, reason="it was not sent")
        self.ledger.sent(name)
        place = len(self.sent)
        self.sent.append(Sent(name, unknown=True, reason="interrupted", ended=self.api.clock.now()))
        began = self.api.clock.now()
        made = self._answered(name, call)
        now = self.api.clock.now()
        made = replace(made, took=now - began, ended=now)
        self.sent[place] = made
        if made.job is not None:
            self.known[made.job.id] = made.job
        elif not made.unknown:
            self.ledger.settled(name)
        return self._sought(place) if made.unknown else made

    def _answered(self, name: str, call: Callable[[], Answer]) -> Sent:
        try:
            answer = call()
        except NotSent as error:
            return Sent(name, reason=str(error))
        except Broken as error:
            return Sent(name, reason=str(error), unknown=True)
        if answer.ok:
            try:
                return Sent(name, job_of(answer.row("training_job", "id")), answer.status)
            except ApiError as error:
                return Sent(name, None, answer.status, str(error), unknown=True)
        refused = 400 <= answer.status < 500 and answer.status not in _NOBODY_KNOWS
        return Sent(name, None, answer.status, str(answer.error()), unknown=not refused)

    def _sought(self, place: int) -> Sent:
        """A create without a clear answer, with its job if one is shown within ten seconds."""
        end, attempt = self.api.clock.now() + _WITHIN, 0
        while True:
            self._take(self._look())
            if self.sent[place].job is not None or self.api.clock.now() >= end:
                return self.sent[place]
            if self.api.clock.pause(self.api.backoff.wait(attempt)):
                return self.sent[place]
            attempt += 1

    def _look(self) -> Snapshot:
        return look_at(self.api.hasty(1, _WITHIN), [self.project_id])[self.project_id]

    def _take(self, look: Snapshot) -> None:
        """Note the jobs with our token that nobody knew of, each for the oldest create that may have made it."""
        for job in (*(look.searched or ()), *(look.listed or ())):
            if self.token not in (job.name or "") or job.id in self.known:
                continue
            self.known[job.id] = job
            lost = [place for place, each in enumerate(self.sent) if each.unknown and each.job is None]
            alike = [place for place in lost if self.sent[place].name == job.name] or lost
            if alike:
                self.sent[alike[0]] = replace(self.sent[alike[0]], job=job)

    def job(self, job_id: str) -> ObservedJob:
        """A job as its own address shows it; raises ApiError."""
        return job_of(self.api.hasty(3, _WITHIN).job(self.project_id, job_id))

    @property
    def lost(self) -> tuple[Sent, ...]:
        """The creates that may have made a job which nothing has shown."""
        return tuple(each for each in self.sent if each.unknown and each.job is None)

    @property
    def left(self) -> tuple[ObservedJob, ...]:
        """The jobs that are not known to have ended."""
        return tuple(job for job in self.known.values() if job.id not in self.over)

    def wind_up(self) -> None:
        """Stop every job of ours until it is shown to be over, and look for those whose creates were not answered.

        What was refused, or never reached the server, made no job that there would be to look for.
        """
        clock, attempt = self.api.clock, 0
        last = max((each.ended for each in self.sent if each.unknown), default=clock.now())
        given_up = clock.now() + self.settle + _LONGER
        while self.known or self.lost:
            look = self._look()
            self._take(look)
            for job in self.left:
                self._stop(job)
            waits = bool(self.lost) and clock.now() < last + self.settle
            if (look.complete and not self.left and not waits) or clock.now() >= given_up or self._may_not:
                break
            clock.sleep(min(self.api.backoff.wait(attempt), max(0.0, given_up - clock.now())))
            attempt += 1

    @property
    def _may_not(self) -> bool:
        """True if the key may stop none of the jobs that are left."""
        troubles = [self.trouble.get(job.id) for job in self.left]
        return bool(troubles) and all(error is not None and error.unauthorised for error in troubles)

    def _stop(self, job: ObservedJob) -> None:
        try:
            stop_job(self.api, self.project_id, job.id, _STOPPING)
        except ApiError as error:
            self.trouble[job.id] = error
        else:
            self.over[job.id] = self.api.server_clock.now()
            self._settle()

    def _settle(self) -> None:
        """Note the names of which every job is over; two jobs may have one name."""
        over = {each.name for each in self.sent}
        over -= {each.name for each in self.sent if each.job and each.job.id not in self.over}
        for name in over - {each.name for each in self.lost}:
            self.ledger.settled(name)
