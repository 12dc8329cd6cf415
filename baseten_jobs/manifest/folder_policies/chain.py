"""The Policies from the repository's root down to a folder -> what they make of the diagnostics of its manifests."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from baseten_jobs.manifest.diagnostics import Diagnostic, FieldPath, Position, Severity, field_name
from baseten_jobs.manifest.document import Document
from baseten_jobs.manifest.folder_policies.written import FolderPolicy, Level, allowed_by
from baseten_jobs.manifest.normalisation import accelerator_of
from baseten_jobs.manifest.rules.lookup import value_at
from baseten_jobs.phrases import count, listed
from baseten_jobs.secrecy import quoted


@dataclass(frozen=True)
class CostLimit:
    """How many USD per hour a job may cost at most, and which Policy says so."""

    usd_per_hour: int
    place: Position


@dataclass(frozen=True)
class Held:
    """The level of a rule, and which Policy sets it."""

    level: Level
    place: Position


@dataclass(frozen=True)
class Chain:
    """The Policies that hold for a folder, the root's first."""

    policies: tuple[FolderPolicy, ...] = ()

    @cached_property
    def rules(self) -> Mapping[str, Held]:
        """The level of each rule that is set: the nearest, but an error stays one."""
        found: dict[str, Held] = {}
        for policy in self.policies:
            for rule, level in policy.rules.items():
                if rule not in found or found[rule].level is not Level.ERROR:
                    found[rule] = Held(level, policy.place("rules", rule))
        return found

    @cached_property
    def cost_limit(self) -> CostLimit | None:
        """The lowest limit of a job's cost; None where there is none."""
        name = "cost_per_hour_per_job"
        usd, policy = self._lowest(name)
        return CostLimit(usd, policy.place("limits", name)) if policy else None

    def _lowest(self, name: str) -> tuple[int, FolderPolicy | None]:
        """The lowest limit of this name, and the Policy that sets it; None where none does."""
        limits = [(number, policy) for policy in self.policies if (number := policy.number(name)) is not None]
        return min(limits, key=lambda limit: limit[0], default=(0, None))

    def lowered(self, policy: FolderPolicy) -> Iterator[Diagnostic]:
        """Yields a diagnostic for each rule that a Policy below these sets lower than they let it."""
        for rule, level in policy.rules.items():
            if level is not Level.ERROR and (above := self._error(rule)) is not None:
                yield _lowered(
                    policy.document, ("rules", rule), f"{quoted(rule)} can't be lowered to {level.value}", above
                )

    def denied(self, document: Document) -> Iterator[Diagnostic]:
        """Yields a diagnostic for each rule that a manifest allows itself to break although it is an error here."""
        for path, rule in allowed_by(document):
            if (above := self._error(rule)) is not None:
                yield _lowered(document, path, f"{quoted(rule)} can't be allowed", above)

    def judged(self, document: Document, found: Sequence[Diagnostic]) -> Sequence[Diagnostic]:
        """Returns the diagnostics of a manifest, each warning with the severity that it has for it."""
        if not found:
            return found
        allowed = [rule for _, rule in allowed_by(document)]
        return tuple(self.levelled(found, allowed)) if self.policies or allowed else found

    def levelled(self, found: Iterable[Diagnostic], allowed: Collection[str] = ()) -> Iterator[Diagnostic]:
        """Yields diagnostics, each warning with the severity that it has here; one that is ignored is left out.

        One that is `allowed` is a note, unless it is an error by a Policy.
        """
        for d in found:
            held = self.rules.get(d.rule)
            if d.severity is not Severity.WARNING:
                yield d
            elif held is not None and held.level is Level.ERROR:
                hint = f"{d.hint}; an error by {held.place}" if d.hint else f"an error by {held.place}"
                yield replace(d, severity=Severity.ERROR, hint=hint)
            elif d.rule in allowed:
                yield replace(d, severity=Severity.NOTE, hint="allowed here")
            elif held is None or held.level is Level.WARNING:
                yield d

    def _error(self, rule: str) -> Position | None:
        """Which Policy makes a rule an error; None if none does."""
        held = self.rules.get(rule)
        return held.place if held is not None and held.level is Level.ERROR else None

    def beyond(self, document: Document) -> Iterator[Diagnostic]:
        """Yields a diagnostic for each limit that a manifest, which the schema accepts, is beyond."""
        written = value_at(document.data, *_AT_GPU)
        gpu: Mapping[str, Any] = {"accelerator": "", "count": 0} if written is None else accelerator_of(written)
        yield from self._too_many(document, gpu["count"])
        yield from self._other_gpus(document, gpu["accelerator"])
        yield from self._no_checkpoints(document)

    def _too_many(self, document: Document, each: int) -> Iterator[Diagnostic]:
        nodes = value_at(document.data, "spec", "compute", "node_count") or 1
        name = "gpus_per_job"
        most, policy = self._lowest(name)
        if policy is not None and nodes * each > most:
            size = f"{nodes} x {each} GPUs are {nodes * each}" if nodes > 1 else count(each, "GPU")
            message = f"{size}, and a job may have {most}"
            yield _beyond(document, _AT_GPU, message, policy.place("limits", name))

    def _other_gpus(self, document: Document, gpu: str) -> Iterator[Diagnostic]:
        for policy in self.policies if gpu else ():
            permitted = policy.accelerators
            if permitted is not None and _key(gpu) not in map(_key, permitted):
                choice = listed([quoted(each) for each in permitted], 10)
                message = f"{quoted(gpu)} is not one of {choice}" if permitted else "a job may have no GPU"
                named = isinstance(value_at(document.data, *_AT_GPU), dict)
                path = (*_AT_GPU, "accelerator") if named else _AT_GPU
                yield _beyond(document, path, message, policy.place("limits", "accelerators"))
                return

    def _no_checkpoints(self, document: Document) -> Iterator[Diagnostic]:
        policy = next((policy for policy in self.policies if policy.needs_checkpoints), None)
        if policy is not None and value_at(document.data, "spec", "checkpointing", "enabled") is not True:
            message, place = "a job has to keep checkpoints", policy.place("limits", "checkpointing")
            yield _beyond(document, ("spec", "checkpointing", "enabled"), message, place)


_AT_GPU = ("spec", "compute", "accelerator")


def _key(gpu_type: str) -> str:
    return gpu_type.replace("-", "_").upper()


def _beyond(document: Document, path: FieldPath, message: str, place: Position) -> Diagnostic:
    position = document.position(path, of_key=document.written(path) is None)
    return Diagnostic("policy-limit", message, position, field_name(path), f"a limit of {place}")


def _lowered(document: Document, path: FieldPath, message: str, above: Position) -> Diagnostic:
    return Diagnostic("policy-lowered", message, document.position(path), field_name(path), f"an error by {above}")
