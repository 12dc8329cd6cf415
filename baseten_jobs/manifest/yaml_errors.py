"""The place where a parser of YAML stopped -> what is wrong, found in the text: each parser words it differently."""

import re
from dataclasses import dataclass

from baseten_jobs.manifest.diagnostics import Position
from baseten_jobs.phrases import one_line

BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""The line breaks of libyaml."""

_CLOSING = {"[": "]", "{": "}"}
_DIGITS = {"x": 2, "u": 4, "U": 8}
"""How many hex digits stand after the `x`, `u` or `U` of an escape."""

_NEVER_FIRST = "@`%|>,]}"
"""Characters that can't begin an unquoted value; `|` and `>` only within brackets."""


@dataclass(frozen=True)
class Trouble:
    """What is wrong, what to do about it, and the index of the character in the text."""

    message: str
    hint: str
    index: int


def end_of(path: str, text: str) -> Position:
    """Returns the position after the last character."""
    lines = BREAK.split(text)
    return Position(path, len(lines), len(lines[-1]) + 1)


def trouble(text: str, stopped: int, begun: int | None) -> Trouble:
    """Returns what is wrong at the index where the parser stopped; `begun` is that of the value it was in, or None."""
    if (conflict := _conflict(text, stopped)) is not None:
        return Trouble("a merge left a conflict here", "resolve it, and take its markers out", conflict)
    if begun is not None and begun < stopped:
        return _within(text, stopped, begun)
    return _alone(text, stopped)


_MARKER = re.compile(r"^(?:<{7}|>{7}|\|{7}) |^={7}\r?$", re.MULTILINE)
"""What git writes at the begin of a line of a file that it could not merge."""


def _conflict(text: str, stopped: int) -> int | None:
    """Returns the index of git's first conflict marker, or None; a line of '=' may be text where reading goes on."""
    for found in _MARKER.finditer(text):
        if found.group()[0] != "=" or text.count("\n", found.start(), stopped) <= 1:
            return found.start()
    return None


def _within(text: str, stopped: int, begun: int) -> Trouble:
    opener = text[begun]
    if opener in "\"'":
        return _quoted(text, stopped, begun)
    if text.startswith("\t", stopped):
        return _tab(stopped)
    if opener in _CLOSING:
        return _bracketed(text, stopped, begun)
    if opener in "&*":
        return Trouble(f"no name follows the '{opener}'", f"quote a value that begins with '{opener}'", begun)
    if opener == "!":
        return _tag(begun)
    if opener == "%":
        return _directive(begun)
    if opener in "|>":
        return Trouble(f"this can't follow '{opener}'", "the text begins on the next line", stopped)
    if opener not in "?-" and not re.search(r":(\s|$)", BREAK.split(text[begun:], maxsplit=1)[0]):
        return Trouble("this key has no ':'", "a key ends in ': '", begun)
    return _misplaced(stopped)


def _alone(text: str, stopped: int) -> Trouble:
    character = text[stopped : stopped + 1]
    first = stopped == 0 or BREAK.fullmatch(text[stopped - 1]) is not None
    if not character:
        return Trouble("the text ends where a value was expected", "is a bracket not closed?", stopped)
    if character == "\t":
        return _tab(stopped)
    if character == "!":
        return _tag(stopped)
    if character == "%" and first:
        return _directive(stopped)
    if character in _NEVER_FIRST:
        return Trouble(f"'{character}' can't begin a value", "quote the value", stopped)
    if character == ":":
        return Trouble("a ':' can't stand here", "check the indentation, or quote a value that holds ': '", stopped)
    if character == "-" and not first:
        return Trouble("a list can't begin here", "put it on the line below its key", stopped)
    return _misplaced(stopped)


def _quoted(text: str, stopped: int, begun: int) -> Trouble:
    rest = text[stopped:]
    escape = next((at for at in (stopped, stopped - 1, stopped - 2) if text.startswith("\\", at)), None)
    if text[begun] == "'" or escape is None or not rest or rest.startswith(("---", "...")):
        return Trouble("the quoted text that begins here never ends", "", begun)
    kind = text[escape + 1 : escape + 2]
    shown = one_line(text[escape : escape + 2 + _DIGITS.get(kind, 0)])
    return Trouble(f"'{shown}' is not an escape", "write the backslash twice, or use single quotes", escape)


def _bracketed(text: str, stopped: int, begun: int) -> Trouble:
    if text.startswith("${{", stopped - 1):
        return _placeholder(text, stopped)
    opener, opened = text[begun], end_of("", text[:begun])
    message = f"',' or '{_CLOSING[opener]}' was expected, for the '{opener}' at {opened.line}:{opened.column}"
    hint = "a comma is missing, or a bracket is not closed"
    if text.startswith(":", stopped) and not BREAK.search(text[begun:stopped]):
        hint = "a comma is missing, or a value that holds ':' is not quoted"
    return Trouble(message, hint, stopped)


def _placeholder(text: str, stopped: int) -> Trouble:
    """A `${{` in a value without quotes, which brackets around it end."""
    begin = max([text.rfind(mark, 0, stopped) + len(mark) for mark in ("[", "{", ",", ": ", "\n")])
    whole = re.match(r"[^\n]*?\}\}[^,\]}\n]*", text[begin:])
    value = one_line(whole[0].strip(), 80) if whole else "${{ matrix.AXIS }}"
    start = begin + len(text[begin:]) - len(text[begin:].lstrip(" "))
    return Trouble("`${{` within [ ] or { } needs quotes around the value", f'write "{value}"', start)


def _tab(at: int) -> Trouble:
    return Trouble("a tab can't indent", "indent with spaces", at)


def _tag(at: int) -> Trouble:
    return Trouble("this tag can't be read", "leave it out, or quote a value that begins with '!'", at)


def _directive(at: int) -> Trouble:
    return Trouble("this directive can't be read", "leave it out, or quote a value that begins with '%'", at)


def _misplaced(at: int) -> Trouble:
    return Trouble("this can't stand here", "check the indentation and the quotes above", at)
