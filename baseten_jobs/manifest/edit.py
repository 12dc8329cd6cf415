"""A manifest's text + the job that it adopts -> the text with `metadata.adopts` in it, comments and layout kept."""

import re
from typing import Any

from baseten_jobs.manifest.document import Document, load
from baseten_jobs.manifest.yaml_errors import BREAK
from baseten_jobs.manifest.yaml_reader import Spot

_BREAK = re.compile(f"({BREAK.pattern})")
_FIELD = "adopts"


def adopting(document: Document, text: str, adopts: dict[str, Any]) -> str | None:
    """Returns `text`, the whole file of `document`, with this value of `metadata.adopts`.

    The result is parsed to see that no other value of the file has changed. Returns None if one has, or if the mapping
    is written in a way that has no simple place for the field.
    """
    before = load(document.path, text).documents
    number = [each.line for each in before].index(document.line)
    stripped = _without(text, document.spot.below.get("metadata"))
    bare = load(document.path, stripped).documents
    metadata = bare[number].spot.below.get("metadata") if len(bare) == len(before) else None
    name = metadata.below.get("name") if metadata else None
    amended = _amended(_BREAK.split(stripped), name, written(adopts)) if name else None
    if amended is None:
        return None
    wanted = [each.data for each in before]
    wanted[number] = {**wanted[number], "metadata": {**wanted[number]["metadata"], _FIELD: adopts}}
    after = load(document.path, amended)
    return amended if not after.diagnostics and [each.data for each in after.documents] == wanted else None


def written(adopts: dict[str, Any]) -> str:
    """Returns `adopts: {job: "wfmmjzx", digest: "2f96f1a5dba5"}`; in quotes, for either may look like a number."""
    attempt = f", attempt: {adopts['attempt']}" if "attempt" in adopts else ""
    return f'{_FIELD}: {{job: "{adopts["job"]}", digest: "{adopts["digest"]}"{attempt}}}'


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
    if metadata is None or _FIELD not in metadata.below:
        return text
    (first, column), lines = metadata.below[_FIELD].key, _BREAK.split(text)
    at = 2 * (first - 1)
    if lines[at][: column - 1].strip(" "):
        return text
    end = at + 2
    while end < len(lines) and lines[end].startswith(" " * column):
        end += 2
    return "".join([*lines[:at], *lines[end:]])
