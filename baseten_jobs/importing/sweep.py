"""Manifests that differ in few values -> one with a matrix, where its cells are just these jobs."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product, zip_longest
from typing import Any

from baseten_jobs.importing.draft import API_VERSION
from baseten_jobs.importing.placed import Gap
from baseten_jobs.importing.yaml_writer import yaml_text
from baseten_jobs.manifest.diagnostics import FieldPath, has_errors
from baseten_jobs.manifest.document import Odd, load
from baseten_jobs.manifest.matrix.axes import AXIS, SECTIONS
from baseten_jobs.manifest.matrix.expansion import expanded
from baseten_jobs.manifest.names import manifest_name
from baseten_jobs.manifest.schema import check as schema

_TOKEN = re.compile(r"[\w.+-]+")
_NAME = ("metadata", "name")
_OPEN = "${{"
_MOST_AXES = 4
_HOLE = "\0"

Manifest = Mapping[str, Any]
Column = tuple[Any, ...]


def folded(manifests: Sequence[Manifest]) -> list[Manifest]:
    """One manifest with a matrix, or the same ones again where none has just these cells."""
    if len(manifests) < 2:
        return list(manifests)
    made = _Folding(len(manifests)).of(manifests)
    return [made] if made is not None and _means(made, manifests) else list(manifests)


class _Unlike(Exception):
    """The manifests differ in more than single values."""


class _Folding:
    """The columns of values that differ, each an axis with a name."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._axes: dict[tuple[str, ...], tuple[str, Column]] = {}

    def of(self, manifests: Sequence[Manifest]) -> Manifest | None:
        try:
            same = self._merged(tuple(_unnamed(each) for each in manifests), ())
        except _Unlike:
            return None
        if not 0 < len(self._axes) <= _MOST_AXES:
            return None
        names = [manifest["metadata"].get("name") for manifest in manifests]
        if not all(isinstance(name, str) for name in names):
            return None
        axes = dict(self._axes.values())
        name = "-".join([shared_name(names) or names[0], *(f"{_OPEN} matrix.{axis} }}}}" for axis in axes)])
        head = {"apiVersion": API_VERSION, "kind": same.pop("kind"), "matrix": _matrix(axes)}
        metadata = {"name": name, **same.pop("metadata")}
        return {**head, "metadata": metadata, **{n: each for n, each in same.items() if n not in head}}

    def _merged(self, values: Column, path: FieldPath) -> Any:
        first = values[0]
        if any(type(each) is not type(first) for each in values) or isinstance(first, Gap | Odd):
            raise _Unlike
        if isinstance(first, dict):
            if any(each.keys() != first.keys() for each in values):
                raise _Unlike
            names = first if path else sorted(first, reverse=True)  # the spec before the names that are made of it
            return {name: self._merged(tuple(each[name] for each in values), (*path, name)) for name in names}
        if isinstance(first, list):
            if any(len(each) != len(first) for each in values):
                raise _Unlike
            return [self._merged(tuple(row), (*path, n)) for n, row in enumerate(zip(*values, strict=True))]
        if isinstance(first, str) and any(_OPEN in each for each in values):
            raise _Unlike
        if len(set(values)) == 1:
            return first
        if isinstance(first, str):
            return self._text(values, path)
        if isinstance(first, bool) or not isinstance(first, int):
            raise _Unlike
        return self._axis(values, str(path[-1]))

    def _text(self, values: Sequence[str], path: FieldPath) -> str:
        between = [_TOKEN.split(each) for each in values]
        if any(each != between[0] for each in between):
            raise _Unlike
        before, parts = str(path[-1]), []
        for gap, column in zip_longest(between[0], zip(*map(_TOKEN.findall, values), strict=True)):
            parts.append(gap)
            if column is not None:
                parts.append(column[0] if len(set(column)) == 1 else self._axis(column, before))
                before = column[0]
        return "".join(parts)

    def _axis(self, column: Column, near: str) -> str:
        key = tuple(map(str, column))
        name, values = self._axes.get(key, ("", column))
        if not name and (around := self._around(key)):
            return around
        if not name:
            name = self._name(near)
        self._axes[key] = (name, column if isinstance(column[0], int) else values)
        return f"{_OPEN} matrix.{name} }}}}"

    def _around(self, column: tuple[str, ...]) -> str:
        """A text with the values of an axis that is known already; empty where the column is none."""
        for values, (name, _) in self._axes.items():
            texts = {text.replace(value, _HOLE, 1) for text, value in zip(column, values, strict=True)}
            if len(texts) == 1 and _HOLE in (text := texts.pop()):
                return text.replace(_HOLE, f"{_OPEN} matrix.{name} }}}}")
        return ""

    def _name(self, near: str) -> str:
        found = manifest_name(near, 20).replace("-", "_")
        taken = {name for name, _ in self._axes.values()}
        plain = found if AXIS.fullmatch(found) and found not in SECTIONS else "value"
        return next(each for each in _numbered(plain) if each not in taken)


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}{n}" for n in range(2, _MOST_AXES + 3))
    yield from (f"{name}_{n}" for n in range(1 << 16))


def _matrix(axes: Mapping[str, Column]) -> dict[str, Any]:
    """The axes by themselves where the jobs are all their combinations, in order; else each job's values."""
    distinct = {name: list(dict.fromkeys(column)) for name, column in axes.items()}
    rows = list(zip(*axes.values(), strict=True))
    if rows == list(product(*distinct.values())):
        return dict(distinct)
    return {"include": [dict(zip(axes, row, strict=True)) for row in rows]}


def _means(made: Manifest, manifests: Sequence[Manifest]) -> bool:
    loaded = load("m.yaml", yaml_text([made], ""))
    cells = expanded(loaded.documents)
    if loaded.diagnostics or cells.diagnostics or any(has_errors(schema.check(cell)) for cell in cells.documents):
        return False
    plain = load("m.yaml", yaml_text(manifests, "")).documents
    return [_unnamed(cell.data) for cell in cells.documents] == [_unnamed(each.data) for each in plain]


def _unnamed(manifest: Any) -> dict[str, Any]:
    metadata = {name: each for name, each in manifest.get("metadata", {}).items() if name != _NAME[1]}
    return {name: metadata if name == _NAME[0] else each for name, each in manifest.items() if name != "matrix"}


def shared_name(names: Sequence[str]) -> str:
    """What several names begin with, in whole words; empty where that is nothing."""
    words = [name.split("-") for name in names]
    alike = 0
    for each in zip(*words, strict=False):
        if len(set(each)) > 1:
            break
        alike += 1
    return "-".join(words[0][:alike])
