"""What can go wrong in a call, told in one line that never holds the key."""

from dataclasses import dataclass


@dataclass
class ApiError(Exception):
    """A call that did not give what was asked: `status` is None where no answer came."""

    call: str
    reason: str
    status: int | None = None

    def __str__(self) -> str:
        return f"{self.call}: {self.reason}"

    @property
    def unauthorised(self) -> bool:
        return self.status in (401, 403)

    @property
    def passing(self) -> bool:
        """True if the same call may succeed later: no answer came, or a status of 408, 429, or 500 and above."""
        return self.status is None or self.status == 429 or self.status >= 500 or self.status == 408


class CannotConnect(ApiError):
    """No request can be made at all: no key, an address that is none, a missing extra."""

    def __str__(self) -> str:
        return self.reason


class NotSent(ApiError):
    """The connection was refused or never made, so the server has seen nothing of the request."""


class Broken(ApiError):
    """Some of the request was sent, and no whole answer came: what the server did is not known."""


class UnreadableAnswer(Broken):
    """An answer came that is larger, or nested deeper, than can be read: a repeated call would get the same."""
