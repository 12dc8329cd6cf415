"""An archive of code -> the files in it; and the files in a new folder, or nothing where any would leave it."""

import gzip
import hashlib
import os
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast

from baseten_jobs.job.content import MAX_BYTES, File
from baseten_jobs.job.relative_paths import strange
from baseten_jobs.phrases import human, one_line
from baseten_jobs.workspace.archive import link_hash

_CHUNK = 1 << 20
_LONGEST_READ = 64 << 20
"""Bytes that are read at once at most: the headers of an archive say how large they are themselves."""
_MOST = 1_000_000
"""Files of an archive."""
_GZIP = b"\x1f\x8b"


class NotAnArchive(Exception):
    """What was submitted can't be read, or holds what no archive of code should; the message says what."""


@dataclass(frozen=True)
class Unpackable:
    """The files of an archive, by path, and why some can't be unpacked; links among the files are not followed."""

    files: tuple[File, ...]
    faults: tuple[str, ...]


def files_in(stream: BinaryIO) -> Unpackable:
    """The files of an archive, with what they hold; raises NotAnArchive. Nothing is written."""
    found: dict[str, File] = {}
    faults: list[str] = []
    with _opened(stream) as archive:
        for member in _members(archive):
            path = _path_of(member)
            if fault := _fault(member, path):
                faults.append(f"{one_line(path, 300)} {fault}")
            elif path in found:
                faults.append(f"{one_line(path, 300)} is in it twice")
            elif member.issym():
                target = member.linkname
                found[path] = File(path, "", 0, False, link_hash(target), target)
            else:
                digest, size = hashlib.sha256(), 0
                for part in _content(archive, member):
                    digest.update(part)
                    size += len(part)
                found[path] = File(path, "", size, bool(member.mode & 0o100), digest.hexdigest())
    faults += _tangled(found)
    return Unpackable(tuple(sorted(found.values(), key=lambda file: file.path.encode())), tuple(faults))


def unpack(stream: BinaryIO, out: str) -> None:
    """Write the files of an archive that has no faults into a folder that is new or empty, all or none.

    Raises NotAnArchive, and OSError, FileExistsError for a folder that holds something.
    """
    if os.path.lexists(out) and (os.path.islink(out) or not os.path.isdir(out) or os.listdir(out)):
        raise FileExistsError(f"{one_line(out, 1024)} is there already")
    parent = os.path.dirname(os.path.abspath(out))
    os.makedirs(parent, exist_ok=True)
    made = tempfile.mkdtemp(prefix=".baseten-code-", dir=parent)
    try:
        with _opened(stream) as archive:
            _write(archive, made)
        os.chmod(made, 0o777 & ~_umask())
        os.rename(made, out)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def _write(archive: tarfile.TarFile, folder: str) -> None:
    """Files first and links last, so that nothing is written through a link; each link has to end in the folder."""
    links: list[tuple[str, str]] = []
    for member in _members(archive):
        path = _path_of(member)
        if _fault(member, path):
            raise NotAnArchive(f"{one_line(path, 300)} can't be unpacked")
        place = os.path.join(folder, *path.split("/"))
        os.makedirs(os.path.dirname(place), exist_ok=True)
        if member.issym():
            links.append((place, member.linkname))
            continue
        mode = 0o777 if member.mode & 0o100 else 0o666
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            for part in _content(archive, member):
                file.write(part)
    for place, target in links:
        os.symlink(target, place)
    root = os.path.realpath(folder)
    for place, target in links:
        if not f"{os.path.realpath(place)}/".startswith(f"{root}/"):
            raise NotAnArchive(f"a link to '{one_line(target, 300)}' leads out of the folder")


def _members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """All but folders; raises NotAnArchive for more than any code has."""
    total = 0
    for number, member in enumerate(archive):
        total += member.size
        if number >= _MOST or total > MAX_BYTES:
            raise NotAnArchive(f"it holds more than {_MOST} files or {human(MAX_BYTES)}")
        if not member.isdir():
            yield member


def _path_of(member: tarfile.TarInfo) -> str:
    return member.name.removeprefix("./")


def _fault(member: tarfile.TarInfo, path: str) -> str:
    """Why a member can't be unpacked; empty if it can. A link to another member is a file with the same content."""
    if told := strange(path):
        return told
    if not (member.isreg() or member.islnk() or member.issym()):
        return "is a device, a pipe or of another kind that no code has"
    if member.issym():
        target = os.path.normpath(os.path.join(os.path.dirname(path), member.linkname))
        if os.path.isabs(member.linkname) or target == ".." or target.startswith("../") or "\0" in member.linkname:
            return "is a link that leads out of the folder"
    if member.islnk() and strange(member.linkname.removeprefix("./")):
        return "is a link that leads out of the folder"
    return _refused_by_python(member)


def _refused_by_python(member: tarfile.TarInfo) -> str:
    """What Python's own filter for archives of data says of it, where this Python has one (PEP 706)."""
    check = getattr(tarfile, "data_filter", None)
    if check is None:
        return ""
    try:
        check(member, os.curdir)
    except tarfile.TarError as error:
        return f"is refused: {one_line(str(error), 200)}"
    return ""


def _tangled(found: dict[str, File]) -> Iterator[str]:
    """Files that stand where others have folders, links among them."""
    for path in found:
        parts = path.split("/")
        if any("/".join(parts[:end]) in found for end in range(1, len(parts))):
            yield f"{one_line(path, 300)} lies below what is a file or a link itself"


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[bytes]:
    try:
        file = archive.extractfile(member)
    except KeyError:
        raise NotAnArchive(f"{one_line(member.name, 300)} is a link to what is not in it") from None
    if file is None:
        raise NotAnArchive(f"{one_line(member.name, 300)} is a link to what is no file")
    left = MAX_BYTES
    while part := file.read(_CHUNK):
        left -= len(part)
        if left < 0:
            raise NotAnArchive(f"{one_line(member.name, 300)} is larger than {human(MAX_BYTES)}")
        yield part


@contextmanager
def _opened(stream: BinaryIO) -> Iterator[tarfile.TarFile]:
    """The archive, packed or not; whatever is wrong with it is NotAnArchive."""
    stream.seek(0)
    packed = stream.read(2) == _GZIP
    stream.seek(0)
    try:
        bounded = _Bounded(cast(BinaryIO, gzip.GzipFile(fileobj=stream)) if packed else stream)
        with tarfile.open(fileobj=cast(BinaryIO, bounded), mode="r:") as archive:
            yield archive
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError, OverflowError) as error:
        raise NotAnArchive(f"it is no archive that can be read: {one_line(str(error), 200)}") from None


class _Bounded:
    """A file of which no read is larger than a header or a chunk may be."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _LONGEST_READ:
            raise tarfile.ReadError("a header is larger than any should be")
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
