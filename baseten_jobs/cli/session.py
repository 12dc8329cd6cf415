"""What every command shares: how it prints results and errors, what paths it reads, and its connection to the API."""

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import click

from baseten_jobs.cli import sink
from baseten_jobs.cli.exits import Exit
from baseten_jobs.manifest.diagnostics import Diagnostic, Severity
from baseten_jobs.manifest.paths import SPECS
from baseten_jobs.manifest.sources import STDIN, is_bare
from baseten_jobs.phrases import Page, Prose, count, one_line
from baseten_jobs.report import problems
from baseten_jobs.report.style import Look
from baseten_jobs.secrecy import Values

if TYPE_CHECKING:
    from baseten_jobs.planning.history.branch_tip import Tip
    from baseten_jobs.planning.history.review import Inquiry
    from baseten_jobs.planning.plan import Policy
    from baseten_jobs.provider.api.client import Api
    from baseten_jobs.provider.api.connection import Connection


def nobody(session: "Session", reason: str, found: Sequence[Diagnostic]) -> None:
    """The default of `Session.ended`: does nothing."""


@dataclass(frozen=True)
class Session:
    """One run of a command: how and where it prints. `ended` is called with the error that stops it."""

    output: str = "text"
    values: Values = Values.PLAIN
    verbose: bool = False
    ended: Callable[["Session", str, Sequence[Diagnostic]], None] = nobody

    @property
    def json(self) -> bool:
        return self.output == "json"

    @property
    def stdin(self) -> BinaryIO:
        return sys.stdin.buffer

    @property
    def on_terminal(self) -> bool:
        """True if standard output is a terminal."""
        return sink.is_terminal()

    def result(self, text: str) -> None:
        sink.out(text, for_runner=self.output == "github")

    def note(self, text: str) -> None:
        """Print progress, a warning or an error on standard error."""
        sink.err(text, for_runner=self.output == "github")

    def error(self, text: str) -> None:
        told = f"error: {text}"
        self.note(Prose(told) if isinstance(text, Page) else told)

    def fail(self, error: str, code: Exit) -> Exit:
        """Print the error that stops the command, as a document too with `-o json`; returns the code."""
        self.error(error)
        if self.json:
            from baseten_jobs.report import json as as_json

            self.result(as_json.failure(error))
        self.ended(self, error, ())
        return code

    def paint(self, text: str, colour: str) -> str:
        return sink.painted(text, colour) if colour and sink.coloured() else text

    def paint_err(self, text: str, colour: str) -> str:
        return sink.painted(text, colour) if colour and sink.coloured(err=True) else text

    @property
    def width(self) -> int:
        """Columns of the terminal on standard output; 0 where it is no terminal."""
        return shutil.get_terminal_size().columns if self.on_terminal else 0

    def look(self, target: str = "") -> Look:
        """The look of a report on standard output."""
        return Look(self.paint, self.values, target, self.verbose, self.width)

    def look_err(self) -> Look:
        """The look of a report on standard error."""
        return Look(self.paint_err, self.values, verbose=self.verbose)

    def invalid(self, diagnostics: Iterable[Diagnostic]) -> Exit:
        """Print the errors of the manifests, with `-o json` also as the document of `validate`; returns FAILED."""
        found = tuple(diagnostics)
        errors = sum(d.severity is Severity.ERROR for d in found)
        self.warn(found)
        told = f"{errors} error{'' if errors == 1 else 's'} in the manifests; nothing was sent"
        self.error(told)
        if self.json:
            from baseten_jobs.report import json as as_json

            self.result(as_json.diagnostics(found, error=told))
        self.ended(self, told, found)
        return Exit.FAILED

    def passed_over(self, places: Sequence[str]) -> None:
        """Print one note of what in folders is no manifest, or a line for each place where it is to be `verbose`."""
        if self.verbose:
            for place in places:
                self.note(f"passed over: {one_line(place, 400)}")
        elif places:
            others = count(len(places), "YAML file")
            self.note(f"note: passed over {others} without an `apiVersion` of ours; `validate -v` lists them")

    def warn(self, diagnostics: Iterable[Diagnostic]) -> None:
        for found in diagnostics:
            self.note(problems.diagnostic(found, self.paint_err))


def or_default(paths: Sequence[str]) -> tuple[str, ...]:
    return tuple(paths) or (SPECS,)


def target_of(paths: Sequence[str], connection: "Connection") -> str:
    """What tells the comment or the issue of these paths, at this address, from those of others; empty by default."""
    from baseten_jobs.provider.api.connection import DEFAULT_BASE_URL

    where = () if connection.target == DEFAULT_BASE_URL else (connection.target,)
    return " ".join((*where, *(() if tuple(paths) == or_default(()) else paths)))


def still_there(session: Session, paths: tuple[str, ...], *, prune: bool | None = None) -> tuple[str, ...]:
    """The paths without those whose last manifest was deleted, as git shows; a note is printed for each of these.

    A path whose manifests are in HEAD, but not in the work tree, is left out only if `prune` is True. `prune` is None
    for a command that stops no jobs.
    """
    gone = tuple(path for path in paths if is_bare(path) and _went(path, committed=not prune))
    remedy = "; `--prune` would stop its job" if prune is False else ""
    for path in gone:
        session.note(f"{path}: no manifest is left here{remedy}")
    return tuple(path for path in paths if path not in gone)


def _went(path: str, *, committed: bool) -> bool:
    from baseten_jobs.git.repository import holds_manifests, once_held_manifests

    return once_held_manifests(path) and not (committed and holds_manifests(path))


def inquiry(policy: "Policy", connection: "Connection", paths: Sequence[str], tip: "Tip | None" = None) -> "Inquiry":
    """What to look for in git. Missing jobs are not looked for with the embedded API, whose database may be new."""
    from datetime import UTC, datetime

    from baseten_jobs.git.repository import origin_of
    from baseten_jobs.job.names import owner_for
    from baseten_jobs.planning.history.review import Inquiry

    given = tuple(path for path in paths if path != STDIN)
    newer = tip.newer if tip else ()
    owner = owner_for(os.environ, lambda: origin_of((*given, ".")))
    return Inquiry(datetime.now(UTC), policy, missing=not connection.local, paths=given, newer=newer, owner=owner)


def opened(connection: "Connection") -> "Api":
    """The API, closed when the command ends, with the clock that `run` was given, if any; raises CannotConnect."""
    from baseten_jobs.provider.api.connection import open_api
    from baseten_jobs.provider.api.pacing import Clock

    context = click.get_current_context()
    api = open_api(connection, context.find_object(Clock) or Clock())
    context.call_on_close(api.close)
    context.call_on_close(sink.quiet)
    whom = "the embedded API" if connection.local else api.base_url
    most = f"up to {connection.read_timeout:g} s for one answer"
    sink.waiting(lambda seconds: f"waiting for {whom} and git: {seconds} s so far, {most}")
    api.waits.tell = lambda told: sink.err(f"note: {told}")
    return api


class CommandEnded(Exception):
    """Raised where a command can't go on and has printed why; `code` is its exit code."""

    def __init__(self, code: Exit) -> None:
        self.code = code


def guarded(session: Session, work: Callable[[], Exit]) -> Exit:
    """Run a function that calls the API: an ApiError or UploadFailed becomes one line and an exit code.

    A CommandEnded has been told already, and becomes its exit code.
    """
    from baseten_jobs.applying.upload import UploadFailed
    from baseten_jobs.cli.interrupts import ending_at_once
    from baseten_jobs.provider.api.errors import ApiError

    try:
        with ending_at_once(as_json=session.json):
            return work()
    except CommandEnded as end:
        return end.code
    except UploadFailed as error:
        return session.fail(str(error), Exit.FAILED)
    except ApiError as error:
        return session.fail(str(error), Exit.UNAUTHORISED if error.unauthorised else Exit.FAILED)
