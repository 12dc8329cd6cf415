"""Values of a change -> text for a person: each value in words, and the words of a long text that changed."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum
from typing import Any

from baseten_jobs.planning.diff import Change

_UNSET = "unset"
LONG = 40
"""From this many characters on, two texts are shown by the words that differ."""

_CONTEXT = 3
"""Words shown on each side of a difference."""

_COMPARED = 160_000
"""Products of two lengths in words up to which they are compared: the time grows with it, and more."""

_MOST = 80
"""Pieces of one text that are shown."""

_ALIKE, _LEAD = 200, 20
"""Characters that two texts may begin with alike, and those of them that are shown where they are more."""

_MOVES = 5
"""How many elements in another order are listed for one list."""

_AMBIGUOUS = re.compile(rf"|{_UNSET}|true|false|null|\s.*|.*\s|[-+]?[0-9.][0-9.eE+-]*|[\[{{\"].*", re.DOTALL)
_WORD = re.compile(r"\s*\S+|\s+")


def briefly(change: Change) -> str:
    """What is told in the place of both values: another order of a list, lines of a file; empty for other changes."""
    return lines_told(change) if change.lines is not None else reordered(change)


def lines_told(change: Change) -> str:
    """How many lines of a workspace's file came and went; of one that is new, or gone, that too."""
    added, removed = change.lines or (0, 0)
    if change.old is None or change.new is None:
        return f"new, +{added}" if change.old is None else f"removed, -{removed}"
    return f"+{added} -{removed}" if added or removed else f"{told(change.old)} → {told(change.new)}"


class Mark(Enum):
    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"
    OMITTED = "omitted"


@dataclass(frozen=True)
class Piece:
    """Some words of a text, with the space before them, and what became of them."""

    mark: Mark
    text: str


def told(value: Any) -> str:
    """A value in words; a text is quoted where it could be taken for something else."""
    if value is None:
        return _UNSET
    if isinstance(value, str) and not _AMBIGUOUS.fullmatch(value):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def reordered(change: Change) -> str:
    """Which elements of a list are in another order, by their old and new indices; empty for other changes."""
    moves = [f"[{old}] → [{new}]" for old, new in change.moved]
    more = f" and {len(moves) - _MOVES} more" if len(moves) > _MOVES else ""
    return f"reordered: {', '.join(moves[:_MOVES])}{more}" if moves else ""


def reads_better_by_words(change: Change) -> bool:
    """Whether both values are text, and one of them is long; not where all that differs is masked."""
    old, new = change.old, change.new
    if not (isinstance(old, str) and isinstance(new, str)) or old == new:
        return False
    return max(len(old), len(new)) > LONG or "\n" in old + new


def word_diff(old: str, new: str) -> tuple[Piece, ...]:
    """The words that differ, in order, with a few equal words around them; the rest is left out."""
    before, after = _WORD.findall(old), _WORD.findall(new)
    pieces = _narrowed(list(_pieces(before, after)))
    if all(piece.mark is Mark.SAME for piece in pieces):
        return (Piece(Mark.REMOVED, old), Piece(Mark.ADDED, new))
    last = len(pieces) - 1
    shown = [each for i, piece in enumerate(pieces) for each in _with_context(piece, first=i == 0, last=i == last)]
    return tuple(shown) if len(shown) <= _MOST else (*shown[:_MOST], Piece(Mark.OMITTED, " …"))


def _pieces(before: Sequence[str], after: Sequence[str]) -> Iterator[Piece]:
    a, b = [_key(word) for word in before], [_key(word) for word in after]
    head = _common(a, b)
    tail = _common(a[head:][::-1], b[head:][::-1])
    yield from _piece(Mark.SAME, after[:head])
    yield from _middle(before[head : len(a) - tail], after[head : len(b) - tail])
    yield from _piece(Mark.SAME, after[len(b) - tail :])


def _narrowed(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces without a long common start of a removed and an added text, lest both be cut before they differ."""
    narrowed: list[Piece] = []
    for piece in pieces:
        was = narrowed[-1] if narrowed else piece
        head = 0
        if (was.mark, piece.mark) == (Mark.REMOVED, Mark.ADDED):
            head = _common(was.text, piece.text) - _LEAD
        if head > _ALIKE:
            narrowed[-1:] = [Piece(Mark.OMITTED, " …"), Piece(Mark.REMOVED, was.text[head:])]
            piece = Piece(Mark.ADDED, piece.text[head:])
        narrowed.append(piece)
    return narrowed


def _middle(before: Sequence[str], after: Sequence[str]) -> Iterator[Piece]:
    if len(before) * len(after) > _COMPARED:
        yield from _piece(Mark.REMOVED, before)
        yield from _piece(Mark.ADDED, after)
        return
    matcher = SequenceMatcher(None, [_key(w) for w in before], [_key(w) for w in after], autojunk=False)
    for tag, a, a_end, b, b_end in matcher.get_opcodes():
        if tag == "equal":
            yield from _piece(Mark.SAME, after[b:b_end])
        else:
            yield from _piece(Mark.REMOVED, before[a:a_end])
            yield from _piece(Mark.ADDED, after[b:b_end])


def _key(word: str) -> str:
    """The word to compare by: a single space before it makes no difference."""
    return word[1:] if word[:1] == " " and word[1:2].strip() else word


def _common(a: Sequence[str], b: Sequence[str]) -> int:
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _piece(mark: Mark, words: Sequence[str]) -> Iterator[Piece]:
    if words:
        yield Piece(mark, "".join(words))


def _with_context(piece: Piece, *, first: bool, last: bool) -> Iterator[Piece]:
    words = _WORD.findall(piece.text)
    head, tail = (0 if first else _CONTEXT), (0 if last else _CONTEXT)
    if piece.mark is not Mark.SAME or len(words) <= head + tail + 1:
        yield piece
        return
    yield from _piece(Mark.SAME, words[:head])
    yield Piece(Mark.OMITTED, " …" if head else "…")
    yield from _piece(Mark.SAME, words[len(words) - tail :])
