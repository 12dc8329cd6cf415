"""JUnit XML, as a stock reader of it understands it."""

from xml.etree import ElementTree as ET

import junitparser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from junitparser import JUnitXml

from baseten_jobs.manifest.diagnostics import Diagnostic, Position, Severity
from baseten_jobs.manifest.document import load
from baseten_jobs.report import junit

DOCUMENTS = (
    *load("specs/a.yaml", "metadata: {name: one}\n---\nmetadata: {name: two}\n").documents,
    *load("specs/b.yaml", "metadata: {name: [three]}\n").documents,
)


def read(*found: Diagnostic) -> list[junitparser.TestCase]:
    xml = JUnitXml.fromstring(junit.diagnostics(found, DOCUMENTS))
    (suite,) = list(xml)
    assert isinstance(suite, junitparser.TestSuite)
    cases = list(suite)
    failed = sum(any(r.__class__.__name__ == "Failure" for r in case.result) for case in cases)
    assert (suite.tests, suite.failures, suite.errors) == (len(cases), failed, 0)
    return cases


def problem(path: str, line: int, message: str = "m", level: str = "error") -> Diagnostic:
    return Diagnostic("a-rule", message, Position(path, line, 3), "spec.x", severity=Severity(level))


def test_each_manifest_is_a_case_that_passes() -> None:
    cases = read()
    assert [(case.classname, case.name) for case in cases] == [
        ("specs/a.yaml", "one (specs/a.yaml:1)"),
        ("specs/a.yaml", "two (specs/a.yaml:3)"),
        ("specs/b.yaml", "specs/b.yaml:1"),
    ]
    assert all(case.is_passed for case in cases)


def test_an_error_fails_the_manifest_that_it_is_in() -> None:
    first, second, third = read(problem("specs/a.yaml", 3))
    assert (first.is_passed, second.is_passed, third.is_passed) == (True, False, True)
    (failure,) = second.result
    assert (failure.message, failure.type) == ("spec.x: m", "a-rule")
    assert failure.text == "specs/a.yaml:3:3: error: spec.x: m [a-rule]"


def test_several_errors_of_a_manifest_are_one_failure() -> None:
    (failure,) = read(problem("specs/a.yaml", 1, "m1"), problem("specs/a.yaml", 2, "m2"))[0].result
    assert failure.message == "2 errors"
    assert failure.text.splitlines() == [
        "specs/a.yaml:1:3: error: spec.x: m1 [a-rule]", "specs/a.yaml:2:3: error: spec.x: m2 [a-rule]",
    ]  # fmt: skip


def test_a_warning_is_told_and_fails_nothing() -> None:
    case = read(problem("specs/b.yaml", 1, level="warning"))[2]
    assert case.is_passed
    assert case.system_out == "specs/b.yaml:1:3: warning: spec.x: m [a-rule]"


def test_a_file_without_a_manifest_is_a_case_of_its_own() -> None:
    case = read(problem("specs/broken.yaml", 4))[3]
    assert (case.classname, case.name, case.is_passed) == ("specs/broken.yaml", "specs/broken.yaml", False)


@pytest.mark.parametrize("text", ["<&>\"'", "]]>", "\x00\x1b[31m", "\ud800", "\ufffe", "a\nb", "grüße"])
def test_no_text_breaks_the_xml(text: str) -> None:
    ET.fromstring(junit.diagnostics([problem(text, 1, text), problem(text, 1, text, "warning")]))


@given(st.text())
def test_no_text_at_all_breaks_the_xml(text: str) -> None:
    ET.fromstring(junit.diagnostics([problem(text, 1, text)], DOCUMENTS))
