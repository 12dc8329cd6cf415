"""Text -> documents: plain data, with a position for every path. YAML lives only here."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from baseten_jobs.diagnostics import Diagnostic, FieldPath, Position, one_line

_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's parser, or PyYAML's own where it was built without; only its events are used."""

MAX_BYTES = 1 << 20
MAX_DEPTH = 64
MAX_VALUES = 50_000
MAX_DIGITS = 19
"""An integer has fewer, so that every reader of JSON can hold it."""
MAX_PROBLEMS = 100
"""Of the YAML itself, in one file."""
TODO = "!todo"
"""The tag of a value that is still to be filled in; its text says why."""


@dataclass(frozen=True)
class Odd:
    """A scalar that no field takes: a float, a date, an integer of more than one reading, an unknown tag.

    `kind` is "number", "date", "integer" or, where a diagnostic was given already, "tagged".
    """

    text: str
    kind: str


class Spot(NamedTuple):
    """Where a value stands and how a scalar was written, with the entries of a list or mapping below it.

    `source` names the place where it stands if that is not the document's own file.
    """

    key: tuple[int, int]
    value: tuple[int, int]
    text: str | None
    below: "Mapping[str | int, Spot]"
    source: str = ""


@dataclass(frozen=True)
class Document:
    """One YAML document: its file, its first line, its plain data. Lines and columns count from 1.

    `overrides` are the fields that were set from outside, each with the text that it was given.
    """

    path: str
    line: int
    data: Any
    spot: Spot = field(repr=False)
    overrides: tuple[tuple[str, str], ...] = ()

    def position(self, path: FieldPath = (), *, of_key: bool = False) -> Position:
        """Where the value at `path` stands (or its key); its nearest ancestor's key where it is absent."""
        spot, source = self.spot, self.path
        for part in path:
            if part not in spot.below:
                return Position(source, *spot.key)
            spot = spot.below[part]
            source = spot.source or source
        return Position(source, *(spot.key if of_key else spot.value))

    def written(self, path: FieldPath) -> str | None:
        """A scalar as it was written, or nothing for a list, a mapping or an absent value."""
        spot: Spot | None = self.spot
        for part in path:
            spot = spot.below.get(part) if spot else None
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
    builder = _Builder(path, text)
    problems = builder.problems
    try:
        documents += builder.documents()
    except _Unreadable as unreadable:
        problems.append(unreadable.diagnostic)
    if not documents and not problems:
        problems.append(Diagnostic("empty-file", "there is no manifest in this file", Position(path)))
    return Loaded(tuple(documents), tuple(problems))


def decode(path: str, raw: bytes) -> str | Diagnostic:
    """UTF-8, with or without a byte order mark."""
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        message = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            message = "this is UTF-16"
        return Diagnostic("encoding", message, _end(path, before), hint="save the file as UTF-8")


_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


def _end(path: str, text: str) -> Position:
    """Where the next character would stand; lines break where libyaml breaks them."""
    lines = _BREAK.split(text)
    return Position(path, len(lines), len(lines[-1]) + 1)


class _Unreadable(Exception):
    def __init__(self, rule: str, message: str, position: Position, hint: str = "") -> None:
        super().__init__(message)
        self.diagnostic = Diagnostic(rule, message, position, hint=hint)


_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _unprintable(path: str, text: str) -> Diagnostic | None:
    if not (found := _UNPRINTABLE.search(text)):
        return None
    character = found.group()
    name = "a NUL byte" if character == "\0" else f"the control character U+{ord(character):04X}"
    position = _end(path, text[: found.start()])
    return Diagnostic("yaml-syntax", f"{name} can't stand in YAML", position, hint="is this a text file?")


_PLAIN = yaml.SafeLoader.yaml_implicit_resolvers
_PREFIX = "tag:yaml.org,2002:"
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_TRUE = frozenset({"yes", "true", "on"})
_WORDS = {"bool": frozenset({"no", "false", "off"}) | _TRUE, "null": frozenset({"", "~", "null"})}

_LONG = 256
"""Characters of a text that count as one value more, lest a long one be repeated by aliases for ever."""

_Value = tuple[Any, str | None, dict[str | int, Spot]]
"""Plain data, a scalar as it was written, and the spots of a collection's entries."""

_CLEARER = (
    ("tab character that violates", "a tab can't indent", "indent with spaces"),
    ("cannot start any token", "", "quote the value"),
    ("mapping values are not allowed", "", "check the indentation, or quote a value that holds ': '"),
    ("found unexpected ':'", "", "quote a value that holds ':'"),
    ("block sequence entries are not", "", "a list begins on the line below its key"),
    ("unknown escape character", "", "write the backslash twice, or use single quotes"),
    ("expected ':'", "", "a key ends in ': '"),
    ("did not find expected ',' or", "", "a comma is missing, or a bracket is not closed"),
    ("did not find expected", "", "check the indentation and the quotes above"),
)
"""What libyaml says, what is said instead, and what to do."""


class _Builder:
    """Plain data straight from the parser's events: depth, aliases and duplicates are judged on the way."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.parser: Any = _Parser(text)
        self.problems: list[Diagnostic] = []
        self._anchors: dict[str, tuple[_Value, int] | None] = {}
        self._size = 0

    def documents(self) -> Iterator[Document]:
        """Each document that is not empty; raises _Unreadable where the file can't be read further."""
        self._next(yaml.StreamStartEvent)
        while isinstance(event := self._event(), yaml.DocumentStartEvent):
            self._anchors = {}
            first = self._event()
            at = _mark(first)
            data, text, below = self._value(first, 0)
            self._next(yaml.DocumentEndEvent)
            if data is not None:
                yield Document(self.path, at[0], data, Spot(at, at, text, below))
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
        mark, said = error.problem_mark or error.context_mark, error.problem or ""
        message = " ".join(part for part in (said, error.context) if part)
        instead, hint = next(((new, hint) for known, new, hint in _CLEARER if known in message), ("", ""))
        if mark and "cannot start any token" in said:
            character = self.text[mark.index : mark.index + 1]
            instead = f"'{one_line(character)}' can't begin a value"
            if character == "\t":
                instead, hint = "a tab can't indent", "indent with spaces"
        elif said == "found unexpected end of stream" and "quoted" in message:
            mark, instead = error.context_mark, "the quoted text that begins here never ends"
        elif said == "could not find expected ':'":
            mark, instead = error.context_mark, "this key has no ':'"
        position = Position(self.path, mark.line + 1, mark.column + 1) if mark else Position(self.path)
        if mark and mark.index >= len(self.text):
            position = _end(self.path, self.text.rstrip())
        return _Unreadable("yaml-syntax", instead or one_line(message), position, hint)

    def _at(self, event: Any) -> Position:
        return Position(self.path, *_mark(event))

    def _value(self, event: Any, depth: int) -> _Value:
        if depth > MAX_DEPTH:
            raise _Unreadable("depth", f"more than {MAX_DEPTH} levels of nesting", self._at(event))
        before = self._size
        self._count(1, event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if isinstance(event, yaml.ScalarEvent):
            self._count(len(event.value) // _LONG, event)
            value: _Value = (self._scalar(event), event.value, {})
        else:
            mapping = isinstance(event, yaml.MappingStartEvent)
            self._check_tag(event, "map" if mapping else "seq")
            if event.anchor:
                self._anchors[event.anchor] = None
            value = (self._mapping if mapping else self._sequence)(depth)
        if event.anchor:
            self._anchors[event.anchor] = (value, self._size - before)
        return value

    def _count(self, size: int, event: Any) -> None:
        self._size += size
        if self._size > MAX_VALUES:
            raise _Unreadable("too-many-values", f"more than {MAX_VALUES} values, aliases expanded", self._at(event))

    def _alias(self, event: Any) -> _Value:
        name = one_line(event.anchor)
        if event.anchor not in self._anchors:
            raise _Unreadable("alias", f"there is no anchor '&{name}' above", self._at(event))
        anchored = self._anchors[event.anchor]
        if anchored is None:
            raise _Unreadable("alias", f"the alias '*{name}' holds itself", self._at(event))
        value, size = anchored
        self._count(size, event)
        return value

    def _sequence(self, depth: int) -> _Value:
        items: list[Any] = []
        spots: dict[str | int, Spot] = {}
        while not isinstance(event := self._event(), yaml.SequenceEndEvent):
            value, text, below = self._value(event, depth + 1)
            spots[len(items)] = Spot(_mark(event), _mark(event), text, below)
            items.append(value)
        return items, None, spots

    def _mapping(self, depth: int) -> _Value:
        entries: dict[str, Any] = {}
        spots: dict[str | int, Spot] = {}
        merges: dict[str, Spot] = {}
        merged: list[_Value] = []
        while not isinstance(key_event := self._event(), yaml.MappingEndEvent):
            key = self._key(key_event, depth)
            event = self._event()
            value, text, below = self._value(event, depth + 1)
            merge = key == "<<" and _is_plain(key_event)
            before = (merges if merge else spots).get(key)
            if before:
                first = f"first at {before.key[0]}:{before.key[1]}"
                self._problem("duplicate-key", f"'{one_line(key)}' is given twice", key_event, first)
                continue
            spot = Spot(_mark(key_event), _mark(event), text, below)
            if merge:
                merges[key] = spot
                merged = self._merged(event, value, below)
            else:
                entries[key], spots[key] = value, spot
        for mapping, _, below in merged:
            for key, value in mapping.items():
                if key not in entries:
                    entries[key], spots[key] = value, below[key]
        return entries, None, spots

    def _merged(self, event: Any, value: Any, below: dict[str | int, Spot]) -> list[_Value]:
        if isinstance(value, dict):
            return [(value, None, below)]
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            return [(item, None, dict(below[index].below)) for index, item in enumerate(value)]
        self._problem("merge-key", "'<<' takes a mapping or a list of mappings", event)
        return []

    def _key(self, event: Any, depth: int) -> str:
        if isinstance(event, yaml.ScalarEvent):
            self._count(len(event.value) // _LONG, event)
            key = self._scalar(event)
            if not isinstance(key, str):
                self._problem(
                    "key-not-string",
                    f"the key {one_line(event.value) or 'null'} is not a string",
                    event,
                    f'write "{one_line(event.value)}"',
                )
            if event.anchor:
                self._anchors[event.anchor] = ((key, event.value, {}), 1 + len(event.value) // _LONG)
            return str(event.value)
        key, _, _ = self._value(event, depth + 1)
        if isinstance(key, str):
            return key
        raise _Unreadable("key-not-string", "a key must be a string", self._at(event))

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
        if text.lower() in _WORDS.get(kind, ()):
            return None if kind == "null" else text.lower() in _TRUE
        if kind == "int":
            return (
                int(text) if _DECIMAL.fullmatch(text) and len(text.lstrip("+-")) < MAX_DIGITS else Odd(text, "integer")
            )
        if kind in ("float", "timestamp") and (kind == "float" or event.tag is None):
            return Odd(text, "number" if kind == "float" else "date")
        if tag == TODO:
            self._problem("todo", f"a value is missing: {one_line(text)}", event, f"write it in the place of {TODO}")
        else:
            self._check_tag(event, "a scalar")
        return Odd(text, "tagged")

    def _check_tag(self, event: Any, expected: str) -> None:
        tag = event.tag
        if tag is None or tag in ("!", _PREFIX + expected):
            return
        shown = one_line(tag.replace(_PREFIX, "!!"))
        self._problem("unknown-tag", f"the tag '{shown}' has no meaning here", event, "leave it out")

    def _problem(self, rule: str, message: str, event: Any, hint: str = "") -> None:
        if len(self.problems) == MAX_PROBLEMS:
            raise _Unreadable("too-many-problems", "this file has more problems; they are not shown", self._at(event))
        self.problems.append(Diagnostic(rule, message, self._at(event), hint=hint))


def _mark(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _is_plain(event: Any) -> bool:
    return isinstance(event, yaml.ScalarEvent) and event.implicit[0]
