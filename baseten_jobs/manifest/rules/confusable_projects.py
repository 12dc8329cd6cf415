"""Documents -> diagnostics for projects whose different names look the same to a reader."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from baseten_jobs.manifest.confusables import apart, likeness
from baseten_jobs.manifest.diagnostics import Diagnostic, Position, field_name
from baseten_jobs.manifest.document import Document
from baseten_jobs.manifest.rules.lookup import text_at
from baseten_jobs.manifest.schema.check import supports

_Spelled = Mapping[tuple[str, str | None], Sequence[Document]]
"""Documents whose projects' names look the same, by the name as it is written and the team (None if not given)."""

_AT = ("metadata", "project")


def check_lookalikes(documents: Iterable[Document]) -> tuple[Diagnostic, ...]:
    """Returns a diagnostic for each place of two spellings of a project; each names the place of the other spelling.

    Projects of two teams may have names that look the same; a manifest without a team may mean either team's.
    """
    alike: dict[str, dict[tuple[str, str | None], list[Document]]] = {}
    for document in filter(supports, documents):
        project, team = text_at(document.data, *_AT), text_at(document.data, "metadata", "team")
        if project and not text_at(document.data, "metadata", "project_id"):
            alike.setdefault(likeness(project), {}).setdefault((project, team), []).append(document)
    return tuple(d for spelled in alike.values() if len(spelled) > 1 for d in _lookalikes(spelled))


def _lookalikes(spelled: _Spelled) -> Iterable[Diagnostic]:
    """Yields one for each manifest of the rarer spelling, and one for the first manifest of the more common one."""
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
