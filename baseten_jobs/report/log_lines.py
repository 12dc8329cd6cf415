"""A job's log lines -> str: for a terminal, for a pipe, for a program."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from baseten_jobs.job.times import clock_time
from baseten_jobs.phrases import Page, columns, document, escaped, shown
from baseten_jobs.provider.log_pages import LogLine
from baseten_jobs.report.style import Paint, plain

_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor, screen
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC and the like: titles, links
    r"|\x1b[ -/]*[0-~]"
)
_COLOURS = {"ERROR": "red", "WARNING": "yellow"}


def harmless(message: str) -> Page:
    """A job's text, fit for a terminal: without its escape sequences, other control characters spelled out.

    Where a progress bar wrote over itself, its last state is kept.
    """
    plain_text = _SEQUENCE.sub("", message).expandtabs(4)
    rows = ([part for part in row.split("\r") if part] or [""] for row in plain_text.split("\n"))
    return Page(shown(Page("\n".join(row[-1] for row in rows))))


def on_terminal(line: LogLine, paint: Paint = plain, label: str = "") -> Page:
    """Label, time, node and message; further rows of it are indented, so that none looks like a line of the log."""
    return _rows(line, paint, f"{_before(label)}{_head(line)}", _COLOURS.get(line.level or "", ""))


def _message_alone(line: LogLine, paint: Paint = plain, label: str = "") -> Page:
    return _rows(line, paint, _before(label), "")


def _rows(line: LogLine, paint: Paint, head: str, colour: str) -> Page:
    rows = harmless(line.message).split("\n")
    first = paint(head, "bright_black") if head else ""
    return Page(first + f"\n{' ' * columns(head)}".join(paint(row, colour) if colour else row for row in rows))


def text(line: LogLine, label: str = "") -> str:
    """Label, time, node and message, as the job wrote it; the label is before each row of it."""
    return f"{_before(label)}{_head(line)}{_as_written(line, label)}"


def raw(line: LogLine, label: str = "") -> str:
    """The message alone, as the job wrote it, with the label before each row."""
    return f"{_before(label)}{_as_written(line, label)}"


def jsonl(line: LogLine, **more: str) -> Page:
    return document({**data(line), **more}, indent=None)


def data(line: LogLine) -> Mapping[str, Any]:
    return {
        "timestamp": str(line.nanos),
        "time": clock_time(line.nanos),
        "replica": line.replica,
        "level": line.level,
        "message": line.message,
    }


AS_WRITTEN: Mapping[str, Callable[[LogLine, str], str]] = MappingProxyType({"text": text, "raw": raw})
"""Formats for a pipe: lines as the job wrote them."""

TO_BE_READ: Mapping[str, Callable[[LogLine, Paint, str], Page]] = MappingProxyType(
    {"text": on_terminal, "raw": _message_alone}
)
"""For a terminal, or a runner's log."""


def _head(line: LogLine) -> str:
    return f"{clock_time(line.nanos)}  {f'{escaped(line.replica)}  ' if line.replica else ''}"


def _before(label: str) -> str:
    return f"{escaped(label)}  " if label else ""


def _as_written(line: LogLine, label: str) -> str:
    message = _encodable(line.message)
    return message.replace("\n", f"\n{_before(label)}") if label else message


def _encodable(message: str) -> str:
    """Text without halves of surrogate pairs, which JSON may hold and UTF-8 may not."""
    return message.encode("utf-8", "backslashreplace").decode()
