"""A manifest's start commands -> what does not go with its compute, or with where its code lands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from baseten_jobs.manifest.rules.lookup import (
    Finding,
    environment,
    gpus,
    node_count,
    start_commands,
    text_at,
    value_at,
    weights,
)
from baseten_jobs.phrases import count, one_line
from baseten_jobs.secrecy import looks_secret, names_a_secret, quoted

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


_REFERENCE = re.compile(r"\$\{[A-Z_][A-Z0-9_]*\}|\$[A-Z_][A-Z0-9_]+", re.ASCII)
"""A variable of a shell, by the letters that those of an environment are mostly named with."""
_EXPANDS = re.compile(r"\b(?:eval|envsubst)\b")


def unexpanded_variable(data: Mapping[str, Any]) -> Iterator[Finding]:
    """Values of the environment, and paths, that hold a variable, which only a shell would fill in."""
    commands = start_commands(data)
    for path, name, value in environment(data):
        found = _REFERENCE.search(value) if isinstance(value, str) else None
        if found is None or names_a_secret(name) or looks_secret(name, found.string):
            continue
        if any(_EXPANDS.search(command) or _runs(command, name) for command in commands):
            continue
        message = f"{quoted(found.group(), 40)} is not filled in here: the job gets it as it is written"
        yield path, message, f"set it in a start command: `export {one_line(name, 40)}=...`"
    for path in _PLACES:
        text = text_at(data, *path)
        if text and (found := _REFERENCE.search(text)):
            yield path, f"{quoted(found.group(), 40)} is not filled in here", "write the value"
    for path, weight in weights(data):
        for field in ("source", "mount_location"):
            if (text := text_at(weight, field)) and (found := _REFERENCE.search(text)):
                yield (*path, field), f"{quoted(found.group(), 40)} is not filled in here", "write the value"


_PLACES: tuple[tuple[str, ...], ...] = (
    ("spec", "checkpointing", "checkpoint_path"),
    ("spec", "checkpointing", "load", "download_folder"),
    ("spec", "runtime", "cache_config", "mount_base_path"),
    ("spec", "image", "docker_auth", "registry"),
)
"""Where a path or an address stands as it is."""


def _runs(command: str, name: str) -> bool:
    """True if a command may run the value of a variable, as `$LAUNCH train.py` and `bash -c "$RUN"` do."""
    return re.search(rf"""(?:^|[;&|\n]|-[a-z]*c)\s*["']?\$\{{?{re.escape(name)}\b""", command) is not None


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
