"""Paths, folders and stdin -> the text of each manifest file, read once and in order."""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO

from baseten_jobs.manifest.diagnostics import Diagnostic, Position
from baseten_jobs.manifest.document import ENDINGS, MAX_BYTES, decode
from baseten_jobs.manifest.paths import path_name, walk

STDIN = "-"
STDIN_NAME = "<stdin>"


@dataclass(frozen=True)
class Source:
    """One file: its path as it was given, with bytes escaped that are not UTF-8, and its text.

    `given` is the path itself, by which the file is found again.
    """

    path: str
    text: str
    given: str = ""


@dataclass(frozen=True)
class Sources:
    sources: tuple[Source, ...]
    diagnostics: tuple[Diagnostic, ...]


Wanted = Callable[[bytes], bool]


def read_sources(paths: Sequence[str], stdin: BinaryIO, wanted: Wanted | None = None) -> Sources:
    """Reads every file that `paths` name, each once; one that can't be read is a diagnostic.

    A file whose bytes are not `wanted` is skipped, even if it is not UTF-8.
    """
    sources: list[Source] = []
    diagnostics: list[Diagnostic] = []
    seen: set[str] = set()
    folders: dict[str, str] = {}
    passed = _Passed()
    for path in paths:
        for found in _files(path, passed):
            if isinstance(found, Diagnostic):
                diagnostics.append(found)
                continue
            real = found if found == STDIN else _real(found, folders)
            if real in seen:
                continue
            seen.add(real)
            read = read_one(found, stdin, wanted)
            if isinstance(read, Diagnostic):
                diagnostics.append(read)
            elif read:
                sources.append(read)
    if passed.links or passed.files:
        from baseten_jobs.manifest.overlooked import warnings_of

        diagnostics += warnings_of(passed.links, passed.files, seen)
    return Sources(tuple(sources), tuple(diagnostics))


def _real(path: str, folders: dict[str, str]) -> str:
    """Returns a file's real path; that of its folder is found once and kept in `folders`."""
    folder, name = os.path.split(path)
    if name in ("", ".", "..") or os.path.islink(path):
        return os.path.realpath(path)
    if folder not in folders:
        folders[folder] = os.path.realpath(folder)
    return os.path.join(folders[folder], name)


@dataclass
class _Passed:
    """What a walk skips: links to folders, and files whose names end nearly as those of manifests do."""

    links: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    def by(self, parent: str, folders: list[str], names: list[str]) -> None:
        self.links += filter(os.path.islink, (os.path.join(parent, name) for name in folders))
        self.files += (os.path.join(parent, name) for name in names if _is_nearly_one(name))


def _files(path: str, passed: _Passed) -> Iterator[str | Diagnostic]:
    if path == STDIN:
        yield path
    elif not os.path.lexists(path):
        hint = "a pattern is left to the shell; name the folder" if set("*?[") & set(path) else ""
        yield Diagnostic("missing-path", "there is no such file or folder", Position(path_name(path)), hint=hint)
    elif os.path.isdir(path):
        yield from _in_folder(path, passed)
    else:
        yield path


def _in_folder(folder: str, passed: _Passed) -> Iterator[str | Diagnostic]:
    refused: list[OSError] = []
    files = []
    for parent, folders, names in walk(folder, refused.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        names = [name for name in names if not name.startswith(".")]
        files += [os.path.join(parent, name) for name in names if name.endswith(ENDINGS)]
        passed.by(parent, folders, names)
    for error in refused:
        yield unreadable(path_name(str(error.filename)), error)
    if not files and not refused:
        yield Diagnostic("empty-folder", "there is no *.yaml or *.yml file in this folder", Position(path_name(folder)))
    yield from sorted(files)


def _is_nearly_one(name: str) -> bool:
    return not name.endswith(ENDINGS) and name.lower().endswith(ENDINGS)


def is_bare(path: str) -> bool:
    """True if a path is missing, or is a folder without manifests."""
    return path != STDIN and all(
        isinstance(found, Diagnostic) and found.rule in ("missing-path", "empty-folder")
        for found in _files(path, _Passed())
    )


def read_raw(path: str) -> bytes | None:
    """Returns a file's bytes, or None for one that can't be read or is larger than a manifest may be."""
    try:
        with open(path, "rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError:
        return None
    return raw if len(raw) <= MAX_BYTES else None


def read_one(path: str, stdin: BinaryIO, wanted: Wanted | None = None) -> Source | Diagnostic | None:
    """Returns one file, a diagnostic if it can't be read, or None if its bytes are not `wanted`."""
    raw = read_whole(path, stdin)
    if isinstance(raw, Diagnostic):
        is_others = wanted and raw.rule == "too-large" and path != STDIN and not wanted(_head(path))
        return None if is_others else raw
    if wanted and not wanted(raw):
        return None
    text = decode(shown_name(path), raw)
    return Source(shown_name(path), text, path) if isinstance(text, str) else text


def _head(path: str) -> bytes:
    """Returns the first bytes of a file, as many as a manifest may have."""
    with suppress(OSError), open(path, "rb") as file:
        return file.read(MAX_BYTES)
    return b""


def shown_name(path: str) -> str:
    """Returns the name of a file, or of standard input, for messages."""
    return STDIN_NAME if path == STDIN else path_name(path)


def read_whole(path: str, stdin: BinaryIO, what: str = "a manifest") -> bytes | Diagnostic:
    """Returns the bytes of one file, or a diagnostic if it can't be read or is larger than `what` may be."""
    name = shown_name(path)
    try:
        if path == STDIN:
            raw = stdin.read(MAX_BYTES + 1)
        else:
            status = os.stat(path)
            if not stat.S_ISREG(status.st_mode) and not path.startswith(("/dev/", "/proc/")):
                return Diagnostic("unreadable", "this is not a regular file", Position(name))
            if status.st_size > MAX_BYTES:
                return _too_large(name, status.st_size, what)
            with open(path, "rb") as file:
                raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        return unreadable(name, error)
    if len(raw) > MAX_BYTES:
        return _too_large(name, len(raw), what)
    return raw


def _too_large(path: str, size: int, what: str) -> Diagnostic:
    message = f"{size} bytes are more than the {MAX_BYTES} that {what} may have"
    return Diagnostic("too-large", message, Position(path))


def unreadable(path: str, error: OSError) -> Diagnostic:
    """Returns the diagnostic of a file or folder that could not be opened."""
    return Diagnostic("unreadable", f"this can't be read: {error.strerror or error}", Position(path))
