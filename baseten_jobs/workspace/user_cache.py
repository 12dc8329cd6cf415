"""A name -> the file of that name in the user's own cache folder, read and replaced whole, and never through a link."""

import os
import pwd
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

MAX_BYTES = 64 << 20
"""Of a file that is read back: the hashes of some 300,000 files."""
MAX_FILES = 200
"""The files that were not written for longest are deleted beyond these: of checkouts that are gone, most likely."""

_FOLDER = "baseten-jobs"
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OTHERS = 0o077


def cache_folder() -> str:
    """`$XDG_CACHE_HOME/baseten-jobs`, or that of the home; without a home, the user's own below the temporary folder.

    Never a relative path. Raises OSError where there is no place at all.
    """
    if os.path.isabs(given := os.environ.get("XDG_CACHE_HOME", "")):
        return os.path.join(given, _FOLDER)
    if home := _home():
        return os.path.join(home, ".cache", _FOLDER)
    temporary = tempfile.gettempdir()
    if temporary == os.getcwd():  # which Python falls back to
        raise FileNotFoundError("there is no home and no temporary folder")
    return os.path.join(temporary, f"{_FOLDER}-{os.geteuid()}")


def _home() -> str:
    """The user's home by the environment or the list of users; empty for a user who has none."""
    if os.path.isabs(given := os.environ.get("HOME", "")):
        return given
    try:
        listed = pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:
        return ""
    return listed if os.path.isabs(listed) else ""


def read(name: str) -> bytes:
    """What the file holds; raises OSError where it is absent, not the user's own regular file, or too large."""
    with _opened(create=False) as folder:
        descriptor = os.open(name, _READ, dir_fd=folder)
    with open(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not (stat.S_ISREG(status.st_mode) and _is_ours(status) and not status.st_mode & _OTHERS):
            raise PermissionError(f"{name} is not this user's own file")
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise OSError(f"{name} is too large")
    return raw


def replace(name: str, content: bytes) -> None:
    """Write the file anew, for the user alone; readers see the old or the new. Raises OSError."""
    with _opened(create=True) as folder:
        temporary = f".{name}-{secrets.token_hex(8)}"
        descriptor = os.open(temporary, _WRITE, 0o600, dir_fd=folder)
        try:
            with open(descriptor, "wb") as file:
                file.write(content)
            os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            os.unlink(temporary, dir_fd=folder)
            raise
        _forget_old(folder)


def _forget_old(folder: int) -> None:
    names = os.listdir(folder)
    if len(names) <= MAX_FILES:
        return
    written = {name: os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime_ns for name in names}
    for name in sorted(names, key=written.__getitem__)[:-MAX_FILES]:
        os.unlink(name, dir_fd=folder)


@contextmanager
def _opened(*, create: bool) -> Iterator[int]:
    """The folder, which belongs to the user and is closed to others; the folders above it may be links."""
    path = cache_folder()
    if create:
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        with suppress(FileExistsError):
            os.mkdir(path, 0o700)
    descriptor = os.open(path, _READ | os.O_DIRECTORY)
    try:
        status = os.fstat(descriptor)
        if not _is_ours(status):
            raise PermissionError(f"{path} is another user's")
        if status.st_mode & _OTHERS:
            os.fchmod(descriptor, 0o700)
        yield descriptor
    finally:
        os.close(descriptor)


def _is_ours(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid()
