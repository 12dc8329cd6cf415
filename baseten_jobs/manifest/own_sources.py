"""Paths, folders and stdin -> the documents in them that are ours, and what was passed over."""

import os
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from baseten_jobs.manifest.diagnostics import Diagnostic
from baseten_jobs.manifest.document import Loaded, load
from baseten_jobs.manifest.ownership import may_be_ours, ours_of
from baseten_jobs.manifest.paths import is_within
from baseten_jobs.manifest.sources import Ignored, Source, Sources, empty, none_ignored, read_sources


def read_ours(
    paths: Sequence[str], stdin: BinaryIO, *, named: bool = False, ignored: Ignored = none_ignored
) -> tuple[Sources, Sequence[Loaded]]:
    """Returns what of all files is ours, with the files that it stands in; what else folders hold is passed over.

    A file that is `named` outright is ours, unless that is to be found out, too.
    """
    read = read_sources(paths, stdin, may_be_ours if named else None, in_folders=may_be_ours, ignored=ignored)
    kept: list[Source] = []
    loaded: list[Loaded] = []
    passed = list(read.passed)
    for source in read.sources:
        written = load(source.path, source.text)
        ours = ours_of(written, source.text) if named or source.walked else written
        if ours is None:
            passed.append(source.path)
            continue
        kept.append(source)
        loaded.append(ours)
        if len(ours.documents) < len(written.documents):
            passed += (str(each.position()) for each in written.documents if each not in ours.documents)
    diagnostics = (*read.diagnostics, *(_without_manifests(read, kept) if passed else ()))
    return Sources(tuple(kept), diagnostics, tuple(sorted(passed)), read.folders), loaded


def _without_manifests(read: Sources, kept: Sequence[Source]) -> Iterator[Diagnostic]:
    """Yields what is wrong with each folder in which all YAML files are others'."""
    told = {d.position.path for d in read.diagnostics}
    own = {os.path.realpath(source.given) for source in kept}
    for folder, files in read.folders.items():
        if files and own.isdisjoint(files) and not any(is_within(path, folder) for path in told):
            yield empty(folder, len(files))
