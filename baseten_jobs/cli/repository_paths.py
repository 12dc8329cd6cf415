"""Paths as they were given -> paths in the repository, by which its host finds files from whatever folder we ran."""

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from baseten_jobs.manifest.diagnostics import Diagnostic
from baseten_jobs.manifest.document import Document
from baseten_jobs.manifest.paths import checkout_of, git_folder_of, is_below, is_within


@dataclass
class Hosted:
    """What the files are called on the host.

    `apart` has names that are no paths. `workspace` is the folder where a runner puts the repository, or empty.
    """

    apart: Collection[str] = ()
    workspace: str = ""
    _known: dict[str, str] = field(default_factory=dict)
    _roots: dict[str, str | None] = field(default_factory=dict)

    def diagnostics(self, found: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
        return tuple(replace(d, position=replace(d.position, path=self.path(d.position.path))) for d in found)

    def documents(self, found: Sequence[Document]) -> tuple[Document, ...]:
        return tuple(replace(document, path=self.path(document.path)) for document in found)

    def path(self, given: str) -> str:
        """A path relative to the root of the repository that the file lies in; in none, the path that was given."""
        if given in self.apart:
            return given
        if given not in self._known:
            self._known[given] = next(self._below_roots(given), given)
        return self._known[given]

    def _below_roots(self, given: str) -> Iterator[str]:
        """Where the file itself lies; or the link to it; or the link to a folder on the way."""
        here = os.path.realpath(".")
        folder, name = os.path.split(given)
        itself, placed = os.path.realpath(given), os.path.join(os.path.realpath(folder), name)
        named = os.path.normpath(os.path.join(here, given))
        for root, paths in (
            (self._root_of(os.path.dirname(placed)), (itself, placed)),
            (self._root_of(here), (named,)),
            (self.workspace and os.path.realpath(self.workspace), (itself, placed)),
        ):
            if root:
                yield from (os.path.relpath(path, root) for path in paths if is_below(path, root))

    def _root_of(self, folder: str) -> str | None:
        if folder not in self._roots:
            self._roots[folder] = hosting_root(folder)
        return self._roots[folder]


def hosting_root(folder: str) -> str | None:
    """The root of the checkout that a folder is in; of a submodule that of the repository that holds it, or None."""
    root = checkout_of(folder)
    while root and (outer := checkout_of(os.path.dirname(root))):
        if outer == root or not is_within(git_folder_of(root), os.path.join(git_folder_of(outer), "modules")):
            break
        root = outer
    return root
