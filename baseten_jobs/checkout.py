"""A folder -> the checkout that it is in, found without git."""

import os


def checkout_of(folder: str) -> str | None:
    """The root of the checkout that a folder is in, or None."""
    path = os.path.realpath(folder)
    while not os.path.lexists(os.path.join(path, ".git")):
        if path == (path := os.path.dirname(path)):
            return None
    return path


def is_within(folder: str, bound: str) -> bool:
    """Whether a folder is another one or below it, links followed."""
    inner, outer = os.path.realpath(folder), os.path.realpath(bound)
    return inner == outer or inner.startswith(outer.rstrip(os.sep) + os.sep)
