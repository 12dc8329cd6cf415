"""What the API changes on a waiting job: its values in a spec and in a job, how they differ, the body of the update."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from baseten_jobs.job.identity import mean_the_same
from baseten_jobs.manifest.diagnostics import field_name
from baseten_jobs.manifest.schema.fields import SUPPORTED, Updatable, updatable_fields

_TYPES: Mapping[str, tuple[type, ...]] = MappingProxyType(
    {
        "integer": (int,),
        "number": (int, float),
        "string": (str,),
        "boolean": (bool,),
        "array": (list,),
        "object": (dict,),
    }
)


class Setting(NamedTuple):
    """The value of one updatable field, never None."""

    field: Updatable
    value: Any


@dataclass(frozen=True)
class Difference:
    """An updatable field whose value on a job is another one than a spec asks for."""

    updatable: Updatable
    old: Any
    new: Any

    @property
    def field(self) -> str:
        """Its place in a manifest: `spec.compute.availability_model`."""
        return field_name(("spec", *self.updatable.path))

    @property
    def name(self) -> str:
        """Its place in a job of the API: `availability_model`."""
        return ".".join(self.updatable.api)


def settings_of_spec(spec: Mapping[str, Any], api_version: str) -> tuple[Setting, ...]:
    """The updatable fields that a spec sets, as they are written."""
    found = ((field, _value_at(spec, field.path)) for field in updatable_fields(api_version))
    return tuple(Setting(field, value) for field, value in found if value is not None)


def settings_of_row(row: Mapping[str, Any]) -> tuple[Setting, ...]:
    """The updatable fields of a job of the API. One with a value of another type than the schema's is left out."""
    values = [_value_at(row, field.api) for field in _fields_of_rows()]
    try:
        return _remembered(*values)
    except TypeError:  # a list or an object is no key
        return _settings(values)


@lru_cache(maxsize=1024, typed=True)
def _remembered(*values: Any) -> tuple[Setting, ...]:
    """One tuple for all jobs that are set alike, which most of 100,000 are."""
    return _settings(values)


def _settings(values: Iterable[Any]) -> tuple[Setting, ...]:
    found = zip(_fields_of_rows(), values, strict=True)
    return tuple(Setting(field, value) for field, value in found if type(value) in _types_of(field))


def merged_settings(known: tuple[Setting, ...], further: tuple[Setting, ...]) -> tuple[Setting, ...]:
    """`known`, and each of `further` whose field is not among them."""
    if known == further:
        return known
    found = {each.field: each for each in (*further, *known)}
    return tuple(found[field] for field in _fields_of_rows() if field in found)


def differences(wanted: Iterable[Setting], actual: Iterable[Setting]) -> tuple[Difference, ...]:
    """Where a job is set otherwise than is wanted. A field that only one of both has is not compared."""
    on_job = {each.field.api: each.value for each in actual}
    return tuple(
        Difference(field, on_job[field.api], value)
        for field, value in wanted
        if field.api in on_job and not mean_the_same(on_job[field.api], value, field.shape)
    )


def update_body(found: Iterable[Difference]) -> dict[str, Any]:
    """The body of the call that gives a job the new values."""
    body: dict[str, Any] = {}
    for each in found:
        section = body
        for name in each.updatable.api[:-1]:
            section = section.setdefault(name, {})
        section[each.updatable.api[-1]] = each.new
    return body


@cache
def _fields_of_rows() -> tuple[Updatable, ...]:
    """The updatable fields of every version of the schema: a job of the API shows none."""
    fields = {field.api: field for version in SUPPORTED for field in updatable_fields(version)}
    return tuple(fields.values())


def _types_of(field: Updatable) -> tuple[type, ...]:
    """The types of plain data that the schema permits for a field, without that of None; all where it names none."""
    names = field.shape.schema.get("type", tuple(_TYPES))
    return tuple(each for name in ([names] if isinstance(names, str) else names) for each in _TYPES.get(name, ()))


def _value_at(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
