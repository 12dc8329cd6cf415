"""Words, numbers and text from anywhere -> text for people, that no terminal, no log and no runner acts upon."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

_JOINERS = "\u200c\u200d"
"""Not printable by themselves, and at home in names and emoji."""

_OLD_COMMAND = "##["
_COMMAND = re.compile(r"^( *):(?=:)", re.MULTILINE)
"""What GitHub's runner obeys: the one anywhere in a line, the other at its begin, white space before it or not.

See `ActionCommand.cs` of https://github.com/actions/runner.
"""

_NARROW = r"[\x20-\x7e\xa1-\xac\xae-\u02ff…≤→]*"
"""Text of characters that take one column each: for it `wcwidth` need not be imported, which costs a start."""


class Page(str):
    """Lines that were escaped one by one. Text that is no page is printed as one line, whatever it holds."""

    __slots__ = ()


class Annotations(Page):
    """A page whose commands to GitHub's runner are ours."""

    __slots__ = ()


def page(lines: Iterable[str]) -> Page:
    """Each text as one line; a page among them keeps its lines."""
    return Page("\n".join(line if isinstance(line, Page) else escaped(line) for line in lines))


def document(value: Any, indent: int | None = 2) -> Page:
    """JSON in ASCII, which every stream can carry, without the command that a runner obeys anywhere in a line."""
    return Page(json.dumps(value, indent=indent).replace(_OLD_COMMAND, "##\\u005b"))


def escaped(text: str) -> str:
    """One line, in which what is not printable is spelled out.

    That is control characters, C1 too, what turns the direction of text, whatever ends a line, and half surrogates.
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else _spelled(c) for c in text)


def shown(text: str) -> str:
    """Text as it is printed: a page line by line, any other as one line."""
    if not isinstance(text, Page):
        return escaped(text)
    if text.replace("\n", "").isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" or c in _JOINERS else _spelled(c) for c in text)


def without_commands(text: str) -> str:
    """The same text, in which GitHub's runner finds no command of either kind."""
    return _COMMAND.sub(r"\1\\x3a", text.replace(_OLD_COMMAND, r"##\x5b"))


def one_line(text: str, limit: int = 120) -> str:
    """Text from outside, fit for one line: what is not printable is escaped, long text cut."""
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
    """The known word that `word` was probably meant to be, or nothing; `likeness` of 1 is the same word."""
    from difflib import get_close_matches

    folded = {name.lower().replace("-", "_"): name for name in known}
    close = get_close_matches(word[:100].lower().replace("-", "_"), folded, n=1, cutoff=likeness)
    return folded[close[0]] if close else ""


def listed(names: Sequence[str], most: int = 5) -> str:
    """A few names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def human(size: int) -> str:
    """Bytes as a person reads them."""
    number, units = float(size), iter(("bytes", "KiB", "MiB", "GiB", "TiB"))
    unit = next(units)
    while number >= 1024 and unit != "TiB":
        number, unit = number / 1024, next(units)
    if size == 1:
        return "1 byte"
    return f"{number:.0f} {unit}" if unit == "bytes" or number >= 100 else f"{number:.1f} {unit}"


def _spelled(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
