"""The path of a base -> its documents, read from the disk where that is a regular file of the same repository."""

import os
from io import BytesIO

from baseten_jobs.manifest.defaults.inheritance import Refused
from baseten_jobs.manifest.document import Loaded, load
from baseten_jobs.manifest.paths import checkout_of, is_within
from baseten_jobs.manifest.sources import Source, read_one


def from_disk(path: str, by: str) -> Loaded:
    """Returns what a base holds, which the file `by` extends; raises Refused."""
    if not os.path.lexists(path):
        raise Refused("is not there", f"looked for at {path}")
    if os.path.islink(path):
        raise Refused("is a link", "name the file itself")
    root = checkout_of(os.path.dirname(by) or os.curdir)
    if root is not None and not is_within(path, root):
        raise Refused("lies outside of the repository")
    if not os.path.isfile(path):
        raise Refused("is no regular file")
    found = read_one(path, BytesIO())
    if not isinstance(found, Source):
        return Loaded((), (found,) if found else ())
    return load(found.path, found.text)
