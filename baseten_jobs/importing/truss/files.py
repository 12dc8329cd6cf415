"""Paths -> what the incumbent client's Python files say, one by one or of a whole tree."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import BinaryIO

from baseten_jobs.importing.adoption import ReadSource
from baseten_jobs.importing.from_body import Given
from baseten_jobs.importing.truss.beside import NOWHERE, origin_of
from baseten_jobs.importing.truss.confined import read_confined
from baseten_jobs.importing.truss.environment import NO_VARIABLES, Variables
from baseten_jobs.importing.truss.ignored import with_ignored
from baseten_jobs.importing.truss.names import PROJECT, ROOTS
from baseten_jobs.importing.truss.project import RUN, Read
from baseten_jobs.importing.truss.running import read_by_running
from baseten_jobs.manifest.diagnostics import Diagnostic, Position, Severity
from baseten_jobs.manifest.paths import walk
from baseten_jobs.manifest.sources import STDIN, read_whole, shown_name
from baseten_jobs.workspace.default_excludes import ENVIRONMENT_MARKS, never_travels

_IMPORTS = re.compile(rb"\b(?:from|import)\b[^\n#]*\b%s\b" % ROOTS[0].encode())
_WHAT = "such a file"
_PLAIN_NAME = "config"
"""The file name that most projects have: it is no name for a job."""


@dataclass(frozen=True)
class Configs:
    """The files of a tree that hold a job, and how many others there are."""

    found: tuple[ReadSource, ...] = ()
    skipped: int = 0


def read_config(
    path: str, stdin: BinaryIO, given: Given, variables: Variables = NO_VARIABLES, *, partial: bool
) -> ReadSource:
    """One file, which must hold a training project."""
    name = shown_name(path)
    raw = read_whole(path, stdin, _WHAT)
    if isinstance(raw, Diagnostic):
        return ReadSource(name, diagnostics=(raw,))
    read = read_confined(name, raw, given, variables, NOWHERE if path == STDIN else origin_of(path), partial=partial)
    if not read.drafts and not read.diagnostics:
        read = Read(diagnostics=(_no_project(name, f"; {RUN}" if b"import" in raw else ""),))
    return _found(name, path, read)


def run_config(path: str, python: str, given: Given, variables: Variables) -> ReadSource:
    """One file, which is run: whoever calls this was given the word for it."""
    name = shown_name(path)
    if not os.path.isfile(path):
        return ReadSource(name, diagnostics=(Diagnostic("unreadable", "there is no such file", Position(name)),))
    read = read_by_running(name, path, python, given, variables)
    return _found(name, path, read if read.drafts or read.diagnostics else Read(diagnostics=(_no_project(name),)))


def _no_project(name: str, more: str = "") -> Diagnostic:
    hint = f"the file needs one as a variable: project = {PROJECT}(...){more}"
    return Diagnostic("no-project", f"there is no {PROJECT} in this file", Position(name), hint=hint)


def read_configs(folder: str, variables: Variables = NO_VARIABLES, *, partial: bool) -> Configs:
    """Every file of a tree that holds a training project."""
    found: list[ReadSource] = []
    skipped = 0
    seen: set[str] = set()
    paths: list[str] = []
    for path in _python_files(folder):
        if isinstance(path, Diagnostic):
            found.append(ReadSource(path.position.path, diagnostics=(path,)))
            paths.append("")
            continue
        real = os.path.realpath(path)
        one = None if real in seen else _of_tree(path, variables, partial=partial)
        seen.add(real)
        skipped += one is None
        if one is not None:
            found.append(one)
            paths.append(path)
    if not found and not skipped:
        told = Diagnostic("empty-folder", "there is no *.py file in this folder", Position(shown_name(folder)))
        return Configs((ReadSource(shown_name(folder), diagnostics=(told,)),))
    marks = _marks([(one.drafts[0].name if one.drafts else "", path) for one, path in zip(found, paths, strict=True)])
    return Configs(tuple(replace(one, mark=mark) for one, mark in zip(found, marks, strict=True)), skipped)


def _marks(files: Sequence[tuple[str, str]]) -> list[str]:
    """What tells each file from the others of its job's name: its own name, and as many folders as that takes."""
    parts = [_parts(path) for _, path in files]
    marks = []
    for (name, _), own in zip(files, parts, strict=True):
        others = [each for (other, _), each in zip(files, parts, strict=True) if other == name and each != own]
        shared = _shared_end([own, *others]) if others else 0
        own, others = own[: len(own) - shared] or own, [each[: len(each) - shared] or each for each in others]
        tail = next((n for n in range(1, len(own)) if all(each[-n:] != own[-n:] for each in others)), len(own))
        marks.append("-".join(own[-tail:]))
    return marks


def _parts(path: str) -> list[str]:
    *folders, last = [part for part in os.path.abspath(path).split(os.sep) if part] or [""]
    stem = last.removesuffix(".py")
    return folders if folders and stem == _PLAIN_NAME else [*folders, stem]


def _shared_end(paths: Sequence[Sequence[str]]) -> int:
    """How many of their last parts all of these have in common."""
    ends = zip(*(reversed(path) for path in paths), strict=False)
    return next((n for n, each in enumerate(ends) if len(set(each)) > 1), min(map(len, paths)))


def _of_tree(path: str, variables: Variables, *, partial: bool) -> ReadSource | None:
    name = shown_name(path)
    raw = read_whole(path, BytesIO(), _WHAT)
    if isinstance(raw, Diagnostic):
        severity = Severity.WARNING if raw.rule == "too-large" else Severity.ERROR
        return ReadSource(name, diagnostics=(replace(raw, severity=severity),))
    if not _IMPORTS.search(raw) and not (PROJECT.encode() in raw and ROOTS[1].encode() in raw):
        return None
    read = read_confined(name, raw, Given(), variables, origin_of(path), partial=partial)
    if not read.drafts and not read.diagnostics:
        return ReadSource(name, diagnostics=(replace(_no_project(name, f"; {RUN}"), severity=Severity.WARNING),))
    return _found(name, path, read)


def _found(name: str, path: str, read: Read) -> ReadSource:
    folder = "" if path == STDIN else os.path.dirname(path)
    drafts = read.drafts if path == STDIN else tuple(with_ignored(draft, folder) for draft in read.drafts)
    return ReadSource(name, drafts, read.diagnostics, folder, sweep=len(read.drafts) > 1)


def _python_files(folder: str) -> Iterator[str | Diagnostic]:
    """Files by name, none below hidden folders, caches and virtual environments; links to folders are not followed."""
    refused: list[OSError] = []
    for parent, folders, names in walk(folder, refused.append):
        if ENVIRONMENT_MARKS & {*folders, *names}:
            folders.clear()
            continue
        folders[:] = sorted(each for each in folders if not each.startswith(".") and not never_travels(each))
        yield from (os.path.join(parent, name) for name in sorted(names) if name.endswith(".py"))
    for error in refused:
        message = f"this can't be read: {error.strerror}"
        yield Diagnostic("unreadable", message, Position(shown_name(str(error.filename))))
