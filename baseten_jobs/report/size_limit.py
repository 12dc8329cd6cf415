"""Sections + a limit in bytes -> text that fits: whole items only, and how many were left out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from baseten_jobs.phrases import Page

_BETWEEN = "\n\n"


@dataclass(frozen=True)
class Section:
    """Items below a head. `left_out` counts those that do not fit: in words for one, and for several.

    `further` counts items that were not written out, because they would not fit either.

    Sections of a lower `rank` get room first, up to their `share` of all; room that is left over is shared out again.
    """

    head: str = ""
    items: tuple[str, ...] = ()
    between: str = "\n"
    left_out: tuple[str, str] = ("**1 more is left out.**", "**{} more are left out.**")
    further: int = 0
    rank: int = 0
    share: float = 1.0

    def least(self) -> str:
        return self._missing(0) if self.items else self.head

    def within(self, room: int) -> str:
        """As many items as fit, in their order; a large one is left out where smaller ones fit."""
        if not self.further and _size(whole := self._of(self.items)) <= room:
            return whole
        used = _size(self._of(())) + _size(_BETWEEN) + _size(self.least())
        kept = []
        for item in self.items:
            size = _size(item) + _size(self.between)
            if used + size <= room:
                used += size
                kept.append(item)
        if not kept:
            return self.least()
        return self._of(kept) + _BETWEEN + self._missing(len(kept))

    def _of(self, items: Sequence[str]) -> str:
        return self.between.join(part for part in (self.head, *items) if part)

    def _missing(self, kept: int) -> str:
        one, several = self.left_out
        number = len(self.items) + self.further - kept
        return one if number == 1 else several.format(number)


def enough(items: Iterable[str], limit: int) -> tuple[str, ...]:
    """The first items that together are larger than `limit` bytes: the rest need not be written out."""
    kept, size = [], 0
    for item in items:
        kept.append(item)
        if (size := size + _size(item)) > limit:
            break
    return tuple(kept)


def fitted(sections: Sequence[Section], limit: int) -> Page:
    """All sections in their order, in at most `limit` bytes of UTF-8 if their heads and their counts fit."""
    texts = [section.least() for section in sections]
    room = limit - sum(_size(text) + _size(_BETWEEN) for text in texts)
    for most in ([limit * section.share for section in sections], [limit] * len(sections)):
        for i in _by_rank(sections):
            own = _size(texts[i])
            texts[i] = sections[i].within(min(room + own, max(own, int(most[i]))))
            room -= _size(texts[i]) - own
    return Page(_BETWEEN.join(text for text in texts if text) + "\n")


def _by_rank(sections: Sequence[Section]) -> Iterator[int]:
    return iter(sorted(range(len(sections)), key=lambda i: sections[i].rank))


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
