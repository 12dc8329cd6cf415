"""What is told of manifests, in order -> the cells of each matrix together, with its axes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeVar

from baseten_jobs.job.reading_order import in_matrix
from baseten_jobs.job.request import JobRequest
from baseten_jobs.manifest.yaml_scalars import spelled
from baseten_jobs.phrases import count, listed, one_line

T = TypeVar("T")


@dataclass(frozen=True)
class Sweep:
    """The cells of one document, as far as they are told of: where it stands, and the axes that they have."""

    place: str
    axes: tuple[str, ...]
    cells: int

    def __str__(self) -> str:
        """`specs/sweep.yaml:1: 5 cells of lr, seed`."""
        return f"{self.place}: {count(self.cells, 'cell')} of {listed(self.axes, 10)}"


def by_matrix(items: Iterable[T], request_of: Callable[[T], JobRequest]) -> Iterator[tuple[Sweep | None, Sequence[T]]]:
    """Yield each item that is no cell by itself, with None, and those of one matrix together."""

    def document(numbered: tuple[int, T]) -> object:
        request = request_of(numbered[1])
        return (request.path, request.line) if request.cell else numbered[0]

    for _, group in groupby(enumerate(items), document):
        found = tuple(item for _, item in group)
        requests = [request_of(item) for item in found]
        cells = {request.cell.number: request.cell for request in requests if request.cell}
        if not cells:
            yield None, found
            continue
        axes = dict.fromkeys(axis for cell in cells.values() for axis, _ in cell.values)
        place = f"{one_line(requests[0].path, 1024)}:{requests[0].line}"
        yield Sweep(place, tuple(axes), len(cells)), in_matrix(found, request_of)


def label(request: JobRequest) -> str:
    """`lr=1e-5, seed=2`; the manifest's name where it is no cell."""
    return request.cell.label if request.cell else request.name


def values(request: JobRequest, axes: Sequence[str]) -> tuple[str, ...]:
    """The cell's value on each of these axes as text, empty where it has none."""
    found = dict(request.cell.values) if request.cell else {}
    return tuple(spelled(found[axis]) if axis in found else "" for axis in axes)


def data(request: JobRequest) -> Mapping[str, Any]:
    """The member `cell` for JSON: values by axis; empty for what is no cell."""
    if request.cell is None:
        return {}
    plain = {axis: value if isinstance(value, str | int) else spelled(value) for axis, value in request.cell.values}
    return {"cell": plain}
