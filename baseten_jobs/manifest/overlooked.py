"""Files that a walk through a folder does not read -> a warning for each that is a manifest of ours."""

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from itertools import islice

from baseten_jobs.manifest.diagnostics import Diagnostic, Position, Severity
from baseten_jobs.manifest.document import ENDINGS, MAX_BYTES
from baseten_jobs.manifest.ownership import may_be_ours
from baseten_jobs.manifest.paths import checkout_of, is_within, path_name, walk

_MOST = 1000
"""How many folders behind links are searched at most, and how many files with a manifest's ending are read there."""


def warnings_of(links: Collection[str], files: Collection[str], read: Collection[str]) -> Iterator[Diagnostic]:
    """Yields a warning for each file, and each link to a folder, with a manifest that was not read.

    `read` are the real paths of all files that were read. A link that leads out of a checkout is not followed: the
    author of a pull request decides where it leads.
    """
    for path in sorted(files):
        if os.path.realpath(path) not in read and _holds_ours(path):
            ending = os.path.splitext(path)[1]
            hint = f"end it in '{ending.lower()}', or give the file itself as a PATH"
            yield _warning(path, f"this manifest is not read, since its name ends in '{ending}'", hint)
    for path in sorted(links):
        if any(os.path.realpath(each) not in read and _holds_ours(each) for each in _manifests_behind(path)):
            message = "the manifests behind this link to a folder are not read"
            yield _warning(path, message, "give the folder itself as a PATH")


def _manifests_behind(link: str) -> Iterator[str]:
    root, folder = checkout_of(os.path.dirname(link)), os.path.realpath(link)
    return iter(()) if root and not is_within(folder, root) else islice(_manifests_in(folder), _MOST)


def _manifests_in(folder: str) -> Iterator[str]:
    for parent, folders, names in islice(walk(folder), _MOST):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = (os.path.join(parent, name) for name in names if not name.startswith("."))
        yield from (path for path in paths if path.endswith(ENDINGS))


def _holds_ours(path: str) -> bool:
    with suppress(OSError):
        if os.path.isfile(path):
            with open(path, "rb") as file:
                return may_be_ours(file.read(MAX_BYTES))
    return False


def _warning(path: str, message: str, hint: str) -> Diagnostic:
    return Diagnostic("not-read", message, Position(path_name(path)), hint=hint, severity=Severity.WARNING)
