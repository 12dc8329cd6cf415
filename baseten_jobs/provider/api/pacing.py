"""When the next call may start: a clock that can be interrupted, backoff with jitter, the API's rate limit."""

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field


class Clock:
    """Time as the appliers see it, in seconds; tests pass one of their own."""

    def __init__(self) -> None:
        self.interrupted = threading.Event()

    def now(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        """Epoch seconds, for what is compared with the provider's times."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Sleep so many seconds, also through an interrupt: what is under way is finished."""
        time.sleep(seconds)

    def pause(self, seconds: float) -> bool:
        """Sleep so many seconds, or until an interrupt; return True if one came."""
        return self.interrupted.wait(seconds)


class ServerClock:
    """The time of a server as far as its answers tell: `ahead` of ours by so many seconds; None before one did."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.ahead: float | None = None

    def hear(self, sent: float, began: float) -> None:
        """Note that what was sent at `began`, in epoch seconds by our clock, was sent at `sent` by the server's."""
        self.ahead = sent - began

    def now(self) -> float:
        """Epoch seconds, by our own clock until an answer told the time."""
        return self._clock.wall() + (self.ahead or 0.0)


@dataclass(frozen=True)
class Backoff:
    """Waits that double from `first` to `longest` seconds, each cut at random by up to half."""

    first: float = 0.25
    longest: float = 8.0
    chance: Callable[[], float] = field(default=random.random, repr=False)

    def wait(self, attempt: int, asked: float | None = None) -> float:
        """Seconds before attempt number `attempt` (from 0) is repeated; at least what the server asked for."""
        wait: float = min(self.longest, self.first * 2 ** min(attempt, 16)) * (1 - self.chance() / 2)
        return max(wait, asked or 0.0)


def nth(number: int, most: int) -> str:
    """How far a call is that is tried at most so often."""
    return f"{number} of at most {most} times"


class Waits:
    """The waits before calls are repeated: `tell` gets a sentence for each long one, once however many calls wait.

    Each says why it is, and its `limit`: how often, or how long, the call is tried at most.
    """

    LONG = 2.0
    """Seconds; shorter waits are not told."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._lock, self._until = clock, threading.Lock(), float("-inf")
        self.tell: Callable[[str], None] = lambda told: None

    def sleep(self, seconds: float, why: str, limit: str) -> None:
        """Sleep so many seconds, also through an interrupt."""
        self._begin(seconds, why, limit)
        self._clock.sleep(seconds)

    def pause(self, seconds: float, why: str, limit: str) -> bool:
        """Sleep so many seconds, or until an interrupt; return True if one came."""
        self._begin(seconds, why, limit)
        return self._clock.pause(seconds)

    def _begin(self, seconds: float, why: str, limit: str) -> None:
        with self._lock:
            end = self._clock.now() + seconds
            if seconds < self.LONG or end < self._until + self.LONG:
                return
            self._until = end
        self.tell(f"{why}; trying again in {seconds:.0f} s ({limit})")


class RateLimit:
    """At most `rate` calls of one endpoint within any second: the API allows 100 per key and endpoint.

    `refused` counts the calls that the server refused all the same.
    """

    def __init__(self, clock: Clock, rate: int = 100, window: float = 1.0) -> None:
        self._clock, self.rate, self._window, self.refused = clock, rate, window, 0
        self._lock = threading.Lock()
        self._starts: dict[str, deque[float]] = {}

    def wait(self, endpoint: str) -> None:
        """Return when a call of this endpoint may start; its place in the window is taken then."""
        with self._lock:
            starts = self._starts.setdefault(endpoint, deque(maxlen=self.rate))
            now = self._clock.now()
            start = max(now, starts[0] + self._window) if len(starts) == self.rate else now
            starts.append(start)
        if start > now:
            self._clock.sleep(start - now)
