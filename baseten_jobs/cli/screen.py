"""Text that changes -> the same place on a terminal, redrawn without a flicker."""

import os
import threading
from collections.abc import Callable
from typing import TextIO

from baseten_jobs.cli.folding import COLOUR, fitted
from baseten_jobs.phrases import Page, columns, cut


class Screen:
    """The last lines of a terminal. What was drawn is written over line by line, never cleared first.

    `ready` turns a text into what may be printed of it. Several threads may draw.
    """

    def __init__(self, stream: TextIO, ready: Callable[[str], str]) -> None:
        self._stream, self._ready, self._drawn = stream, ready, 0
        self._lock = threading.Lock()
        self._text = ""

    @property
    def width(self) -> int:
        return size_of(self._stream).columns

    def draw(self, text: str) -> None:
        """Show a text in the place of the one drawn before: a page cut to the terminal's size, a single line folded."""
        with self._lock:
            self._text = text
            self._write("", text)

    def above(self, text: str) -> None:
        """Print a line that stays, above what is drawn."""
        with self._lock:
            self._write(f"{fitted(self._ready(text), self.width)}\x1b[K\n", self._text)

    def leave(self) -> None:
        """Let what is drawn stay where it is; what is drawn next is below it."""
        with self._lock:
            self._drawn, self._text = 0, ""

    def clear(self) -> None:
        """Take away what is drawn."""
        with self._lock:
            self._text = ""
            self._write("", "")

    def _write(self, first: str, text: str) -> None:
        lines = self._lines(text) if text else []
        up = f"\x1b[{self._drawn}A\r" if self._drawn else ""
        drawn = "".join(f"{line}\x1b[K\n" for line in lines)
        self._stream.write(f"{up}{first}{drawn}\x1b[J")
        self._stream.flush()
        self._drawn = len(lines)

    def _lines(self, text: str) -> list[str]:
        width, rows = size_of(self._stream)
        told = self._ready(text)
        lines = (told if isinstance(text, Page) else fitted(told, width)).split("\n")
        if len(lines) > rows - 1:
            lines = [*lines[: rows - 2], f"… {len(lines) - rows + 2} more lines"]
        return [_cut(line, width) for line in lines]


def size_of(stream: TextIO) -> os.terminal_size:
    """The columns and rows of the terminal that a stream is; COLUMNS and LINES are asked first, as elsewhere."""
    try:
        found = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        found = os.terminal_size((80, 24))
    asked = (os.environ.get(name, "") for name in ("COLUMNS", "LINES"))
    columns, rows = (int(word) if word.isdecimal() else 0 for word in asked)
    return os.terminal_size((columns or found.columns or 80, rows or found.lines or 24))


def _cut(line: str, width: int) -> str:
    """A line cut to this many columns, without its colours then: a wrapped line would be counted wrong."""
    bare = COLOUR.sub("", line)
    return line if columns(bare) <= width else cut(bare, width)
