"""Documents -> diagnostics for those whose projects people take for one, as their names read alike."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from baseten_jobs.manifest.confusables import apart, likeness
from baseten_jobs.manifest.diagnostics import Diagnostic, Position, field_name
from baseten_jobs.manifest.document import Document
from baseten_jobs.manifest.rules.lookup import text_at
from baseten_jobs.manifest.schema.check import supports

_Spelled = Mapping[tuple[str, str | None], Sequence[Document]]
"""The documents of projects that read alike, by the project as it is written, and its team."""

_AT = ("metadata", "project")


def check_lookalikes(documents: Iterable[Document]) -> tuple[Diagnostic, ...]:
    """Two spellings of a project in one team, or where a team is not given: each place points at another one."""
    alike: dict[str, dict[tuple[str, str | None], list[Document]]] = {}
    for document in filter(supports, documents):
        project, team = text_at(document.data, *_AT), text_at(document.data, "metadata", "team")
        if project and not text_at(document.data, "metadata", "project_id"):
            alike.setdefault(likeness(project), {}).setdefault((project, team), []).append(document)
    return tuple(d for spelled in alike.values() if len(spelled) > 1 for d in _told(spelled))


def _told(spelled: _Spelled) -> Iterable[Diagnostic]:
    """One for each manifest of the rarer spelling, and one for the first manifest of the commoner."""
    found: dict[Position, Diagnostic] = {}
    by_number = sorted(spelled.items(), key=lambda item: -len(item[1]))
    for ((name, team), many), ((other, another_team), few) in combinations(by_number, 2):
        if name == other or not (team == another_team or None in (team, another_team)):
            continue
        for document, beside in ((many[0], few[0]), *((each, many[0]) for each in few)):
            one = _lookalike(document, beside)
            found.setdefault(one.position, one)
    return found.values()


def _lookalike(document: Document, other: Document) -> Diagnostic:
    name, another = apart(document.data["metadata"]["project"], other.data["metadata"]["project"])
    message, hint = f"{name} is too like {another} for two projects", f"the other is at {other.position(_AT)}"
    return Diagnostic("project-lookalike", message, document.position(_AT), field_name(_AT), hint)
