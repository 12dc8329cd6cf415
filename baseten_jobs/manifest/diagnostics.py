"""Where something is wrong in a manifest, what it is, and what was expected."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

from baseten_jobs.phrases import one_line

FieldPath = tuple[str | int, ...]


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, order=True)
class Position:
    """A place in a file; line and column count from 1, columns in characters."""

    path: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{one_line(self.path, 1024)}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Diagnostic:
    """One problem: `field` is the manifest's path of the value at fault, empty for a whole file."""

    rule: str
    message: str
    position: Position
    field: str = ""
    hint: str = ""
    severity: Severity = Severity.ERROR


def field_name(path: FieldPath) -> str:
    """A field path as people write it: `spec.weights[0].source`."""
    name = ""
    for part in path:
        if isinstance(part, int):
            name += f"[{part}]"
        else:
            name += ("." if name else "") + one_line(part)
    return name


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sorted by position, each problem once."""
    return tuple(sorted(dict.fromkeys(diagnostics), key=lambda d: (d.position, d.rule, d.message)))


def made_strict(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Warnings become errors."""
    return tuple(replace(d, severity=Severity.ERROR) for d in diagnostics)


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    return any(d.severity is Severity.ERROR for d in diagnostics)
