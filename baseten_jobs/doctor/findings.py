"""What a check says of one thing: well, doubtful or broken, what that means, and what mends it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Level(Enum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Verdict:
    """What a check found, in words; `remedy` is a command where one mends it, else what is to be done."""

    level: Level
    told: str
    remedy: str = ""


@dataclass(frozen=True)
class Finding:
    """A verdict with the id of its check, and what it means. It is `unread` if what it is about could not be asked.

    `measured` has the numbers and words of an answer, for programs.
    """

    check: str
    level: Level
    told: str
    means: str = ""
    remedy: str = ""
    unread: bool = False
    measured: Mapping[str, Any] = field(default_factory=dict)


def ok(told: str) -> Verdict:
    return Verdict(Level.OK, told)


def warn(told: str, remedy: str = "") -> Verdict:
    return Verdict(Level.WARN, told, remedy)


def fail(told: str, remedy: str = "") -> Verdict:
    return Verdict(Level.FAIL, told, remedy)
