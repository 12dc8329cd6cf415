"""A manifest's texts -> those that hold a variable, which only a shell would fill in, and none reads them."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from baseten_jobs.manifest.diagnostics import FieldPath
from baseten_jobs.manifest.rules.lookup import Finding, environment, start_commands, texts
from baseten_jobs.phrases import one_line
from baseten_jobs.secrecy import is_a_secret, names_a_secret, quoted

_REFERENCE = re.compile(r"\$\{[A-Z_][A-Z0-9_]*\}|\$[A-Z_][A-Z0-9_]+", re.ASCII)
"""A variable of a shell, by the letters that those of an environment are mostly named with."""
_SECRET = re.compile(
    r"\$\{(?!BT_)[A-Za-z_][\w.]*(?::?[-?+=])?\}|\$(?!BT_)[A-Z_][A-Z0-9_]+|\$?\{\{[\w .-]+\}\}|\$\([^()]*\)", re.ASCII
)
"""What stands for the whole of a secret. A `$` within a longer text may be one of its characters."""
_PART = re.compile(rf"\$\{{[A-Za-z_][^{{}}]*\}}|\$\{{\{{[^{{}}]*\}}\}}|{_REFERENCE.pattern}", re.ASCII)
"""A variable outside of the environment, where no program reads the text that may have a meaning of its own for it."""
_EXPANDS = re.compile(r"\b(?:eval|envsubst)\b")


def unexpanded_variable(data: Mapping[str, Any]) -> Iterator[Finding]:
    """Values of the environment, and any other text, that hold a variable, which only a shell would fill in."""
    commands = start_commands(data)
    for path, name, value in environment(data):
        found = _reference(name, value) if isinstance(value, str) else None
        if found is None or any(_EXPANDS.search(command) or _runs(command, name) for command in commands):
            continue
        shown = one_line(name, 40)
        own = f"refer to a secret of Baseten: `{shown}: {{name: SECRET}}`"
        hint = own if names_a_secret(name) else f"set it in a start command: `export {shown}=...`"
        yield path, f"{quoted(found.group(), 40)} is not filled in here: the job gets it as it is written", hint
    for path, text in texts(data):
        if "$" in text and (found := _PART.search(text)) and not any(map(partial(_lies, path), _LEFT_OUT)):
            yield path, f"{quoted(found.group(), 40)} is not filled in here", "write the value"


_LEFT_OUT: tuple[tuple[str, ...], ...] = (
    ("spec", "runtime", "start_commands", "*"),
    ("spec", "runtime", "environment_variables", "*"),
    ("spec", "image", "base_image"),
    ("spec", "compute", "memory"),
    ("spec", "workspace"),
    ("spec", "workspace", "root"),
    ("spec", "workspace", "external", "*"),
)
"""What a shell runs; what is judged above, or by a rule of its own; and folders, of which a missing one is told."""


def _lies(path: FieldPath, place: tuple[str, ...]) -> bool:
    return len(path) == len(place) and all(part in ("*", own) for own, part in zip(path, place, strict=True))


def _reference(name: str, value: str) -> re.Match[str] | None:
    """The variable in a value of the environment; in what is named as a secret, only one that is the whole value."""
    if is_a_secret(value):
        return None
    return _SECRET.fullmatch(value.strip()) if names_a_secret(name) else _REFERENCE.search(value)


def _runs(command: str, name: str) -> bool:
    """True if a command may run the value of a variable, as `$LAUNCH train.py` and `bash -c "$RUN"` do."""
    return re.search(rf"""(?:^|[;&|\n]|-[a-z]*c)\s*["']?\$\{{?{re.escape(name)}\b""", command) is not None
