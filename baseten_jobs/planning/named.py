"""Options of a policy that name manifests + the names that these have -> those that none has, and what a glob means."""

from collections.abc import Iterator, Sequence

from baseten_jobs.manifest.diagnostics import Diagnostic, Position
from baseten_jobs.manifest.name_globs import is_glob, means, unmet
from baseten_jobs.phrases import listed, one_line
from baseten_jobs.planning.plan import Policy

_SHOWN = 20
"""How many names a note lists; the plan has a line for each."""


def misnamed(names: Sequence[str], policy: Policy) -> tuple[Diagnostic, ...]:
    """A diagnostic for each option that names no manifest."""
    return tuple(
        Diagnostic("unknown-name", no.message, Position(option), hint=no.hint)
        for option, given in _given(policy)
        if (no := unmet(given, names))
    )


def notes(names: Sequence[str], policy: Policy) -> tuple[str, ...]:
    """A sentence for each glob, with the manifests that it means."""
    return tuple(
        f"{option} '{one_line(given)}' means {listed(found, _SHOWN)}"
        for option, given in _given(policy)
        if is_glob(given) and (found := [name for name in dict.fromkeys(names) if means(given, name)])
    )


def _given(policy: Policy) -> Iterator[tuple[str, str]]:
    for option, given in (("--retry-failed", policy.retry_failed), ("--create", policy.create)):
        yield from ((option, each) for each in sorted(given))
