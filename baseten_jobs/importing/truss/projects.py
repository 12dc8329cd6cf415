"""The incumbent client's Python file -> drafts of the training projects that its statements make."""

import ast
from dataclasses import replace
from typing import Any

from baseten_jobs.importing.draft import Draft
from baseten_jobs.importing.from_body import Given
from baseten_jobs.importing.placed import NONE, Placed
from baseten_jobs.importing.truss.endings import ENDS
from baseten_jobs.importing.truss.environment import Environment, Variables
from baseten_jobs.importing.truss.imports import Files
from baseten_jobs.importing.truss.interpreter import Executed, executed
from baseten_jobs.importing.truss.names import PROJECT
from baseten_jobs.importing.truss.project import Read, Reader, not_read
from baseten_jobs.importing.truss.source import PythonSource
from baseten_jobs.importing.truss.touched import Touches
from baseten_jobs.importing.truss.values import Built, Local, NotKnown
from baseten_jobs.manifest.diagnostics import Diagnostic, Position, Severity
from baseten_jobs.manifest.names import manifest_name
from baseten_jobs.phrases import one_line
from baseten_jobs.secrecy import hidden, quoted


def read_project(source: PythonSource, given: Given, variables: Variables, files: Files, *, partial: bool) -> Read:
    """The training project of a file, or those of its loop; what is not known is an error, or a gap if `partial`.

    A file that has none unless it is called as a script is read as one.
    """
    touches, environment = Touches(), Environment(variables, source.path)
    ran = executed(source, touches, environment, files)
    projects = _projects(ran)
    if not projects:
        if ran.refused is None and (unknown := _hidden_projects(source, ran.names, touches)):
            return Read(diagnostics=tuple(unknown))
        environment = Environment(variables, source.path)
        ran = executed(source, touches, environment, files, as_script=True)
        projects = _projects(ran)
    if ran.refused is not None:
        return Read(diagnostics=(_refused(source.path, ran.refused, environment),))
    if _bound(ran) > 1 and len({project.at for project in projects}) > 1:
        first, second = projects[0].at, projects[1].at
        message, hint = "there is a second training project in this file", f"the first is at {first[0]}:{first[1]}"
        return Read(diagnostics=(Diagnostic("projects", message, Position(source.path, *second), hint=hint),))
    reader = Reader(source, partial)
    several = len(projects) > 1 and _bound(ran) == 1 and not ran.pushes
    drafts = [reader.draft(project, given) for project in projects]
    if twice := next((n for n, each in enumerate(drafts) for other in drafts[:n] if _alike(each, other)), 0):
        message = "this makes the same job more than once: what is changed in between is not known"
        reader.problems.append(Diagnostic("projects", message, Position(source.path, *projects[twice].at)))
    if drafts:
        drafts = _told_apart(drafts)
        told = {each.position for each in reader.problems}
        guards = [each for one in ran.guards if (each := _guard(source.path, one)).position not in told]
        guards += [_last_of(source.path, projects)] if several else []
        drafts[0] = replace(drafts[0], remarks=(*drafts[0].remarks, *environment.remarks, *guards))
    return Read(tuple(drafts), tuple(reader.problems))


def _refused(path: str, refused: NotKnown, environment: Environment) -> Diagnostic:
    words = environment.text(refused.text)
    message = f"the file ends here, by an error of its own{refused.why.removeprefix(str(ENDS))}: {hidden(words, '***')}"
    hint = f"{told} gives what it asks for" if (told := environment.hint()) else ""
    return Diagnostic("own-error", one_line(message, 400), Position(path, *refused.at), hint=hint)


def _guard(path: str, guard: NotKnown) -> Diagnostic:
    message = f"whether the file ends with an error of its own is not known: {quoted(guard.text, 84)}: {guard.why}"
    position = Position(path, *guard.at)
    return Diagnostic("guard-not-known", message, position, hint=guard.hint, severity=Severity.NOTE)


def _last_of(path: str, projects: list[Placed]) -> Diagnostic:
    message = f"the file makes {len(projects)} jobs and pushes none itself: truss would push only the last of them"
    hint = "remove the manifests that are not wanted"
    return Diagnostic("several-jobs", message, Position(path, *projects[0].at), hint=hint, severity=Severity.NOTE)


def _is_project(value: Any) -> bool:
    return isinstance(value, Built) and value.kind == PROJECT


def _projects(ran: Executed) -> list[Placed]:
    """The project that a name is bound to; where its place made several, or no name is bound to one, all of those."""
    bound = {id(v.value): v for v in ran.names.values() if _is_project(v.value)}
    made = list({id(each.value): each for each in ran.made}.values())
    if len(bound) == 1 and (places := {each.at for each in made if id(each.value) in bound}):
        return [each for each in made if each.at in places]
    return list(bound.values()) or made


def _bound(ran: Executed) -> int:
    return len({id(v.value) for v in ran.names.values() if _is_project(v.value)})


def _told_apart(drafts: list[Draft]) -> list[Draft]:
    """The same with names that differ: where one occurs twice, all are numbered."""
    names = [draft.name for draft in drafts]
    if len(set(names)) == len(names):
        return drafts
    return [_numbered(draft, number) for number, draft in enumerate(drafts, 1)]


def _numbered(draft: Draft, number: int) -> Draft:
    name = draft.metadata.get("name")
    if name is None or not draft.name:
        return draft
    numbered = replace(name, value=f"{manifest_name(draft.name, 36)}-{number}")
    return replace(draft, metadata=draft.metadata.holding(name=numbered))


def _alike(one: Draft, other: Draft) -> bool:
    return one.project == other.project and bool(one.spec.plain() == other.spec.plain())


def _hidden_projects(source: PythonSource, names: dict[str, Placed], touches: Touches) -> list[Diagnostic]:
    """Projects that only come to be when the file is run."""
    makers = {name for name, v in names.items() if isinstance(v.value, Local) and PROJECT in v.value.mentions}
    makers.add(PROJECT)
    for statement in source.tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        touched = touches.of(statement)
        for name in touched.rebinds if not makers.isdisjoint(touched.mentions) else ():
            if isinstance(unknown := names.get(name, NONE).value, NotKnown):
                return [not_read(source.path, unknown)]
    return []
