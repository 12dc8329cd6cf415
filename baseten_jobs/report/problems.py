"""Diagnostics -> lines for a person, without loading any other report."""

from collections.abc import Sequence

from baseten_jobs.manifest.diagnostics import Diagnostic, Severity
from baseten_jobs.manifest.document import Document
from baseten_jobs.phrases import Page, count, prose
from baseten_jobs.report.style import PLAIN, Look, Paint, plain

COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}


def diagnostic(d: Diagnostic, paint: Paint = plain) -> str:
    """One line: where, how bad, what is wrong, what was expected, and the rule's name."""
    return f"{d.position}: {paint(f'{d.severity.value}:', COLOURS[d.severity])} {message(d)} [{d.rule}]"


def message(d: Diagnostic) -> str:
    """What is wrong and what was expected, for formats that give the place and the rule elsewhere."""
    field = f"{d.field}: " if d.field else ""
    hint = ""
    if d.hint:
        hint = f": {d.hint}" if d.hint.startswith('"') else f"; {d.hint}"
    return f"{field}{d.message}{hint}"


def diagnostics(found: Sequence[Diagnostic], documents: Sequence[Document] = (), look: Look = PLAIN) -> Page:
    """All diagnostics, and a closing line that counts them."""
    return prose([*(diagnostic(d, look.paint) for d in found), summary(found, documents)])


def summary(found: Sequence[Diagnostic], documents: Sequence[Document]) -> str:
    errors, warnings, notes = (sum(d.severity == severity for d in found) for severity in Severity)
    problems = f"{count(errors, 'error')}, {count(warnings, 'warning')}" if errors or warnings else "no problems"
    return f"{count(len(documents), 'manifest')}: {problems}" + (f", {notes} allowed" if notes else "")
