"""NAME, as commands and options take it -> the names of manifests that it means: one, or those that a glob matches."""

import re
from collections.abc import Collection
from fnmatch import fnmatchcase
from typing import NamedTuple

from baseten_jobs.phrases import nearest, one_line

EVERY = "*"
"""Means every manifest, of which there may be none."""

_WILD = re.compile(r"[*?]|\[[^]]*\]?")


class Unmet(NamedTuple):
    """Why a NAME means nothing, and what was probably meant; `hint` is empty if no name is like it."""

    message: str
    hint: str

    def __str__(self) -> str:
        return "; ".join(filter(None, self))


def is_glob(given: str) -> bool:
    """True if it has a `*`, `?` or `[`, which no manifest's name has."""
    return any(sign in given for sign in "*?[")


def means(given: str, name: str) -> bool:
    """True if a NAME is this name, or a glob that matches it: `*`, `?`, `[a-c]` and `[!a-c]`, as in a shell."""
    return given == name or (is_glob(given) and fnmatchcase(name, given))


def unmet(given: str, names: Collection[str]) -> Unmet | None:
    """Why a NAME means none of these names; None if it means one, or every one there is."""
    if given == EVERY or any(means(given, name) for name in names):
        return None
    what = "a name that matches" if is_glob(given) else "the name"
    near = nearest(_WILD.sub("", given), sorted(set(names)))
    return Unmet(f"no manifest has {what} '{one_line(given)}'", f"did you mean '{near}'?" if near else "")
