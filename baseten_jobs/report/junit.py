"""Diagnostics as JUnit XML: one suite, one case a manifest, its errors a failure."""

import re
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

from baseten_jobs.manifest.diagnostics import Diagnostic, Severity
from baseten_jobs.manifest.document import Document
from baseten_jobs.phrases import Page, count, one_line
from baseten_jobs.report import problems
from baseten_jobs.report.style import PLAIN, Look


def diagnostics(found: Sequence[Diagnostic], documents: Sequence[Document] = (), look: Look = PLAIN) -> Page:
    cases = _cases(found, documents)
    failures = sum(any(d.severity is Severity.ERROR for d in own) for own in cases.values())
    counts = {"tests": str(len(cases)), "failures": str(failures), "errors": "0", "skipped": "0"}
    suites = ET.Element("testsuites", counts)
    suite = ET.SubElement(suites, "testsuite", {"name": "baseten-jobs validate", **counts})
    names = {(d.path, d.line): _name(d) for d in documents}
    for (path, line), own in cases.items():
        name = names.get((path, line), path)
        case = ET.SubElement(suite, "testcase", {"classname": one_line(path, 1024), "name": one_line(name, 1024)})
        case.set("file", one_line(path, 1024))
        _told(case, own)
    ET.indent(suites)
    return Page(_without_commands(ET.tostring(suites, encoding="us-ascii", xml_declaration=False).decode("ascii")))


def _without_commands(xml: str) -> str:
    """The document with no line that begins with two colons and without `##[`, which begin commands of a runner."""
    return re.sub(r"^( *):(?=:)", r"\1&#58;", xml.replace("##[", "##&#91;"), flags=re.MULTILINE)


Place = tuple[str, int]


def _cases(found: Sequence[Diagnostic], documents: Sequence[Document]) -> Mapping[Place, Sequence[Diagnostic]]:
    """The diagnostics by the place of their manifest; those of a file without a manifest are at its line 0."""
    cases: dict[Place, list[Diagnostic]] = {(d.path, d.line): [] for d in documents}
    begins: dict[str, list[int]] = {}
    for document in documents:
        begins.setdefault(document.path, []).append(document.line)
    for d in found:
        before = [line for line in begins.get(d.position.path, ()) if line <= d.position.line]
        cases.setdefault((d.position.path, before[-1] if before else 0), []).append(d)
    return cases


def _name(document: Document) -> str:
    """The manifest's name, if it has one, and the place where it begins."""
    metadata = document.data.get("metadata") if isinstance(document.data, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    place = f"{document.path}:{document.line}"
    return f"{name} ({place})" if isinstance(name, str) else place


def _told(case: ET.Element, own: Sequence[Diagnostic]) -> None:
    """One failure with all errors in it: most readers show only the first of a case."""
    errors = [d for d in own if d.severity is Severity.ERROR]
    warnings = [d for d in own if d.severity is not Severity.ERROR]
    if errors:
        message = problems.message(errors[0]) if len(errors) == 1 else count(len(errors), "error")
        failure = ET.SubElement(case, "failure", {"message": one_line(message, 4096), "type": errors[0].rule})
        failure.text = _lines(errors)
    if warnings:
        ET.SubElement(case, "system-out").text = _lines(warnings)


def _lines(found: Sequence[Diagnostic]) -> str:
    """The lines as one text, with control characters, which XML can't hold, escaped."""
    return "\n".join(one_line(problems.diagnostic(d), 4096) for d in found)
