"""Diagnostics as SARIF 2.1.0, for code scanning. Plain data: the tests hold it against the standard's own schema."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from baseten_jobs import __version__
from baseten_jobs.distribution import OURS
from baseten_jobs.manifest.diagnostics import Diagnostic
from baseten_jobs.manifest.document import Document
from baseten_jobs.manifest.rules.registry import rules
from baseten_jobs.phrases import Page, document
from baseten_jobs.report import problems
from baseten_jobs.report.rule_help import markdown
from baseten_jobs.report.style import PLAIN, Look

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def diagnostics(found: Sequence[Diagnostic], documents: Sequence[Document] = (), look: Look = PLAIN) -> Page:
    named = sorted({d.rule for d in found})
    driver = {
        "name": "baseten-jobs",
        "semanticVersion": __version__,
        **({"informationUri": OURS.home} if OURS.home else {}),
        "rules": [_rule(rule) for rule in named],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(d, named.index(d.rule)) for d in found],
    }
    return document({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(name: str) -> Mapping[str, Any]:
    """The help of the registry: GitHub asks for all three texts, and shows the Markdown. A rule not in it has none."""
    rule = rules().get(name)
    if rule is None:
        return {"id": name}
    return {
        "id": name,
        "shortDescription": {"text": rule.what},
        "fullDescription": {"text": f"{rule.what} {rule.why}"},
        "help": {"text": f"{rule.remedy}\n\nWrong:\n{rule.wrong}\n\nRight:\n{rule.right}", "markdown": markdown(rule)},
        "defaultConfiguration": {"level": rule.severity.value},
    }


def _result(d: Diagnostic, rule_index: int) -> Mapping[str, Any]:
    return {
        "ruleId": d.rule,
        "ruleIndex": rule_index,
        "level": d.severity.value,
        "message": {"text": problems.message(d)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": _artifact(d.position.path),
                    "region": {"startLine": d.position.line, "startColumn": d.position.column},
                }
            }
        ],
    }


def _artifact(path: str) -> Mapping[str, str]:
    """A file as a URI reference, relative to the root of the repository unless the path is absolute."""
    if path.startswith("/"):
        return {"uri": "file://" + quote(path)}
    return {"uri": quote(path.removeprefix("./"), errors="replace"), "uriBaseId": "%SRCROOT%"}
