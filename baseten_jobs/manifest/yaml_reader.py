"""YAML text -> plain data and the position of each value, from the parser's events."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any, NamedTuple

import yaml
from yaml import AliasEvent, MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent

from baseten_jobs.manifest.diagnostics import Diagnostic, Position
from baseten_jobs.manifest.yaml_errors import end_of, trouble
from baseten_jobs.manifest.yaml_scalars import BLANK, PREFIX, WORDS, Odd, plain, read
from baseten_jobs.phrases import one_line

_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser of libyaml, or PyYAML's own if it was built without libyaml; only its events are used."""

MAX_DEPTH = 64
MAX_VALUES = 50_000
_MAX_PROBLEMS = 100
"""How many problems of the YAML itself are shown of one file."""


class Spot(NamedTuple):
    """The position of a value, the text of a scalar, and the spots of the entries of a list or mapping.

    `source` is the path to show if the value is not in the document's file, as with an override.
    """

    key: tuple[int, int]
    value: tuple[int, int]
    text: str | None
    below: "Mapping[str | int, Spot]"
    source: str = ""


class Unreadable(Exception):
    def __init__(self, rule: str, message: str, position: Position, hint: str = "") -> None:
        super().__init__(message)
        self.diagnostic = Diagnostic(rule, message, position, hint=hint)


_LONG = 256
"""A scalar counts as one value more for so many characters, so that aliases can't repeat long text without end."""

Tree = dict[int, dict[str | int, Spot]]
"""The spots of the entries of each list and mapping, by its `id`."""


class Builder:
    """Makes plain data from the parser's events, and checks depth, aliases and duplicate keys meanwhile.

    Positions are kept only if a `tree` is given.
    """

    def __init__(self, path: str, text: str, tree: Tree | None = None) -> None:
        self.path = path
        self.text = text
        self.problems: list[Diagnostic] = []
        self._tree = tree
        self._event: Callable[[], Any] = _Parser(text).get_event
        self._anchors: dict[str, tuple[Any, str | None, int] | None] = {}
        self._size = 0

    def documents(self) -> Iterator[tuple[Any, Any]]:
        """Yields the first event and the data of each document that is not empty; raises Unreadable if it must stop."""
        try:
            yield from self._documents()
        except yaml.YAMLError as error:
            raise self._syntax(error) from None

    def _documents(self) -> Iterator[tuple[Any, Any]]:
        self._event()
        while isinstance(self._event(), yaml.DocumentStartEvent):
            self._anchors = {}
            first = self._event()
            data = self._value(first, 0)
            self._event()
            if data is not None:
                yield first, data

    def _syntax(self, error: yaml.YAMLError) -> Unreadable:
        begun = getattr(error, "context_mark", None)
        stopped = getattr(error, "problem_mark", None) or begun
        if stopped is None:
            return Unreadable("yaml-syntax", "this is not YAML", Position(self.path))
        if deep := self._too_deep(stopped.index):
            return deep
        found = trouble(self.text, stopped.index, begun and begun.index)
        before = self.text[: found.index] if found.index < len(self.text) else self.text.rstrip()
        return Unreadable("yaml-syntax", found.message, end_of(self.path, before), found.hint)

    def _too_deep(self, stopped: int) -> Unreadable | None:
        """Returns the error for nesting too deep before `stopped`, or None: the parser reads ahead to its own limit."""
        try:
            for _ in Builder(self.path, self.text[:stopped])._documents():
                pass
        except yaml.YAMLError:
            return None
        except Unreadable as found:
            return found if found.diagnostic.rule == "depth" else None
        return None

    def _at(self, event: Any) -> Position:
        return Position(self.path, *mark_of(event))

    def _value(self, event: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise Unreadable("depth", f"more than {MAX_DEPTH} levels of nesting", self._at(event))
        before, kind = self._size, type(event)
        if kind is ScalarEvent:
            self._count(1 + len(event.value) // _LONG, event)
            value, text = self._scalar(event), event.value
        else:
            self._count(1, event)
            if kind is AliasEvent:
                return self._alias(event)
            mapping, text = kind is MappingStartEvent, None
            if event.tag is not None:
                self._check_tag(event, "map" if mapping else "seq")
            if event.anchor is not None:
                self._anchors[event.anchor] = None
            value = self._mapping(depth + 1) if mapping else self._sequence(depth + 1)
        if event.anchor is not None:
            self._anchors[event.anchor] = value, text, self._size - before
        return value

    def _count(self, size: int, event: Any) -> None:
        self._size += size
        if self._size > MAX_VALUES:
            raise Unreadable("too-many-values", f"more than {MAX_VALUES} values, aliases expanded", self._at(event))

    def _alias(self, event: Any) -> Any:
        name = one_line(event.anchor)
        if event.anchor not in self._anchors:
            raise Unreadable("alias", f"there is no anchor '&{name}' above", self._at(event))
        anchored = self._anchors[event.anchor]
        if anchored is None:
            raise Unreadable("alias", f"the alias '*{name}' holds itself", self._at(event))
        value, _, size = anchored
        self._count(size, event)
        return value

    def _sequence(self, depth: int) -> list[Any]:
        items: list[Any] = []
        spots: dict[str | int, Spot] = {}
        while type(event := self._event()) is not SequenceEndEvent:
            value = self._value(event, depth)
            if self._tree is not None:
                spots[len(items)] = self.spot(event, event, value)
            items.append(value)
        if self._tree is not None:
            self._tree[id(items)] = spots
        return items

    def _mapping(self, depth: int) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        spots: dict[str | int, Spot] = {}
        first: dict[str, Any] = {}
        merge: Any = None
        merged: Sequence[Mapping[str, Any]] = ()
        while type(key_event := self._event()) is not MappingEndEvent:
            key = self._key(key_event, depth)
            event = self._event()
            value = self._value(event, depth)
            merging = key == "<<" and _is_plain(key_event)
            if before := merge if merging else first.get(key):
                line, column = mark_of(before)
                told = f"first at {line}:{column}"
                self._problem("duplicate-key", f"'{one_line(key)}' is given twice", key_event, told)
            elif merging:
                merge, merged = key_event, self._merged(event, value)
            else:
                first[key], entries[key] = key_event, value
                if self._tree is not None:
                    spots[key] = self.spot(key_event, event, value)
        for mapping in merged:
            for key, value in mapping.items():
                if key not in entries:
                    entries[key] = value
                    if self._tree is not None:
                        spots[key] = self._tree[id(mapping)][key]
        if self._tree is not None:
            self._tree[id(entries)] = spots
        return entries

    def spot(self, key_event: Any, event: Any, value: Any) -> Spot:
        """Returns the spot of a value and of all below it; only of a builder with a tree."""
        assert self._tree is not None
        kind, text = type(event), None
        if kind is AliasEvent:
            anchored = self._anchors[event.anchor]
            text = anchored[1] if anchored else None
        elif kind is ScalarEvent:
            text = event.value
        below = self._tree[id(value)] if isinstance(value, (list, dict)) else {}
        return Spot(mark_of(key_event), mark_of(event), text, below)

    def _merged(self, event: Any, value: Any) -> Sequence[Mapping[str, Any]]:
        if isinstance(value, dict):
            return (value,)
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            return value
        self._problem("merge-key", "'<<' takes a mapping or a list of mappings", event)
        return ()

    def _key(self, event: Any, depth: int) -> str:
        if type(event) is not ScalarEvent:
            key = self._value(event, depth)
            if isinstance(key, str):
                return key
            raise Unreadable("key-not-string", "a key must be a string", self._at(event))
        text: str = event.value
        self._count(len(text) // _LONG, event)
        key = self._scalar(event)
        if not isinstance(key, str):
            shown = one_line(text)
            self._problem("key-not-string", f"the key {shown or 'null'} is not a string", event, f'write "{shown}"')
        if event.anchor is not None:
            self._anchors[event.anchor] = key, text, 1 + len(text) // _LONG
        return text

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if event.tag is None:
            return plain(text) if event.implicit[0] else text
        if event.tag == "!":
            return text
        return self._tagged(event)

    def _tagged(self, event: Any) -> Any:
        kind = event.tag.removeprefix(PREFIX)
        if kind in ("str", "merge", "value"):
            return event.value
        if kind in ("int", "float") or event.value.lower() in WORDS.get(kind, ()):
            return read(kind, event.value)
        if event.tag == BLANK:
            told = f"a value is missing: {one_line(event.value)}"
            self._problem("todo", told, event, f"write it in the place of {BLANK}")
        else:
            self._check_tag(event, "a scalar")
        return Odd(event.value, "tagged")

    def _check_tag(self, event: Any, expected: str) -> None:
        tag = event.tag
        if tag is None or tag in ("!", PREFIX + expected):
            return
        shown = one_line(tag.replace(PREFIX, "!!"))
        self._problem("unknown-tag", f"the tag '{shown}' has no meaning here", event, "leave it out")

    def _problem(self, rule: str, message: str, event: Any, hint: str = "") -> None:
        if len(self.problems) == _MAX_PROBLEMS:
            raise Unreadable("too-many-problems", "this file has more problems; they are not shown", self._at(event))
        self.problems.append(Diagnostic(rule, message, self._at(event), hint=hint))


class Spots:
    """The positions of all values in one file, for which its text is parsed again, once, at the first use."""

    def __init__(self, path: str, text: str) -> None:
        self._path, self._text = path, text

    @cached_property
    def _all(self) -> tuple[Spot, ...]:
        builder = Builder(self._path, self._text, {})
        found = []
        with suppress(Unreadable):  # reported when it was read first
            for first, data in builder.documents():
                found.append(builder.spot(first, first, data))
        return tuple(found)

    def of(self, number: int) -> Spot:
        """Returns the spot of the document with that index."""
        return self._all[number]


def mark_of(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _is_plain(event: Any) -> bool:
    return isinstance(event, ScalarEvent) and event.implicit[0]
