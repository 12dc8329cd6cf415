"""A document -> the Policy that it is, and diagnostics of the rules that it, or a manifest, names."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from types import MappingProxyType

from baseten_jobs.manifest.diagnostics import Diagnostic, FieldPath, Position, Severity, field_name
from baseten_jobs.manifest.document import Document
from baseten_jobs.manifest.rules.lookup import mapping_at, value_at
from baseten_jobs.manifest.rules.warnings import unknown_gpu
from baseten_jobs.manifest.schema.fields import POLICY, SUPPORTED, shape_of
from baseten_jobs.phrases import nearest
from baseten_jobs.secrecy import quoted


class Level(Enum):
    """What a Policy makes of a warning."""

    ERROR = "error"
    WARNING = "warning"
    IGNORE = "ignore"


_LEVELS: Mapping[object, Level] = MappingProxyType({level.value: level for level in Level})


@dataclass(frozen=True)
class FolderPolicy:
    """A document of kind Policy. What is wrong in it counts as not written: its diagnostic is an error anyway."""

    document: Document

    @property
    def rules(self) -> Mapping[str, Level]:
        """The level of each rule that it sets."""
        written = mapping_at(self.document.data, "rules")
        return {
            rule: _LEVELS[level]
            for rule, level in written.items()
            if rule in settable() and isinstance(level, str) and level in _LEVELS
        }

    @property
    def needs_checkpoints(self) -> bool:
        return bool(value_at(self.document.data, "limits", "checkpointing") == "required")

    @property
    def accelerators(self) -> tuple[str, ...] | None:
        """The types of GPU that it permits; None where it permits all."""
        listed = value_at(self.document.data, "limits", "accelerators")
        return tuple(each for each in listed if isinstance(each, str)) if isinstance(listed, list) else None

    def number(self, limit: str) -> int | None:
        """A limit that is a number; None where there is none."""
        number = value_at(self.document.data, "limits", limit)
        return number if type(number) is int else None

    def place(self, *path: str) -> Position:
        """Where a field stands."""
        return self.document.position(path)


@cache
def settable() -> tuple[str, ...]:
    """The rules that a Policy may set: those that only warn."""
    return tuple(shape_of(SUPPORTED[-1], POLICY).properties["rules"].properties)


def of_manifest(document: Document, found: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """Returns the schema's diagnostics of a manifest; those of `policy.allow` say what is wrong with a rule."""
    others = [d for d in found if not (d.rule == "enum" and d.field.startswith("policy.allow["))]
    unknown = (
        _unknown_rule(name, document.position(path), field_name(path))
        for path, name in allowed_by(document)
        if name not in settable()
    )
    return (*others, *unknown)


def of_policy(document: Document, found: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Yields the schema's diagnostics of a Policy, and others; those of a rule say what is wrong with the rule."""
    for d in found:
        if d.rule == "enum" and d.field.startswith("rules."):
            yield _off(document, d)
        elif not (d.rule == "unknown-field" and d.field == "rules"):
            yield d
    for name in mapping_at(document.data, "rules"):
        if name not in settable():
            yield _unknown_rule(name, document.position(("rules", name), of_key=True), "rules")
    for index, name in enumerate(FolderPolicy(document).accelerators or ()):
        at: FieldPath = ("limits", "accelerators", index)
        if hint := unknown_gpu(name, SUPPORTED[-1]):
            message = f"{quoted(name)} is not a GPU type known here"
            place, field = document.position(at), field_name(at)
            yield Diagnostic("unknown-accelerator", message, place, field, hint, Severity.WARNING)


def allowed_by(document: Document) -> Iterator[tuple[FieldPath, str]]:
    """Yields each rule that a manifest allows itself to break, with the path of the entry."""
    listed = value_at(document.data, "policy", "allow")
    for index, name in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(name, str):
            yield ("policy", "allow", index), name


def _unknown_rule(name: str, position: Position, field: str) -> Diagnostic:
    from baseten_jobs.manifest.rules.registry import rules

    if name in rules():
        message, hint = f"{quoted(name)} is always an error", "only a warning can be set"
    else:
        near = nearest(name, settable())
        message, hint = f"{quoted(name)} is not a rule", f"did you mean '{near}'?" if near else ""
    return Diagnostic("policy-rule", message, position, field, hint)


def _off(document: Document, d: Diagnostic) -> Diagnostic:
    value = value_at(document.data, "rules", d.field.removeprefix("rules."))
    meant = value is False or (isinstance(value, str) and value.lower() in ("off", "no", "none", "false", "never"))
    return replace(d, hint="write ignore") if meant else d
