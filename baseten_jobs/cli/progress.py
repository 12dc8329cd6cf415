"""Steps done of an apply, or bytes of an upload or a download -> a bar on a terminal, plain lines elsewhere."""

import threading
from contextlib import suppress

from baseten_jobs.cli import sink
from baseten_jobs.cli.screen import Screen
from baseten_jobs.phrases import human

_BAR = 24
"""Columns of a bar at most."""


class Progress:
    """Steps, shown on standard error. Its calls come one at a time, under the ledger's lock."""

    def __init__(self, output: str) -> None:
        self._screen = sink.screen(err=True) if output == "text" else None

    def __call__(self, done: int, total: int, text: str) -> None:
        """Show a step; an error of the stream is ignored, so that the apply goes on and reports its jobs."""
        with suppress(OSError):
            if self._screen is not None:
                _draw(self._screen, done, total, f"{done}/{total}  {text}")
            elif done == 0 or total <= 40 or done % (total // 20) == 0 or done == total or " " not in text:
                sink.err(f"[{done}/{total}] {text}")

    def close(self) -> None:
        """End the bar: it stays as it is, and the next line is printed below it."""
        if self._screen is not None:
            self._screen.leave()


class ByteProgress:
    """How far an upload or a download is, in bytes. Its calls may come from several threads."""

    def __init__(self, output: str) -> None:
        self._lock = threading.Lock()
        self._text = ""
        self._told = -1
        self._screen = sink.screen(err=True) if output == "text" else None

    def __call__(self, done: int, total: int, text: str) -> None:
        quarter = 4 * done // total if total else 4
        with self._lock, suppress(OSError):
            if self._screen is not None:
                if text != self._text:
                    self._screen.leave()
                _draw(self._screen, done, total, f"{human(done)} of {human(total)}  {text}")
            elif (text, quarter) != (self._text, self._told):
                sink.err(f"{text}: {human(done)} of {human(total)}")
            self._text, self._told = text, quarter

    def close(self) -> None:
        """End the bar, also where the transfer ended early."""
        with self._lock:
            if self._screen is not None:
                self._screen.leave()


def _draw(screen: Screen, done: int, total: int, text: str) -> None:
    width = min(_BAR, screen.width // 4)
    filled = width * done // total if total else width
    screen.draw(f"[{'#' * filled}{'-' * (width - filled)}]  {text}")
