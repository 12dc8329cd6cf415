"""A seed and a request's number to the faults that this request meets; the table of all faults."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Scope(Enum):
    """Where a fault can strike."""

    ANY = "any request"
    CREATE = "a create or recreate"
    REPEATABLE = "any request but a create or recreate"
    NEW_JOB = "a job when it is created"
    COURSE = "a job while it runs"
    SHOWN_JOB = "a job when it is shown"
    LISTING = "a search or job list"
    LINK = "a download by a presigned link"
    LINKED = "a file behind a presigned link"


@dataclass(frozen=True)
class Kind:
    """One way to misbehave; `seconds` is None where a fault has no time."""

    name: str
    scope: Scope
    rate: float
    seconds: float | None
    meaning: str

    @property
    def defaults(self) -> str:
        """The fault as it would be written with its default rate and seconds."""
        return f"{self.name}={self.rate:g}" + ("" if self.seconds is None else f",{self.seconds:g}")


@dataclass(frozen=True)
class Fault:
    """A kind, how often it strikes (0 to 1), and its time in seconds."""

    kind: str
    rate: float
    seconds: float


# In order of precedence: of the faults that end an exchange, a request meets the first that strikes.
KINDS: tuple[Kind, ...] = (
    Kind("rate-limit", Scope.ANY, 0.1, 1.0, "429 with retry_after SECONDS; nothing is done"),
    Kind("rate-limit-bare", Scope.ANY, 0.1, None, "429 without retry_after; nothing is done"),
    Kind("error-before", Scope.CREATE, 0.1, None, "500, 502 with HTML, 503 or 504; nothing is committed"),
    Kind("error-after", Scope.CREATE, 0.1, None, "the same answers, but the job is committed"),
    Kind("reset-before", Scope.CREATE, 0.1, None, "the connection is reset; nothing is committed"),
    Kind("reset-after", Scope.CREATE, 0.1, None, "the connection is reset, but the job is committed"),
    Kind("truncate-after", Scope.CREATE, 0.1, None, "commits, then sends half of the answer and closes"),
    Kind("not-json-after", Scope.CREATE, 0.1, None, "commits, then answers 200 with HTML"),
    Kind("hang-after", Scope.CREATE, 0.1, 30.0, "commits, is silent for SECONDS, then resets the connection"),
    Kind("late-commit", Scope.CREATE, 0.1, 10.0, "resets the connection; the job is committed SECONDS later"),
    Kind("read-error", Scope.REPEATABLE, 0.1, None, "5xx on a read or a repeatable write, whose effect may be done"),
    Kind("read-reset", Scope.REPEATABLE, 0.1, None, "the same with a reset of the connection"),
    Kind("lagging-search", Scope.NEW_JOB, 1.0, 5.0, "search and list show a new job SECONDS after its commit"),
    Kind("empty-search", Scope.LISTING, 0.1, None, "a search or job list answers with an empty list"),
    Kind("suffix", Scope.NEW_JOB, 1.0, None, "a repeated job name gets -2, -3 ... appended"),
    Kind("rename", Scope.NEW_JOB, 1.0, None, "a job's name is cut to 16 characters"),
    Kind("preemption", Scope.COURSE, 0.1, 60.0, "a spot job is preempted at some time in its first SECONDS of running"),
    Kind("failure", Scope.COURSE, 0.1, 60.0, "a job fails at some time in its first SECONDS of running"),
    Kind("stall", Scope.COURSE, 0.1, 60.0, "at such a time its GPUs idle and its log is silent, but it stays RUNNING"),
    Kind("new-status", Scope.SHOWN_JOB, 1.0, None, "a live job shows the status TRAINING_JOB_WARMING"),
    Kind("coarse-time", Scope.NEW_JOB, 1.0, None, "created_at is cut to whole seconds"),
    Kind("early-time", Scope.NEW_JOB, 1.0, None, "created_at is up to a second before the commit"),
    Kind("link-error", Scope.LINK, 0.1, None, "500 or 503 in XML at a presigned link, as an object store answers"),
    Kind("link-expired", Scope.LINK, 0.1, None, "403: a presigned link has run out before its time"),
    Kind("link-reset", Scope.LINK, 0.1, None, "the connection to a presigned link is reset"),
    Kind("link-truncate", Scope.LINK, 0.1, None, "a part of the file, then the connection closes"),
    Kind("link-whole", Scope.LINKED, 0.1, None, "the whole file, whatever Range asks for"),
)

_BY_NAME = {kind.name: kind for kind in KINDS}
_MOST = 10**9
_ENDS_EXCHANGE = (Scope.ANY, Scope.CREATE, Scope.REPEATABLE, Scope.LINK)


def parse_fault(text: str) -> Fault:
    """`KIND[=RATE[,SECONDS]]` to a fault; a ValueError says what is wrong with it."""
    name, separator, rest = text.partition("=")
    kind = _BY_NAME.get(name)
    if kind is None:
        raise ValueError(f"'{name}' is not a fault; expected one of {', '.join(_BY_NAME)}")
    rate_text, comma, seconds_text = rest.partition(",")
    rate = _number(rate_text, "rate", text) if separator else kind.rate
    if rate > 1:
        raise ValueError(f"'{text}': a rate is a number from 0 to 1")
    if comma and kind.seconds is None:
        raise ValueError(f"'{text}': {name} takes no seconds")
    seconds = _number(seconds_text, "number of seconds", text) if comma else kind.seconds or 0.0
    return Fault(name, rate, seconds)


def _number(text: str, what: str, whole: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= _MOST:
        raise ValueError(f"'{whole}': '{text}' is not a {what} (a number from 0 to {_MOST})")
    return number


class Roll:
    """The dice of one request: the same seed, request number and question give the same answer."""

    def __init__(self, seed: int, number: int, faults: dict[str, Fault]) -> None:
        self._prefix = f"{seed}:{number}"
        self._faults = faults

    def strikes(self, name: str) -> Fault | None:
        """The fault of this kind, if it is configured and strikes this request."""
        fault = self._faults.get(name)
        if fault is None or self.chance(name) >= fault.rate:
            return None
        return fault

    def ending(self, scopes: Iterable[Scope]) -> Fault | None:
        """The first fault of these scopes that strikes and ends the exchange."""
        wanted = [scope for scope in scopes if scope in _ENDS_EXCHANGE]
        for kind in KINDS:
            if kind.scope in wanted and (fault := self.strikes(kind.name)) is not None:
                return fault
        return None

    def chance(self, question: str) -> float:
        """A number from 0 up to 1 for a question about this request."""
        return random.Random(f"{self._prefix}:{question}").random()


class Dice:
    """Hands each request its roll, numbered in order of arrival; a restart counts from one again."""

    def __init__(self, seed: int, faults: Iterable[Fault]) -> None:
        self._seed = seed
        self._faults = {fault.kind: fault for fault in faults}
        self._numbers = itertools.count(1)

    def roll(self) -> Roll:
        return Roll(self._seed, next(self._numbers), self._faults)

    def warms(self, job_id: str) -> bool:
        """Whether `new-status` strikes a job: decided once per job, so that it does not flicker."""
        fault = self._faults.get("new-status")
        return fault is not None and random.Random(f"{self._seed}:warms:{job_id}").random() < fault.rate

    def turn(self, kind: str, job_id: str) -> float | None:
        """The seconds after which a fault of its course strikes a job that runs; None if it never does.

        It goes by the job and not by the request, so that a restart changes nothing.
        """
        fault = self._faults.get(kind)
        chance = random.Random(f"{self._seed}:{kind}:{job_id}")
        return fault.seconds * chance.random() if fault is not None and chance.random() < fault.rate else None
