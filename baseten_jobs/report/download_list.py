"""What became of a download -> a page, or the rows of a document."""

from collections.abc import Mapping
from typing import Any

from baseten_jobs.phrases import Page, count, human, one_line, page
from baseten_jobs.provider.downloads.outcome import Downloaded, Fate

_MOST = 20
"""Files that are told of one by one at most."""


def text(done: Downloaded, folder: str) -> Page:
    """The sums, and each file that failed."""
    failed = done.of(Fate.FAILED)
    lines = [f"{each.file}: {each.error}" for each in failed[:_MOST]]
    lines += [f"… and {len(failed) - _MOST} more"] if len(failed) > _MOST else []
    sums = [
        f"{count(len(found), 'file')} {fate.value} ({human(sum(each.file.size for each in found))})"
        for fate in Fate
        if (found := done.of(fate))
    ]
    return page([*lines, f"{', '.join(sums)}: {one_line(folder, 1024)}"])


def data(done: Downloaded, folder: str) -> Mapping[str, Any]:
    return {
        "to": folder,
        "summary": {
            fate.value: {"files": len(found), "bytes": sum(each.file.size for each in found)}
            for fate in Fate
            for found in [done.of(fate)]
        },
        "files": [
            {
                "node": each.file.node,
                "path": each.file.path,
                "size_bytes": each.file.size,
                "file": each.place,
                "outcome": each.fate.value,
                **({"error": each.error} if each.error else {}),
            }
            for each in done.files
        ],
    }
