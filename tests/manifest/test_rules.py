"""The registry of rules: it has every rule that a diagnostic can name, and its lines show what it says."""

import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from baseten_jobs.compilation import validate
from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.manifest.rules import errors
from baseten_jobs.manifest.rules.registry import Rule, rules
from baseten_jobs.manifest.schema.explain import NoSuchField, explain
from baseten_jobs.manifest.schema.fields import SUPPORTED, schema_of, written_shape_of
from tests.support.rule_walk import Unresolved, found, package, replaced

# What the code names

_FROM_TABLES = {
    Unresolved("manifest.rules.errors", "name"),
    Unresolved("manifest.rules.errors", "severity"),
    Unresolved("manifest.schema.messages", "_rule_of(error)"),
    Unresolved("importing.truss.carried", "_text(rule)"),
    Unresolved("importing.truss.carried", "Severity(severity)"),
}
"""Diagnostics whose rule stands in a table, in the schema, or came from another process, where the code named it."""

_REPLACED = {
    Unresolved("manifest.diagnostics", "Severity.ERROR"),  # what `--strict` does to every warning
    Unresolved("importing.truss.files", "severity"),
    Unresolved("importing.truss.files", "Severity.WARNING"),  # of a tree, in which a helper may make no project
    Unresolved("manifest.folder_policies.chain", "Severity.ERROR"),  # what a Policy does to warnings
    Unresolved("manifest.folder_policies.chain", "Severity.NOTE"),
}
_SEVERITY_REPLACED = {"too-large": "warning", "no-project": "warning"}
"""What `importing.truss.files` makes a warning after another module made it an error."""

_NOT_OF_A_VALUE = {"properties", "items", "$ref", "propertyNames", "oneOf", "additionalProperties"}
_OWN_NAMES = {"const": "enum", "minLength": "empty", "required": "required", "enum": "enum"}
"""Keywords of the schema whose rule has another name than they; `messages` names those."""


def _schema_rules() -> set[str]:
    """The rules that the schema names: by `x-rule`, or by the keyword that a value fails."""
    named: set[str] = set()

    def visit(node: object) -> None:
        if isinstance(node, dict):
            keywords = {key for key in node if key in Draft202012Validator.VALIDATORS} - _NOT_OF_A_VALUE
            named.update(_OWN_NAMES.get(keyword, keyword) for keyword in keywords)
            named.update([node["x-rule"]] if isinstance(node.get("x-rule"), str) else [])
            for each in node.values():
                visit(each)
        elif isinstance(node, list):
            for each in node:
                visit(each)

    for version in SUPPORTED:
        visit(schema_of(version))
    return named


@pytest.mark.slow
def test_the_registry_has_just_the_rules_that_the_code_names_with_their_severities() -> None:
    named, unresolved = found(package())
    assert unresolved == _FROM_TABLES
    assert replaced(package()) == _REPLACED
    for rule in errors.ERRORS:
        named.setdefault(rule, set()).add("error")
    for rule in errors.WARNINGS:
        named.setdefault(rule, set()).add("warning")
    for rule in _schema_rules():
        named.setdefault(rule, set()).add("error")
    for rule, severity in _SEVERITY_REPLACED.items():
        named[rule].add(severity)
    assert named == {rule.id: {rule.severity.value, *(["warning"] if rule.warns else [])} for rule in rules().values()}


_MAKERS = """\
from baseten_jobs.manifest.diagnostics import Diagnostic, Severity
_RULE = "of-a-constant"
class Remarks:
    def __init__(self, rule): self.found = [Diagnostic("of-a-class", "", at), Diagnostic(rule, "", at)]
    def warn(self, rule, message): self._add(rule, Severity.WARNING)
    def _add(self, rule, severity): self.found.append(Diagnostic(rule, "", at, severity=severity))
def whole(): return Diagnostic(_RULE, "", at, severity=Severity.WARNING if mild else Severity.ERROR)
def named(rule="by-default"): return Diagnostic(rule, "", at)
def local():
    rule = "of-a-local"
    return Diagnostic(rule, "", at)
def bound(rule):
    rule = rule.lower()
    return Diagnostic(rule, "", at)
"""
_CALLS = """\
from baseten_jobs.makers import Remarks, named
Remarks("for-a-class").warn("for-a-method", "")
named()
named(rule="by-its-name")
named(worked_out)
"""


def test_the_walk_finds_rules_through_functions_methods_and_classes_and_says_what_it_can_not_tell() -> None:
    assert found({"makers": _MAKERS, "calls": _CALLS}) == (
        {
            "of-a-constant": {"error", "warning"},
            "of-a-class": {"error"},
            "for-a-class": {"error"},
            "for-a-method": {"warning"},
            "of-a-local": {"error"},
            "by-default": {"error"},
            "by-its-name": {"error"},
        },
        {Unresolved("makers", "rule"), Unresolved("calls", "worked_out")},
    )


def test_no_rule_has_the_path_of_a_field_for_its_name() -> None:
    """So that `explain` knows which of the two is asked for."""
    shape = written_shape_of(SUPPORTED[-1])
    assert [rule for rule in rules() if not isinstance(explain(shape, rule), NoSuchField)] == []


@pytest.mark.parametrize("rule", rules().values(), ids=rules().keys())
def test_a_rule_is_explained_in_sentences(rule: Rule) -> None:
    for text in (rule.what, rule.why, rule.remedy):
        assert re.fullmatch(r"[A-Z`].*[^.]\.", text), text
        assert ": " not in text
    assert "\n" not in rule.warns
    assert rule.wrong != rule.right


@pytest.mark.parametrize("output", ["text", "json"])
def test_a_manifest_without_problems_never_needs_the_registry(output: str, tmp_path: Path) -> None:
    """Asked of another process, since this one has read it."""
    (tmp_path / "x.yaml").write_text(GOOD)
    code = (
        "import sys; from baseten_jobs.cli.main import run; run(['validate', 'x.yaml', *sys.argv[1:]])\n"
        "print(sorted(m for m in sys.modules if 'registry' in m and m.startswith('baseten_jobs')))"
    )
    ran = subprocess.run([sys.executable, "-c", code, "-o", output], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0
    assert ran.stdout.splitlines()[-1] == "[]"


# Its lines

GOOD = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
metadata:
  name: train
  project: demo
spec:
  image:
    base_image: "python:3.11-slim"
  runtime:
    start_commands: [python train.py]
"""

_NOT_IN_ONE_MANIFEST = {
    "too-many-values": "the aliases of the lines are too few; a golden has enough",
    "project": "the project list decides",
    "secret": "the store of secrets decides",
    "defaults": "the file that is named decides",
    "unused-defaults": "the other files decide",
    "adopts": "the project's jobs decide",
    "file-left-behind": "the tree decides",
    "workspace-workdir": "the tree decides",
    "workspace-root": "the tree decides",
    "workspace-outside": "the tree decides",
    "workspace-external": "the tree decides",
    "workspace-include": "the tree decides",
    "workspace-empty": "the tree decides",
    "workspace-size": "the tree decides",
    "workspace-pattern": "the right line needs files that travel",
    "workspace-withheld": "git decides",
    "policy-lowered": "the Policies above decide",
    "policy-limit": "the Policies above decide",
}
"""Rules whose lines are a manifest's, and show nothing by themselves."""

_SHOWN = [rule for rule in rules().values() if rule.language == "yaml" and rule.id not in _NOT_IN_ONE_MANIFEST]

_WHOLE = {"empty-file"}
"""Rules whose lines are a whole file."""


def _laid(good: list[str], lines: list[str]) -> Iterator[str]:
    """The lines of a mapping in the place of those of the same keys in another one; mappings are merged."""
    blocks, given = _blocks(good), _blocks(lines)
    keys = [key for key, _ in given]
    yield from (line for key, block in blocks if key not in keys for line in block)
    left = dict(blocks)
    for key, block in given:
        below = left.pop(key, [])[1:]
        if below and block[1:] and block[0].endswith(":") and not block[1].lstrip().startswith("- "):
            yield block[0]
            yield from _laid(below, block[1:])
        else:
            yield from block


def _blocks(lines: list[str]) -> list[tuple[str, list[str]]]:
    """Each key of a mapping with its lines."""
    blocks: list[tuple[str, list[str]]] = []
    indent = len(lines[0]) - len(lines[0].lstrip())
    for line in lines:
        if len(line) - len(line.lstrip()) == indent:
            blocks.append((line.partition(":")[0].strip(), []))
        blocks[-1][1].append(line)
    return blocks


def _manifests(rule: Rule, lines: str) -> str:
    if rule.id in _WHOLE:
        return lines
    parts = lines.split("\n---\n")
    return "\n---\n".join("\n".join(_laid(GOOD.splitlines(), part.splitlines())) for part in parts) + "\n"


def _rules_broken_by(text: str) -> set[str]:
    return {d.rule for d in validate(Inputs(["-"]), io.BytesIO(text.encode())).diagnostics}


@pytest.mark.parametrize("rule", _SHOWN, ids=lambda rule: rule.id)
def test_the_wrong_line_breaks_just_this_rule_and_the_right_line_none(rule: Rule) -> None:
    assert _rules_broken_by(_manifests(rule, rule.wrong)) == {rule.id}
    assert _rules_broken_by(_manifests(rule, rule.right)) == set()


def test_every_other_rule_is_shown_by_lines_of_something_else() -> None:
    assert {name for name in _NOT_IN_ONE_MANIFEST if rules()[name].language != "yaml"} == set()
    assert {rule.language for rule in rules().values()} == {"yaml", "shell", "python", "json", "gitattributes"}


@pytest.mark.parametrize(
    "rule", [each for each in rules().values() if each.language == "json"], ids=lambda rule: rule.id
)
def test_lines_of_json_are_json_but_for_the_rule_that_forbids_it(rule: Rule) -> None:
    json.loads(rule.right)
    if rule.id != "json-syntax":
        json.loads(rule.wrong)
