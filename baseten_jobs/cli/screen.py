"""Text that changes -> the same place on a terminal, redrawn without a flicker."""

import shutil
from collections.abc import Callable
from typing import TextIO

from baseten_jobs.cli.folding import COLOUR
from baseten_jobs.phrases import columns, cut


class Screen:
    """The last lines of a terminal. What was drawn is written over line by line, never cleared first.

    `ready` turns a text into what may be printed of it.
    """

    def __init__(self, stream: TextIO, ready: Callable[[str], str]) -> None:
        self._stream, self._ready, self._drawn = stream, ready, 0

    def draw(self, text: str) -> None:
        """Show a text in the place of the one drawn before, cut to the size of the terminal."""
        width, rows = shutil.get_terminal_size()
        lines = self._ready(text).split("\n")
        if len(lines) > rows - 1:
            lines = [*lines[: rows - 2], f"… {len(lines) - rows + 2} more lines"]
        drawn = "".join(f"{_cut(line, width)}\x1b[K\n" for line in lines)
        self._stream.write(f"{self._up()}{drawn}\x1b[J")
        self._stream.flush()
        self._drawn = len(lines)

    def above(self, text: str) -> None:
        """Print a line that stays, in the place of what was drawn; the next `draw` is below it."""
        self._stream.write(f"{self._up()}{self._ready(text)}\x1b[K\n\x1b[J")
        self._stream.flush()
        self._drawn = 0

    def _up(self) -> str:
        return f"\x1b[{self._drawn}A\r" if self._drawn else ""


def _cut(line: str, width: int) -> str:
    """A line cut to this many columns, without its colours then: a wrapped line would be counted wrong."""
    bare = COLOUR.sub("", line)
    return line if columns(bare) <= width else cut(bare, width)
