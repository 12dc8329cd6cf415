"""A folder -> the checkout that it is in, found without git."""

import os
from contextlib import suppress


def checkout_of(folder: str) -> str | None:
    """The root of the checkout that a folder is in, or None."""
    path = os.path.realpath(folder)
    while not os.path.lexists(os.path.join(path, ".git")):
        if path == (path := os.path.dirname(path)):
            return None
    return path


def git_folder_of(root: str) -> str:
    """Where git keeps what it knows of a checkout: its `.git`, or the folder that a file or link of that name tells."""
    path = os.path.join(root, ".git")
    with suppress(OSError):
        if os.path.isfile(path):
            with open(path, "rb") as file:
                text = file.read(_LONGEST)
            if text.startswith(_LEADS_TO):
                path = os.path.join(root, os.fsdecode(text.removeprefix(_LEADS_TO).rstrip(b"\r\n")))
    return os.path.realpath(path)


_LEADS_TO, _LONGEST = b"gitdir: ", 8192
"""What such a file begins with, and how many of its bytes are read."""


def is_within(folder: str, bound: str) -> bool:
    """Whether a folder is another one or below it, links followed."""
    return is_below(os.path.realpath(folder), os.path.realpath(bound))


def is_below(path: str, root: str) -> bool:
    """True for a root itself and what is below it; links are not followed."""
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)
