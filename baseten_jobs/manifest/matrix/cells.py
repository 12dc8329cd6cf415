"""A document's `matrix` -> its cells, and what is wrong with it."""

from itertools import product

from baseten_jobs.manifest.document import Cell, Document
from baseten_jobs.manifest.matrix.axes import SECTIONS, Matrix, read_axis
from baseten_jobs.manifest.matrix.entries import adopts_of, attempts_of, entries_of, without_excluded

MOST_CELLS = 256


def matrix_of(document: Document) -> Matrix:
    """Returns the cells in order: those of the axes, the last axis turning fastest, then those of `include`."""
    made, written = Matrix(document), document.data["matrix"]
    if not isinstance(written, dict) or not written:
        made.problem("matrix-cells", ("matrix",), "the matrix has no axis", "such as `seed: [1, 2, 3]`", of_key=True)
        return made
    for name, values in written.items():
        if name not in SECTIONS:
            read_axis(made, name, values)
    included = [dict(entry) for _, entry in entries_of(made, written, "include")]
    for index, entry in enumerate(included):
        for name in entry:
            made.places.setdefault(name, ("matrix", "include", index, name))
    if made.diagnostics:
        return made
    number = 1
    for values in made.axes.values():
        number *= len(values)
    if number + len(included) > MOST_CELLS * 16:
        _too_many(made, number + len(included))
        return made
    crossed = (
        [dict(zip(made.axes, values, strict=True)) for values in product(*made.axes.values())] if made.axes else []
    )
    left = without_excluded(made, written, crossed)
    found = [*left, *included]
    if len(found) > MOST_CELLS:
        _too_many(made, len(found))
    elif not found and not made.diagnostics:
        made.problem("matrix-cells", ("matrix",), "no cell is left", "an axis or an `include` makes one", of_key=True)
    attempts, adopts = attempts_of(made, written, found), adopts_of(made, written, found)
    sources = [("matrix",)] * len(left) + [("matrix", "include", index) for index in range(len(included))]
    made.cells = tuple(
        Cell(
            number,
            tuple(values.items()),
            source,
            attempts[number][1]["attempt"] if number in attempts else 1,
            attempts[number][0] if number in attempts else ("matrix", "attempts"),
            (*adopts[number][0], "adopts") if number in adopts else (),
        )
        for number, (values, source) in enumerate(zip(found, sources, strict=True))
    )
    return made


def _too_many(made: Matrix, number: int) -> None:
    told = f"{number} cells are more than {MOST_CELLS}"
    made.problem("matrix-cells", ("matrix",), told, "split the file", of_key=True)
