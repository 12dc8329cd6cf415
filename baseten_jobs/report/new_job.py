"""A job that never ran -> what it is in a few words, and the fields of its manifest as changes from nothing."""

from collections.abc import Iterator, Sequence
from typing import Any

from baseten_jobs.job.request import JobRequest
from baseten_jobs.manifest.commands.reading import read
from baseten_jobs.planning.diff import Change
from baseten_jobs.planning.masking import VARIABLES, overlaps
from baseten_jobs.report.style import Look

WIDTH = 60
"""Characters of each part of what a new job is."""


def written(request: JobRequest) -> tuple[Change, ...]:
    """Each field of the spec that has a value, in the order of the manifest."""
    given = [field for field, _ in request.overrides]
    leaves = _leaves("spec", request.manifest.get("spec") or None)
    return tuple(Change(field, None, value, given=overlaps(field, given)) for field, value in leaves)


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
    """What a new job runs, its image, and where its weights come from, as far as each is written."""
    body = request.training_job
    image, commands, weights = body.get("image"), body.get("runtime", {}).get("start_commands"), body.get("weights")
    work = _work_of(commands) if isinstance(commands, list) and commands else None
    first = weights[0] if isinstance(weights, list) and weights else None
    written = [
        Change("spec.runtime.start_commands[0]", None, work),
        Change("spec.image.base_image", None, image.get("base_image") if isinstance(image, dict) else None),
        Change("spec.weights[0].source", None, first.get("source") if isinstance(first, dict) else None),
    ]
    return [change.new for change in look.shown(written) if isinstance(change.new, str)]


def _work_of(commands: Sequence[str]) -> str:
    """The command that runs the last script, from that script on where it is long; without one the last command."""
    scripts = read(tuple(commands)).scripts
    command = " ".join(commands[scripts[-1].command if scripts else -1].replace("\\\n", " ").split())
    if not scripts or len(command) <= WIDTH:
        return command
    return command[max(command.rfind(scripts[-1].written), 0) :]
