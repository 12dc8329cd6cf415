"""Changes and manifests, which may hold secrets -> what of them may be shown, decided here for every report."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from baseten_jobs.planning.diff import Change
from baseten_jobs.secrecy import MASK, Values, hidden, is_a_secret, names_a_secret

VARIABLES = "spec.runtime.environment_variables"


def masked(change: Change, values: Values = Values.PLAIN) -> Change:
    """A change as it may be shown.

    Unless all values are: nothing anywhere that has the form of a secret, and of environment variables none whose name
    names a secret, or that came by `--set` and so stands in no file that a reviewer reads.
    """
    if values is Values.ALL:
        return change
    every = values is Values.NONE or change.given
    old, new = (_masked(value, change.field, every) for value in (change.old, change.new))
    return replace(change, old=old, new=new)


def masked_values(manifest: Mapping[str, Any], values: Values, given: Iterable[str] = ()) -> tuple[str, ...]:
    """The values of a manifest's environment variables that are not shown; `given` are fields that came by `--set`."""
    spec = manifest.get("spec")
    runtime = spec.get("runtime") if isinstance(spec, dict) else None
    variables = runtime.get("environment_variables") if isinstance(runtime, dict) else None
    if values is Values.ALL or not isinstance(variables, dict):
        return ()
    every = values is Values.NONE
    fields = tuple(given)
    return tuple(
        value for name, value in variables.items()
        if isinstance(value, str)
        and (every or overlaps(f"{VARIABLES}.{name}", fields) or _of_variable(str(name), value, False) != value)
    )  # fmt: skip


def is_of_the_environment(field: str) -> bool:
    """True for a field that is a variable of the environment, or around them."""
    return overlaps(VARIABLES, (field,))


def overlaps(field: str, others: Iterable[str]) -> bool:
    """True if one of these fields is this one, a part of it, or a section that it is in."""
    return any(f"{field}.".startswith(f"{one}.") or f"{one}.".startswith(f"{field}.") for one in others)


def _masked(value: Any, field: str, every: bool) -> Any:
    if field.startswith(f"{VARIABLES}."):
        return _of_variable(field.removeprefix(f"{VARIABLES}."), value, every)
    if isinstance(value, str):
        return MASK if is_of_the_environment(field) else hidden(value, MASK)
    if isinstance(value, dict):
        return {name: _masked(each, f"{field}.{name}", every) for name, each in value.items()}
    return [_masked(each, f"{field}[]", every) for each in value] if isinstance(value, list) else value


def _of_variable(name: str, value: Any, every: bool) -> Any:
    """A variable's value; the name of Baseten's secret that it is taken from is none."""
    if isinstance(value, str):
        return MASK if every or names_a_secret(name) or is_a_secret(value) else value
    if isinstance(value, dict) and set(value) != {"name"}:
        return {key: _of_variable(name, each, every) for key, each in value.items()}
    return [_of_variable(name, each, every) for each in value] if isinstance(value, list) else value
