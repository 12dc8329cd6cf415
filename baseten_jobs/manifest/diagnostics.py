"""Problems as data: where a manifest is wrong, what is wrong, what was expected, and the rule that says so."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

from baseten_jobs.phrases import one_line

FieldPath = tuple[str | int, ...]


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, order=True)
class Position:
    """A place in a file. Lines and columns count from 1, columns in characters; both are 1 for the whole file."""

    path: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{one_line(self.path, 1024)}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Diagnostic:
    """One problem. `rule` is an id of `rules.registry`, and `hint` the remedy or the nearest right value.

    `field` is the path of the value at fault, such as `spec.weights[0].source`; empty where the whole file is at fault.
    """

    rule: str
    message: str
    position: Position
    field: str = ""
    hint: str = ""
    severity: Severity = Severity.ERROR


def field_name(path: FieldPath) -> str:
    """Returns a field path as people write it: `spec.weights[0].source`."""
    name = ""
    for part in path:
        if isinstance(part, int):
            name += f"[{part}]"
        else:
            name += ("." if name else "") + one_line(part)
    return name


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Returns the diagnostics sorted by position, without duplicates."""
    return tuple(sorted(dict.fromkeys(diagnostics), key=lambda d: (d.position, d.rule, d.message)))


def made_strict(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Returns the diagnostics with every warning as an error; a note is none."""
    return tuple(d if d.severity is Severity.NOTE else replace(d, severity=Severity.ERROR) for d in diagnostics)


def worst(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Returns the diagnostics; of those that say one thing of one place only the first of the highest severity."""
    found: dict[tuple[str, str, Position], Diagnostic] = {}
    for d in diagnostics:
        known = found.setdefault((d.rule, d.message, d.position), d)
        if _RANK[d.severity] < _RANK[known.severity]:
            found[(d.rule, d.message, d.position)] = d
    return tuple(found.values())


_RANK = {severity: rank for rank, severity in enumerate(Severity)}


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """True if any diagnostic is an error, not only a warning or a note."""
    return any(d.severity is Severity.ERROR for d in diagnostics)
