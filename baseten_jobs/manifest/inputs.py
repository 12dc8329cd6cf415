"""What a command was given to read, as one value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from baseten_jobs.manifest.overrides import Override


@dataclass(frozen=True)
class Inputs:
    """Which manifests to read, and how: with `strict` a warning is an error, `overrides` are laid over what is read.

    `allowed` are folders from which workspaces may take files although they lie outside of their repository.
    Policies of folders count only where `governed` is True: a command that sends no job needs none.
    """

    paths: Sequence[str]
    strict: bool = False
    overrides: tuple[Override, ...] = ()
    allowed: tuple[str, ...] = ()
    governed: bool = True

    @property
    def options(self) -> tuple[str, ...]:
        """The options that positions of diagnostics name in the place of a path."""
        return tuple(override.source for override in self.overrides)
