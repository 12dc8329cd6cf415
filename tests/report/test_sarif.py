"""SARIF: valid by the standard's own schema, with places that code scanning accepts."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from baseten_jobs.manifest.diagnostics import Diagnostic, Position, Severity
from baseten_jobs.manifest.rules.registry import rules
from baseten_jobs.report import sarif

SCHEMA = Draft7Validator(json.loads((Path(__file__).parent / "sarif-schema-2.1.0.json").read_text()))
"""The schema that OASIS publishes beside the standard, with the white space taken out; no package ships it."""


def told(*found: Diagnostic) -> Any:
    document = json.loads(sarif.diagnostics(found))
    assert [error.message for error in SCHEMA.iter_errors(document)] == []
    return document["runs"][0]


def problem(path: str = "specs/x.yaml", rule: str = "enum", level: str = "error", message: str = "m") -> Diagnostic:
    return Diagnostic(rule, message, Position(path, 7, 3), severity=Severity(level))


def test_the_schema_is_one_that_refuses() -> None:
    document = json.loads(sarif.diagnostics([problem()]))
    document["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] = 0
    assert list(SCHEMA.iter_errors(document))


def test_no_problem_is_a_run_without_results() -> None:
    run = told()
    assert run["results"] == []
    assert run["tool"]["driver"]["name"] == "baseten-jobs"


def test_a_result_has_its_rule_its_level_and_its_place() -> None:
    run = told(problem(rule="type"), problem(rule="mutable-image", level="warning"), problem(rule="type"))
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == ["mutable-image", "type"]
    assert [(r["ruleId"], rules[r["ruleIndex"]], r["level"]) for r in run["results"]] == [
        ("type", "type", "error"), ("mutable-image", "mutable-image", "warning"), ("type", "type", "error"),
    ]  # fmt: skip
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["region"] == {"startLine": 7, "startColumn": 3}


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("specs/x.yaml", "specs/x.yaml"),
        ("./specs/x.yaml", "specs/x.yaml"),
        ("../specs/x.yaml", "../specs/x.yaml"),
        ("specs/a b#c?.yaml", "specs/a%20b%23c%3F.yaml"),
        ("a:b.yaml", "a%3Ab.yaml"),
        ("50%.yaml", "50%25.yaml"),
        ("grüße.yaml", "gr%C3%BC%C3%9Fe.yaml"),
        ("/tmp/a b.yaml", "file:///tmp/a%20b.yaml"),
        ("<stdin>", "%3Cstdin%3E"),
    ],
)
def test_a_path_becomes_a_uri(path: str, uri: str) -> None:
    place = told(problem(path))["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place["uri"] == uri
    assert ("uriBaseId" in place) is not path.startswith("/")


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.text(min_size=1))
def test_any_path_and_any_message_is_valid(path: str, message: str) -> None:
    (result,) = told(problem(f"specs/{path}", message=message))["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert (urlsplit(uri).scheme, uri.isascii(), unquote(uri)) == ("", True, f"specs/{path}")
    assert result["message"]["text"] == message


def test_a_rule_brings_its_help_and_the_level_that_it_has_by_itself() -> None:
    """Also where `--strict` made an error of a warning. Every rule of the registry is valid by the schema."""
    run = told(*(problem(rule=name) for name in rules()))
    told_of = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    assert set(told_of) == set(rules())
    image, rule = told_of["mutable-image"], rules()["mutable-image"]
    assert image["defaultConfiguration"] == {"level": "warning"}
    assert image["shortDescription"]["text"] == rule.what
    assert rule.why in image["fullDescription"]["text"]
    assert f"{rule.remedy}\n" in image["help"]["text"]
    assert f"```yaml\n{rule.wrong}\n```" in image["help"]["markdown"]
