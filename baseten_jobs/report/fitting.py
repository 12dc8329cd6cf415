"""Sections + a limit in bytes -> text that fits: whole items only, and how many were left out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_BETWEEN = "\n\n"


@dataclass(frozen=True)
class Section:
    """Items below a head. `left_out` counts those that do not fit: in words for one, and for several.

    Sections of a lower `rank` get room first, up to their `share` of all.
    """

    head: str = ""
    items: tuple[str, ...] = ()
    between: str = "\n"
    left_out: tuple[str, str] = ("**1 more is left out.**", "**{} more are left out.**")
    rank: int = 0
    share: float = 1.0

    def least(self) -> str:
        return self._missing(len(self.items)) if self.items else self.head

    def whole(self) -> str:
        return self._of(self.items)

    def within(self, room: int) -> str:
        """As many items as fit, in their order; a large one makes way for smaller ones."""
        if _size(self.whole()) <= room:
            return self.whole()
        used = _size(self._of(())) + _size(_BETWEEN) + _size(self.least())
        kept = []
        for item in self.items:
            size = _size(item) + _size(self.between)
            if used + size <= room:
                used += size
                kept.append(item)
        if not kept:
            return self.least()
        return self._of(kept) + _BETWEEN + self._missing(len(self.items) - len(kept))

    def _of(self, items: Sequence[str]) -> str:
        return self.between.join(part for part in (self.head, *items) if part)

    def _missing(self, number: int) -> str:
        one, several = self.left_out
        return one if number == 1 else several.format(number)


def fitted(sections: Sequence[Section], limit: int) -> str:
    """All sections in their order, in at most `limit` bytes of UTF-8, as long as what they say at least fits."""
    texts: dict[int, str] = {}
    room = limit - sum(_size(section.least()) + _size(_BETWEEN) for section in sections)
    for index in _by_rank(sections):
        section = sections[index]
        own = _size(section.least())
        texts[index] = section.within(min(room + own, max(own, int(limit * section.share))))
        room -= _size(texts[index]) - own
    return _BETWEEN.join(texts[i] for i in range(len(sections)) if texts[i]) + "\n"


def _by_rank(sections: Sequence[Section]) -> Iterator[int]:
    return iter(sorted(range(len(sections)), key=lambda i: sections[i].rank))


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
