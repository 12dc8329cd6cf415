"""Files of a workspace that changed -> how many lines came and went in each, as far as that is soon told."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from baseten_jobs.job.content import File
from baseten_jobs.phrases import one_line
from baseten_jobs.planning.diff import FILE, Change
from baseten_jobs.planning.history.commit_files import Committed, TooMuch
from baseten_jobs.planning.records.line_changes import line_change

_MOST_FILES = 50
_MOST_BYTES = 1 << 18
"""Of a larger file lines are not counted, nor of any file after so many."""

Read = Callable[[File], bytes | None]
"""Gives the bytes of a file, and None where it can't be had."""


def counted(
    found: Iterable[Change], old: Iterable[File], new: Iterable[File], read: tuple[Read, Read]
) -> Iterator[Change]:
    """The changes of files, those of small texts with their lines; `read` reads an old file, and a new one."""
    sides = [
        ({FILE + one_line(file.path): file for file in files}, each)
        for files, each in zip((old, new), read, strict=True)
    ]
    for number, change in enumerate(found):
        files = [(known.get(change.field), each) for known, each in sides]
        yield replace(change, lines=_lines(files)) if number < _MOST_FILES else change


def of_commit(committed: Committed, commit: str) -> Read:
    """Reads the files of a commit."""

    def read(file: File) -> bytes | None:
        try:
            blob = committed.at(commit, file.source)
            return None if blob is None else committed.text(blob)
        except TooMuch:
            return None

    return read


def of_disk(file: File) -> bytes | None:
    """Reads a file of the work tree, unless it is another one by now."""
    try:
        with open(file.source, "rb") as opened:
            raw = opened.read(_MOST_BYTES + 1)
    except OSError:
        return None
    return raw if hashlib.sha256(raw).hexdigest() == file.sha256 else None


def _lines(files: list[tuple[File | None, Read]]) -> tuple[int, int] | None:
    """Lines that came and went; None for what is a link, no text, or large, or can't be read."""
    if any(file is not None and (file.target is not None or file.size > _MOST_BYTES) for file, _ in files):
        return None
    texts = [None if file is None else read(file) for file, read in files]
    if any(file is not None and text is None for (file, _), text in zip(files, texts, strict=True)):
        return None
    change = line_change(*texts)
    return None if change is None else (change.added, change.removed)
