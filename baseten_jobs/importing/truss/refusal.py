"""Why an expression has no value here: what every step of working it out may raise."""

from typing import Any

from baseten_jobs.importing.truss.values import Unreadable

_NOT_CONSTANT = "only running it would tell"


class Refused(Exception):
    """Why an expression has no value here, as part of a message; `unknown` is the part that is to blame."""

    def __init__(self, why: str, unknown: Unreadable | None = None) -> None:
        super().__init__(why)
        self.unknown = unknown


def not_constant(value: Any = None) -> Refused:
    """That a value is no constant, or holds what is unknown."""
    return Refused(_NOT_CONSTANT, value if isinstance(value, Unreadable) else None)


def refuse() -> Any:
    """Raises Refused, where only an expression can stand."""
    raise not_constant()
