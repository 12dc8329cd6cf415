"""Words, numbers and text from anywhere -> text for people, that no terminal, no log and no runner acts upon."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

_JOINERS = "\u200c\u200d"
"""Zero-width joiners: not printable for Python, but parts of names and emoji, so a page keeps them."""

_OLD_COMMAND = "##["
_COMMAND = re.compile(r"^( *):(?=:)", re.MULTILINE)
"""What GitHub's runner takes for a command: `##[` anywhere in a line, `::` at its start, white space before it or not.

See `ActionCommand.cs` of https://github.com/actions/runner.
"""

_NARROW = r"[\x20-\x7e\xa1-\xac\xae-\u02ff…≤→]*"
"""Text of characters that take one column each: for it `wcwidth` need not be imported, which costs a start."""

_DIGITS = re.compile("([0-9]+)")


class Page(str):
    """Several lines, each escaped already. Any other text is printed as one line, with its line breaks spelled out."""

    __slots__ = ()


class Prose(Page):
    """A page for people, whose lines a terminal may show folded; no program reads it, and nobody copies it."""

    __slots__ = ()


class Annotations(Page):
    """A page with commands to GitHub's runner that we wrote, and that are printed as they are."""

    __slots__ = ()


def page(lines: Iterable[str]) -> Page:
    """Return one page of these texts, each escaped to one line; a page among them keeps its lines."""
    return Page("\n".join(line if isinstance(line, Page) else escaped(line) for line in lines))


def prose(lines: Iterable[str]) -> Prose:
    """Return a page of these texts that a terminal may fold."""
    return Prose(page(lines))


def document(value: Any, indent: int | None = 2) -> Page:
    """Return a value as JSON in ASCII, which every stream can encode, without GitHub's `##[` commands."""
    return Page(json.dumps(value, indent=indent).replace(_OLD_COMMAND, "##\\u005b"))


def escaped(text: str) -> str:
    """Return the text with each character that is not printable as its escape, such as `\\n`, so that it is one line.

    These are control characters (C0 and C1), marks that change the direction of text, line ends, and lone surrogates.
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else _spelled(c) for c in text)


def shown(text: str) -> str:
    """Return the text as it is printed: a page keeps its line breaks and joiners, any other text becomes one line."""
    if not isinstance(text, Page):
        return escaped(text)
    if text.replace("\n", "").isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" or c in _JOINERS else _spelled(c) for c in text)


def without_commands(text: str) -> str:
    """Return the text with the start of every command escaped, so that GitHub's runner obeys none."""
    return _COMMAND.sub(r"\1\\x3a", text.replace(_OLD_COMMAND, r"##\x5b"))


def one_line(text: str, limit: int = 120) -> str:
    """Return text from outside as one line of at most `limit` characters: escaped, and cut with "…" if it is longer."""
    shown = escaped(text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def columns(text: str) -> int:
    """The number of a terminal's columns that one printable line takes: wide characters take two, marks on others none.

    What terminals differ in, such as the width of Greek letters among Chinese ones, is taken as narrow.
    """
    if text.isascii() or re.fullmatch(_NARROW, text):
        return len(text)
    from wcwidth import wcswidth

    width: int = wcswidth(text)
    return width if width >= 0 else len(text)  # it has no width for what is not printable


def cut(text: str, most: int) -> str:
    """One printable line in at most so many columns of a terminal, with "…" at its end if it is cut."""
    if columns(text) <= most:
        return text
    from bisect import bisect_right

    fitting = bisect_right(range(1, len(text) + 1), most - 1, key=lambda end: columns(text[:end]))
    return f"{text[:fitting]}…"


def padded(text: str, width: int) -> str:
    """One printable line with spaces behind it, up to so many columns of a terminal."""
    return text + " " * (width - columns(text))


def nearest(word: str, known: Sequence[str], *, likeness: float = 0.62) -> str:
    """Return the known word most like `word`, or "" if none has at least this likeness; 1 is the same word."""
    from difflib import get_close_matches

    folded = {name.lower().replace("-", "_"): name for name in known}
    close = get_close_matches(word[:100].lower().replace("-", "_"), folded, n=1, cutoff=likeness)
    return folded[close[0]] if close else ""


def listed(names: Sequence[str], most: int = 5) -> str:
    """Return the first `most` names, separated by commas, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def as_counted(text: str) -> tuple[tuple[int, str], ...]:
    """Return a key that sorts texts as people count: `lr-2` before `lr-10`, and without digits as the texts do."""
    parts = _DIGITS.split(text)
    figures = [part.lstrip("0") for part in parts]
    return (*((len(figures[i]), figures[i]) if i % 2 else (0, part) for i, part in enumerate(parts)), (0, text))


def count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def human(size: int) -> str:
    """Return a number of bytes in the largest unit that it fills, such as `9.8 KiB`."""
    number, units = float(size), iter(("bytes", "KiB", "MiB", "GiB", "TiB"))
    unit = next(units)
    while number >= 1024 and unit != "TiB":
        number, unit = number / 1024, next(units)
    if size == 1:
        return "1 byte"
    return f"{number:.0f} {unit}" if unit == "bytes" or number >= 100 else f"{number:.1f} {unit}"


def _spelled(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
