"""Text -> documents: plain data, with a position for every path. YAML lives only here."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml

from baseten_jobs.diagnostics import Diagnostic, FieldPath, Position, one_line

_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's parser, or PyYAML's own where it was built without; only its events are used."""

MAX_BYTES = 1 << 20
MAX_DEPTH = 64
MAX_VALUES = 100_000


@dataclass(frozen=True)
class Odd:
    """A scalar that no field takes: a float, a date, an integer of more than one reading, an unknown tag.

    `kind` is "number", "date", "integer" or, where a diagnostic was given already, "tagged".
    """

    text: str
    kind: str


@dataclass(frozen=True)
class Spot:
    """Where a value stands and, for a plain scalar, how it was written. Lines and columns count from 1."""

    key: tuple[int, int]
    value: tuple[int, int]
    text: str | None


@dataclass(frozen=True)
class Document:
    """One YAML document: its file, its first line, its plain data."""

    path: str
    line: int
    data: Any
    index: int
    text: str = field(repr=False)

    def position(self, path: FieldPath = (), *, of_key: bool = False) -> Position:
        """Where the value at `path` stands (or its key); its nearest ancestor where it is absent."""
        spots = _spots(self.path, self.text)[self.index]
        while path and path not in spots:
            path, of_key = path[:-1], True
        spot = spots[path]
        return Position(self.path, *(spot.key if of_key else spot.value))

    def written(self, path: FieldPath) -> str | None:
        """A scalar as it was written, or nothing for a list, a mapping or an absent value."""
        spot = _spots(self.path, self.text)[self.index].get(path)
        return spot.text if spot else None


@dataclass(frozen=True)
class Loaded:
    documents: tuple[Document, ...]
    diagnostics: tuple[Diagnostic, ...]


def load(path: str, text: str) -> Loaded:
    """The documents of one file. Never raises: what can't be read is a diagnostic."""
    if problem := _unprintable(path, text):
        return Loaded((), (problem,))
    documents: list[Document] = []
    problems: list[Diagnostic] = []
    index = 0
    try:
        for index, (line, data, found) in enumerate(_Builder(path, text).documents()):
            problems += found
            if data is not None:
                documents.append(Document(path, line, data, index, text))
    except _Unreadable as unreadable:
        problems.append(unreadable.diagnostic)
    if not documents and not problems:
        problems.append(Diagnostic("empty-file", "there is no manifest in this file", Position(path)))
    return Loaded(tuple(documents), tuple(problems))


def decode(path: str, raw: bytes) -> str | Diagnostic:
    """UTF-8, with or without a byte order mark."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace").removeprefix("\ufeff")
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1) + 1
        return Diagnostic(
            "encoding",
            f"byte 0x{raw[error.start]:02x} is not UTF-8",
            Position(path, line, column),
            hint="save the file as UTF-8",
        )


class _Unreadable(Exception):
    def __init__(self, rule: str, message: str, position: Position, hint: str = "") -> None:
        super().__init__(message)
        self.diagnostic = Diagnostic(rule, message, position, hint=hint)


_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _unprintable(path: str, text: str) -> Diagnostic | None:
    if not (found := _UNPRINTABLE.search(text)):
        return None
    start = text.rfind("\n", 0, found.start()) + 1
    position = Position(path, text.count("\n", 0, found.start()) + 1, found.start() - start + 1)
    character = found.group()
    name = "a NUL byte" if character == "\0" else f"the control character U+{ord(character):04X}"
    return Diagnostic("yaml-syntax", f"{name} can't stand in YAML", position, hint="is this a text file?")


@lru_cache(maxsize=32)
def _spots(path: str, text: str) -> tuple[dict[FieldPath, Spot], ...]:
    """Positions are needed only where something is to be said, so the text is read again for them."""
    builder = _Builder(path, text)
    found = []
    try:
        for _ in builder.documents():
            found.append(_flattened(builder.spots))
    except _Unreadable:
        pass
    return tuple(found)


_PLAIN = yaml.SafeLoader.yaml_implicit_resolvers
_PREFIX = "tag:yaml.org,2002:"
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_TRUE = frozenset({"yes", "true", "on"})
_TAGS = frozenset({"str", "int", "float", "bool", "null", "seq", "map"})


class _SpotMap(dict[str | int, tuple[Spot, "_SpotMap | None"]]):
    """The spots of one collection's entries, each with those below it."""


def _flattened(root: tuple[Spot, "_SpotMap | None"]) -> dict[FieldPath, Spot]:
    flat: dict[FieldPath, Spot] = {}
    stack: list[tuple[FieldPath, tuple[Spot, _SpotMap | None]]] = [((), root)]
    while stack:
        path, (spot, below) = stack.pop()
        flat[path] = spot
        for key, entry in (below or {}).items():
            stack.append(((*path, key), entry))
    return flat


class _Builder:
    """Plain data straight from the parser's events: depth, aliases and duplicates are judged on the way."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.parser: Any = _Parser(text)
        self.problems: list[Diagnostic] = []
        self.spots: tuple[Spot, _SpotMap | None] = (Spot((1, 1), (1, 1), None), None)
        self._anchors: dict[str, tuple[Any, int, _SpotMap | None, str | None] | None] = {}
        self._values = 0

    def documents(self) -> Iterator[tuple[int, Any, list[Diagnostic]]]:
        """First line, data and problems of each document; data is nothing for an empty one."""
        self._next(yaml.StreamStartEvent)
        while isinstance(event := self._event(), yaml.DocumentStartEvent):
            self._anchors, self._values, self.problems = {}, 0, []
            first = self._event()
            at = self._at(first)
            data, below, text = self._value(first, 0)
            self.spots = (Spot((at.line, at.column), (at.line, at.column), text), below)
            self._next(yaml.DocumentEndEvent)
            yield at.line, data, self.problems
        assert isinstance(event, yaml.StreamEndEvent)

    def _event(self) -> Any:
        try:
            return self.parser.get_event()
        except yaml.MarkedYAMLError as error:
            raise self._syntax(error) from None
        except yaml.YAMLError as error:
            raise _Unreadable("yaml-syntax", one_line(str(error)), Position(self.path)) from None

    def _next(self, kind: type) -> None:
        event = self._event()
        assert isinstance(event, kind), event

    def _syntax(self, error: yaml.MarkedYAMLError) -> _Unreadable:
        mark = error.problem_mark or error.context_mark
        position = Position(self.path, mark.line + 1, mark.column + 1) if mark else Position(self.path)
        message = " ".join(part for part in (error.problem, error.context) if part)
        hint = ""
        if "found character that cannot start any token" in message:
            message = "this character can't begin a value"
            hint = "indent with spaces, not tabs; quote a value that begins with @, ` or %"
        elif "mapping values are not allowed" in message:
            hint = "check the indentation, or quote a value that holds ': '"
        elif "did not find expected" in message:
            hint = "check the indentation and the quotes above"
        return _Unreadable("yaml-syntax", one_line(message), position, hint)

    def _at(self, event: Any) -> Position:
        return Position(self.path, event.start_mark.line + 1, event.start_mark.column + 1)

    def _value(self, event: Any, depth: int) -> tuple[Any, _SpotMap | None, str | None]:
        if depth > MAX_DEPTH:
            raise _Unreadable("depth", f"more than {MAX_DEPTH} levels of nesting", self._at(event))
        self._count(1, event)
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event)
            if event.anchor:
                self._anchors[event.anchor] = (value, 1, None, event.value)
            return value, None, event.value
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        before = self._values
        if event.anchor:
            self._anchors[event.anchor] = None
        read = self._mapping if isinstance(event, yaml.MappingStartEvent) else self._sequence
        self._check_tag(event, "map" if isinstance(event, yaml.MappingStartEvent) else "seq")
        collection, below = read(depth)
        if event.anchor:
            self._anchors[event.anchor] = (collection, self._values - before + 1, below, None)
        return collection, below, None

    def _count(self, values: int, event: Any) -> None:
        self._values += values
        if self._values > MAX_VALUES:
            raise _Unreadable("too-many-values", f"more than {MAX_VALUES} values, aliases expanded", self._at(event))

    def _alias(self, event: Any) -> tuple[Any, _SpotMap | None, str | None]:
        if event.anchor not in self._anchors:
            raise _Unreadable("alias", f"there is no anchor '&{event.anchor}' above", self._at(event))
        anchored = self._anchors[event.anchor]
        if anchored is None:
            raise _Unreadable("alias", f"the alias '*{event.anchor}' holds itself", self._at(event))
        value, size, below, text = anchored
        self._count(size, event)
        return value, below, text

    def _sequence(self, depth: int) -> tuple[list[Any], _SpotMap]:
        items: list[Any] = []
        spots = _SpotMap()
        while not isinstance(event := self._event(), yaml.SequenceEndEvent):
            mark = event.start_mark
            at = (mark.line + 1, mark.column + 1)
            value, below, text = self._value(event, depth + 1)
            spots[len(items)] = (Spot(at, at, text), below)
            items.append(value)
        return items, spots

    def _mapping(self, depth: int) -> tuple[dict[str, Any], _SpotMap]:
        entries: dict[str, Any] = {}
        spots = _SpotMap()
        merged: list[tuple[dict[str, Any], _SpotMap]] = []
        while not isinstance(key_event := self._event(), yaml.MappingEndEvent):
            key = self._key(key_event, depth)
            event = self._event()
            value, below, text = self._value(event, depth + 1)
            if key == "<<" and self._is_plain(key_event):
                merged += self._merges(event, value, below)
                continue
            if key in entries:
                first = spots[key][0].key
                self._problem(
                    "duplicate-key", f"'{one_line(key)}' is given twice", key_event, f"first at {first[0]}:{first[1]}"
                )
                continue
            mark, key_mark = event.start_mark, key_event.start_mark
            entries[key] = value
            spots[key] = (Spot((key_mark.line + 1, key_mark.column + 1), (mark.line + 1, mark.column + 1), text), below)
        for mapping, below in merged:
            for key, value in mapping.items():
                if key not in entries:
                    entries[key], spots[key] = value, below[key]
        return entries, spots

    @staticmethod
    def _is_plain(event: Any) -> bool:
        return isinstance(event, yaml.ScalarEvent) and event.implicit[0]

    def _merges(self, event: Any, value: Any, below: "_SpotMap | None") -> list[tuple[dict[str, Any], _SpotMap]]:
        if isinstance(value, dict) and below is not None:
            return [(value, below)]
        if isinstance(value, list) and below is not None and all(isinstance(v, dict) for v in value):
            return [(item, below[i][1] or _SpotMap()) for i, item in enumerate(value)]
        self._problem("merge-key", "'<<' takes a mapping or a list of mappings", event)
        return []

    def _key(self, event: Any, depth: int) -> str:
        if isinstance(event, yaml.ScalarEvent):
            key = self._scalar(event)
            if not isinstance(key, str):
                self._problem(
                    "key-not-string",
                    f"the key {one_line(event.value) or 'null'} is not a string",
                    event,
                    f'write "{one_line(event.value)}"',
                )
            if event.anchor:
                self._anchors[event.anchor] = (key, 1, None, event.value)
            return str(event.value)
        at = self._at(event)
        key, _, _ = self._value(event, depth + 1)
        if isinstance(key, str):
            return key
        raise _Unreadable("key-not-string", "a key must be a string", at)

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        tag: str | None = event.tag
        if tag is None:
            if not event.implicit[0]:
                return text
            tag = _PREFIX + "str"
            for candidate, pattern in _PLAIN.get(text[:1], ()):
                if pattern.match(text):
                    tag = candidate
                    break
        elif tag == "!":
            return text
        kind = tag.removeprefix(_PREFIX)
        if kind in ("str", "merge", "value"):
            return text
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() in _TRUE
        if kind == "int":
            return int(text) if _DECIMAL.fullmatch(text) and len(text) < 20 else Odd(text, "integer")
        if kind in ("float", "timestamp") and (kind == "float" or event.tag is None):
            return Odd(text, "number" if kind == "float" else "date")
        self._check_tag(event, "a scalar")
        return Odd(text, "tagged")

    def _check_tag(self, event: Any, expected: str) -> None:
        tag = event.tag
        if tag is None or tag in ("!", _PREFIX + expected):
            return
        shown = one_line(tag.replace(_PREFIX, "!!"))
        self._problem("unknown-tag", f"the tag '{shown}' has no meaning here", event, "leave it out")

    def _problem(self, rule: str, message: str, event: Any, hint: str = "") -> None:
        self.problems.append(Diagnostic(rule, message, self._at(event), hint=hint))
