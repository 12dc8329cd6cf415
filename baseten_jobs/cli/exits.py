"""The exit codes: each with its meaning, and which one to end with where several hold."""

from collections.abc import Iterable
from enum import IntEnum
from typing import Self


class Exit(IntEnum):
    """Every code that a command ends with, as `--help` and the pages explain it.

    Where several hold, the one of the highest `precedence` is the exit code; 0 stands for a code that never holds
    beside another.
    """

    meaning: str
    precedence: int

    def __new__(cls, code: int, meaning: str, precedence: int = 0) -> Self:
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        member.precedence = precedence
        return member

    DONE = 0, "done"
    FAILED = 1, "something is wrong or failed", 1
    CHANGES = 2, "plan --detailed-exitcode has changes"
    UNAUTHORISED = 3, "not authorised", 3
    UNCLEAR = 7, "an outcome is not known yet, or a duplicate is live", 4
    REFUSED = 8, "refused by a guard", 2
    USAGE = 64, "wrong usage"
    INTERRUPTED = 130, "interrupted", 5
    UNREAD = 141, "the reader of the output has closed it"


def worst(exits: Iterable[Exit]) -> Exit:
    """The exit code to end with when several hold; DONE when none does."""
    return max((Exit.DONE, *exits), key=lambda code: code.precedence)
