"""A job that never ran -> what it is in a few words, and the fields of its manifest as changes from nothing."""

from collections.abc import Iterator
from typing import Any

from baseten_jobs.job.request import JobRequest
from baseten_jobs.phrases import one_line
from baseten_jobs.planning.diff import Change
from baseten_jobs.planning.masking import VARIABLES, overlaps
from baseten_jobs.report.style import Look

WIDTH = 60
"""Characters of each part of what a new job is."""


def written(request: JobRequest) -> tuple[Change, ...]:
    """Each field of the spec that has a value, in the order of the manifest."""
    given = [field for field, _ in request.overrides]
    spec = request.manifest.get("spec")
    return tuple(
        Change(field, None, value, given=overlaps(field, given)) for field, value in _leaves("spec", spec) if spec
    )


def _leaves(field: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The values below a field, those of lists by their index; a reference to a secret, or a source, is one value.

    Of the environment the names are enough: who reviews a new job has its manifest at hand.
    """
    if field == VARIABLES and isinstance(value, dict):
        yield field, ", ".join(map(str, value))
    elif isinstance(value, dict) and value and not {"name", "source"} & set(value):
        for name, each in value.items():
            yield from _leaves(f"{field}.{name}", each)
    elif isinstance(value, list) and value:
        for index, each in enumerate(value):
            yield from _leaves(f"{field}[{index}]", each)
    elif value is not None:
        yield field, value


def parts_of_new(request: JobRequest, look: Look) -> list[str]:
    """The end of a new job's last command, its image, and where its weights come from, as far as each is written."""
    body = request.training_job
    image, commands, weights = body.get("image"), body.get("runtime", {}).get("start_commands"), body.get("weights")
    last = commands[-1] if isinstance(commands, list) and commands else None
    first = weights[0] if isinstance(weights, list) and weights else None
    written = [
        Change("spec.runtime.start_commands[0]", None, last),
        Change("spec.image.base_image", None, image.get("base_image") if isinstance(image, dict) else None),
        Change("spec.weights[0].source", None, first.get("source") if isinstance(first, dict) else None),
    ]
    shown = [one_line(change.new, 10_000) for change in look.shown(written) if isinstance(change.new, str)]
    return [_end_of(shown[0]), *shown[1:]] if isinstance(last, str) else shown


def _end_of(command: str) -> str:
    """The end of a long command from a word on: what it trains stands there, and its launcher before."""
    if len(command) <= WIDTH:
        return command
    return f"… {command[-WIDTH + 2 :].partition(' ')[2] or command[-WIDTH + 2 :]}"
