"""A matrix's text + the job that a cell adopts -> the text with an entry of `matrix.adopts`, and all else kept."""

import json
import re
from collections.abc import Mapping
from typing import Any

from baseten_jobs.manifest.document import Cell, Document
from baseten_jobs.manifest.yaml_errors import BREAK
from baseten_jobs.manifest.yaml_extents import Extent, extents
from baseten_jobs.manifest.yaml_scalars import plain, spelled

FIELD = "adopts"
MATRIX = "matrix.adopts"
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_COMMA = re.compile(r"[ \t]*,")


def entry_written(cell: Cell, adopts: str) -> str:
    """Returns `{lr: "1e-5", seed: 2, adopts: ...}`: all values of a cell, and what it adopts as it is written."""
    return "{" + ", ".join([*(f"{_spelled(axis)}: {_spelled(value)}" for axis, value in cell.values), adopts]) + "}"


def with_entry(text: str, document: Document, cell: Cell, adopts: dict[str, Any], field: str) -> tuple[str, Any] | None:
    """Returns the amended text of a file, and the data that one of its documents has then.

    The document is one whose matrix is not expanded. `adopts` is what the cell adopts, and `field` that as it is
    written. Returns None where there is no place for it.
    """
    whole = next((each for each in extents(text) if each.line == document.line and each.below), None)
    matrix = whole.below.get("matrix") if whole else None
    if matrix is None or not matrix.below:
        return None
    data = document.data
    present = data["matrix"].get(FIELD)
    if cell.adopts_at:
        number = cell.adopts_at[2]
        old = present[number][FIELD]
        wanted = {**adopts, **({"attempt": adopts.get("attempt", 1)} if "attempt" in old else {})}
        entries = [{**each, FIELD: wanted} if at == number else each for at, each in enumerate(present)]
        amended = _amended(text, _at(matrix, (FIELD, number, FIELD)), wanted)
    else:
        entry = entry_written(cell, field)
        entries = [*(present or []), {**dict(cell.values), FIELD: adopts}]
        amended = _extended(text, matrix, entry)
    return None if amended is None else (amended, {**data, "matrix": {**data["matrix"], FIELD: entries}})


def _spelled(value: Any) -> str:
    if not isinstance(value, str):
        return spelled(value)
    if _WORD.fullmatch(value) and plain(value) == value:
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return "".join(each if each.isprintable() else f"\\U{ord(each):08x}" for each in quoted)


def _at(extent: Extent | None, path: tuple[Any, ...]) -> Extent | None:
    for part in path:
        extent = extent.below.get(part) if extent else None
    return extent


def _extended(text: str, matrix: Extent, entry: str) -> str | None:
    """The text with one entry more in the list, which is made if there is none."""
    entries = matrix.below.get(FIELD)
    if entries is None:
        indent, newline = _indent(text, matrix.begins[next(iter(matrix.begins))]), _newline(text)
        field = f"{FIELD}: [{entry}]" if matrix.braced else f"{FIELD}:{newline}{indent}  - {entry}"
        return _appended(text, matrix, field)
    if entries.below:
        return _appended(text, entries, entry if entries.braced else f"- {entry}")
    if entries.braced:
        return text[: entries.end - 1] + entry + text[entries.end - 1 :]
    before = text[: entries.start]
    return f"{before}{'' if before.endswith(' ') else ' '}[{entry}]{text[entries.end :]}"


def _amended(text: str, adopts: Extent | None, wanted: Mapping[str, Any]) -> str | None:
    """The text with these values in a mapping, in the place of those that it has."""
    if adopts is None or not adopts.below:
        return None
    for name, value in wanted.items():
        if name not in adopts.below:
            text = _appended(text, adopts, f"{name}: {json.dumps(value)}")
    for key, old in sorted(adopts.below.items(), key=lambda each: -each[1].start):
        if key in wanted:
            text = text[: old.start] + json.dumps(wanted[str(key)]) + text[old.end :]
    return text


def _appended(text: str, whole: Extent, entry: str) -> str:
    """The text with one entry more at the end of a list or mapping: on a line of its own, if the last one has one."""
    last = list(whole.below)[-1]
    begin, end = whole.begins[last], whole.below[last].end
    line_end = _line_end(text, end)
    below = f"{_newline(text)}{_indent(text, begin)}{entry}"
    if not whole.braced:
        return text[:line_end] + below + text[line_end:]
    if whole.end <= line_end or text[_line_start(text, begin) : begin].strip(" \t"):
        return f"{text[:end]}, {entry}{text[end:]}"
    if _COMMA.match(text, end):
        return f"{text[:line_end]}{below},{text[line_end:]}"
    return f"{text[:end]},{text[end:line_end]}{below}{text[line_end:]}"


def _newline(text: str) -> str:
    found = BREAK.search(text)
    return found[0] if found else "\n"


def _line_start(text: str, at: int) -> int:
    return max((found.end() for found in BREAK.finditer(text, 0, at)), default=0)


def _line_end(text: str, at: int) -> int:
    found = BREAK.search(text, at)
    return found.start() if found else len(text)


def _indent(text: str, at: int) -> str:
    line = text[_line_start(text, at) : at]
    return line[: len(line) - len(line.lstrip(" "))]
