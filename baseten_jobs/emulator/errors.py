"""What goes wrong on purpose: a refusal (an error answer) and a broken exchange (no whole answer)."""

from __future__ import annotations

from dataclasses import dataclass


class Refusal(Exception):
    """An answer other than 200, in the shape of the API: `{"code": ..., "message": ...}`."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Remnant:
    """The part of an answer that still reaches the client before the connection closes."""

    status: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class BrokenExchange(Exception):
    """The client gets no whole answer.

    Over a socket the server resets the connection, or sends the remnant and closes it. In process
    there is no socket, so this exception is what the caller sees.
    """

    def __init__(self, reason: str, remnant: Remnant | None = None) -> None:
        super().__init__(reason)
        self.remnant = remnant


def not_valid(message: str) -> Refusal:
    """400: the request is not what the API accepts."""
    return Refusal(400, "VALIDATION_ERROR", message)


def not_found(what: str, identifier: str) -> Refusal:
    """404: the id is not known, or not in the project that the path names."""
    return Refusal(404, "NOT_FOUND", f"{what} {identifier} not found")
