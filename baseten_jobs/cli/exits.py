"""The exit codes, and the one to end with where several hold."""

from collections.abc import Sequence
from enum import IntEnum


class Exit(IntEnum):
    """The exit codes, as the command line promises them."""

    DONE = 0
    FAILED = 1
    CHANGES = 2
    UNAUTHORISED = 3
    UNCLEAR = 7
    REFUSED = 8
    USAGE = 64
    INTERRUPTED = 130


_PRECEDENCE = (Exit.INTERRUPTED, Exit.UNCLEAR, Exit.UNAUTHORISED, Exit.REFUSED, Exit.FAILED)


def worst(exits: Sequence[Exit]) -> Exit:
    """The exit code to end with when several hold."""
    return next((code for code in _PRECEDENCE if code in exits), Exit.DONE)
