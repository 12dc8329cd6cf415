"""Steps done of an apply or an upload -> a bar on a terminal, plain lines elsewhere."""

import threading
from contextlib import suppress
from typing import Any

from baseten_jobs.cli import sink
from baseten_jobs.phrases import cut, human


class Progress:
    """Shown on standard error. Its calls come one at a time, under the ledger's lock."""

    def __init__(self, output: str) -> None:
        self._bar: Any = None
        self._terminal = output == "text" and sink.redraws(err=True)

    def __call__(self, done: int, total: int, text: str) -> None:
        """Show a step; an error of the stream is ignored, so that the apply goes on and reports its jobs."""
        with suppress(OSError):
            self._tell(done, total, text)

    def _tell(self, done: int, total: int, text: str) -> None:
        if not self._terminal:
            if done == 0 or total <= 40 or done % (total // 20) == 0 or done == total or " " not in text:
                sink.err(f"[{done}/{total}] {text}")
            return
        if self._bar is None:
            self._bar = sink.bar(total, item=_cut)
        self._bar.length = total
        self._bar.update(done - self._bar.pos, text)

    def close(self) -> None:
        if self._bar is not None:
            with suppress(OSError):
                self._bar.render_finish()
            self._bar = None


class UploadProgress:
    """How far the upload of a workspace is, in bytes. Its calls may come from several threads."""

    def __init__(self, output: str) -> None:
        self._lock = threading.Lock()
        self._bar: Any = None
        self._text = ""
        self._told = -1
        self._terminal = output == "text" and sink.redraws(err=True)

    def __call__(self, done: int, total: int, text: str) -> None:
        with self._lock, suppress(OSError):
            if not self._terminal:
                self._line(done, total, text)
            else:
                self._draw(done, total, text)

    def _line(self, done: int, total: int, text: str) -> None:
        quarter = 4 * done // total if total else 4
        if (text, quarter) != (self._text, self._told):
            self._text, self._told = text, quarter
            sink.err(f"{text}: {human(done)} of {human(total)}")

    def _draw(self, done: int, total: int, text: str) -> None:
        if self._bar is None or text != self._text or done == 0:  # of another attempt
            self._finish()
            self._text = text
            self._bar = sink.bar(total, text)
        self._bar.update(done - self._bar.pos)
        if done >= total:
            self._finish()

    def close(self) -> None:
        """End the bar, also where the upload ended early: the terminal gets its cursor and a new line."""
        with self._lock, suppress(OSError):
            self._finish()

    def _finish(self) -> None:
        if self._bar is not None:
            self._bar.render_finish()
            self._bar = None


def _cut(text: str) -> str:
    return cut(text, 60)
