"""Files on the disk -> what they hold: SHA-256s and notes, made in parallel and remembered between runs."""

import hashlib
import json
import os
import stat
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from baseten_jobs.git.index import blob_name
from baseten_jobs.manifest.paths import checkout_of
from baseten_jobs.workspace import user_cache
from baseten_jobs.workspace.scan import MAX_BYTES, Note, inspect, inspect_ends

_FORMAT = 4
TOO_FRESH = 2 * 10**9
"""Nanoseconds: a file touched so shortly before it was hashed may change again without its times telling."""

_BATCH = 64
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Held:
    """What a file holds; `blob` is what git calls its bytes by SHA-1, empty for one of more than MAX_BYTES."""

    sha256: str
    blob: str = ""
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Unread:
    """Why the content of a file is not known."""

    reason: str


Stamp = tuple[int, ...]


def _stamp_of(status: os.stat_result) -> Stamp:
    """What changes where a file does: size, times and inode."""
    return (status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns)


def hash_all(files: Sequence[tuple[str, os.stat_result]], cache: "Cache") -> list[Held | Unread]:
    """What each of these files holds."""
    results: list[Held | Unread | None] = [cache.known(path, status) for path, status in files]
    missing = [index for index, result in enumerate(results) if result is None]
    missing.sort(key=lambda index: -files[index][1].st_size)
    large = [[index] for index in missing if files[index][1].st_size > _CHUNK]
    small = missing[len(large) :]
    batches = [*large, *(small[at : at + _BATCH] for at in range(0, len(small), _BATCH))]

    def work(batch: list[int]) -> None:
        for index in batch:
            results[index] = _hash(*files[index], cache)

    if batches:
        with ThreadPoolExecutor(min(len(batches), os.cpu_count() or 1, 8), "hash") as pool:
            list(pool.map(work, batches))
    return [result for result in results if result is not None]


_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


def _hash(path: str, expected: os.stat_result, cache: "Cache") -> Held | Unread:
    began = time.time_ns()
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        return Unread(_gone(error))
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode) or _stamp_of(before) != _stamp_of(expected):
            return Unread("it changes while it is read")
        if before.st_size <= MAX_BYTES:
            raw = _read(descriptor, before.st_size)
            held = Held(hashlib.sha256(raw).hexdigest(), blob_name(raw), inspect(path, raw))
            read = len(raw)
        else:
            total, read = _hash_in_chunks(descriptor)
            held = Held(total, "", _notes_of_large(descriptor, path, before.st_size))
        if read != before.st_size or _stamp_of(os.fstat(descriptor)) != _stamp_of(before):
            return Unread("it changes while it is read")
    except OSError as error:
        return Unread(_gone(error))
    finally:
        os.close(descriptor)
    cache.remember(path, before, held, began)
    return held


def _read(descriptor: int, size: int) -> bytes:
    """A file's bytes, and one more where it has grown."""
    raw = os.read(descriptor, size + 1)
    while len(raw) <= size and (more := os.read(descriptor, size + 1 - len(raw))):
        raw += more
    return raw


def _hash_in_chunks(descriptor: int) -> tuple[str, int]:
    total, read, buffer = hashlib.sha256(), 0, bytearray(_CHUNK)
    view = memoryview(buffer)
    while count := os.readv(descriptor, [buffer]):
        total.update(view[:count])
        read += count
    return total.hexdigest(), read


def _notes_of_large(descriptor: int, path: str, size: int) -> tuple[Note, ...]:
    """By the begin and the end of a file; a secret may lie across what is cut, so that they are one if they touch."""
    if size <= 2 * MAX_BYTES:
        return inspect_ends(path, os.pread(descriptor, size, 0), b"", lambda: 0)
    start = (size - MAX_BYTES) // 4 * 4  # as UTF-16 is cut
    first, last = os.pread(descriptor, MAX_BYTES, 0), os.pread(descriptor, size - start, start)

    def lines_before() -> int:
        return sum(os.pread(descriptor, min(_CHUNK, start - at), at).count(b"\n") for at in range(0, start, _CHUNK))

    return inspect_ends(path, first, last, lines_before)


def _gone(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "it vanished while the tree was read"
    return f"it can't be read: {error.strerror}"


class Cache:
    """Hashes by (path, size, mtime, inode), of one file of the user's cache; any trouble with it costs only time.

    Several processes may use it at once: it is read whole, and replaced whole. What was hashed in this process is
    known to it, however fresh.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._known = _loaded(name)
        self._used: dict[str, Any] = {}
        self._fresh: dict[str, tuple[Stamp, Held]] = {}
        self._changed = False

    def known(self, path: str, status: os.stat_result) -> Held | None:
        fresh = self._fresh.get(path)
        if fresh is not None and fresh[0] == _stamp_of(status):
            return fresh[1]
        entry = self._used.get(path) or self._known.get(path)
        if entry is None or tuple(entry[0]) != _stamp_of(status):
            return None
        self._used[path] = entry
        return Held(entry[1], entry[2], tuple(Note(*note) for note in entry[3]) if entry[3] else ())

    def remember(self, path: str, status: os.stat_result, held: Held, began: int) -> None:
        """`began` is when the reading did, in nanoseconds since the epoch."""
        with self._lock:
            if began - max(status.st_mtime_ns, status.st_ctime_ns) < TOO_FRESH:
                self._fresh[path] = (_stamp_of(status), held)
                return
            self._used[path] = [_stamp_of(status), held.sha256, held.blob, held.notes]
            self._changed = True

    def save(self, roots: Iterable[str]) -> None:
        """Write what was learnt; of files below these roots only what was used."""
        if not self._changed:
            return
        heads = tuple(root.rstrip(os.sep) + os.sep for root in roots)
        others = {path: entry for path, entry in self._known.items() if not path.startswith(heads)}
        with suppress(OSError, UnicodeEncodeError):
            text = json.dumps({"format": _FORMAT, "files": {**others, **self._used}})
            user_cache.replace(self._name, text.encode("utf-8"))


class Memory:
    """The caches of one run, each read and written once however many workspaces share it."""

    def __init__(self) -> None:
        self._caches: dict[str, Cache] = {}

    def of(self, root: str) -> Cache:
        name = _cache_name(root)
        if name not in self._caches:
            self._caches[name] = Cache(name)
        return self._caches[name]

    def save(self, folders: Iterable[str]) -> None:
        """Write what was learnt of these folders, all of which were read."""
        roots = [os.path.realpath(folder) for folder in folders]
        for cache in self._caches.values():
            cache.save(roots)


def _cache_name(folder: str) -> str:
    """The file of the user's cache in which the hashes of a tree are remembered: one for each checkout."""
    tree = checkout_of(folder) or os.path.realpath(folder)
    return f"hashes-{hashlib.sha256(os.fsencode(tree)).hexdigest()[:16]}.json"


_LENGTHS = {(64, 0), (64, 40)}
"""Hex digits of a SHA-256, and of a blob's name."""


def _loaded(name: str) -> Mapping[str, Any]:
    try:
        data = json.loads(user_cache.read(name))
        files = data["files"] if data["format"] == _FORMAT else {}
        sound = all(
            len(stamp) == 4 and (len(digest), len(blob)) in _LENGTHS and all(len(note) == 2 for note in notes)
            for stamp, digest, blob, notes in files.values()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return files if sound else {}
