"""Values with the places of their source, and such a value -> the document that schema and rules can judge."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from baseten_jobs.manifest.document import Document, Odd, Spot

At = tuple[int, int]
"""Line and column, from 1."""


@dataclass(frozen=True)
class Gap:
    """A value that is not in the source, and why; a manifest that holds one is not valid."""

    reason: str


@dataclass(frozen=True)
class Placed:
    """A value and where it stands, with the place of its key in a mapping.

    `value` is a scalar, an `Odd` or a `Gap`, or else a dict or list of more of these. `source` names the place where it
    stands if that is not the file itself.
    """

    value: Any
    at: At = (1, 1)
    key: At | None = None
    source: str = ""

    @property
    def entries(self) -> Mapping[str, "Placed"]:
        """The entries of a mapping; empty for any other value."""
        return self.value if isinstance(self.value, dict) else {}

    def get(self, name: str) -> "Placed | None":
        """An entry that is there and not null."""
        entry = self.entries.get(name)
        return entry if entry is not None and entry.value is not None else None

    def text(self, name: str) -> str | None:
        entry = self.get(name)
        return entry.value if entry is not None and isinstance(entry.value, str) else None

    def holding(self, **changes: "Placed | None") -> "Placed":
        """The same mapping with other entries; an entry that is None is left out."""
        entries = {**self.entries, **changes}
        return replace(self, value={name: entry for name, entry in entries.items() if entry is not None})

    def plain(self) -> Any:
        """The value without its places, a copy."""
        if isinstance(self.value, dict):
            return {name: entry.plain() for name, entry in self.value.items()}
        return [entry.plain() for entry in self.value] if isinstance(self.value, list) else self.value


NONE = Placed(None)


def placed(value: Any, at: At = (1, 1), source: str = "") -> Placed:
    """A plain value, all of it standing at one place."""
    if isinstance(value, dict):
        value = {name: placed(each, at, source) for name, each in value.items()}
    elif isinstance(value, list):
        value = [placed(each, at, source) for each in value]
    return Placed(value, at, source=source)


def document_of(whole: Placed, path: str) -> Document:
    """The value as a document whose positions are those of the source; a gap counts as one that has its diagnostic."""
    data, spot = _data_and_spot(whole)
    return Document(path, whole.at[0], data, lambda: spot)


def _data_and_spot(value: Placed) -> tuple[Any, Spot]:
    inner = value.value
    below: dict[str | int, Spot] = {}
    data: Any = inner
    text: str | None = None
    if isinstance(inner, dict):
        data = {}
        for name, entry in inner.items():
            data[name], below[name] = _data_and_spot(entry)
    elif isinstance(inner, list):
        data = []
        for index, entry in enumerate(inner):
            each, below[index] = _data_and_spot(entry)
            data.append(each)
    elif isinstance(inner, Gap):
        data, text = Odd(inner.reason, "tagged"), inner.reason
    elif isinstance(inner, Odd):
        text = inner.text
    else:
        text = "null" if inner is None else str(inner).lower() if isinstance(inner, bool) else str(inner)
    return data, Spot(value.key or value.at, value.at, text, below, value.source)
