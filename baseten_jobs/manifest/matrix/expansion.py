"""Documents -> manifests: each cell of a matrix as a document of its own, with the values filled in."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from operator import getitem
from types import MappingProxyType
from typing import Any

from baseten_jobs.manifest.diagnostics import Diagnostic, FieldPath, field_name
from baseten_jobs.manifest.document import Cell, Document, Spot
from baseten_jobs.manifest.matrix.axes import Matrix
from baseten_jobs.manifest.matrix.cells import matrix_of
from baseten_jobs.manifest.matrix.placeholders import OPEN, Axis, Misspelt, Value, axes_in, filled, named, parts_of
from baseten_jobs.manifest.schema.fields import kinds_at
from baseten_jobs.phrases import listed, nearest
from baseten_jobs.secrecy import quoted

_FILLED = ("metadata", "spec", "policy")
_NAMES = (("metadata", "name"), ("metadata", "renamed_from"))
_OF_CELLS: Mapping[FieldPath, str] = MappingProxyType(
    {
        ("metadata", "attempt"): "`matrix.attempts` raises single cells",
        ("metadata", "adopts"): "`matrix.adopts` has the jobs of single cells",
    }
)
"""Metadata that single cells have in the matrix, and what to say of a placeholder in them."""

Fill = Callable[[Mapping[str, Value]], Any]


@dataclass(frozen=True)
class Expansion:
    """The manifests of some documents, in order; documents whose matrix or placeholders are wrong are `unfit`."""

    documents: tuple[Document, ...]
    unfit: tuple[Document, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


def expanded(documents: Iterable[Document]) -> Expansion:
    """Returns a document for each cell of those that have a matrix, and every other document as it is."""
    found: list[Document] = []
    unfit: list[Document] = []
    problems: list[Diagnostic] = []
    for document in documents:
        if not isinstance(document.data, dict) or "matrix" not in document.data:
            stray = list(_stray(document)) if document.templated else []
            problems += stray
            (unfit if stray else found).append(document)
            continue
        template = _Template(document)
        cells = template.documents()
        found += cells
        unfit += () if cells else (document,)
        problems += template.matrix.diagnostics
    return Expansion(tuple(found), tuple(unfit), tuple(problems))


def _stray(document: Document) -> Iterator[Diagnostic]:
    """A diagnostic for each placeholder of a matrix in a document that has none; other text stays as it is."""
    for path, text in _texts(document.data, ()):
        try:
            axes = axes_in(parts_of(text))
        except Misspelt:
            continue
        if axes:
            told = f"there is no matrix that has the axis '{axes[0]}'"
            hint = f"add `matrix: {{{axes[0]}: [...]}}`"
            yield Diagnostic("matrix-axis", told, document.position(path), field_name(path), hint)


def _texts(data: Any, path: FieldPath) -> Iterator[tuple[FieldPath, str]]:
    if isinstance(data, str) and OPEN in data:
        yield path, data
    elif isinstance(data, dict | list):
        for key, each in data.items() if isinstance(data, dict) else enumerate(data):
            yield from _texts(each, (*path, key))


class _Template:
    """A document with a matrix, whose text is read once and filled for each cell."""

    def __init__(self, document: Document) -> None:
        self.document, self.data = document, document.data
        self.matrix: Matrix = matrix_of(document)
        self.used: dict[str, FieldPath] = {}

    def documents(self) -> list[Document]:
        if self.matrix.diagnostics:
            return []
        rest = {name: each for name, each in self.data.items() if name != "matrix"}
        fill = self._filler(rest, ())
        self._check_attempt()
        self._check_adopts()
        self._check_axes()
        if self.matrix.diagnostics:
            return []
        cells = [(cell, fill(dict(cell.values))) for cell in self.matrix.cells]
        self._check_names([(cell, data) for cell, data in cells])
        if self.matrix.diagnostics:
            return []
        return [self._of(cell, data) for cell, data in cells]

    def _of(self, cell: Cell, data: Any) -> Document:
        """The document of one cell, whose entries in the matrix are metadata of it alone."""
        metadata = data.get("metadata")
        if not isinstance(metadata, dict):
            return replace(self.document, data=data, cell=cell)
        find = self.document.find
        if cell.attempt > 1:
            metadata = {**metadata, "attempt": cell.attempt}
        if cell.adopts_at:
            metadata = {**metadata, "adopts": reduce(getitem, cell.adopts_at, self.data)}
            find = partial(self._adopting, cell.adopts_at)
        return replace(self.document, data={**data, "metadata": metadata}, cell=cell, find=find)

    def _adopting(self, path: FieldPath) -> Spot:
        """The positions of the values, those of what a cell adopts in its metadata too."""
        spot = adopts = self.document.spot
        for part in path:
            adopts = adopts.below[part]
        metadata = spot.below["metadata"]
        below = {**metadata.below, "adopts": adopts}
        return spot._replace(below={**spot.below, "metadata": metadata._replace(below=below)})

    # Reading

    def _filler(self, data: Any, path: FieldPath) -> Fill:
        """Returns what makes the data of one cell; a part without a placeholder is shared by all."""
        if isinstance(data, str) and OPEN in data:
            return self._text(data, path)
        if not isinstance(data, dict | list):
            return lambda values: data
        entries = list(data.items() if isinstance(data, dict) else enumerate(data))
        for key, _ in entries:
            if isinstance(key, str) and OPEN in key:
                told = "a placeholder can't stand in a key"
                self.matrix.problem("placeholder", (*path, key), told, "only in a value", of_key=True)
        fills = {key: self._filler(each, (*path, key)) for key, each in entries if _has_any(each)}
        if not fills:
            return lambda values: data
        if isinstance(data, dict):
            return lambda values: {**data, **{key: fill(values) for key, fill in fills.items()}}
        return lambda values: [fills[at](values) if at in fills else each for at, each in enumerate(data)]

    def _text(self, text: str, path: FieldPath) -> Fill:
        try:
            parts = parts_of(text)
        except Misspelt as wrong:
            self.matrix.problem("placeholder", path, wrong.message, wrong.hint)
            return lambda values: text
        for axis in axes_in(parts):
            self.used.setdefault(axis, path)
        if not axes_in(parts):
            return lambda values: filled(parts, values)
        if path[0] not in _FILLED or path[:2] in _OF_CELLS:
            told = "a placeholder can't stand here"
            remedy = _OF_CELLS.get(path[:2], "in metadata, spec and policy only")
            self.matrix.problem("placeholder", path, told, remedy)
        if _is_alone(text.strip()) and text != text.strip():
            told = "a block scalar adds a line end to the placeholder"
            hint = f"write it on the line of its key: {text.strip()}"
            self.matrix.problem("placeholder", path, told, hint)
        if path[:2] in _NAMES:
            return lambda values: self._named(parts, path, values)
        if len(parts) == 1 and isinstance(parts[0], Axis):
            return self._typed(parts, parts[0].name, path)
        return lambda values: filled(parts, values)

    def _typed(self, parts: Sequence[str | Axis], axis: str, path: FieldPath) -> Fill:
        """The value of an axis with its own type where the field takes that, else as text."""
        kinds = kinds_at(self.data.get("apiVersion"), path)

        def fill(values: Mapping[str, Value]) -> Any:
            value = values[axis]
            kind = "boolean" if isinstance(value, bool) else "integer" if isinstance(value, int) else "string"
            return value if kind in kinds and kind != "string" else filled(parts, values)

        return fill

    def _named(self, parts: Sequence[str | Axis], path: FieldPath, values: Mapping[str, Value]) -> str:
        try:
            return named(parts, values)
        except Misspelt as wrong:
            self.matrix.problem("cell-name", path, wrong.message, wrong.hint)
            return filled(parts, values)

    # Checking

    def _check_attempt(self) -> None:
        metadata = self.data.get("metadata")
        if isinstance(metadata, dict) and metadata.get("attempt") is not None:
            told = "'attempt' beside a matrix would run every cell again"
            hint = "`matrix.attempts` raises single cells, such as `[{seed: 2, attempt: 2}]`"
            self.matrix.problem("matrix-attempts", ("metadata", "attempt"), told, hint, of_key=True)

    def _check_adopts(self) -> None:
        """A job runs the spec of one cell, which alone may have it in the metadata."""
        metadata, cells = self.data.get("metadata"), self.matrix.cells
        if not isinstance(metadata, dict) or metadata.get("adopts") is None:
            return
        if len(cells) > 1:
            told = f"'adopts' beside a matrix would be that of all {len(cells)} cells"
            hint = "`matrix.adopts` names the cell, such as `[{seed: 2, adopts: {job: ..., digest: ...}}]`"
            self.matrix.problem("matrix-adopts", ("metadata", "adopts"), told, hint, of_key=True)
        elif cells[0].adopts_at:
            told, other = "the matrix has a job that this cell adopts as well", field_name(cells[0].adopts_at)
            self.matrix.problem("matrix-adopts", ("metadata", "adopts"), told, f"at {other}", of_key=True)

    def _check_axes(self) -> None:
        """Each axis that the text uses is one of every cell, and each axis is used."""
        known = self.matrix.places
        for axis, path in self.used.items():
            if axis not in known:
                near = nearest(axis, list(known))
                hint = f"did you mean '{near}'?" if near else f"axes: {listed(list(known))}"
                self.matrix.problem("matrix-axis", path, f"there is no axis {quoted(axis, 40)}", hint)
        for axis, path in known.items():
            if axis not in self.used:
                told = f"nothing uses the axis '{axis}'"
                self.matrix.problem("matrix-axis", path, told, f"write ${{{{ matrix.{axis} }}}}", of_key=True)
        for cell in self.matrix.cells:
            for axis in self.used:
                if axis in known and axis not in dict(cell.values):
                    whose = "this cell has" if len(cell.source) > 1 else "the cells of the axes have"
                    told = f"{whose} no value for the axis '{axis}'"
                    hint = f"{field_name(self.used[axis])} uses it"
                    self.matrix.problem("matrix-axis", cell.source, told, hint)

    def _check_names(self, cells: Sequence[tuple[Cell, Any]]) -> None:
        """The names of cells differ within their project; where they don't, the message shows one that does."""
        metadata = self.data.get("metadata")
        template = metadata.get("name") if isinstance(metadata, dict) else None
        if not isinstance(template, str):
            return
        first: dict[tuple[object, ...], Cell] = {}
        for cell, data in cells:
            who = data["metadata"]
            key = (who["name"], *(str(who.get(field)) for field in ("project", "project_id", "team")))
            other = first.setdefault(key, cell)
            if other is not cell:
                told = f"the cells {other.label} and {cell.label} have the same name, {quoted(who['name'], 60)}"
                self.matrix.problem("cell-name", ("metadata", "name"), told, _name_to_write(template, other, cell))
                return


def _has_any(data: Any) -> bool:
    """True if there may be a placeholder in a value, or in a key."""
    if isinstance(data, str):
        return OPEN in data
    if isinstance(data, dict):
        return any(OPEN in key or _has_any(each) for key, each in data.items())
    return isinstance(data, list) and any(map(_has_any, data))


def _is_alone(text: str) -> bool:
    try:
        parts = parts_of(text)
    except Misspelt:
        return False
    return len(parts) == 1 and isinstance(parts[0], Axis)


def _name_to_write(template: str, one: Cell, other: Cell) -> str:
    """The hint: a name that tells two cells apart, if an axis that it does not show yet can do that."""
    shown = axes_in(parts_of(template))
    apart = [axis for axis, value in other.values if axis not in shown and dict(one.values).get(axis, None) != value]
    if not apart:
        return "their values are one in a name: write them so that they differ in letters or digits"
    return "write " + template + "".join(f"-{axis.replace('_', '-')}${{{{ matrix.{axis} }}}}" for axis in apart)
