"""`NAME:FIELD=VALUE` -> a manifest with that value laid over it, and a position of its own in messages."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from baseten_jobs.manifest.diagnostics import Diagnostic, FieldPath, Position
from baseten_jobs.manifest.document import Document, Spot, load
from baseten_jobs.manifest.name_globs import means, unmet
from baseten_jobs.manifest.schema.fields import kinds_at

_BRACKETS = (("object", "{"), ("array", "["))
_PART = re.compile(r"\.?([^.\[\]]+)|\[([0-9]{1,6})\]")


@dataclass(frozen=True)
class Override:
    """One value for the field of each manifest that `name` means; `text` is the value as it was given."""

    name: str
    field: str
    path: FieldPath
    text: str

    @property
    def given(self) -> str:
        """The option and its argument, as they were given."""
        return f"{self.name}:{self.field}={self.text}"

    @property
    def source(self) -> str:
        """The name of the option and of the field, for messages: the value may be a secret."""
        return f"--set {self.name}:{self.field}"


def parse_override(text: str) -> Override:
    """Parses `x:spec.image.base_image=repo:tag`; raises ValueError for text of another form."""
    if not text.isascii() and text.encode("utf-8", "ignore").decode() != text:
        raise ValueError("it is not UTF-8, as everything that is sent must be")
    name, colon, rest = text.partition(":")
    field, equals, value = rest.partition("=")
    if not (name and colon and field and equals):
        raise ValueError("it has the form NAME:FIELD=VALUE, such as train:spec.image.base_image=repo:tag")
    parts = [(read[1], read[2]) for read in _PART.finditer(field)]
    path = tuple(int(index) if index else key for key, index in parts)
    if "".join(read[0] for read in _PART.finditer(field)) != field or path[0] not in ("metadata", "spec", "policy"):
        raise ValueError(f"'{field}' is not a field; one begins with spec., metadata. or policy.")
    if path[:2] == ("metadata", "name"):
        raise ValueError("metadata.name can't be set: it says which manifest is meant")
    return Override(name, field, path, value)


def laid_over(
    documents: Iterable[Document], overrides: Sequence[Override]
) -> tuple[tuple[Document, ...], tuple[Diagnostic, ...]]:
    """Returns the documents with the overrides applied in order; one that fits no manifest is a diagnostic."""
    documents = tuple(documents)
    problems: list[Diagnostic] = []
    names = [name for document in documents if (name := _name(document))]
    for override in overrides:
        if no := unmet(override.name, names):
            problems.append(Diagnostic("override", no.message, Position(override.source), override.field, no.hint))
    changed = []
    for document in documents:
        for override in overrides:
            if not means(override.name, _name(document) or ""):
                continue
            try:
                document = _with(document, override)
            except _NoPlace as error:
                place = Position(override.source, *error.at)
                problems.append(Diagnostic("override", error.message, place, override.field, error.hint))
        changed.append(document)
    return tuple(changed), tuple(problems)


def _name(document: Document) -> str | None:
    metadata = document.data.get("metadata") if isinstance(document.data, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else None


class _NoPlace(Exception):
    """The manifest has no such place, or the value is not YAML."""

    def __init__(self, message: str, line: int = 1, column: int = 1, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.at, self.hint = message, (line, column), hint


def _with(document: Document, override: Override) -> Document:
    value, below = _read(document, override)
    spot = Spot((1, 1), (1, 1), override.text, below, override.source)
    data, spots = _set(document.data, document.spot, override.path, value, spot)
    overrides = (*document.overrides, (override.field, override.text))
    return replace(document, data=data, find=lambda: spots, overrides=overrides)


def _read(document: Document, override: Override) -> tuple[Any, Any]:
    """Returns the value as text if the field takes text, else as YAML reads it.

    A value in brackets is read as YAML too, if the field also takes lists or objects; a space before it keeps it text.
    """
    kinds = kinds_at(document.data.get("apiVersion"), override.path)
    in_brackets = any(kind in kinds and override.text.startswith(sign) for kind, sign in _BRACKETS)
    if "string" in kinds and not in_brackets:
        return override.text, {}
    if override.text.strip() in ("", "null", "~"):
        return None, {}
    loaded = load(override.source, override.text)
    if loaded.diagnostics:
        problem = loaded.diagnostics[0]
        raise _NoPlace(problem.message, problem.position.line, problem.position.column, problem.hint)
    if len(loaded.documents) > 1:
        raise _NoPlace("these are several values, where one is expected")
    if not loaded.documents:
        return None, {}
    return loaded.documents[0].data, loaded.documents[0].spot.below


def _set(data: Any, spot: Spot, path: FieldPath, value: Any, at: Spot) -> tuple[Any, Spot]:
    """Returns a copy with the value set. What an alias shares is copied, so that it changes only here."""
    if not path:
        return value, at
    part, rest = path[0], path[1:]
    if isinstance(part, int):
        if not isinstance(data, list) or part >= len(data):
            raise _NoPlace(f"there is no element [{part}]")
        inner, below = _set(data[part], spot.below[part], rest, value, at)
        return [*data[:part], inner, *data[part + 1 :]], spot._replace(below={**spot.below, part: below})
    if data is not None and not isinstance(data, dict):
        raise _NoPlace(f"'{part}' can't be set in what is not a mapping")
    known = spot.below.get(part, Spot(at.key, at.value, None, {}, at.source))
    inner, below = _set((data or {}).get(part), known, rest, value, at)
    return {**(data or {}), part: inner}, spot._replace(below={**spot.below, part: below})
