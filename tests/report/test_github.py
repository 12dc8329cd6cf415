"""Annotations: escaped as GitHub reads them, no more of a level than it shows."""

import re

import pytest

from baseten_jobs.manifest.diagnostics import Diagnostic, Position, Severity
from baseten_jobs.report import github

COMMAND = re.compile(r"::(error|warning) ([^:]*)::(.*)")


def read(line: str) -> tuple[str, dict[str, str], str]:
    """A workflow command as the runner reads it: what is escaped in properties, and in the message."""
    found = COMMAND.fullmatch(line)
    assert found, line
    level, listed, message = found.groups()
    properties = dict(each.split("=", 1) for each in listed.split(","))
    return level, {name: unescaped(value, more=True) for name, value in properties.items()}, unescaped(message)


def unescaped(text: str, *, more: bool = False) -> str:
    for code, char in (("%0D", "\r"), ("%0A", "\n"), *((("%3A", ":"), ("%2C", ",")) if more else ())):
        text = text.replace(code, char)
    return text.replace("%25", "%")


def problem(message: str = "m", path: str = "specs/x.yaml", line: int = 7, level: str = "error") -> Diagnostic:
    return Diagnostic("a-rule", message, Position(path, line, 3), "spec.x", severity=Severity(level))


@pytest.mark.parametrize(
    "text", ["100%", "a\nb", "a\r\nb", "::error::x", "a,b:c=d", "%0A", "%250A", "::", "a::b", "grüße"]
)
def test_whatever_is_said_is_one_command_and_arrives_as_it_was(text: str) -> None:
    first, *rest = github.diagnostics([problem(text, path=f"specs/{text}.yaml")]).split("\n")
    assert read(first) == (
        "error",
        {"file": f"specs/{text}.yaml", "line": "7", "col": "3", "title": "a-rule"},
        f"spec.x: {text}",
    )
    assert rest == ["0 manifests: 1 error, 0 warnings"]


def test_the_level_is_that_of_the_diagnostic() -> None:
    assert read(github.diagnostics([problem(level="warning")]).split("\n")[0])[0] == "warning"


def test_a_file_as_a_whole_has_a_line_too() -> None:
    found = Diagnostic("missing-path", "there is no such file", Position("specs"))
    assert github.diagnostics([found]).startswith("::error file=specs,line=1,col=1,")


def test_ten_of_each_level_are_annotated_and_the_rest_is_counted_and_listed() -> None:
    errors = [problem(f"e{i}", line=i + 1) for i in range(25)]
    warnings = [problem(f"w{i}", line=i + 1, level="warning") for i in range(11)]
    lines = github.diagnostics([*errors, *warnings]).split("\n")
    commands = [read(line)[0] for line in lines if line.startswith("::")]
    assert (commands.count("error"), commands.count("warning")) == (10, 10)
    assert lines[20] == "and 15 more errors, not annotated:"
    assert lines[21] == " - specs/x.yaml:11:3: error: spec.x: e10 [a-rule]"
    assert lines[36] == "and 1 more warning, not annotated:"
    assert lines[-1] == "0 manifests: 25 errors, 11 warnings"


def test_a_line_that_is_no_annotation_is_no_command_either() -> None:
    found = [problem("m", path="::stop-commands::x##[error]y", line=i + 1) for i in range(12)]
    plain = [line for line in github.diagnostics(found).split("\n") if not COMMAND.fullmatch(line)]
    assert len(plain) == 4
    assert not any(line.strip().startswith("::") or "##[" in line for line in plain)


def test_no_problem_is_no_annotation() -> None:
    assert github.diagnostics([]) == "0 manifests: no problems"
