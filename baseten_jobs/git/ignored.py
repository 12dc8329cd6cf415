"""Folders and the files found in them -> those of the files that git ignores."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from baseten_jobs.git.process import GitError, run
from baseten_jobs.manifest.paths import checkout_of, is_below


def ignored_of(found: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """Those of the files found in some folders that git does not track, and that its rules leave out.

    None where git can't tell, and none in a folder that is left out as a whole: whoever names it means it.
    """
    return frozenset(path for folder, paths in found.items() for path in _ignored_in(folder, paths))


def _ignored_in(top: str, paths: Iterable[str]) -> Iterator[str]:
    folders: dict[str, tuple[str, str]] = {}
    names: dict[str, dict[str, str]] = {}
    for path in paths:
        folder, _, name = path.rpartition(os.sep)
        if folder not in folders:
            folders[folder] = _place(folder or (os.sep if path.startswith(os.sep) else os.curdir))
        root, below = folders[folder]
        if root:
            names.setdefault(root, {})[f"{below}{name}"] = path
    given = _place(top)
    for root, known in names.items():
        ignored = _listed(root, {below for of, below in folders.values() if of == root})
        whole = tuple(name for name in ignored if name.endswith(os.sep))
        if whole and given[0] == root and given[1].startswith(whole):
            continue
        yield from (path for name, path in known.items() if name in ignored or (whole and name.startswith(whole)))


def _place(folder: str) -> tuple[str, str]:
    """The root of a folder's checkout, empty for none, and what the names of its files begin with there."""
    root = checkout_of(folder)
    below = os.path.relpath(os.path.realpath(folder), root) if root else os.curdir
    return root or "", "" if below == os.curdir else f"{below}{os.sep}"


def _listed(root: str, folders: Iterable[str]) -> frozenset[str]:
    """What git ignores below some folders of a checkout; a folder that it leaves out as a whole ends in a slash."""
    topmost: list[str] = []
    for folder in sorted(folders):
        if not topmost or not is_below(folder, topmost[-1]):
            topmost.append(folder)
    with suppress(GitError):
        options = ("--others", "--ignored", "--exclude-standard", "--directory")
        told = run(root, "--literal-pathspecs", "ls-files", "-z", *options, "--", *(each or "." for each in topmost))
        return frozenset(filter(None, os.fsdecode(told).split("\0")))
    return frozenset()
