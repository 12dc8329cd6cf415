"""A link below a root -> where it ends below the root, wherever the root will lie."""

import os

_HOPS = 40
"""Links on the way of one; Linux gives up after as many."""


def leads_to(root: str, path: str, target: str) -> str | None:
    """The path below `root` that the link at `path` ends at, there or not; nothing for one that leaves the root.

    Every step on the way counts: `../job/train.py` leaves a root `job`, though it comes back to it here. Of a ring of
    links the end is one of them.
    """
    here, pending, hops = path.split("/")[:-1], target.split("/")[::-1], 0
    while pending:
        part = pending.pop()
        if part == "..":
            if not here:
                return None
            here.pop()
        elif part not in ("", "."):
            inner = _target(os.path.join(root, *here, part))
            hops += inner is not None
            if inner is None or hops > _HOPS:
                here.append(part)
            elif os.path.isabs(inner):
                return None
            else:
                pending += inner.split("/")[::-1]
    return "/".join(here)


def _target(path: str) -> str | None:
    try:
        return os.readlink(path)
    except OSError:
        return None
