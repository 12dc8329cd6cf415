"""What was read of a file -> plain JSON data, and back, checked: so it comes from the process that worked it out."""

import json
from typing import Any

from baseten_jobs.importing.draft import Draft
from baseten_jobs.importing.placed import At, Gap, Placed
from baseten_jobs.importing.truss.project import Read
from baseten_jobs.manifest.diagnostics import Diagnostic, Position, Severity
from baseten_jobs.manifest.document import Odd


def packed(read: Read) -> str:
    """The text that `unpacked` reads."""
    drafts = [
        [draft.path, _data(draft.metadata), _data(draft.spec), [_told(d) for d in draft.remarks], draft.as_written]
        for draft in read.drafts
    ]
    return json.dumps([drafts, [_told(each) for each in read.diagnostics]])


def unpacked(text: bytes) -> Read:
    """The same again; raises ValueError for anything else."""
    try:
        drafts, diagnostics = json.loads(text)
        return Read(tuple(_draft(*each) for each in drafts), tuple(_diagnostic(*each) for each in diagnostics))
    except (TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"not what was asked for: {error}") from None


def _data(value: Placed) -> list[Any]:
    inner = value.value
    if isinstance(inner, dict):
        told: Any = ["map", {name: _data(each) for name, each in inner.items()}]
    elif isinstance(inner, list):
        told = ["list", [_data(each) for each in inner]]
    elif isinstance(inner, Gap):
        told = ["gap", inner.reason]
    elif isinstance(inner, Odd):
        told = ["odd", [inner.text, inner.kind]]
    else:
        told = ["plain", inner]
    return [*told, value.at, value.key, value.source]


def _told(diagnostic: Diagnostic) -> list[Any]:
    at = diagnostic.position
    return [
        diagnostic.rule, diagnostic.message, [at.path, at.line, at.column], diagnostic.field, diagnostic.hint,
        diagnostic.severity.value,
    ]  # fmt: skip


def _draft(path: Any, metadata: Any, spec: Any, remarks: Any, as_written: Any) -> Draft:
    told = tuple(_diagnostic(*each) for each in remarks)
    return Draft(_text(path), _placed(*metadata), _placed(*spec), told, as_written is True)


def _diagnostic(rule: Any, message: Any, position: Any, field: Any, hint: Any, severity: Any) -> Diagnostic:
    path, line, column = position
    place = Position(_text(path), _number(line), _number(column))
    return Diagnostic(_text(rule), _text(message), place, _text(field), _text(hint), Severity(severity))


def _placed(kind: Any, inner: Any, at: Any, key: Any, source: Any) -> Placed:
    value: Any = inner
    if kind == "map":
        value = {_text(name): _placed(*each) for name, each in inner.items()}
    elif kind == "list":
        value = [_placed(*each) for each in inner]
    elif kind == "gap":
        value = Gap(_text(inner))
    elif kind == "odd":
        value = Odd(*map(_text, inner))
    elif kind != "plain" or not (inner is None or isinstance(inner, (str, int, bool))):
        raise ValueError("not a value that a manifest has")
    return Placed(value, _at(at), None if key is None else _at(key), _text(source))


def _at(place: Any) -> At:
    line, column = place
    return _number(line), _number(column)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value


def _number(value: Any) -> int:
    if not isinstance(value, int):
        raise ValueError("not a number")
    return value
