"""The path of a base, and that of the file that extends it -> its documents, wherever these are read from."""

from collections.abc import Callable

from baseten_jobs.manifest.document import Loaded

DEEPEST = 4
"""How many Defaults may extend one another."""


class Refused(Exception):
    """A base can't be read; the message ends a sentence about its path."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


Read = Callable[[str, str], Loaded]
"""The path of a base and of the file that extends it -> the base's documents; raises Refused."""
