"""The path of a base -> its documents, read from the disk where that is a regular file of the same repository."""

import os
from io import BytesIO

from baseten_jobs.manifest.defaults.reading import Refused
from baseten_jobs.manifest.document import Loaded, is_yaml, load
from baseten_jobs.manifest.paths import checkout_of, is_within
from baseten_jobs.manifest.sources import Source, read_one


def from_disk(path: str, by: str) -> Loaded:
    """Returns what a base holds, which the file `by` extends; raises Refused.

    Without a repository it lies in the working folder, or at most one folder above that of `by`.
    """
    if not os.path.lexists(path):
        raise Refused("is not there", f"looked for at {path}")
    if os.path.islink(path):
        raise Refused("is a link", "name the file itself")
    home = os.path.dirname(by) or os.curdir
    root = checkout_of(home)
    within = (root,) if root is not None else (os.curdir, os.path.join(home, os.pardir))
    if not any(is_within(path, bound) for bound in within):
        beyond = "the repository" if root is not None else "the working folder, and there is no repository"
        raise Refused(f"lies outside of {beyond}")
    if root is not None and ".git" in os.path.relpath(os.path.realpath(path), root).casefold().split(os.sep):
        raise Refused("lies in git's own folder")
    if not is_yaml(path):
        raise Refused("is no *.yaml or *.yml file")
    if not os.path.isfile(path):
        raise Refused("is no regular file")
    found = read_one(path, BytesIO())
    if not isinstance(found, Source):
        return Loaded((), (found,) if found else ())
    return load(found.path, found.text)
