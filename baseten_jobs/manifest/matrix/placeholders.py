"""Text with `${{ matrix.AXIS }}` in it -> its parts, and the text for one cell."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from baseten_jobs.manifest.yaml_scalars import Odd, spelled
from baseten_jobs.secrecy import quoted

Value = str | int | bool | Odd
"""What an axis holds: text, a number or a boolean. A number with a fraction is an `Odd`, which keeps its spelling."""

OPEN = "${{"
_SPELLING = "${{ matrix.AXIS }}"
_INSIDE = re.compile(r"\$\{\{[ \t]*matrix\.([A-Za-z_][A-Za-z0-9_-]*)[ \t]*\}\}")
_ANOTHER_WAY = "write the value in another way, or leave its axis out of the name"
_FOLDED = re.compile(r"[^a-z0-9-]")


@dataclass(frozen=True)
class Axis:
    """A place for the value of an axis."""

    name: str


class Misspelt(Exception):
    """A `${{` begins no placeholder."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


@lru_cache(maxsize=4096)
def parts_of(text: str) -> tuple[str | Axis, ...]:
    """Returns literal text and axes in turn; `$${{` is a literal `${{`. Raises Misspelt."""
    found: list[str | Axis] = []
    literal, at = "", 0
    while (begin := text.find(OPEN, at)) >= 0:
        literal += text[at:begin]
        if literal.endswith("$"):
            literal, at = literal[:-1] + OPEN, begin + len(OPEN)
            continue
        read = _INSIDE.match(text, begin)
        if read is None:
            shown = quoted(re.split(r"(?<=\}\})|\n", text[begin:], maxsplit=1)[0], 40)
            raise Misspelt(f"{shown} is no placeholder", f"write {_SPELLING}, or `$${{{{` for the text itself")
        found += [literal, Axis(read[1])] if literal else [Axis(read[1])]
        literal, at = "", read.end()
    literal += text[at:]
    return (*found, literal) if literal or not found else tuple(found)


def axes_in(parts: Sequence[str | Axis]) -> tuple[str, ...]:
    return tuple(part.name for part in parts if isinstance(part, Axis))


def filled(parts: Sequence[str | Axis], values: Mapping[str, Value]) -> str:
    """Returns the text with the values of one cell."""
    return "".join(spelled(values[part.name]) if isinstance(part, Axis) else part for part in parts)


def named(parts: Sequence[str | Axis], values: Mapping[str, Value]) -> str:
    """Returns the name of one cell, in which values are folded; a hyphen of theirs that meets another one is dropped.

    Golden names in the tests hold it as it is. Raises Misspelt for a value that no name can tell.
    """
    pieces = [(folded(values[part.name]), True) if isinstance(part, Axis) else (part, False) for part in parts]
    name = ""
    for at, (piece, is_value) in enumerate(pieces):
        if is_value:
            after = pieces[at + 1][0] if at + 1 < len(pieces) else "-"
            piece = piece.lstrip("-") if name.endswith("-") or not name else piece
            piece = piece.rstrip("-") if after.startswith("-") else piece
        name += piece
    return name


def folded(value: Value) -> str:
    """Returns a value as a part of a name: lower case, and a hyphen for what a name can't have.

    Raises Misspelt for a `+`, which tells values apart, for what is not ASCII, and where nothing of the value is left.
    """
    text = spelled(value)
    if "+" in text or not text.isascii():
        character = "+" if "+" in text else next(c for c in text if not c.isascii())
        raise Misspelt(
            f"{quoted(text, 40)} can't be a part of a name, for its {quoted(character)}",
            _ANOTHER_WAY,
        )
    found = re.sub("-{2,}", "-", _FOLDED.sub("-", text.lower()))
    if not found.strip("-"):
        raise Misspelt(f"{quoted(text, 40)} can't be a part of a name: it has no letter or digit", _ANOTHER_WAY)
    return found
