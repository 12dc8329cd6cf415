"""A manifest's text + the job that it adopts -> the text that says so, comments and layout kept."""

import re
from collections.abc import Sequence
from typing import Any

from baseten_jobs.manifest.cell_edit import FIELD, MATRIX, entry_written, with_entry
from baseten_jobs.manifest.document import Document, load
from baseten_jobs.manifest.matrix.cells import matrix_of
from baseten_jobs.manifest.yaml_errors import BREAK
from baseten_jobs.manifest.yaml_reader import Spot

_BREAK = re.compile(f"({BREAK.pattern})")


def adopting(document: Document, text: str, adopts: dict[str, Any]) -> str | None:
    """Returns `text`, the whole file of `document`, with this value of `metadata.adopts`; of a cell, in its matrix.

    The result is parsed to see that no other value of the file has changed. Returns None if one has, if the mapping is
    written in a way that has no simple place for the field, or if the document is not in the file any more.
    """
    before = load(document.path, text).documents
    number = next((at for at, each in enumerate(before) if _is_of(document, each)), None)
    if number is None:
        return None
    if document.cell and section(document) == MATRIX:
        found = with_entry(text, before[number], document.cell, adopts, _field(adopts))
    else:
        found = _with_field(text, before, number, adopts)
    if found is None:
        return None
    amended, wanted = found
    after = load(document.path, amended)
    expected = [wanted if at == number else each.data for at, each in enumerate(before)]
    return amended if not after.diagnostics and [each.data for each in after.documents] == expected else None


def _is_of(document: Document, now: Document) -> bool:
    """True if a document of the file as it is now is the one that a manifest was read from."""
    if now.line != document.line or not isinstance(now.data, dict) or not isinstance(now.data.get("metadata"), dict):
        return False
    cells = matrix_of(now).cells if "matrix" in now.data else (None,)
    return document.cell in cells


def section(document: Document) -> str:
    """Returns where the field stands: `metadata`, or `matrix.adopts` for a cell without it in the metadata."""
    cell = document.cell
    return MATRIX if cell and (cell.adopts_at or document.data["metadata"].get(FIELD) is None) else "metadata"


def written(document: Document, adopts: dict[str, Any]) -> str:
    """Returns `adopts: {job: "wfmmjzx", digest: "2f96f1a5dba5"}`, or the entry for a cell, which has that in it.

    Both stand in quotes, for either may look like a number.
    """
    field = _field(adopts)
    return entry_written(document.cell, field) if document.cell and section(document) == MATRIX else field


def _field(adopts: dict[str, Any]) -> str:
    attempt = f", attempt: {adopts['attempt']}" if "attempt" in adopts else ""
    return f'{FIELD}: {{job: "{adopts["job"]}", digest: "{adopts["digest"]}"{attempt}}}'


def _with_field(text: str, before: Sequence[Document], number: int, adopts: dict[str, Any]) -> tuple[str, Any] | None:
    """The text with the field in the metadata of one of its documents, and the data that this has then."""
    document = before[number]
    stripped = _without(text, document.spot.below.get("metadata"))
    bare = load(document.path, stripped).documents
    metadata = bare[number].spot.below.get("metadata") if len(bare) == len(before) else None
    name = metadata.below.get("name") if metadata else None
    amended = _amended(_BREAK.split(stripped), name, _field(adopts)) if name else None
    wanted = {**document.data, "metadata": {**document.data["metadata"], FIELD: adopts}}
    return None if amended is None else (amended, wanted)


def _amended(lines: list[str], name: Spot, field: str) -> str | None:
    """Returns the text with the field on a line of its own below the name, or behind the name within braces."""
    at = 2 * (name.key[0] - 1)  # every second element is a line break
    line, indent = lines[at], name.key[1] - 1
    if not line[:indent].strip(" "):
        end = lines[at + 1] if at + 1 < len(lines) else "\n"
        before = [*lines[: at + 1], end] if at + 1 < len(lines) else [*lines, "\n"]
        return "".join([*before, line[:indent], field, *lines[at + 1 :]])
    if name.value[0] != name.key[0] or name.text is None:
        return None
    start = name.value[1] - 1
    quote = line[start] if line[start] in "'\"" else ""
    end_of_name = line.find(quote, start + 1) + 1 if quote else start + len(name.text)
    lines = [*lines]
    lines[at] = f"{line[:end_of_name]}, {field}{line[end_of_name:]}"
    return "".join(lines)


def _without(text: str, metadata: Spot | None) -> str:
    """Returns the text without the present field, if that has lines of its own."""
    if metadata is None or FIELD not in metadata.below:
        return text
    (first, column), lines = metadata.below[FIELD].key, _BREAK.split(text)
    at = 2 * (first - 1)
    if lines[at][: column - 1].strip(" "):
        return text
    end = at + 2
    while end < len(lines) and lines[end].startswith(" " * column):
        end += 2
    return "".join([*lines[:at], *lines[end:]])
