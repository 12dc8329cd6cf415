"""The one place where anything is printed: every text is shown, and no terminal, log or runner acts upon it."""

import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, TextIO

import click

from baseten_jobs.cli.folding import fitted
from baseten_jobs.cli.screen import Screen
from baseten_jobs.phrases import Annotations, Page, Prose, shown, without_commands
from baseten_jobs.secrecy import without_key

_COLOURED = f"<{os.urandom(16).hex()}>"
"""Stands for the start of a colour until the text is printed. It is random, so that no text from outside can hold it
and bring colours of its own."""

_LABELS: Mapping[str, str] = MappingProxyType({"error": "red", "warning": "yellow", "note": "cyan"})
_LABEL = re.compile(r"^( *|[^ \n].*?:[0-9]+:[0-9]+: )(error|warning|note):", re.MULTILINE)
"""At the start of a line, or behind the place that it is about."""


def open_streams() -> None:
    """Open standard streams that are missing, as of a daemon's child, and escape what their encoding can't write."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure and stream.errors != "backslashreplace":
            with suppress(OSError):  # its descriptor may be another's by now
                reconfigure(errors="backslashreplace")


def out(text: str, end: str = "\n", *, for_runner: bool = False) -> None:
    """Print a result; raises OSError where it can't be written."""
    _write(sys.stdout, _for_people(text, err=False, for_runner=for_runner) + end)


def err(text: str, *, for_runner: bool = False) -> None:
    """Print progress, a warning or an error; ignores OSError, so that the command goes on where it can't be written."""
    with suppress(OSError):
        _write(sys.stderr, _for_people(text, err=True, for_runner=for_runner) + "\n")


def out_as_written(text: str) -> None:
    """Print a job's lines unchanged but for our key, for a pipe."""
    _write(sys.stdout, _without_our_key(text) + "\n")


def at_once(descriptor: int, text: str) -> None:
    """Print from a signal's handler, where a stream may be in the middle of a print and only `os.write` is safe."""
    os.write(descriptor, f"{ready(text)}\n".encode("ascii", "backslashreplace"))


def append(path: str, text: str) -> None:
    """Print to the end of a file; raises OSError."""
    with open(path, "a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(ready(text))


def ready(text: str, *, for_runner: bool = False) -> str:
    """The text to print: without the key, escaped, and without workflow commands where GitHub's runner reads it."""
    told = shown(type(text)(_without_our_key(text)) if isinstance(text, Page) else _without_our_key(text))
    if (for_runner or read_by_runner()) and not isinstance(text, Annotations):
        told = without_commands(told)
    return told.replace(_COLOURED, "\x1b[")


def _for_people(text: str, *, err: bool, for_runner: bool) -> str:
    """The text to print: prose, and single lines of standard error, with coloured labels, and folded on a terminal."""
    told = ready(text, for_runner=for_runner)
    if not isinstance(text, Prose) and (isinstance(text, Page) or not err):
        return told
    if coloured(err=err):
        told = _LABEL.sub(_labelled, told)
    return fitted(told, shutil.get_terminal_size().columns) if is_terminal(err=err) else told


def _labelled(label: re.Match[str]) -> str:
    return label[1] + click.style(f"{label[2]}:", _LABELS[label[2]])


def read_by_runner() -> bool:
    """True if GitHub's runner reads the output, and carries out workflow commands in it."""
    return bool(os.environ.get("GITHUB_ACTIONS"))


def _without_our_key(text: str) -> str:
    """The text with the key taken out, wherever the text came from."""
    return without_key(text, os.environ.get("BASETEN_API_KEY", "").strip())


def painted(text: str, colour: str) -> str:
    """The text with marks that `ready` turns into a colour."""
    styles = click.style("", colour, reset=False), click.style("")
    begin, end = (style.replace("\x1b[", _COLOURED) for style in styles)
    return f"{begin}{text}{end}"


def coloured(*, err: bool = False) -> bool:
    """True if output is coloured: `NO_COLOR` is asked first, then what forces colours, then whether it is a terminal.

    `CLICOLOR=0` and `FORCE_COLOR=0` ask for none on a terminal; see https://no-color.org and
    https://bixense.com/clicolors.
    """
    asked = os.environ.get
    if asked("NO_COLOR"):
        return False
    forced = (asked("FORCE_COLOR", ""), asked("CLICOLOR_FORCE", ""))
    if any(word not in ("", "0") for word in forced):
        return True
    return "0" not in (asked("FORCE_COLOR"), asked("CLICOLOR")) and redraws(err=err)


def redraws(*, err: bool = False) -> bool:
    """True for a terminal that can redraw what it shows."""
    return is_terminal(err=err) and os.environ.get("TERM") != "dumb"


def is_terminal(*, err: bool = False) -> bool:
    return (sys.stderr if err else sys.stdout).isatty()


def can_show(text: str) -> bool:
    """True if standard output can write these characters as they are."""
    try:
        text.encode(sys.stdout.encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def screen(*, err: bool = False) -> Screen | None:
    """The part of a terminal that is redrawn; None where there is no terminal that can redraw."""
    return Screen(sys.stderr if err else sys.stdout, ready) if redraws(err=err) else None


def confirmed(question: str) -> bool:
    """Ask, and return the answer; False where standard input or standard error is no terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    return click.confirm(ready(question), default=False, err=True)


def bar(length: int, label: str = "", item: Callable[[str], str] | None = None) -> Any:
    """A progress bar on standard error, of click's; beside it a label, or the item that is worked on."""
    show = (lambda text: item(ready(text)) if text else None) if item else None
    return click.progressbar(
        length=length, file=sys.stderr, label=ready(label), show_pos=item is not None, item_show_func=show
    )


def flush() -> None:
    """Write out what is buffered; raises OSError where it can't be written."""
    sys.stdout.flush()


def write_nothing_more() -> None:
    """Send the rest of standard output to the null device, so that its end raises no second error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _write(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()
