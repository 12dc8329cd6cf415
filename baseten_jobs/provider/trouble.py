"""An error of a call -> why something could not be read, to be shown in its place."""

from dataclasses import dataclass
from typing import Protocol


class _Failure(Protocol):
    """An ApiError; reports know none, since they do without the network."""

    @property
    def passing(self) -> bool: ...

    @property
    def unauthorised(self) -> bool: ...


@dataclass(frozen=True)
class Trouble:
    """Why something could not be read; `passing` says that a later read may succeed."""

    reason: str
    passing: bool = False
    unauthorised: bool = False

    def __str__(self) -> str:
        return self.reason


def trouble_of(error: _Failure) -> Trouble:
    return Trouble(str(error), error.passing, error.unauthorised)
