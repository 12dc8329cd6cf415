"""What a file holds in two commits -> the lines that differ, with some around them."""

from dataclasses import dataclass
from difflib import unified_diff
from itertools import islice

_AROUND = 3
_MOST_LINES = 5000
"""Of a file with more, how many lines differ is not told: comparing them may take minutes."""


@dataclass(frozen=True)
class LineChange:
    """How many lines came and went; `lines` are as in a unified diff, without its head."""

    added: int
    removed: int
    lines: tuple[str, ...]


def line_change(old: bytes | None, new: bytes | None) -> LineChange | None:
    """Returns how the text of a file changed, None being no file; None for what is no text, or a very long one."""
    if b"\0" in (old or b"") or b"\0" in (new or b""):
        return None
    try:
        before, after = ((raw or b"").decode("utf-8").splitlines() for raw in (old, new))
    except UnicodeDecodeError:
        return None
    if max(len(before), len(after)) > _MOST_LINES:
        return None
    lines = tuple(islice(unified_diff(before, after, n=_AROUND, lineterm=""), 2, None))
    added, removed = (sum(line.startswith(mark) for line in lines) for mark in "+-")
    return LineChange(added, removed, lines)
