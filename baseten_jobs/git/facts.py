"""A checkout as git shows it: how it is set up, or why git can't be asked."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NotInGit:
    """Why git can't be asked, with the remedy; `refused` where there is a checkout, whose history is not known then.

    `remedy` is the command that mends it, where there is one.
    """

    reason: str
    refused: bool = False
    remedy: str = ""

    def __enter__(self) -> "NotInGit":
        return self

    def __exit__(self, *error: object) -> None:
        pass


@dataclass(frozen=True)
class Filtered:
    """The tracked files that a filter of this name changes, an example of them, and whether this git has the filter."""

    name: str
    example: str
    files: int
    known: bool


@dataclass(frozen=True)
class Setup:
    """`origin` is the address as it is written, empty where no remote has this name."""

    root: str
    shallow: bool = False
    partial: bool = False
    origin: str = ""
    remotes: tuple[str, ...] = ()
    file_mode: bool = True
    crlf: bool = False
    filters: tuple[Filtered, ...] = ()
    version: str = ""
