"""JSON text -> values with their places, or one diagnostic with the reason why it can't be read."""

import json
import re
from bisect import bisect_right
from collections.abc import Callable
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from baseten_jobs.importing.placed import At, Placed
from baseten_jobs.manifest.diagnostics import Diagnostic, Position
from baseten_jobs.manifest.document import MAX_DEPTH, MAX_DIGITS, Odd
from baseten_jobs.phrases import one_line
from baseten_jobs.secrecy import quoted

_BLANK = re.compile(r"[ \t\n\r]*")
_SCALAR = re.compile(r"[-+.0-9a-zA-Z]+")
_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[][{}]', re.S)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.S)
_ESCAPE = re.compile(r"\\(u.{0,4}|.?)", re.S)
_SURROGATE = re.compile("[\ud800-\udfff]")


Where = Callable[[int], At]
"""Line and column of a character, by its index."""


def lines_of(text: str) -> Where:
    """The places of a text that is a file's own."""
    starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def at(index: int) -> At:
        line = bisect_right(starts, index)
        return line, index - starts[line - 1] + 1

    return at


def read_json(text: str, path: str, where: Where) -> Placed | Diagnostic:
    """The one value of a JSON text, whose characters stand at `where` in the file at `path`."""

    def problem(rule: str, index: int, message: str, hint: str = "") -> Diagnostic:
        return Diagnostic(rule, message, Position(path, *where(index)), hint=hint)

    if (deep := _too_deep(text)) is not None:
        return problem("depth", deep, f"more than {MAX_DEPTH} levels of nesting")
    try:
        json.loads(text, parse_int=str, parse_float=str)
    except json.JSONDecodeError as error:
        return problem("json-syntax", *_worded(text, error.pos))
    reader = _Reader(text, where, path)
    value, _ = reader.value(_past_blanks(text, 0))
    return reader.problem or value


def _worded(text: str, index: int) -> tuple[int, str, str]:
    """What is wrong where Python's reader gave up, and at which character. What it says itself varies, as its place."""
    here, before = text[index : index + 1], text[:index].rstrip()[-1:]
    behind = _past_blanks(text, index + 1)
    if here == "," and before not in ",[{:" and text[behind : behind + 1] in ("]", "}"):
        index, here, before = behind, text[behind], ","
    if not here:
        return index, "the text ends in the middle of a value", "is all of it there?"
    if here == "'":
        return index, "a single quote begins no JSON text", 'write "..."'
    if before == "," and here in "]}":
        return index, "a comma before the closing bracket", "leave it out"
    if here == '"' and not _STRING.match(text, index):
        return index, "the text that begins here never ends", "is all of it there?"
    if here < " ":
        return index, f"the control character U+{ord(here):04X} can't stand in a text", "write an escape, such as \\n"
    if escape := _ESCAPE.match(text, index - (here == "u" and text[index - 1 : index] == "\\")):
        return escape.start(), f"'{one_line(escape.group())}' is not an escape", "write the backslash twice"
    return index, _expected(text[:index], before, here), ""


def _expected(above: str, before: str, here: str) -> str:
    opened: list[str] = []
    for found in _BRACKET.finditer(above):
        if (mark := found.group()) in "[{":
            opened.append(mark)
        elif mark in "]}" and opened:
            opened.pop()
    within = opened[-1] if opened else ""
    if within == "{" and before in "{,":
        return "a key in double quotes was expected"
    if before in "[,:":
        return "a value was expected"
    if not within:
        return f"'{one_line(here)}' stands behind the end of the JSON"
    return "':', ',' or '}' was expected" if within == "{" else "',' or ']' was expected"


def _too_deep(text: str) -> int | None:
    """Where the brackets nest too deep for a reader that calls itself, if they do."""
    depth = 0
    for found in _BRACKET.finditer(text):
        if (mark := found.group()) in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                return found.start()
        elif mark in "]}":
            depth -= 1
    return None


def _past_blanks(text: str, index: int) -> int:
    found = _BLANK.match(text, index)
    return found.end() if found else index


class _Reader:
    """Walks a text that is known to be JSON; methods take the index of their begin and return that of their end."""

    def __init__(self, text: str, where: Where, path: str) -> None:
        self.text, self.where, self.path = text, where, path
        self.problem: Diagnostic | None = None

    def value(self, index: int, key: At | None = None) -> tuple[Placed, int]:
        at, mark = self.where(index), self.text[index]
        if mark == "{":
            return self._mapping(index, at, key)
        if mark == "[":
            return self._list(index, at, key)
        if mark == '"':
            text, end = self._string(index)
            return Placed(text, at, key), end
        found = _SCALAR.match(self.text, index)
        assert found
        if found.group() in ("NaN", "Infinity", "-Infinity"):
            self._note("json-syntax", index, f"{found.group()} is not JSON")
        return Placed(_scalar(found.group()), at, key), found.end()

    def _string(self, index: int) -> tuple[str, int]:
        text, end = scanstring(self.text, index + 1, True)
        if _SURROGATE.search(text):
            self._note("encoding", index, "half of a surrogate pair is not text")
        return text, end

    def _mapping(self, index: int, at: At, key: At | None) -> tuple[Placed, int]:
        entries: dict[str, Placed] = {}
        index = _past_blanks(self.text, index + 1)
        while self.text[index] != "}":
            name_at = self.where(index)
            name, end = self._string(index)
            if name in entries:
                first = ":".join(map(str, entries[name].key or at))
                self._note("duplicate-key", index, f"{quoted(name)} is given twice", f"first at {first}")
            colon = _past_blanks(self.text, end)
            entries[name], index = self.value(_past_blanks(self.text, colon + 1), name_at)
            index = self._next(index)
        return Placed(entries, at, key), index + 1

    def _list(self, index: int, at: At, key: At | None) -> tuple[Placed, int]:
        items: list[Placed] = []
        index = _past_blanks(self.text, index + 1)
        while self.text[index] != "]":
            item, index = self.value(index)
            items.append(item)
            index = self._next(index)
        return Placed(items, at, key), index + 1

    def _note(self, rule: str, index: int, message: str, hint: str = "") -> None:
        """Keep the first problem; the text is read to its end all the same."""
        if self.problem is None:
            self.problem = Diagnostic(rule, message, Position(self.path, *self.where(index)), hint=hint)

    def _next(self, index: int) -> int:
        index = _past_blanks(self.text, index)
        return _past_blanks(self.text, index + 1) if self.text[index] == "," else index


def _scalar(text: str) -> Any:
    if text in ("null", "true", "false"):
        return {"null": None, "true": True, "false": False}[text]
    if not re.fullmatch("-?[0-9]+", text):
        return Odd(text, "number")
    return int(text) if len(text.lstrip("-")) < MAX_DIGITS else Odd(text, "integer")
