"""The bytes of a Python file -> its syntax tree, never run, with the places of its nodes."""

import ast
import re
import warnings
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from baseten_jobs.importing.placed import At
from baseten_jobs.manifest.diagnostics import Diagnostic, Position
from baseten_jobs.phrases import one_line

_NO_TEXT = "this is no text in the encoding that it declares, or in UTF-8"
_NO_ENCODING = "only UTF-8, latin-1 and ASCII are read here, and this file declares another encoding"
_MARK = b"\xef\xbb\xbf"
_DECLARATION = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_BLANK = re.compile(rb"[ \t\f]*(?:#.*)?", re.DOTALL)
_ENCODINGS = {
    **dict.fromkeys(("utf-8", "utf8", "u8", "utf-8-sig"), "utf-8"),
    **dict.fromkeys(("latin-1", "latin1", "iso-8859-1", "iso8859-1", "8859", "l1"), "latin-1"),
    **dict.fromkeys(("ascii", "us-ascii", "646"), "ascii"),
}
"""Their names. Python has a hundred others, some of which take for ever, or are no text at all."""
_TOO_DEEP = "an expression is nested too deep to be read"
_DEEP = 100
"""Open brackets behind which Python gives up for their number: it takes 200."""
_PYTHON_2 = re.compile(r"\s*(print|exec)\s+[^\s(=]")


@dataclass(frozen=True)
class PythonSource:
    """A file that could be parsed; `lines` as Python counts them, `file` where it really lies.

    A file that another one imports `stands_at` the place of the import, and `here` is the way to it.
    """

    path: str
    tree: ast.Module
    lines: tuple[str, ...]
    file: str = ""
    here: str = ""
    stands_at: At | None = None

    @classmethod
    def unread(cls, path: str) -> "PythonSource":
        """A file that was run, and whose text therefore has no part in what is said."""
        return cls(path, ast.Module([], []), ("",))

    @property
    def name(self) -> str:
        """The way to the file from the folder of the one that is imported."""
        return self.here or self.path.replace("\\", "/").rpartition("/")[2]

    def at(self, node: ast.expr | ast.stmt | ast.keyword) -> At:
        """Line and column in characters; Python counts bytes."""
        if self.stands_at is not None:
            return self.stands_at
        line = self.lines[node.lineno - 1] if node.lineno <= len(self.lines) else ""
        if line.isascii():
            return node.lineno, node.col_offset + 1
        return node.lineno, bisect_right(_starts(line), node.col_offset)

    def text(self, node: ast.expr | ast.stmt) -> str:
        """The node as it was written, on one line and cut."""
        end = node.end_lineno or node.lineno
        first = _encoded(self.lines[node.lineno - 1])[node.col_offset : node.col_offset + 1000]
        if end == node.lineno:
            first = first[: (node.end_col_offset or 0) - node.col_offset]
        more = " …" if end > node.lineno else ""
        return one_line(first.decode("utf-8", "replace").strip(), 80) + more


@lru_cache(maxsize=8)
def _encoded(line: str) -> bytes:
    return line.encode("utf-8")


@lru_cache(maxsize=8)
def _starts(line: str) -> tuple[int, ...]:
    """The byte at which each character begins; found once for all that stands in a line."""
    return tuple(accumulate((len(each.encode("utf-8")) for each in line), initial=0))


def parse(path: str, raw: bytes) -> PythonSource | Diagnostic:
    """The tree of a file of Python 3 in UTF-8, latin-1 or ASCII, as it declares. Never raises, nor runs anything."""
    encoding = _ENCODINGS.get(_declared(raw))
    if encoding is None or (encoding != "utf-8" and raw.startswith(_MARK)):
        return Diagnostic("encoding", _NO_ENCODING, Position(path), hint="save the file as UTF-8")
    try:
        text = re.sub("\r\n?", "\n", raw.decode(encoding))
    except UnicodeDecodeError:
        return Diagnostic("encoding", _NO_TEXT, Position(path), hint="save the file as UTF-8")
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        return Diagnostic("python-syntax", "a NUL byte can't stand in Python", Position(path, line))
    text = text.removeprefix("\ufeff")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except SyntaxError as error:
        position = Position(path, error.lineno or 1, max(error.offset or 1, 1))
        lines = text.split("\n")[: position.line]
        if _brackets_open([*lines[:-1], lines[-1][: position.column]]) > _DEEP:
            return Diagnostic("python-syntax", _TOO_DEEP, position)
        hint = "is it a file of Python 2?" if _PYTHON_2.match(lines[-1]) else ""
        return Diagnostic("python-syntax", _reason(error), position, hint=hint)
    except (RecursionError, MemoryError):
        return Diagnostic("python-syntax", _TOO_DEEP, Position(path))
    except ValueError:
        return Diagnostic("python-syntax", "this is not Python", Position(path))
    return PythonSource(path, tree, tuple(text.split("\n")))


def _declared(raw: bytes) -> str:
    """The encoding that one of the first two lines names (PEP 263), the second only below a comment or a blank."""
    first, second, *_ = (*re.split(b"\r\n?|\n", raw[:4096].removeprefix(_MARK), maxsplit=2), b"", b"")
    for line in (first, second) if _BLANK.fullmatch(first) else (first,):
        if found := _DECLARATION.match(line):
            return found.group(1).decode("ascii").lower().replace("_", "-")
    return "utf-8"


def _brackets_open(lines: list[str]) -> int:
    """About how many: those in texts and comments count too."""
    return sum(sum(map(line.count, "([{")) - sum(map(line.count, ")]}")) for line in lines)


def _reason(error: SyntaxError) -> str:
    """What Python itself says, which is more with each version."""
    message = (error.msg or "this is not Python").partition(" (<unknown>")[0].partition("; consider ")[0]
    return one_line(message[:1].lower() + message[1:])
