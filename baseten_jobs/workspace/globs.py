"""A pattern as in .gitignore -> whether it fits a path, as git decides it and without ever going back far.

A `*` takes as little as it can: for names cut at each `/` the leftmost fit of every run between two stars is as good as
any other, so that the time is at most the product of both lengths. Like git's, patterns and paths are bytes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

_TOKEN = re.compile(rb"[^*?\[\\/]+|\*+|\\.|.", re.DOTALL)
_WILD = re.compile(rb"[?\[\\]")
_CLASSES = {
    b"alnum": b"0-9A-Za-z", b"alpha": b"A-Za-z", b"blank": b" \\t", b"cntrl": b"\\x00-\\x1f\\x7f", b"digit": b"0-9",
    b"graph": b"!-~", b"lower": b"a-z", b"print": b" -~", b"punct": b"!-/:-@\\[-`{-~", b"space": b" \\t\\n\\r",
    b"upper": b"A-Z", b"xdigit": b"0-9A-Fa-f",
}  # fmt: skip
_ITEM = re.compile(
    rb"\[:(?P<named>[^]]{0,99}):\]|(?P<low>(?>\\.|.))-(?P<high>(?>\\.|[^]]))|(?P<one>(?>\\.|.))", re.DOTALL
)
"""What stands between brackets, one by one."""


@dataclass(frozen=True)
class Run:
    """A part of a pattern that fits texts of one length: `literal` without wildcards, else `expression` for `re`."""

    length: int = 0
    literal: bytes | None = b""
    expression: bytes = b""

    @cached_property
    def _compiled(self) -> re.Pattern[bytes]:
        return re.compile(self.expression, re.DOTALL)

    def fits_at(self, text: bytes, at: int) -> bool:
        if self.literal is not None:
            return text.startswith(self.literal, at)
        return self._compiled.match(text, at) is not None

    def after(self, text: bytes, start: int, end: int) -> int:
        """Where the first fit between `start` and `end` ends, or -1."""
        if self.literal is not None:
            found = text.find(self.literal, start, end)
            return found + self.length if found >= 0 else -1
        match = self._compiled.search(text, start, end)
        return match.end() if match else -1


@dataclass(frozen=True, slots=True)
class Glob:
    """What a pattern says of one name: runs, with any bytes between each two of them."""

    runs: tuple[Run, ...]
    least: int

    @property
    def head(self) -> bytes:
        """What every name that fits begins with."""
        return self.runs[0].literal or b""

    @property
    def tail(self) -> bytes:
        return self.runs[-1].literal or b""

    def fits(self, name: bytes) -> bool:
        first, last = self.runs[0], self.runs[-1]
        if len(self.runs) == 1:
            return len(name) == first.length and first.fits_at(name, 0)
        end = len(name) - last.length
        if len(name) < self.least or not first.fits_at(name, 0) or not last.fits_at(name, end):
            return False
        at = first.length
        return all((at := run.after(name, at, end)) >= 0 for run in self.runs[1:-1])


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line. `groups` are names one below the other; between two groups lie folders, at least so many as `gaps` say.

    A pattern that is not `anchored` says something of a last name alone.
    """

    groups: tuple[tuple[Glob, ...], ...]
    gaps: tuple[int, ...] = ()
    anchored: bool = False
    negated: bool = False
    folders_only: bool = False

    def fits(self, path: Sequence[bytes], is_folder: bool) -> bool:
        """`path` is cut at each '/'. What lies below a folder that fits is not asked for here."""
        if self.folders_only and not is_folder:
            return False
        if not self.anchored:
            return self.groups[0][0].fits(path[-1])
        first, last = self.groups[0], self.groups[-1]
        if not self.gaps:
            return len(path) == len(first) and _fit(first, path, 0)
        end = len(path) - len(last)
        if len(path) < self._least or not _fit(first, path, 0) or not _fit(last, path, end):
            return False
        at = len(first)
        for gap, group in zip(self.gaps, self.groups[1:-1], strict=False):
            starts = range(at + gap, end - len(group) + 1)
            start = next((start for start in starts if _fit(group, path, start)), None)
            if start is None:
                return False
            at = start + len(group)
        return at + self.gaps[-1] <= end

    @property
    def _least(self) -> int:
        return sum(map(len, self.groups)) + sum(self.gaps)


def _fit(group: Sequence[Glob], path: Sequence[bytes], start: int) -> bool:
    return all(glob.fits(path[start + index]) for index, glob in enumerate(group))


def pattern_in(line: bytes) -> Pattern | None:
    """What a line of an ignore file says; None where it is empty, a comment, or can't fit any path."""
    line = _trimmed(line.partition(b"\0")[0])
    if not line or line.startswith(b"#"):
        return None
    negated = line.startswith(b"!")
    text = line[1:] if negated else line
    folders_only = text.endswith(b"/")
    text = text[:-1] if folders_only else text
    anchored = b"/" in text
    bare = text.removeprefix(b"/")
    names = _wild_names(bare) if _WILD.search(bare) else [_plain_name(name) for name in bare.split(b"/")]
    if names is None or not text:
        return None
    if not anchored:
        return Pattern(((names[0].glob or _ANY,),), (), False, negated, folders_only)
    groups, gaps = _grouped(names)
    if len(groups) == 2 and not groups[0] and gaps == (0,) and len(groups[1]) == 1:  # `**/name`
        return Pattern((groups[1],), (), False, negated, folders_only)
    return Pattern(groups, gaps, True, negated, folders_only)


def _trimmed(line: bytes) -> bytes:
    """Without the spaces at the end, but for one behind a backslash."""
    kept = line.rstrip(b" ")
    if kept == line:
        return line
    slashes = len(kept) - len(kept.rstrip(b"\\"))
    return kept + b" " if slashes % 2 else kept


class _Name(NamedTuple):
    """One name of a pattern: None for `**`; `escaped` if the '/' behind it is."""

    glob: Glob | None
    escaped: bool = False


Part = tuple[bytes, bytes | None]
"""What `re` calls a part of a name, and its bytes where it has no wildcard."""

_STAR, _STARS = (b"*", None), (b"**", None)


def _plain_name(name: bytes) -> _Name:
    """A name that has no other wildcards than stars."""
    if len(name) > 1 and not name.strip(b"*"):
        return _Name(None)
    first, *others = name.split(b"*")
    runs = [first, *filter(None, others[:-1]), *others[-1:]]
    return _Name(Glob(tuple(map(_literal, runs)), len(name) - name.count(b"*")))


@lru_cache(maxsize=1024)
def _literal(text: bytes) -> Run:
    return Run(len(text), text)


def _wild_names(text: bytes) -> list[_Name] | None:
    """A pattern cut at each '/'; None where it can't fit, as with a `[` that is never closed."""
    names: list[_Name] = []
    here: list[Part] = []
    at = 0
    while match := _TOKEN.match(text, at):
        token, at = match[0], match.end()
        if token in (b"/", b"\\/"):
            names.append(_name(here, token != b"/"))
            here = []
        elif token == b"[":
            expression, at = _set(text, at)
            if not expression:
                return None
            here.append((expression, None))
        elif token == b"\\":
            return None
        elif token[:1] == b"*":
            here.append(_STAR if len(token) == 1 else _STARS)
        elif token == b"?":
            here.append((b".", None))
        else:
            literal = token[1:] if token[:1] == b"\\" else token
            here.append((re.escape(literal), literal))
    return [*names, _name(here)]


def _set(text: bytes, at: int) -> tuple[bytes, int]:
    """The `re` for what stands behind a '[', and where it ends; empty where it is never closed, or has no meaning.

    A range that runs backwards holds the byte that it begins with.
    """
    negated = text[at : at + 1] in (b"!", b"^")
    at += negated
    found, begin = bytearray(), at
    while text[at : at + 1] != b"]" or at == begin:
        item = _ITEM.match(text, at)
        if item is None or item["named"] not in (None, *_CLASSES):
            return b"", at
        at = item.end()
        if item["named"] is not None:
            found += _CLASSES[item["named"]]
        elif item["one"]:
            found += _byte(item["one"])
        elif item["low"][-1] <= item["high"][-1]:
            found += _byte(item["low"]) + b"-" + _byte(item["high"])
        else:
            found += _byte(item["low"])
    return b"[" + (b"^" if negated else b"") + bytes(found) + b"]", at + 1


def _byte(byte: bytes) -> bytes:
    """A byte, perhaps with a backslash before it, as `re` calls it."""
    return b"\\x%02x" % byte[-1]


def _name(parts: Sequence[Part], escaped: bool = False) -> _Name:
    if list(parts) == [_STARS]:
        return _Name(None, escaped)
    runs: list[list[Part]] = [[]]
    for part in parts:
        if part in (_STAR, _STARS):
            runs.append([])
        else:
            runs[-1].append(part)
    found = tuple(map(_run, runs))
    return _Name(Glob(found, sum(run.length for run in found)), escaped)


def _run(parts: Sequence[Part]) -> Run:
    literals = [literal for _, literal in parts if literal is not None]
    length = sum(map(len, literals)) + len(parts) - len(literals)
    if len(literals) == len(parts):
        return _literal(b"".join(literals))
    return Run(length, None, b"".join(expression for expression, _ in parts))


def _grouped(names: Sequence[_Name]) -> tuple[tuple[tuple[Glob, ...], ...], tuple[int, ...]]:
    """Names between each two `**`, and how many folders each of these stands for at the least."""
    groups: list[list[Glob]] = [[]]
    gaps: list[int] = []
    for index, name in enumerate(names):
        if name.glob is None:
            groups.append([])
            gaps.append(1 if name.escaped or index == len(names) - 1 else 0)
        else:
            groups[-1].append(name.glob)
    return tuple(map(tuple, groups)), tuple(gaps)


_ANY = Glob((_literal(b""), _literal(b"")), 0)
"""`**` where it says something of one name."""
