"""A policy's fields, by their types -> how each is saved, read back, compared, shown and given on a command line."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeGuard

from baseten_jobs.phrases import one_line
from baseten_jobs.planning.plan import Policy

_LARGEST = 10**9
"""No option takes a higher number."""

_SHOWN = 3


@dataclass(frozen=True)
class FieldKind:
    """One type of option.

    `plain` has the types of its values in JSON, and `fits` returns whether a value of one of these types is allowed.
    `shown` returns a value as a message has it, `words` the words that give it on a command line. `save` turns a value
    into JSON, and `read` turns it back. Of a `limit` the lower value is the stricter one, and None is no limit.
    """

    plain: tuple[type, ...]
    shown: Callable[[Any], str]
    words: Callable[[str, Any], tuple[str, ...]]
    fits: Callable[[Any], bool] = lambda value: True
    save: Callable[[Any], Any] = lambda value: value
    read: Callable[[Any], Any] = lambda value: value
    limit: bool = False


def texts_shown(texts: Sequence[str]) -> str:
    """The first few, quoted, and how many more there are."""
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(f"'{one_line(text)}'" for text in texts[:_SHOWN] if text) + more or "not given"


def flag_shown(value: bool) -> str:
    return "given" if value else "not given"


def text_shown(value: str | None) -> str:
    return texts_shown([value or ""])


def _number(value: float) -> str:
    return str(value).removesuffix(".0")


def _number_shown(value: float | None) -> str:
    return "not given" if value is None else _number(value)


def _number_words(option: str, value: float | None) -> tuple[str, ...]:
    return () if value is None else (option, _number(value))


def _in_bounds(value: float | None) -> bool:
    """False for what is no number, too: any comparison with it is false."""
    return value is None or 0 <= value <= _LARGEST


def are_texts(value: Any) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _numbers(*plain: type, limit: bool) -> FieldKind:
    return FieldKind(plain, _number_shown, _number_words, _in_bounds, limit=limit)


_KINDS: Mapping[Any, FieldKind] = {
    int: _numbers(int, limit=False),
    int | None: _numbers(int, type(None), limit=True),
    float | None: _numbers(int, float, type(None), limit=True),
    bool: FieldKind((bool,), flag_shown, lambda option, value: (option,) if value else ()),
    str: FieldKind((str,), text_shown, lambda option, value: (option, value)),
    frozenset[str]: FieldKind(
        (list,),
        lambda value: texts_shown(sorted(value)),
        lambda option, value: tuple(word for each in sorted(value) for word in (option, each)),
        are_texts,
        sorted,
        frozenset,
    ),
}

FIELDS: Mapping[str, FieldKind] = {field.name: _KINDS[field.type] for field in fields(Policy)}
"""The kind of each field of a policy, in order."""


def policy_of(plain: Mapping[str, Any]) -> Policy:
    """A policy of plain values, with any sequence of names; raises KeyError for a name that is no field."""
    return Policy(**{name: FIELDS[name].read(value) for name, value in plain.items()})


def plain_of(policy: Policy) -> dict[str, Any]:
    """All fields of a policy as JSON has them."""
    return {name: kind.save(getattr(policy, name)) for name, kind in FIELDS.items()}


def words_of(policy: Policy) -> tuple[str, ...]:
    """The words of a command line that give this policy; an option that is left out has its default."""
    changed = {name: value for name in FIELDS if (value := getattr(policy, name)) != getattr(Policy, name)}
    return tuple(word for name, value in changed.items() for word in FIELDS[name].words(option_of(name), value))


def option_of(name: str) -> str:
    """`max_submits` -> `--max-submits`."""
    return f"--{name.replace('_', '-')}"
