"""A line that is wider than the terminal -> lines that fit, broken where a reader would break them."""

import re

from baseten_jobs.phrases import columns

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LEAST = 20
"""On a terminal of fewer columns nothing is folded."""

_HEAD = re.compile(r"( *(?:[^ ]+ )?[^ ]+  +)(?=[^ ])")
"""A sign and a word before the text proper: `  + submit  `."""

_WORD = re.compile(r"(?:`[^`]*`|[^ ])+")
"""What stands in backticks is a command to copy, and one word however many it has."""

_FACTS = re.compile(r"( · |(?<=[^ ])  +(?=[^ ]))")
"""What stands between two facts."""

_COUNTED = re.compile(r"[(\[$≤~+-]*[0-9][0-9.,]*(?:e[+-]?[0-9]+)?|[≤x→]")
"""A number, which its unit follows, and what stands between two numbers."""


def fitted(text: str, width: int) -> str:
    """The text with each line that is wider than so many columns folded; colours take no room."""
    if width < _LEAST:
        return text
    return "\n".join(line if _columns(line) <= width else "\n".join(_folded(line, width)) for line in text.split("\n"))


def _columns(text: str) -> int:
    return columns(COLOUR.sub("", text))


def _folded(line: str, width: int) -> list[str]:
    """Breaks stand between facts, else between words, never between a number and its unit; a long word is left whole.

    What follows the first line is indented below the text of that line, and a bit more.
    """
    bare = COLOUR.sub("", line)
    head = _HEAD.match(bare)
    indent = len(bare) - len(bare.lstrip(" ")) if head is None or head.end() > width // 3 else head.end()
    margin = " " * (indent + 2)
    lines, used = [""], 0
    for gap, piece in _pieces(line, width - len(margin)):
        taken = _columns(piece)
        if lines[-1].strip() and used + len(gap) + taken > width:
            lines.append(margin + piece)
            used = len(margin) + taken
        else:
            lines[-1] += gap + piece
            used += len(gap) + taken
    return lines


def _pieces(line: str, room: int) -> list[tuple[str, str]]:
    """What is not broken if it fits, each with the spaces before it: a fact, else words with a number before them."""
    found: list[tuple[str, str]] = []
    lead = " " * (len(line) - len(line.lstrip(" ")))
    facts = [*_FACTS.split(line.strip(" ")), ""]
    for fact, gap in zip(facts[::2], facts[1::2], strict=True):
        dot = gap.rstrip(" ")
        if _columns(fact + dot) <= room:
            found.append((lead, fact + dot))
        else:
            (_, first), *words = _glued(_words(fact), room)
            found += [(lead, first), *words]
            found[-1] = (found[-1][0], found[-1][1] + dot)
        lead = " " if dot else gap
    return found


def _words(text: str) -> list[tuple[str, str]]:
    words, at = [], 0
    for word in _WORD.finditer(text):
        words.append((text[at : word.start()], word.group()))
        at = word.end()
    return words


def _glued(words: list[tuple[str, str]], room: int) -> list[tuple[str, str]]:
    """The words, with each number and what it counts as one, as long as that fits."""
    glued: list[tuple[str, str]] = []
    before = ""
    for gap, word in words:
        together = f"{glued[-1][1]}{gap}{word}" if glued else word
        if before and _COUNTED.fullmatch(before) and gap == " " and _columns(together) <= room:
            glued[-1] = (glued[-1][0], together)
        else:
            glued.append((gap, word))
        before = COLOUR.sub("", word)
    return glued
