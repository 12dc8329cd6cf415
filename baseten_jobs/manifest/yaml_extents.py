"""YAML text -> where in it each value begins and ends, so that one can be changed and the rest kept."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml import DocumentStartEvent, MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_OPENS = (MappingStartEvent, yaml.SequenceStartEvent)
_CLOSES: Any = (MappingEndEvent, SequenceEndEvent)


@dataclass(frozen=True)
class Extent:
    """A value: the indices of its first character, and of the one behind its last.

    A list or mapping has the extents of its entries in `below`, and the indices at which these begin, with their keys,
    in `begins`. It is `braced` if it stands in brackets.
    """

    start: int
    end: int
    line: int
    braced: bool = False
    below: Mapping[str | int, "Extent"] = field(default_factory=dict)
    begins: Mapping[str | int, int] = field(default_factory=dict)


def extents(text: str) -> Iterator[Extent]:
    """Yields the extent of each document, the empty ones too; of text that has been read before without an error."""
    events: Iterator[Any] = iter(yaml.parse(text, Loader=_Loader))
    for event in events:
        if isinstance(event, DocumentStartEvent):
            yield _extent(next(events), events, text)


def _extent(event: Any, events: Iterator[Any], text: str) -> Extent:
    start, line = event.start_mark.index, event.start_mark.line + 1
    if not isinstance(event, _OPENS):
        end = event.end_mark.index
        if isinstance(event, ScalarEvent) and event.style in ("|", ">"):
            end = start + len(text[start:end].rstrip())
        return Extent(start, end, line)
    below: dict[str | int, Extent] = {}
    begins: dict[str | int, int] = {}
    end, first = start, next(events)
    while not isinstance(first, _CLOSES):
        found = _extent(first, events, text)
        key: str | int = len(below)
        if isinstance(event, MappingStartEvent):
            key = first.value if isinstance(first, ScalarEvent) else text[found.start : found.end]
            found = _extent(next(events), events, text)
        below[key], begins[key], end = found, first.start_mark.index, found.end
        first = next(events)
    braced = bool(event.flow_style)
    return Extent(start, first.end_mark.index if braced else end, line, braced, below, begins)
