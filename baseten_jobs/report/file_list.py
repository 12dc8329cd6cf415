"""The files of a workspace -> lines for a person, and JSON data for a program."""

from collections.abc import Mapping
from typing import Any

from baseten_jobs.job.content import Content, File
from baseten_jobs.phrases import human, one_line
from baseten_jobs.report.style import Look


def lines(content: Content | None, look: Look) -> list[str]:
    """How many files travel, and the largest of them, or all with --verbose."""
    if content is None:
        return []
    count = len(content.files)
    files = "1 file" if count == 1 else f"{count} files"
    head = f"workspace '{one_line(content.root)}': {files}, {human(content.size)}"
    if look.verbose:
        return [head, *(f"  {_line(file)}" for file in content.files)]
    if not count:
        return [head]
    largest = ", ".join(f"{one_line(file.path)} ({human(file.size)})" for file in content.largest())
    return [f"{head}; the largest: {largest}" if count > 1 else f"{head}: {largest}"]


def from_outside(content: Content | None) -> str:
    """The folders outside of the repository whose files travel, as the manifest names them; empty if there is none."""
    folders = content.outside if content is not None else ()
    return f"takes files from outside: {', '.join(one_line(folder) for folder in folders)}" if folders else ""


def data(content: Content | None, look: Look) -> Mapping[str, Any]:
    """The workspace as JSON has it; empty for a job without one."""
    if content is None:
        return {}
    told = {
        "root": content.root,
        **({"outside": list(content.outside)} if content.outside else {}),
        "digest": content.digest,
        "files": len(content.files),
        "bytes": content.size,
        "largest": [_row(file) for file in content.largest()],
    }
    return {"workspace": {**told, "all": [_row(file) for file in content.files]} if look.verbose else told}


def _line(file: File) -> str:
    if file.target is not None:
        return f"{one_line(file.path)} -> {one_line(file.target)}"
    return f"{one_line(file.path)} ({human(file.size)}{', executable' if file.executable else ''})"


def _row(file: File) -> Mapping[str, Any]:
    row: dict[str, Any] = {"path": file.path, "bytes": file.size, "sha256": file.sha256}
    if file.target is not None:
        row["target"] = file.target
    return row if not file.executable else {**row, "executable": True}
