"""Diagnostics of documents, cells among them -> each said once, and for which cells."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from baseten_jobs.manifest.diagnostics import Diagnostic
from baseten_jobs.manifest.document import Document

Found = tuple[Document, Diagnostic]


def said_once(found: Iterable[Found], documents: Sequence[Document]) -> list[Diagnostic]:
    """Returns the diagnostics; one that only some cells of a matrix have tells which, and one of all is told alone.

    `documents` are all that were checked.
    """
    cells = Counter((document.path, document.line) for document in documents if document.cell)
    if not cells:
        return [diagnostic for _, diagnostic in found]
    having: dict[Diagnostic, list[Document]] = {}
    for document, diagnostic in found:
        having.setdefault(diagnostic, []).append(document)
    return [_told(diagnostic, among, cells) for diagnostic, among in having.items()]


def _told(diagnostic: Diagnostic, among: Sequence[Document], cells: Counter[tuple[str, int]]) -> Diagnostic:
    first = among[0]
    if first.cell is None or len(among) == cells[first.path, first.line]:
        return diagnostic
    others = f" and {len(among) - 1} more" if len(among) > 1 else ""
    return replace(diagnostic, message=f"{diagnostic.message} (in the cell {first.cell.label}{others})")
