"""Paths -> the manifests of the folder around them, but for those that the paths name."""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from io import BytesIO

from baseten_jobs.manifest.defaults.files import from_disk
from baseten_jobs.manifest.defaults.inheritance import inherited
from baseten_jobs.manifest.document import Document
from baseten_jobs.manifest.matrix.expansion import expanded
from baseten_jobs.manifest.own_sources import read_ours
from baseten_jobs.manifest.paths import SPECS, checkout_of, is_below
from baseten_jobs.manifest.schema.fields import KIND
from baseten_jobs.manifest.sources import STDIN, Ignored, none_ignored


@dataclass(frozen=True)
class Around:
    """The manifests around some paths, expanded; `broken` can't be expanded, or stand in a broken file."""

    documents: tuple[Document, ...] = ()
    broken: tuple[Document, ...] = ()


def around(paths: Sequence[str], read: Collection[str], ignored: Ignored = none_ignored) -> Around:
    """Returns the manifests around some paths; `read` are the files that were read already."""
    known = {os.path.realpath(path) for path in read}
    folders = dict.fromkeys(folder_around(path) for path in paths if path != STDIN)
    searched = [each for each in folders if os.path.isdir(each)]
    around_them, found = read_ours(searched, BytesIO(), ignored=ignored)
    documents: list[Document] = []
    unread: set[str] = set()
    for source, loaded in zip(around_them.sources, found, strict=True):
        if os.path.realpath(source.given) in known:
            continue
        documents += loaded.documents
        unread |= {source.path} if loaded.diagnostics else set()
    merged = inherited(documents, from_disk)
    cells = expanded(merged.documents)
    whole = [document for document in cells.documents if _is_job(document)]
    return Around(
        tuple(document for document in whole if document.path not in unread),
        (*merged.unfit, *cells.unfit, *(document for document in whole if document.path in unread)),
    )


def folder_around(path: str) -> str:
    """Returns the outermost folder `specs` that a path lies in; else the top folder of a path below the working folder.

    For a path elsewhere that is its own folder.
    """
    folder = path if os.path.isdir(path) else os.path.dirname(path) or os.curdir
    here, real = os.path.realpath(os.curdir), os.path.realpath(folder)
    root = checkout_of(folder) or here
    if not is_below(real, root):
        return folder
    parts = os.path.relpath(real, root).split(os.sep)
    if SPECS in parts:
        return _shown(os.path.join(root, *parts[: parts.index(SPECS) + 1]), here)
    if is_below(real, here) and real != here:
        return os.path.relpath(real, here).split(os.sep)[0]
    return folder


def _shown(path: str, here: str) -> str:
    return os.path.relpath(path, here) if is_below(path, here) else path


def _is_job(document: Document) -> bool:
    return isinstance(document.data, dict) and document.data.get("kind") == KIND
