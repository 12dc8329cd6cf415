"""A project as a manifest names it + the project list -> the project, or why none can be chosen."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from baseten_jobs.job.observation import ObservedProject
from baseten_jobs.job.request import ProjectRef
from baseten_jobs.manifest.confusables import apart, likeness
from baseten_jobs.phrases import nearest, one_line

_SIMILAR = 0.75
"""How alike a name must be to be shown in a note; 1 is equal."""

_COMPARED = 20_000
"""How many names are compared closely at most, in all: each takes microseconds, and only a note depends on it."""


@dataclass(frozen=True)
class Unresolved:
    """Why no project could be chosen; `field` is the field of the metadata that has to change."""

    ref: ProjectRef
    message: str
    hint: str = ""
    field: str = "project"


class _Row(NamedTuple):
    id: str
    name: str
    team: str | None


class Listed:
    """The project list, indexed once for all manifests.

    Rows of one id are one project. If they differ in its name or team, naming it is an error.
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self._by_id: dict[str, _Row] = {}
        self._contradicted: set[str] = set()
        self._by_name: dict[str, dict[str, None]] = {}
        self._left = _COMPARED
        for row in rows:
            project_id, team = row["id"], row.get("team_name")
            known = self._by_id.get(project_id)
            team = team if isinstance(team, str) and team else known.team if known else None
            if known and (row["name"] != known.name or known.team not in (None, team)):
                self._contradicted.add(project_id)
            self._by_id[project_id] = _Row(project_id, row["name"], team)
            self._by_name.setdefault(row["name"], {})[project_id] = None

    def resolved(self, ref: ProjectRef) -> ObservedProject | Unresolved:
        """Returns the project of this id, or of exactly this name, in any team where none is given; else a new one.

        A name that reads the same as that of an existing project is an error: either that one was meant, or people
        could not tell the two apart.
        """
        if ref.id is not None:
            return self._of_id(ref, ref.id)
        name = ref.name or ""
        for row in self._named(name):
            if row.id in self._contradicted:
                return _contradicted(ref, row.id, "project")
        named = [row for row in self._named(name) if ref.team in (None, row.team)]
        if len(named) > 1:
            return _several(ref, named)
        if named:
            return _observed(ref, named[0])
        if near := [row for row in self._alike(name) if ref.team in (None, row.team)]:
            return _misspelt(ref, near)
        return ObservedProject(ref, name=name, team=ref.team, similar=self._similar(ref))

    def _of_id(self, ref: ProjectRef, project_id: str) -> ObservedProject | Unresolved:
        row = self._by_id.get(project_id)
        if row is None:
            near = one_line(nearest(project_id, list(self._by_id)))
            hint = f"did you mean '{near}'?" if near else ""
            return Unresolved(ref, f"there is no project with the id '{one_line(project_id)}'", hint, "project_id")
        if project_id in self._contradicted:
            return _contradicted(ref, project_id, "project_id")
        if ref.team is not None and row.team not in (None, ref.team):
            whose = f"the project '{one_line(project_id)}' belongs to the team '{one_line(row.team or '')}'"
            return Unresolved(ref, whose, field="project_id")
        return _observed(ref, row)

    def _named(self, name: str) -> list[_Row]:
        return [self._by_id[project_id] for project_id in self._by_name.get(name, ())]

    def _alike(self, name: str) -> list[_Row]:
        """The projects, sorted by name as it is shown."""
        alike = sorted(self._by_likeness.get(likeness(name), ()))
        return [row._replace(name=each) for each in alike for row in self._named(each)]

    @cached_property
    def _by_likeness(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        for name in self._by_name:
            found.setdefault(likeness(name), []).append(name)
        return found

    def _similar(self, ref: ProjectRef) -> str:
        """Returns the name of a project that may be meant: the same name in another team, or a similar one in this."""
        name = ref.name or ""
        for row in self._alike(name):
            return str(ProjectRef(row.name, team=row.team))
        names = [
            each for each in self._by_name if ref.team is None or any(r.team == ref.team for r in self._named(each))
        ]
        self._left -= len(names)
        return nearest(name, names, likeness=_SIMILAR) if self._left >= 0 else ""


def _observed(ref: ProjectRef, row: _Row) -> ObservedProject:
    return ObservedProject(ref, row.id, row.name, row.team)


def _contradicted(ref: ProjectRef, project_id: str, field: str) -> Unresolved:
    message = f"the API lists the project '{one_line(project_id)}' twice, with another name or team"
    return Unresolved(ref, message, "plan again; if it stays so, the two rows are a matter for Baseten", field)


def _several(ref: ProjectRef, named: Sequence[_Row]) -> Unresolved:
    teams = sorted({row.team for row in named if row.team is not None})
    if len(teams) == len(named):
        listed = ", ".join(f"'{one_line(team)}'" for team in teams)
        return Unresolved(ref, f"several teams have a project '{ref.name}'", f"give metadata.team: one of {listed}")
    ids = ", ".join(sorted(f"'{one_line(row.id)}' ({_team(row)})" for row in named))
    message = f"several projects have the name '{ref.name}'"
    return Unresolved(ref, message, f"give metadata.project_id in its place: one of {ids}")


def _team(row: _Row) -> str:
    return f"team '{one_line(row.team)}'" if row.team is not None else "no team"


def _misspelt(ref: ProjectRef, near: Sequence[_Row]) -> Unresolved:
    name, meant = apart(ref.name or "", near[0].name)
    others = list(dict.fromkeys(apart(ref.name or "", row.name)[1] for row in near[1:] if row.name != near[0].name))
    either = "".join(f" or {other}" for other in others[:3])
    return Unresolved(ref, f"there is no project {name}", f"did you mean {meant}{either}?")


def in_team(project: ObservedProject, teams: Iterable[Mapping[str, Any]]) -> ObservedProject | Unresolved:
    """Returns the new project with the id of its team, which the call that makes it needs."""
    wanted = project.ref.team or ""
    ids: dict[str, str] = {}
    for row in teams:
        ids.setdefault(row["name"], row["id"])
    if wanted in ids:
        return replace(project, team_id=ids[wanted])
    near = one_line(nearest(wanted, list(ids)))
    known = ", ".join(map(one_line, sorted(ids))) or "none"
    hint = f"did you mean '{near}'?" if near else f"there are {known}"
    return Unresolved(project.ref, f"there is no team '{one_line(wanted)}'", hint, "team")
