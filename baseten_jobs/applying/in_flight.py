"""Which creates are sent and not yet settled, and how far an apply is: what its progress and a signal ask."""

import threading
from collections.abc import Callable


class Ledger:
    """Which creates are sent and not yet settled, for whoever must end at once; and how far the work is."""

    def __init__(self, progress: Callable[[int, int, str], None] = lambda done, total, text: None) -> None:
        self._lock = threading.Lock()
        self._unsettled: dict[str, None] = {}
        self._progress = progress
        self.done = 0
        self.total = 0

    def sent(self, job_name: str) -> None:
        with self._lock:
            self._unsettled[job_name] = None

    def settled(self, job_name: str) -> None:
        with self._lock:
            self._unsettled.pop(job_name, None)

    def step(self, text: str) -> None:
        """One more action has come as far as it goes for now."""
        with self._lock:
            self.done += 1
            self._progress(self.done, self.total, text)

    def say(self, text: str) -> None:
        with self._lock:
            self._progress(self.done, self.total, text)

    @property
    def unsettled(self) -> tuple[str, ...]:
        return tuple(self._unsettled)
