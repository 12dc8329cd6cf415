"""A path -> the folders below it, the checkout it is in, whether it may be written to, and how it is shown."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import suppress

from baseten_jobs.phrases import one_line

SPECS = "specs"
"""The folder of manifests where no path is given."""

OnError = Callable[[OSError], object]


def walk(folder: str, onerror: OnError = lambda error: None) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yields what `os.walk` does from the top down; that of Python 3.11 is recursive, and fails at 1,000 levels."""
    pending = [folder]
    while pending:
        parent = pending.pop()
        folders: list[str] = []
        names: list[str] = []
        links: set[str] = set()
        try:
            with os.scandir(parent) as entries:
                for entry in entries:
                    (folders if _is_folder(entry) else names).append(entry.name)
                    links |= {entry.name} if entry.is_symlink() else set()
        except OSError as error:
            onerror(error)
            continue
        yield parent, folders, names
        pending += [os.path.join(parent, name) for name in reversed(folders) if name not in links]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def path_name(path: str) -> str:
    """Returns a path as text that can be encoded; its bytes that are not UTF-8 are escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def checkout_of(folder: str) -> str | None:
    """Returns the root of the checkout that a folder is in, or None; git is not started."""
    path = os.path.realpath(folder)
    while not os.path.lexists(os.path.join(path, ".git")):
        if path == (path := os.path.dirname(path)):
            return None
    return path


def git_folder_of(root: str) -> str:
    """Returns git's own folder of a checkout: `.git`, or the folder that a file or link of that name points to."""
    path = os.path.join(root, ".git")
    with suppress(OSError):
        if os.path.isfile(path):
            with open(path, "rb") as file:
                text = file.read(_LONGEST)
            if text.startswith(_LEADS_TO):
                path = os.path.join(root, os.fsdecode(text.removeprefix(_LEADS_TO).rstrip(b"\r\n")))
    return os.path.realpath(path)


_LEADS_TO, _LONGEST = b"gitdir: ", 8192
"""How such a file begins, and how many of its bytes are read."""


def is_within(folder: str, bound: str) -> bool:
    """True if a folder is `bound` or below it, with links followed."""
    return is_below(os.path.realpath(folder), os.path.realpath(bound))


def is_below(path: str, root: str) -> bool:
    """True if a path is `root` or below it; links are not followed."""
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


def check_landing(path: str) -> None:
    """Raises OSError if a link on the way to `path` leads out of the checkout that it lies in, or into git's folder.

    Outside of checkouts only links below the working folder are checked. Other links, such as the system's own, are
    followed: a person who writes `/tmp/plan.json` means it, but a link in a checkout comes from a commit.
    """
    for link in filter(os.path.islink, _way(path)):
        tree = _tree(os.path.realpath(os.path.dirname(link) or os.curdir))
        if tree is not None and not _stays(os.path.realpath(link), tree):
            reason = f"the link '{one_line(link)}' leads out of {one_line(tree)}, and nothing is written through it"
            raise OSError(errno.EPERM, reason, path)


def _way(path: str) -> Iterator[str]:
    """Yields each folder on the way, as it is written, then the path itself."""
    parts = path.split(os.sep)
    return (os.sep.join(parts[:count]) for count in range(1, len(parts) + 1))


def _tree(folder: str) -> str | None:
    here = os.path.realpath(os.curdir)
    return checkout_of(folder) or (here if is_within(folder, here) else None)


def _stays(end: str, tree: str) -> bool:
    return is_within(end, tree) and ".git" not in os.path.relpath(end, tree).casefold().split(os.sep)
