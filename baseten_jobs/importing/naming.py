"""Names of projects and jobs -> names of manifests."""

import re

LONGEST = 40
"""Characters that a manifest's name may have."""


def manifest_name(text: str, room: int = LONGEST) -> str:
    """Lower case, all else than letters and digits as single hyphens, cut; empty where nothing is left."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:room].strip("-")


def distinct(names: list[tuple[str, str]]) -> list[str]:
    """Each name once: those that several have get what tells them apart, the second of each pair, behind them."""
    wanted = [name for name, _ in names]
    return [
        name if wanted.count(name) == 1 or not (mark := manifest_name(other)) else _joined(name, mark)
        for name, other in names
    ]


def _joined(name: str, mark: str) -> str:
    kept = manifest_name(name, max(LONGEST - len(mark) - 1, LONGEST // 2))
    return manifest_name(f"{kept}-{mark}")
