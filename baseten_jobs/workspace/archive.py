"""Content -> the bytes of its archive: an uncompressed tar, the same for the same content, in bounded memory."""

import hashlib
import os
import tarfile
from collections.abc import Iterator

from baseten_jobs.job.content import Content, File

_MTIME = 946_684_800
"""Of every file: the first second of the year 2000, in UTC."""

_CHUNK = 1 << 20


class Changed(Exception):
    """A file does not hold what was planned any more; the message names it."""


class Archive:
    """The archive as a stream, read once from its first byte to its last; `read` raises Changed."""

    def __init__(self, content: Content) -> None:
        self.size = archive_size(content)
        self._chunks = _chunks(content)
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        """So many bytes, fewer only at the end; all that is left where size is negative."""
        parts, wanted = [], self.size if size < 0 else size
        while wanted > 0:
            if not self._rest:
                self._rest = next(self._chunks, b"")
                if not self._rest:
                    break
            part, self._rest = self._rest[:wanted], self._rest[wanted:]
            parts.append(part)
            wanted -= len(part)
        return b"".join(parts)


def archive_size(content: Content) -> int:
    """Bytes of the whole archive, known before any file is read."""
    total = sum(_header_size(file) + _padded(_stored(file)) for file in content.files)
    return -(-(total + 2 * tarfile.BLOCKSIZE) // tarfile.RECORDSIZE) * tarfile.RECORDSIZE


def _chunks(content: Content) -> Iterator[bytes]:
    total = 0
    for file in content.files:
        header = _header(file)
        yield header
        if file.target is None:
            yield from filter(None, _contents(file))
        total += len(header) + _padded(_stored(file))
    yield b"\0" * (archive_size(content) - total)


def _contents(file: File) -> Iterator[bytes]:
    """A file's bytes, proved to be those that were hashed before the last is given, and what fills its block."""
    digest, left = hashlib.sha256(), file.size
    try:
        with open(file.source, "rb", buffering=0) as stream:
            held = b""
            while left and (held := stream.read(min(_CHUNK, left))):
                digest.update(held)
                left -= len(held)
                if left:
                    yield held
            if left or stream.read(1) or digest.hexdigest() != file.sha256:
                raise Changed(f"{file.path} changed after it was planned; plan again")
    except OSError as error:
        raise Changed(f"{file.path} can't be read any more: {error.strerror}; plan again") from None
    yield held + b"\0" * (_padded(file.size) - file.size)


def _header(file: File) -> bytes:
    """Owners, times and all bits of the mode but the executable one are fixed."""
    info = tarfile.TarInfo(file.path)
    info.mtime = _MTIME
    info.mode = 0o755 if file.executable else 0o644
    info.size = _stored(file)
    if file.target is not None:
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, file.target, 0o777
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


def _header_size(file: File) -> int:
    """One block where the format has room for the names; most have."""
    short = _is_short(file.path) and (file.target is None or _is_short(file.target))
    return tarfile.BLOCKSIZE if short else len(_header(file))


def _is_short(name: str) -> bool:
    return len(name) <= tarfile.LENGTH_NAME and name.isascii()


def _stored(file: File) -> int:
    return 0 if file.target is not None else file.size


def _padded(size: int) -> int:
    return -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE


def link_hash(target: str) -> str:
    """What stands for a link's content."""
    return hashlib.sha256(os.fsencode(target)).hexdigest()
