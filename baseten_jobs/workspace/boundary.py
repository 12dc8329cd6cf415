"""A manifest's folder, and what the operator grants -> where the files of its workspace may come from."""

import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from os.path import abspath, realpath

from baseten_jobs.manifest.paths import checkout_of, git_folder_of, is_within
from baseten_jobs.phrases import one_line

_GIT = ".git"


@dataclass(frozen=True)
class Boundary:
    """A workspace's files come from the checkout that its manifest is in, or, without one, from the manifest's folder.

    A manifest may ask for more by `outside: true`. Only who runs the command grants it, by naming folders: `allowed`.
    """

    home: str
    allowed: tuple[str, ...] = ()

    @cached_property
    def bound(self) -> str:
        return checkout_of(self.home) or self.home

    @property
    def place(self) -> str:
        """What the boundary is drawn around, in words."""
        return "the repository that the manifest is in" if checkout_of(self.home) else "the manifest's folder"

    def leaves_out(self, folder: str) -> bool:
        """Whether a folder lies outside, links followed."""
        return not is_within(folder, self.bound)

    def refusal(self, folder: str, written: str, asked: bool) -> tuple[str, str]:
        """Why no file of this folder may travel, and what to do about it; empty where they may.

        `written` is the folder as the manifest names it, `asked` whether the manifest says `outside: true`.
        """
        if not self.leaves_out(folder):
            return "", ""
        granting = f"`--allow-outside {shlex.quote(one_line(folder, 200))}`"
        message = f"'{one_line(written)}' is outside of {self.place}"
        if not asked:
            return message, f"`outside: true` asks for it, and {granting} on the command line grants it"
        if not any(is_within(folder, each) for each in self.allowed if not self._leads_through(each)):
            return f"{message}, and `outside: true` only asks for it", f"{granting} on the command line grants it"
        return "", ""

    def _leads_through(self, folder: str) -> bool:
        """Whether a granted folder lies in the boundary as it is spelled: a link there decides where it really is."""
        return any(is_within(each, self.bound) for each in _spelled(folder))


def in_git_folder(folder: str) -> bool:
    """Whether a folder is git's own, or lies in it: there are tokens in it, and what it holds is no code."""
    root = checkout_of(folder)
    named = any(part.casefold() == _GIT for part in realpath(folder).split(os.sep))
    return named or (root is not None and is_within(folder, git_folder_of(root)))


def _spelled(folder: str) -> Iterator[str]:
    """A folder and all above it, as its path spells them."""
    path = abspath(folder)
    yield path
    while path != (path := os.path.dirname(path)):
        yield path
