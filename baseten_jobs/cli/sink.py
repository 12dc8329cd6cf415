"""The one place where anything is printed: every text is shown, and no terminal, log or runner acts upon it."""

import os
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import TextIO

import click

from baseten_jobs.cli.folding import fitted
from baseten_jobs.cli.patience import Patience
from baseten_jobs.cli.screen import Screen, size_of
from baseten_jobs.phrases import Annotations, Page, Prose, shown, without_commands
from baseten_jobs.secrecy import without_key

_COLOURED = f"<{os.urandom(16).hex()}>"
"""Stands for the start of a colour until the text is printed. It is random, so that no text from outside can hold it
and bring colours of its own."""

_LABELS: Mapping[str, str] = MappingProxyType({"error": "red", "warning": "yellow", "note": "cyan"})
_LABEL = re.compile(r"^( *|[^ \n].*?:[0-9]+:[0-9]+: )(error|warning|note):", re.MULTILINE)
"""At the start of a line, or behind the place that it is about."""


@dataclass
class _Shown:
    """What is redrawn on standard error at this moment."""

    redrawn: Screen | None = None
    patience: Patience | None = None


_shown = _Shown()


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
    _speak()
    _write(sys.stdout, _for_people(text, err=False, for_runner=for_runner) + end)


def err(text: str, *, for_runner: bool = False) -> None:
    """Print progress, a warning or an error; ignores OSError, so that the command goes on where it can't be written."""
    _speak()
    with suppress(OSError):
        if _shown.redrawn is not None and redraws(err=True):
            _shown.redrawn.above(text)
        else:
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
    told = _with_labels(told, err=err)
    return fitted(told, size_of(sys.stderr if err else sys.stdout).columns) if is_terminal(err=err) else told


def _with_labels(told: str, *, err: bool) -> str:
    return _LABEL.sub(_labelled, told) if coloured(err=err) else told


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
    """The part of a terminal that is redrawn; None where there is no terminal that can redraw.

    What `err` prints from now on stands above what is drawn on standard error.
    """
    _speak()
    if not redraws(err=err):
        return None
    made = Screen(sys.stderr if err else sys.stdout, lambda text: _with_labels(ready(text), err=err))
    if err:
        _shown.redrawn = made
    return made


def waiting(told: Callable[[int], str]) -> None:
    """Show on a terminal what is waited for, given the seconds so far, until something is printed or it is `quiet`."""
    quiet()
    if redraws(err=True):
        screen = Screen(sys.stderr, ready)
        _shown.patience = Patience(screen, told)


def quiet() -> None:
    """Say no more that something is waited for."""
    _speak()
    _shown.redrawn = None


def _speak() -> None:
    if _shown.patience is not None:
        _shown.patience.end()
        _shown.patience = None


def confirmed(question: str) -> bool:
    """Ask, and return the answer; False where standard input or standard error is no terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    _speak()
    return click.confirm(ready(question), default=False, err=True)


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
