"""Diagnostics as annotations of GitHub Actions: workflow commands, each with file and line."""

from collections.abc import Iterator, Sequence

from baseten_jobs.manifest.diagnostics import Diagnostic, Severity
from baseten_jobs.manifest.document import Document
from baseten_jobs.phrases import Annotations, count, page, without_commands
from baseten_jobs.report import problems
from baseten_jobs.report.style import PLAIN, Look

SHOWN = 10
"""GitHub shows so many annotations of a level for each step, and drops the rest without a word."""


_COMMANDS = {Severity.NOTE: "notice"}


def diagnostics(found: Sequence[Diagnostic], documents: Sequence[Document] = (), look: Look = PLAIN) -> Annotations:
    """Up to ten annotations of each level, the other diagnostics as plain lines of the log, and the summary line."""
    shown = [d for severity in Severity for d in _of(found, severity)[:SHOWN]]
    lines = [_annotation(d) for d in found if d in shown]
    lines += map(without_commands, (*_overflow(found), problems.summary(found, documents)))
    return Annotations(page(lines))


def _of(found: Sequence[Diagnostic], severity: Severity) -> list[Diagnostic]:
    return [d for d in found if d.severity == severity]


def _overflow(found: Sequence[Diagnostic]) -> Iterator[str]:
    for severity in Severity:
        if rest := _of(found, severity)[SHOWN:]:
            yield f"and {count(len(rest), f'more {severity.value}')}, not annotated:"
            yield from (f" - {problems.diagnostic(d)}" for d in rest)


def _annotation(d: Diagnostic) -> str:
    where = {"file": d.position.path, "line": str(d.position.line), "col": str(d.position.column), "title": d.rule}
    properties = ",".join(f"{name}={_property(value)}" for name, value in where.items())
    return f"::{_COMMANDS.get(d.severity, d.severity.value)} {properties}::{_data(problems.message(d))}"


def _data(value: str) -> str:
    """Text escaped as by `escapeData` of https://github.com/actions/toolkit, with no workflow command in it."""
    return value.replace("##[", r"##\x5b").replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")
