"""Diagnostics of documents, cells and heirs of Defaults among them -> each said once, and for which of them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from baseten_jobs.manifest.diagnostics import Diagnostic
from baseten_jobs.manifest.document import Document
from baseten_jobs.phrases import one_line

Found = tuple[Document, Diagnostic]


def said_once(found: Iterable[Found], documents: Sequence[Document]) -> list[Diagnostic]:
    """Returns the diagnostics; one that only some cells of a matrix have tells which, and one of all is told alone.

    `documents` are all that were checked.
    """
    cells = Counter((document.path, document.line) for document in documents if document.cell)
    if not cells and not any(document.bases for document in documents):
        return [diagnostic for _, diagnostic in found]
    having: dict[Diagnostic, list[Document]] = {}
    for document, diagnostic in found:
        having.setdefault(diagnostic, []).append(document)
    return [_told(diagnostic, among, cells) for diagnostic, among in having.items()]


def _reach(among: Sequence[Document]) -> str:
    """Which manifests a problem of their Defaults reaches."""
    places = tuple(dict.fromkeys(f"{one_line(each.path, 200)}:{each.line}" for each in among))
    return f"in {places[0]}" if len(places) == 1 else f"in {len(places)} manifests, such as {places[0]}"


def _told(diagnostic: Diagnostic, among: Sequence[Document], cells: Counter[tuple[str, int]]) -> Diagnostic:
    first = among[0]
    diagnostic = replace(diagnostic, field=first.shown(diagnostic.field))
    if diagnostic.position.path in first.bases:
        return replace(diagnostic, message=f"{diagnostic.message} ({_reach(among)})")
    if first.cell is None or len(among) == cells[first.path, first.line]:
        return diagnostic
    others = f" and {len(among) - 1} more" if len(among) > 1 else ""
    return replace(diagnostic, message=f"{diagnostic.message} (in the cell {first.cell.label}{others})")
