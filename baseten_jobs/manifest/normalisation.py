"""The spellings a value may have -> its one meaning: quantities of memory, durations, and GPUs such as `H100:8`."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from baseten_jobs.manifest.durations import seconds_of

if TYPE_CHECKING:
    from fractions import Fraction

_UNITS = MappingProxyType(
    {
        "": 1,
        **{unit: 1000**power for power, unit in enumerate(("k", "M", "G", "T", "P", "E"), 1)},
        **{unit: 1024**power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)},
    }
)
_SHORTHAND = re.compile(r"[^:]+(:[0-9]{1,9})?")
_QUANTITY = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?)([kMGTPE]|[KMGTPE]i)?")


def is_quantity(text: str) -> bool:
    """True for a quantity of memory, such as `256Gi`, `1.5G` or `1024`."""
    return _QUANTITY.fullmatch(text) is not None


@lru_cache(maxsize=1024)
def bytes_of(quantity: str) -> "Fraction | None":
    """Returns the bytes in a quantity such as `256Gi`, `1.5G` or `1024`, or None for other text."""
    if not (read := _QUANTITY.fullmatch(quantity)):
        return None
    from fractions import Fraction

    return Fraction(read[1]) * Fraction(_UNITS[read[2] or ""])


def meant_quantity(text: str) -> str:
    """Returns the quantity that was probably meant by `16GB`, `2gi` or `4 Gi`, or "" if none was."""
    read = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]?)(i?)([bB]?)\s*", text)
    if not read:
        return ""
    unit = read[2].upper() + read[3]
    meant = read[1] + ("k" if unit == "K" else unit)
    return meant if is_quantity(meant) else ""


def accelerator_of(value: str | Mapping[str, Any]) -> dict[str, Any]:
    """Returns the object of an accelerator that is written as `H100:8`, `H100` (one GPU) or as the object."""
    if not isinstance(value, str):
        return dict(value)
    name, _, count = value.partition(":")
    return {"accelerator": name, "count": int(count or 1)}


def _folded_quantity(value: Any) -> Any:
    meaning = bytes_of(value) if isinstance(value, str) else None
    return value if meaning is None else str(meaning)


def _folded_accelerator(value: Any) -> Any:
    """Returns a shorthand as its object, any other value as it is: an old revision may hold anything."""
    return accelerator_of(value) if isinstance(value, str) and _SHORTHAND.fullmatch(value) else value


def _folded_duration(value: Any) -> Any:
    seconds = seconds_of(value) if isinstance(value, str) else None
    return value if seconds is None else f"{seconds}s"


def workspace_of(value: str | Mapping[str, Any]) -> dict[str, Any]:
    """Returns the object of a workspace that is written as a folder or as the object."""
    return {"root": value} if isinstance(value, str) else dict(value)


def _folded_workspace(value: Any) -> Any:
    return workspace_of(value) if isinstance(value, str) else value


FOLDS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "quantity": _folded_quantity,
        "duration": _folded_duration,
        "accelerator": _folded_accelerator,
        "workspace": _folded_workspace,
    }
)
"""For each `x-fold` of the schema the function that returns the one form of a value, for the digest."""


def _short_accelerator(value: Any) -> Any:
    if not isinstance(value, dict) or set(value) != {"accelerator", "count"} or type(value["count"]) is not int:
        return value
    name, count = value["accelerator"], value["count"]
    return f"{name}:{count}" if isinstance(name, str) and re.fullmatch("[A-Za-z0-9_-]+", name) else value


def _short_workspace(value: Any) -> Any:
    if value == {}:
        return "."
    return value["root"] if list(value) == ["root"] and isinstance(value["root"], str) else value


SHORTHANDS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {"accelerator": _short_accelerator, "workspace": _short_workspace}
)
"""For each `x-fold` with a shorthand the function that returns it for an object, or the object if it has none."""
