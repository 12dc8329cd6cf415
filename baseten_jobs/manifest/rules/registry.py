"""The file `registry.yaml` -> every rule that a diagnostic may name, with the help for it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from baseten_jobs.manifest.diagnostics import Severity
from baseten_jobs.manifest.document import load

_FILE = os.path.join(os.path.dirname(__file__), "registry.yaml")


@dataclass(frozen=True)
class Rule:
    """One rule, in sentences; `wrong` and `right` are lines of a file in `language`.

    `warns` says where a diagnostic of a rule of severity error is only a warning; it is empty for most.
    """

    id: str
    severity: Severity
    what: str
    why: str
    remedy: str
    wrong: str
    right: str
    language: str = "yaml"
    warns: str = ""


@cache
def rules() -> Mapping[str, Rule]:
    """All rules by id, sorted. The file is read once, at the first call: a manifest without problems never needs it."""
    with open(_FILE, encoding="utf-8") as file:
        (document,) = load("registry.yaml", file.read()).documents
    return MappingProxyType({name: _rule(name, document.data[name]) for name in sorted(document.data, key=str.lower)})


def _rule(name: str, entry: Mapping[str, str]) -> Rule:
    texts = {key: text.strip() for key, text in entry.items() if key != "severity"}
    return Rule(id=name, severity=Severity(entry["severity"]), **texts)
