"""A path that leads to nothing -> what to write in its place, by what lies around it."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from baseten_jobs.manifest.document import MAX_BYTES, is_yaml
from baseten_jobs.manifest.paths import SPECS, checkout_of, path_name, walk
from baseten_jobs.phrases import nearest, one_line

_MOST = 500
"""Files that are searched for a manifest of a name."""
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def meant_by(path: str) -> str:
    """Returns a hint: where the path is from here, which file has the manifest of that name, or a path like it."""
    if set("*?[") & set(path):
        return "a pattern is left to the shell; name the folder"
    if os.path.isabs(path):
        return _like(path)
    above = list(_above())
    for folder in above:
        if os.path.exists(found := os.path.join(folder, path)):
            return f"from here it is {_shown(found)}"
    if _NAME.fullmatch(path) and path != SPECS:
        for folder in ("", *above):
            if file := _file_of(path, os.path.join(folder, SPECS)):
                return f"that is the name of a manifest, and paths are wanted here: it is in {_shown(file)}"
    if path == SPECS:
        return "name the folder or the file of your manifests; `baseten-jobs init` writes a first one"
    return _like(path)


def _above() -> Iterator[str]:
    """Yields the folders from the one above here up to the root of the checkout, each as a path from here."""
    here = os.path.realpath(os.curdir)
    root = checkout_of(here)
    depth = 0 if root is None else len(os.path.relpath(here, root).split(os.sep))
    if root is not None and here != root:
        yield from (os.path.join(*[os.pardir] * count) for count in range(1, depth + 1))


def _file_of(name: str, folder: str) -> str:
    """Returns the first file of a folder that has a manifest of this name, as it is mostly written; "" if none has."""
    written = re.compile(rf"""\bname:[ \t]*["']?{re.escape(name)}["']?[ \t]*(?:[,}}#\r\n]|$)""")
    files = (os.path.join(parent, each) for parent, _, names in walk(folder) for each in sorted(names) if is_yaml(each))
    for file in islice(filter(os.path.isfile, files), _MOST):
        with suppress(OSError), open(file, "rb") as opened:
            if written.search(opened.read(MAX_BYTES).decode("utf-8", "replace")):
                return file
    return ""


def _like(path: str) -> str:
    """Names what is called nearly so, in the same folder."""
    folder, name = os.path.split(path.rstrip(os.sep))
    with suppress(OSError):
        beside = [each for each in os.listdir(folder or os.curdir) if is_yaml(each) or "." not in each]
        if near := nearest(name, sorted(beside), likeness=0.75):
            return f"did you mean {_shown(os.path.join(folder, near))}?"
    return ""


def _shown(path: str) -> str:
    return f"'{one_line(path_name(path), 200)}'"
