"""Ctrl-C and SIGTERM during an apply: the first winds up, the second ends at once and names what is unsettled."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from baseten_jobs.applying.in_flight import Ledger
from baseten_jobs.cli import sink
from baseten_jobs.cli.exits import Exit
from baseten_jobs.phrases import page
from baseten_jobs.provider.api.pacing import Clock
from baseten_jobs.report import json as report

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_WINDING_UP = "nothing more is submitted, what was sent is being settled; once more ends at once"
_ENDED = "ended; not settled (the next apply finds or submits them):"


@contextmanager
def ending_at_once(*, as_json: bool) -> Iterator[None]:
    """Within, a signal ends the process at once, for commands that have no request under way that needs settling."""

    def handle(number: int, frame: FrameType | None) -> None:
        sink.at_once(2, page(["", "interrupted"]))
        if as_json:
            sink.at_once(1, report.failure("interrupted"))
        os._exit(Exit.INTERRUPTED)

    with _handling(handle):
        yield


@contextmanager
def raising() -> Iterator[None]:
    """Within, a signal raises KeyboardInterrupt, for code that reports before it ends."""

    def handle(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handling(handle):
        yield


@contextmanager
def _handling(handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def winding_up(clock: Clock, ledger: Ledger, *, as_json: bool) -> Iterator[None]:
    """Within, a signal stops new creates, and what was sent is settled; a second signal ends the process at once."""

    def handle(number: int, frame: FrameType | None) -> None:
        if not clock.interrupted.is_set():
            clock.interrupted.set()
            sink.at_once(2, page(["", f"interrupted: {_WINDING_UP}"]))
            return
        unsettled = ledger.unsettled
        sink.at_once(2, page(["", _ENDED, *(f"  {name}" for name in unsettled or ("none",))]))
        if as_json:
            sink.at_once(1, report.failure("ended by a second signal", unsettled=list(unsettled)))
        os._exit(Exit.INTERRUPTED)

    with _handling(handle):
        yield
