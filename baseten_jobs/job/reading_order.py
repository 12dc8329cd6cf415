"""What is told of manifests -> the same in the order in which people look for it: by name, cells by their values."""

from collections.abc import Callable, Iterable, Sequence
from math import isfinite
from typing import TypeVar

from baseten_jobs.job.request import JobRequest
from baseten_jobs.manifest.yaml_scalars import spelled
from baseten_jobs.phrases import as_counted

T = TypeVar("T")


def by_name(items: Iterable[T], request_of: Callable[[T], JobRequest]) -> tuple[T, ...]:
    """Return the items by the names of their manifests, `lr-2` before `lr-10`; cells of one matrix stay together."""
    documents: dict[object, list[T]] = {}
    for number, item in enumerate(items):
        request = request_of(item)
        documents.setdefault((request.path, request.line) if request.cell else number, []).append(item)
    groups = [in_matrix(group, request_of) for group in documents.values()]
    groups.sort(key=lambda group: min(as_counted(request_of(item).name) for item in group))
    return tuple(item for group in groups for item in group)


def in_matrix(items: Sequence[T], request_of: Callable[[T], JobRequest]) -> tuple[T, ...]:
    """Return cells of one matrix, axis after axis: numbers by their size, other values in the order of the matrix."""
    cells = [cell for item in items if (cell := request_of(item).cell)]
    axes: dict[str, dict[str, None]] = {}
    for cell in sorted(cells, key=lambda cell: cell.number):
        for axis, value in cell.values:
            axes.setdefault(axis, {})[spelled(value)] = None
    places = {axis: {value: place for place, value in enumerate(_by_size(list(axes[axis])))} for axis in axes}

    def place(item: T) -> tuple[int, ...]:
        cell = request_of(item).cell
        values = {axis: spelled(value) for axis, value in cell.values} if cell else {}
        return tuple(places[axis][values[axis]] if axis in values else -1 for axis in axes)

    return tuple(sorted(items, key=place))


def _by_size(values: Sequence[str]) -> Sequence[str]:
    try:
        sizes = {value: float(value) for value in values}
    except ValueError:
        return values
    return sorted(values, key=sizes.__getitem__) if all(map(isfinite, sizes.values())) else values
