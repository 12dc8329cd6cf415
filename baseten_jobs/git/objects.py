"""Names of git's objects -> what they hold, out of one process for all of them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from baseten_jobs.git.process import FETCHING

if TYPE_CHECKING:
    from subprocess import Popen

_AT_ONCE = 256
"""Objects asked for before the first is read: few enough for a pipe to hold their names."""

_CHUNK = 1 << 20


class NotWhole(Exception):
    """git does not give what its history names."""

    def __init__(self) -> None:
        super().__init__(f"git can't give what the history holds: this clone is partial, or broken; {FETCHING}")


@dataclass
class GitObject:
    """One object on its way: its own name in full, `blob`, `tree` or `commit`, and its size in bytes."""

    name: str
    kind: str
    size: int
    _stream: IO[bytes] = field(repr=False)
    _read: int = 0

    def chunks(self) -> Iterator[bytes]:
        """What is left of it, piece by piece."""
        while self._read < self.size:
            chunk = self._stream.read(min(self.size - self._read, _CHUNK))
            if not chunk:
                raise NotWhole
            self._read += len(chunk)
            yield chunk

    def whole(self) -> bytes:
        return b"".join(self.chunks())


class Objects:
    """The objects of a repository, by the process that `begin` starts. Close it at the end."""

    def __init__(self, begin: "Callable[[], Popen[bytes]]") -> None:
        self._begin = begin
        self._process: Popen[bytes] | None = None

    def close(self) -> None:
        if self._process is not None:
            with suppress(OSError):
                self._process.communicate()
            self._process = None

    def abandon(self) -> None:
        """End it in the middle of an object."""
        if self._process is not None:
            self._process.kill()
            self.close()

    def read(self, names: Sequence[str]) -> Iterator[GitObject | None]:
        """These objects in their order, None for one that is absent; read each before the next is taken.

        Raises NotWhole where git fails. Take them all before you ask again.
        """
        stdin, stdout = self._pipes()
        for start in range(0, len(names), _AT_ONCE):
            batch = names[start : start + _AT_ONCE]
            try:
                stdin.write("".join(f"{name}\n" for name in batch).encode())
                stdin.flush()
            except OSError:
                raise NotWhole from None
            for _ in batch:
                yield from self._next(stdout)

    def _next(self, stdout: IO[bytes]) -> Iterator[GitObject | None]:
        header = stdout.readline().split()
        if not header:
            raise NotWhole
        if len(header) != 3:
            yield None
            return
        found = GitObject(header[0].decode(), header[1].decode(), int(header[2]), stdout)
        yield found
        for _ in found.chunks():
            pass
        stdout.read(1)

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._process is None:
            self._process = self._begin()
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        return stdin, stdout
