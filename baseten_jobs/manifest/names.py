"""Names of projects and jobs -> names of manifests."""

import re
from typing import Any

LONGEST = 40
"""The most characters that a manifest's name may have."""


def manifest_name(text: str, room: int = LONGEST) -> str:
    """Returns text in lower case, cut, with single hyphens for all but letters and digits; it may be empty."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:room].strip("-")


def is_made_up(job_name: str | None) -> bool:
    """True for None, and for a name that the server gave a job, such as `job-2`."""
    return not job_name or job_name.removeprefix("job-").isdigit()


def former_names(written: Any) -> tuple[str, ...]:
    """Returns the names in a manifest's `renamed_from`, which is one name or a list; other values are left out."""
    names = [written] if isinstance(written, str) else written if isinstance(written, list) else []
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str)))


def distinct(names: list[tuple[str, str]]) -> list[str]:
    """Returns a unique name for each pair of a name and a suffix: names that occur twice get their suffixes."""
    wanted = [name for name, _ in names]
    return [
        name if wanted.count(name) == 1 or not (mark := manifest_name(other)) else _joined(name, mark)
        for name, other in names
    ]


def _joined(name: str, mark: str) -> str:
    kept = manifest_name(name, max(LONGEST - len(mark) - 1, LONGEST // 2))
    return manifest_name(f"{kept}-{mark}")
