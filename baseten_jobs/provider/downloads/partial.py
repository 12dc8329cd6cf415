"""Bytes of a file as they come -> the file, under its name only once it is whole."""

import hashlib
import os
from types import TracebackType
from typing import Self

from baseten_jobs.provider.downloads.remote_files import RemoteFile

_MARK = ".baseten-part"


class Partial:
    """The part of a file that is here, under a name that tells which version of the file it is of.

    What a run that was killed left is gone on with. Every method raises OSError.
    """

    def __init__(self, place: str, file: RemoteFile) -> None:
        self._place, self._file = place, file
        self.path = part_of(place, file)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        self._stream = os.fdopen(descriptor, "wb", buffering=0)
        self.size = os.fstat(descriptor).st_size
        if self.size > file.size:
            self.restart(0)
        self._stream.seek(self.size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def restart(self, size: int) -> None:
        """Keep so many bytes, and go on behind them."""
        self._stream.truncate(size)
        self._stream.seek(size)
        self.size = size

    def write(self, part: bytes) -> None:
        view = memoryview(part)
        while view:
            written = self._stream.write(view)
            view = view[written:]
            self.size += written

    def finish(self) -> None:
        """Give the file its time and its name, in the place of whatever is there."""
        if self._file.modified is not None:
            moment = int(self._file.modified * 1_000_000) * 1000
            os.utime(self._stream.fileno(), ns=(moment, moment))
        os.replace(self.path, self._place)


def part_of(place: str, file: RemoteFile) -> str:
    """The path of the part of a file, the same for each run, and another for another version of the file."""
    told = f"{file.node}/{file.path}/{file.size}/{file.modified}"
    name = hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()[:20]
    return os.path.join(os.path.dirname(place), f".{name}{_MARK}")


def begun(place: str, file: RemoteFile) -> int:
    """How many bytes of a file are here from a run before."""
    try:
        return min(os.lstat(part_of(place, file)).st_size, file.size)
    except OSError:
        return 0
