"""The command with a clock that goes as fast as that of an embedded API, as a process of its own.

    CLOCK=20:1764350000.5:1800000000 python -m tests.support.fast_clock plan

20 times as fast, and 1800000000 in epoch seconds at 1764350000.5 of this machine's.
"""

import os
import sys
import time

from baseten_jobs.cli.main import run
from baseten_jobs.provider.api.pacing import Clock

VARIABLE = "CLOCK"


class FastClock(Clock):
    def __init__(self, speed: float, here: float, there: float) -> None:
        super().__init__()
        self._speed, self._here, self._there = speed, here, there

    def now(self) -> float:
        return time.monotonic() * self._speed

    def wall(self) -> float:
        return self._there + (time.time() - self._here) * self._speed

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / self._speed)

    def pause(self, seconds: float) -> bool:
        return self.interrupted.wait(seconds / self._speed)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], FastClock(*map(float, os.environ[VARIABLE].split(":")))))
