"""A manifest's start commands -> what does not go with its compute, or with where its code lands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from baseten_jobs.manifest.rules.lookup import (
    Finding,
    gpus,
    node_count,
    start_commands,
    value_at,
)
from baseten_jobs.phrases import count, one_line

if TYPE_CHECKING:
    from baseten_jobs.manifest.commands.launchers import Count
    from baseten_jobs.manifest.commands.reading import Reading

_COMMANDS = ("spec", "runtime", "start_commands")
_COUNTED = re.compile(r"-n(?:proc|nodes|um[-_](?:proc|mach|gpus|nodes))[\w-]*[\s=\\\\\"']+[0-9]")
"""A launcher's option with a number: where there is none, no command needs to be read."""


def process_count(data: Mapping[str, Any]) -> Iterator[Finding]:
    """What launchers in the commands are told to start, where the compute has another number."""
    commands = start_commands(data)
    if any(map(_COUNTED.search, commands)):
        from baseten_jobs.manifest.commands.reading import read

        for number, message, hint in differing(read(commands), data):
            yield (*_COMMANDS, number), message, hint


def differing(reading: Reading, data: Mapping[str, Any]) -> Iterator[tuple[int, str, str]]:
    """Yields the number of the command, a message and a hint for each count that differs from the compute.

    Fewer processes than GPUs are meant where another launcher starts all, or several share a node.
    """
    from baseten_jobs.manifest.commands.launchers import NODES, PROCESSES, TOTAL

    (_, each), nodes = gpus(data), node_count(data)
    wanted = {PROCESSES: each, NODES: nodes, TOTAL: each * nodes}
    told = {
        PROCESSES: f"{count(each, 'GPU')} of a node",
        NODES: f"{count(nodes, 'node')} of spec.compute",
        TOTAL: f"{count(each * nodes, 'GPU')} of all nodes",
    }
    given = [(launched, counted) for launched in reading.launches for counted in launched.launch.counts]
    shared = not all(launched.alone for launched in reading.launches)
    reached = {counted.of for _, counted in given if _holds(counted, wanted[counted.of])}
    for launched, counted in given:
        number, most = wanted[counted.of], _most(counted)
        if most is None or not number or _holds(counted, number):
            continue
        if counted.of != NODES and most < number and (counted.of in reached or shared):
            continue
        option = one_line(f"{counted.option} {counted.value}", 60)
        message = f"`{option}` does not go with the {told[counted.of]}"
        yield launched.command, message, _instead(counted, nodes)


def _instead(counted: Count, nodes: int) -> str:
    """What to write, which follows the compute by itself; the variables of nodes are for jobs of several."""
    from baseten_jobs.manifest.commands.launchers import NODES, PROCESSES, TOTAL

    if counted.of == NODES and nodes == 1:
        return f"leave `{counted.option}` out"
    total = "$((BT_NUM_GPUS * BT_GROUP_SIZE))" if nodes > 1 else "$BT_NUM_GPUS"
    fitting = {PROCESSES: "$BT_NUM_GPUS", NODES: "$BT_GROUP_SIZE", TOTAL: total}
    return f"write `{counted.option} {fitting[counted.of]}`"


def _most(counted: Count) -> int | None:
    """The number that is given, of a range its end; None if it is no number."""
    read = re.fullmatch(r"(?:[0-9]{1,6}:)?([0-9]{1,6})", counted.value)
    return int(read[1]) if read else None


def _holds(counted: Count, number: int) -> bool:
    most = _most(counted)
    first = counted.value.partition(":")[0]
    return most is not None and int(first) <= number <= most


def workspace_workdir(data: Mapping[str, Any]) -> Iterator[Finding]:
    """A workspace whose commands do not start where its files are."""
    workspace = value_at(data, "spec", "workspace")
    if workspace is None or value_at(data, "spec", "enable_baseten_workdir") is True:
        return
    commands = start_commands(data)
    if commands and not any("/b10/workspace" in command for command in commands):
        explicit = value_at(data, "spec", "enable_baseten_workdir") is not None
        path = ("spec", "enable_baseten_workdir") if explicit else ("spec", "workspace")
        message = "the commands start in the image's own folder, which need not be where the workspace's files are"
        yield path, message, "set spec.enable_baseten_workdir: true, and they start beside the files"
