"""Numbers to the short opaque ids of the API: seven lowercase letters and digits, a letter first."""

from __future__ import annotations

import hashlib

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_DIGITS = "0123456789" + _LETTERS
_SPACE = 26 * 36**6
# Coprime to the space, so that consecutive numbers never collide and do not look consecutive.
_STEP = 123_456_789_011
_START = 7_777_777_777


def identifier(number: int) -> str:
    """The id of the Nth thing in a database; distinct numbers give distinct ids."""
    return _spelled((number * _STEP + _START) % _SPACE)


def derived_identifier(*parts: object) -> str:
    """An id for something that is not stored but follows from others, such as a session of a job."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return _spelled(int.from_bytes(digest[:8], "big") % _SPACE)


def _spelled(value: int) -> str:
    tail = ""
    for _ in range(6):
        value, digit = divmod(value, 36)
        tail = _DIGITS[digit] + tail
    return _LETTERS[value] + tail
