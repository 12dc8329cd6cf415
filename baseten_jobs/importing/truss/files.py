"""Paths -> what the incumbent client's Python files say, one by one or of a whole tree."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from typing import BinaryIO

from baseten_jobs.importing.adoption import ReadSource
from baseten_jobs.importing.from_body import Given
from baseten_jobs.importing.truss.confined import read_confined
from baseten_jobs.importing.truss.names import PROJECT, ROOTS
from baseten_jobs.importing.truss.project import Read
from baseten_jobs.manifest.diagnostics import Diagnostic, Position, Severity
from baseten_jobs.manifest.paths import walk
from baseten_jobs.manifest.sources import STDIN, read_whole, shown_name
from baseten_jobs.workspace.default_excludes import ENVIRONMENT_MARKS, never_travels

_WHAT = "such a file"
_PLAIN_NAME = "config"
"""The file name that most projects have: it is no name for a job."""


@dataclass(frozen=True)
class Configs:
    """The files of a tree that hold a job, and how many others there are."""

    found: tuple[ReadSource, ...] = ()
    skipped: int = 0


def read_config(path: str, stdin: BinaryIO, given: Given, *, partial: bool) -> ReadSource:
    """One file, which must hold a training project."""
    name = shown_name(path)
    raw = read_whole(path, stdin, _WHAT)
    if isinstance(raw, Diagnostic):
        return ReadSource(name, diagnostics=(raw,))
    read = read_confined(name, raw, given, partial=partial)
    if read.draft is None and not read.diagnostics:
        hint = f"the file needs one as a variable: project = {PROJECT}(...)"
        read = Read(
            diagnostics=(Diagnostic("no-project", f"there is no {PROJECT} in this file", Position(name), hint=hint),)
        )
    return _found(name, path, read)


def read_configs(folder: str, *, partial: bool) -> Configs:
    """Every file of a tree that holds a training project."""
    found: list[ReadSource] = []
    skipped = 0
    seen: set[str] = set()
    for path in _python_files(folder):
        if isinstance(path, Diagnostic):
            found.append(ReadSource(path.position.path, diagnostics=(path,)))
            continue
        real = os.path.realpath(path)
        one = None if real in seen else _of_tree(path, partial=partial)
        seen.add(real)
        skipped += one is None
        found += [one] if one is not None else []
    if not found and not skipped:
        told = Diagnostic("empty-folder", "there is no *.py file in this folder", Position(shown_name(folder)))
        found.append(ReadSource(shown_name(folder), diagnostics=(told,)))
    return Configs(tuple(found), skipped)


def _of_tree(path: str, *, partial: bool) -> ReadSource | None:
    name = shown_name(path)
    raw = read_whole(path, BytesIO(), _WHAT)
    if isinstance(raw, Diagnostic):
        severity = Severity.WARNING if raw.rule == "too-large" else Severity.ERROR
        return ReadSource(name, diagnostics=(replace(raw, severity=severity),))
    if PROJECT.encode() not in raw or not any(root.encode() in raw for root in ROOTS):
        return None
    read = read_confined(name, raw, Given(), partial=partial)
    if read.draft is None and not read.diagnostics:
        return None
    stem = os.path.basename(path).removesuffix(".py")
    return _found(name, path, read, stem if stem != _PLAIN_NAME else os.path.basename(os.path.dirname(path)))


def _found(name: str, path: str, read: Read, mark: str = "") -> ReadSource:
    folder = "" if path == STDIN else os.path.dirname(path)
    return ReadSource(name, (read.draft,) if read.draft else (), read.diagnostics, folder, mark)


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
