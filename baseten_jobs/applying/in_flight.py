"""The creates that are sent and not yet settled, and how far an apply is: for its progress and for a signal."""

import threading
from collections.abc import Callable


class Ledger:
    """The names of jobs whose creates are sent and not settled, and the number of actions done; for many threads."""

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
        """Count one more action as done, and show `text` as the progress."""
        with self._lock:
            self.done += 1
            self._progress(self.done, self.total, text)

    def say(self, text: str) -> None:
        with self._lock:
            self._progress(self.done, self.total, text)

    @property
    def unsettled(self) -> tuple[str, ...]:
        return tuple(self._unsettled)
