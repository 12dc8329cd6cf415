"""Text -> documents: plain data, with a position for every path."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, NamedTuple

from baseten_jobs.manifest.diagnostics import Diagnostic, FieldPath, Position, field_name
from baseten_jobs.manifest.yaml_errors import BREAK, end_of
from baseten_jobs.manifest.yaml_reader import MAX_DEPTH as MAX_DEPTH
from baseten_jobs.manifest.yaml_reader import MAX_VALUES as MAX_VALUES
from baseten_jobs.manifest.yaml_reader import Builder, Spots, Unreadable, mark_of
from baseten_jobs.manifest.yaml_reader import Spot as Spot
from baseten_jobs.manifest.yaml_scalars import BLANK as BLANK
from baseten_jobs.manifest.yaml_scalars import MAX_DIGITS as MAX_DIGITS
from baseten_jobs.manifest.yaml_scalars import Odd as Odd
from baseten_jobs.manifest.yaml_scalars import spelled
from baseten_jobs.phrases import one_line

_ENDINGS = (".yaml", ".yml")
MAX_BYTES = 1 << 20
_LARGE = 1 << 17
"""From so many characters on, positions are kept while the text is read: it is hardly a manifest, and gets messages."""
_ADOPTS = "metadata.adopts"


def is_yaml(name: str) -> bool:
    """True for the name, or path, of a file that a walk through a folder reads: it ends as those of YAML do."""
    return name.lower().endswith(_ENDINGS)


DocumentPlace = tuple[str, int, int]
"""A document's file, first line and cell: unique among the documents that are read together."""


class Cell(NamedTuple):
    """One cell of a matrix: its number among those of its document, counted from 0, and its value on each axis.

    `source` is where the cell comes from: an entry of `include`, or the matrix. `attempt` stands at `attempt_at`, or
    would stand there. The job that it adopts stands at `adopts_at`, which is empty where the matrix has none for it.
    """

    number: int
    values: tuple[tuple[str, Any], ...]
    source: FieldPath
    attempt: int
    attempt_at: FieldPath
    adopts_at: FieldPath = ()

    @property
    def label(self) -> str:
        """`lr=1e-5, seed=2`."""
        return ", ".join(f"{axis}={one_line(spelled(value), 40)}" for axis, value in self.values)


@dataclass(frozen=True)
class Document:
    """One YAML document: its file, its first line, its plain data. Lines and columns count from 1.

    `find` returns the positions of all values, for which the file's text is parsed once more. `overrides` are the
    fields that were set by options, each with the text of its value. `cell` is set on what a matrix expanded to, whose
    positions are those of the text that all cells share. `templated` is True if the file may hold placeholders, and
    `bases` are the files whose Defaults are merged in, the nearest first.
    """

    path: str
    line: int
    data: Any
    find: Callable[[], Spot] = field(repr=False, compare=False)
    overrides: tuple[tuple[str, str], ...] = ()
    cell: Cell | None = None
    templated: bool = False
    bases: tuple[str, ...] = ()

    @property
    def place(self) -> DocumentPlace:
        return self.path, self.line, self.cell.number if self.cell else 0

    @cached_property
    def spot(self) -> Spot:
        """The positions of all values, parsed at first use: most documents need none."""
        return self.find()

    def position(self, path: FieldPath = (), *, of_key: bool = False) -> Position:
        """Returns the position of the value at `path`, or of its key; if absent, that of the nearest ancestor's key."""
        spot, source = self.spot, self.path
        for part in path:
            if part not in spot.below:
                return Position(source, *spot.key)
            spot = spot.below[part]
            source = spot.source or source
        return Position(source, *(spot.key if of_key else spot.value))

    def shown(self, field: str) -> str:
        """Returns the name of a field as it is written: what a cell adopts stands in the matrix."""
        at = self.cell.adopts_at if self.cell else ()
        return field_name(at) + field.removeprefix(_ADOPTS) if at and field.startswith(_ADOPTS) else field

    def written(self, path: FieldPath) -> str | None:
        """Returns a scalar as it was written, or None for a list, a mapping or an absent value."""
        spot: Spot | None = self.spot
        for part in path:
            spot = spot.below.get(part) if spot else None
        text = spot.text if spot else None
        return text if text is None or self.cell is None or "${{" not in text else self._filled(path)

    def _filled(self, path: FieldPath) -> str | None:
        """What a cell has in the place of a text that all cells share."""
        value = self.data
        for part in path:
            value = value[part]
        return None if isinstance(value, dict | list) else spelled(value)


@dataclass(frozen=True)
class Loaded:
    documents: tuple[Document, ...]
    diagnostics: tuple[Diagnostic, ...]


def load(path: str, text: str) -> Loaded:
    """Returns the documents of one file. Never raises: what can't be read is a diagnostic."""
    if problem := _unprintable(path, text):
        return Loaded((), (problem,))
    documents: list[Document] = []
    at_once, templated = len(text) > _LARGE, "${{" in text
    builder, spots = Builder(path, text, {} if at_once else None), Spots(path, text)
    problems = builder.problems
    try:
        for number, (first, data) in enumerate(builder.documents()):
            find = partial(_known, builder.spot(first, first, data)) if at_once else partial(spots.of, number)
            documents.append(Document(path, mark_of(first)[0], data, find, templated=templated))
    except Unreadable as unreadable:
        problems.append(unreadable.diagnostic)
    if not documents and not problems:
        problems.append(_nothing(path, text))
    return Loaded(tuple(documents), tuple(problems))


def _nothing(path: str, text: str) -> Diagnostic:
    lines = [line for line in map(str.strip, BREAK.split(text)) if line]
    if not lines:
        return Diagnostic("empty-file", "this file is empty", Position(path))
    if not all(line.startswith("#") for line in lines):
        return Diagnostic("empty-file", "there is no manifest in this file", Position(path))
    hint = "take the '#' out of its lines, or delete the file" if "apiVersion" in text else ""
    message = "this file holds only comments, a whole manifest among them" if hint else "this file holds only comments"
    return Diagnostic("empty-file", message, Position(path), hint=hint)


def _known(spot: Spot) -> Spot:
    return spot


def decode(path: str, raw: bytes) -> str | Diagnostic:
    """Returns the text of a file in UTF-8, with or without a byte order mark, or why it is not UTF-8."""
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        message = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            message = "this is UTF-16"
        return Diagnostic("encoding", message, end_of(path, before), hint="save the file as UTF-8")


_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _unprintable(path: str, text: str) -> Diagnostic | None:
    if not (found := _UNPRINTABLE.search(text)):
        return None
    character = found.group()
    name = "a NUL byte" if character == "\0" else f"the control character U+{ord(character):04X}"
    position = end_of(path, text[: found.start()])
    return Diagnostic("yaml-syntax", f"{name} can't stand in YAML", position, hint="is this a text file?")
