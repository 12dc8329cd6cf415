"""A job's log lines -> str: for a terminal, for a pipe, for a program."""

import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from baseten_jobs.logs import LogLine
from baseten_jobs.moments import clock_time
from baseten_jobs.report.look import Paint, plain

_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor, screen
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC and the like: titles, links
    r"|\x1b[ -/]*[0-~]"
)
_JOINERS = "\u200c\u200d"
"""Not printable by themselves, and at home in names and emoji."""

_COLOURS = {"ERROR": "red", "WARNING": "yellow"}


def harmless(message: str) -> str:
    """A job's text, fit for a terminal: without its escape sequences, other control characters spelled out.

    Of what a progress bar wrote over itself, the last is kept.
    """
    shown = _SEQUENCE.sub("", message).expandtabs(4)
    rows = ([part for part in row.split("\r") if part] or [""] for row in shown.split("\n"))
    return "\n".join("".join(_spelled(c) for c in row[-1]) for row in rows)


def _spelled(character: str) -> str:
    if character.isprintable() or character in _JOINERS:
        return character
    return character.encode("unicode_escape").decode("ascii")


def on_terminal(line: LogLine, paint: Paint = plain) -> str:
    """Time, node and message; what follows its first row is indented, so that it can't pass for another line."""
    head = _head(line)
    rows = harmless(line.message).split("\n")
    colour = _COLOURS.get(line.level or "", "")
    return paint(head, "bright_black") + f"\n{' ' * len(head)}".join(paint(row, colour) for row in rows)


def text(line: LogLine) -> str:
    """Time, node and message, as the job wrote it."""
    return _head(line) + _encodable(line.message)


def raw(line: LogLine) -> str:
    """The message alone, as the job wrote it."""
    return _encodable(line.message)


def jsonl(line: LogLine) -> str:
    return json.dumps(data(line))


def data(line: LogLine) -> Mapping[str, Any]:
    return {
        "timestamp": str(line.nanos),
        "time": clock_time(line.nanos),
        "replica": line.replica,
        "level": line.level,
        "message": line.message,
    }


IN_A_PIPE: Mapping[str, Callable[[LogLine], str]] = MappingProxyType({"text": text, "raw": raw, "jsonl": jsonl})


def _head(line: LogLine) -> str:
    return f"{clock_time(line.nanos)}  {f'{harmless(line.replica)}  ' if line.replica else ''}"


def _encodable(message: str) -> str:
    """Half a surrogate pair can be in JSON, and in no file."""
    return message.encode("utf-8", "backslashreplace").decode()
