"""A wait before anything is printed -> a line on a terminal that says what is waited for, and how long at most."""

import threading
from collections.abc import Callable
from contextlib import suppress

from baseten_jobs.cli.screen import Screen

_AFTER = 2.0
"""Seconds of silence."""


class Patience:
    """From two seconds on, a line that counts them; it is taken away by `end`."""

    def __init__(self, screen: Screen, told: Callable[[int], str]) -> None:
        self._screen, self._told, self._over = screen, told, threading.Event()
        self._thread = threading.Thread(target=self._count, name="patience", daemon=True)
        self._thread.start()

    def end(self) -> None:
        if not self._over.is_set():
            self._over.set()
            self._thread.join()

    def _count(self) -> None:
        seconds = _AFTER
        if self._over.wait(_AFTER):
            return
        with suppress(OSError, ValueError):
            while True:
                self._screen.draw(self._told(int(seconds)))
                if self._over.wait(1.0):
                    break
                seconds += 1
            self._screen.clear()
