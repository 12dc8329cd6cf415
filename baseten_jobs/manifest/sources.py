"""Paths, folders and stdin -> the text of each manifest file, read once and in order."""

import os
import stat
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO

from baseten_jobs.manifest.diagnostics import Diagnostic, Position
from baseten_jobs.manifest.document import MAX_BYTES, decode, is_yaml
from baseten_jobs.manifest.ownership import may_be_ours
from baseten_jobs.manifest.paths import checkout_of, is_below, path_name, walk
from baseten_jobs.phrases import as_counted, count

STDIN = "-"
STDIN_NAME = "<stdin>"


@dataclass(frozen=True)
class Source:
    """One file: its path as it was given, with bytes escaped that are not UTF-8, and its text.

    `given` is the path itself, by which the file is found again; it is `walked` where a folder was named, and not the
    file.
    """

    path: str
    text: str
    given: str = ""
    walked: bool = False


@dataclass(frozen=True)
class Sources:
    """The files; `passed` are the names of files in folders that may be no manifests, and were not read any further.

    `folders` has the real paths of the YAML files in each folder that was named.
    """

    sources: tuple[Source, ...]
    diagnostics: tuple[Diagnostic, ...]
    passed: tuple[str, ...] = ()
    folders: Mapping[str, frozenset[str]] = field(default_factory=dict)


Wanted = Callable[[bytes], bool]
Ignored = Callable[[Mapping[str, Sequence[str]]], Collection[str]]
"""Folders, and the files found in them, to those of the files that are left out."""


def none_ignored(found: Mapping[str, Sequence[str]]) -> Collection[str]:
    """Leaves out no file."""
    return ()


def read_sources(
    paths: Sequence[str],
    stdin: BinaryIO,
    wanted: Wanted | None = None,
    *,
    in_folders: Wanted | None = None,
    ignored: Ignored = none_ignored,
) -> Sources:
    """Reads every file that `paths` name, each once; one that can't be read is a diagnostic.

    A file whose bytes are not `wanted` is skipped, even if it is not UTF-8; so is a file of a folder whose bytes are
    not wanted `in_folders`, or that is `ignored`.
    """
    found = _Found({})
    walked = {path: _walked(path, found) for path in dict.fromkeys(paths) if _is_folder(path)}
    left_out = ignored({path: each.files for path, each in walked.items()})
    named = {found.real(path) for path in paths if path not in walked}
    sources: list[Source] = []
    diagnostics: list[Diagnostic] = []
    passed: list[str] = []
    folders: dict[str, frozenset[str]] = {}
    seen: set[str] = set()
    for path in dict.fromkeys(paths):
        files = {path: found.real(path)}
        if in_folder := path in walked:
            files = {each: found.real(each) for each in walked[path].files if each not in left_out}
            folders[path] = frozenset(files.values())
            diagnostics += walked[path].refused
            diagnostics += [] if files or walked[path].refused else [empty(path)]
            passed += (f"{path_name(link)}, a link that leads out of the repository" for link in walked[path].links)
        elif path != STDIN and not os.path.lexists(path):
            diagnostics.append(_missing(path))
            continue
        for file, real in files.items():
            if real in seen or (in_folder and real in named):
                continue
            seen.add(real)
            read = read_one(file, stdin, in_folders if in_folder else wanted, walked=in_folder)
            if isinstance(read, Diagnostic):
                diagnostics.append(read)
            elif read:
                sources.append(read)
            elif in_folder:
                passed.append(shown_name(file))
    return Sources(tuple(sources), tuple(diagnostics), tuple(passed), folders)


@dataclass
class _Found:
    """Finds the real path of a file; that of its folder is found once."""

    folders: dict[str, str]

    def real(self, path: str) -> str:
        if path == STDIN:
            return path
        folder, name = os.path.split(path)
        if name in ("", ".", "..") or os.path.islink(path):
            return os.path.realpath(path)
        if folder not in self.folders:
            self.folders[folder] = os.path.realpath(folder)
        return os.path.join(self.folders[folder], name)


def _is_folder(path: str) -> bool:
    return path != STDIN and os.path.isdir(path)


def _missing(path: str) -> Diagnostic:
    from baseten_jobs.manifest.missing_paths import meant_by

    return Diagnostic("missing-path", "there is no such file or folder", Position(path_name(path)), hint=meant_by(path))


def empty(folder: str, others: int = 0) -> Diagnostic:
    """What is wrong with a folder that holds no manifest, but as many YAML files of `others`."""
    message = "there is no *.yaml or *.yml file in this folder"
    if others:
        message = f"there is no manifest in this folder: none of its {count(others, 'YAML file')} has our `apiVersion`"
    return Diagnostic("empty-folder", message, Position(path_name(folder)))


@dataclass(frozen=True)
class _Walk:
    """The YAML files of a folder, sorted, what of it can't be read, and the links that are not followed."""

    files: Sequence[str]
    refused: Sequence[Diagnostic]
    links: Sequence[str]


def _walked(folder: str, found: _Found) -> _Walk:
    """Walks through a folder, and through the linked folders in it that lie within its repository, each once.

    Without a repository it is the working folder, or that folder itself, that a link must not leave.
    """
    refused: list[Diagnostic] = []
    files: list[str] = []
    outside: list[str] = []
    seen: set[str] = set()
    top = os.path.realpath(folder)
    pending = [folder]
    while pending:
        links: list[str] = []
        for parent, below, names in walk(
            pending.pop(0), lambda error: refused.append(unreadable(path_name(str(error.filename)), error))
        ):
            below[:] = sorted(name for name in below if not name.startswith("."))
            if (real := found.real(os.path.join(parent, "."))) in seen:
                below.clear()
                continue
            seen.add(real)
            files += (os.path.join(parent, name) for name in names if is_yaml(name) and not name.startswith("."))
            links += filter(os.path.islink, (os.path.join(parent, name) for name in below))
        bound = _bound(top) if links else ""
        for link in links:
            real = os.path.realpath(link)
            if not is_below(real, bound):
                outside.append(link)
            elif not (is_below(top, real) or _is_hidden(real, bound)):
                pending.append(link)
    return _Walk(sorted(files, key=as_counted), refused, sorted(outside))


def _bound(top: str) -> str:
    here = os.path.realpath(os.curdir)
    return checkout_of(top) or (here if is_below(top, here) else top)


def _is_hidden(real: str, bound: str) -> bool:
    return any(part.startswith(".") for part in os.path.relpath(real, bound).split(os.sep))


def is_bare(path: str) -> bool:
    """True if a path is missing, or is a folder in which no file may be a manifest."""
    if path == STDIN or not os.path.isdir(path):
        return path != STDIN and not os.path.lexists(path)
    walk = _walked(path, _Found({}))
    return not walk.refused and not any(map(_may_hold_ours, walk.files))


def _may_hold_ours(path: str) -> bool:
    raw = read_raw(path)
    return raw is None or may_be_ours(raw)


def read_raw(path: str) -> bytes | None:
    """Returns a file's bytes, or None for one that can't be read or is larger than a manifest may be."""
    try:
        with open(path, "rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError:
        return None
    return raw if len(raw) <= MAX_BYTES else None


def read_one(
    path: str, stdin: BinaryIO, wanted: Wanted | None = None, *, walked: bool = False
) -> Source | Diagnostic | None:
    """Returns one file, a diagnostic if it can't be read, or None if its bytes are not `wanted`."""
    raw = read_whole(path, stdin)
    if isinstance(raw, Diagnostic):
        is_others = wanted and raw.rule == "too-large" and path != STDIN and not wanted(_head(path))
        return None if is_others else raw
    if wanted and not wanted(raw):
        return None
    text = decode(name := shown_name(path), raw)
    return Source(name, text, path, walked) if isinstance(text, str) else text


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
