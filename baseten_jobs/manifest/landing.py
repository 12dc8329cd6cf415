"""A path that is to be written -> an error where a link on the way leads out of the tree."""

import errno
import os
from collections.abc import Iterator

from baseten_jobs.manifest.checkout import checkout_of, is_within
from baseten_jobs.phrases import one_line


def check_landing(path: str) -> None:
    """Raise OSError for a link that leads out of the checkout that it lies in, or into git's own folder.

    Outside of checkouts this holds for links below the working folder. Others, such as the system's own, are followed:
    whoever names `/tmp/plan.json` means it, while a link in a checkout is what some commit says.
    """
    for link in filter(os.path.islink, _way(path)):
        tree = _tree(os.path.realpath(os.path.dirname(link) or os.curdir))
        if tree is not None and not _stays(os.path.realpath(link), tree):
            reason = f"the link '{one_line(link)}' leads out of {one_line(tree)}, and nothing is written through it"
            raise OSError(errno.EPERM, reason, path)


def _way(path: str) -> Iterator[str]:
    """Each folder on the way, as it is written, and the path itself."""
    parts = path.split(os.sep)
    return (os.sep.join(parts[:count]) for count in range(1, len(parts) + 1))


def _tree(folder: str) -> str | None:
    here = os.path.realpath(os.curdir)
    return checkout_of(folder) or (here if is_within(folder, here) else None)


def _stays(end: str, tree: str) -> bool:
    return is_within(end, tree) and ".git" not in os.path.relpath(end, tree).casefold().split(os.sep)
