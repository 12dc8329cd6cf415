"""A manifest's texts -> those that hold a variable, which only a shell would fill in, and none reads them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from baseten_jobs.manifest.rules.lookup import Finding, environment, start_commands, text_at, weights
from baseten_jobs.phrases import one_line
from baseten_jobs.secrecy import is_a_secret, names_a_secret, quoted

_REFERENCE = re.compile(r"\$\{[A-Z_][A-Z0-9_]*\}|\$[A-Z_][A-Z0-9_]+", re.ASCII)
"""A variable of a shell, by the letters that those of an environment are mostly named with."""
_SECRET = re.compile(
    r"\$\{(?!BT_)[A-Za-z_][\w.]*(?::?[-?+=])?\}|\$(?!BT_)[A-Z_][A-Z0-9_]+|\$?\{\{[\w .-]+\}\}|\$\([^()]*\)", re.ASCII
)
"""What stands for the whole of a secret. A `$` within a longer text may be one of its characters."""
_EXPANDS = re.compile(r"\b(?:eval|envsubst)\b")


def unexpanded_variable(data: Mapping[str, Any]) -> Iterator[Finding]:
    """Values of the environment, and paths, that hold a variable, which only a shell would fill in."""
    commands = start_commands(data)
    for path, name, value in environment(data):
        found = _reference(name, value) if isinstance(value, str) else None
        if found is None or any(_EXPANDS.search(command) or _runs(command, name) for command in commands):
            continue
        shown = one_line(name, 40)
        own = f"refer to a secret of Baseten: `{shown}: {{name: SECRET}}`"
        hint = own if names_a_secret(name) else f"set it in a start command: `export {shown}=...`"
        yield path, f"{quoted(found.group(), 40)} is not filled in here: the job gets it as it is written", hint
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


def _reference(name: str, value: str) -> re.Match[str] | None:
    """The variable in a value of the environment; in what is named as a secret, only one that is the whole value."""
    if is_a_secret(value):
        return None
    return _SECRET.fullmatch(value.strip()) if names_a_secret(name) else _REFERENCE.search(value)


def _runs(command: str, name: str) -> bool:
    """True if a command may run the value of a variable, as `$LAUNCH train.py` and `bash -c "$RUN"` do."""
    return re.search(rf"""(?:^|[;&|\n]|-[a-z]*c)\s*["']?\$\{{?{re.escape(name)}\b""", command) is not None
