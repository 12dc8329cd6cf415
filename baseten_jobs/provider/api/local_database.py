"""The path of the embedded API's database -> the same, if nothing that lies there can have come with a repository."""

import os

from baseten_jobs.git.listing import list_files
from baseten_jobs.git.process import GitError
from baseten_jobs.manifest.paths import checkout_of

_BESIDE = ("", "-wal", "-shm", "-journal")
"""What SQLite appends to the names of the files that it reads and writes with a database."""


class NotOwn(Exception):
    """Why a database is not opened; the message is one line, with the remedy."""


def own_database(path: str, option: str) -> str:
    """The database's path; raises NotOwn for a link, what is no file, and what git tracks.

    `option` is the one that names another database, as the message says it.
    """
    remedy = f"`{option} FILE` names another database"
    folder = _without_links(os.path.dirname(path), remedy)
    files = [os.path.join(folder, os.path.basename(path) + suffix) for suffix in _BESIDE]
    there = [file for file in files if os.path.lexists(file)]
    for file in there:
        if os.path.islink(file) or not os.path.isfile(file):
            raise NotOwn(f"{_shown(path, file)}: this is not a regular file; {remedy}")
    root = checkout_of(folder) if os.path.isdir(folder) else None
    if root is not None and there:
        _check_untracked(root, path, there, remedy)
    return path


def _without_links(folder: str, remedy: str) -> str:
    """The folder's real path, to which no link leads that lies in a checkout or is the tool's own folder."""
    real = os.sep if os.path.isabs(folder) else os.getcwd()
    for part in folder.split(os.sep):
        step = os.path.join(real, part)
        if os.path.islink(step) and (part == ".baseten-jobs" or checkout_of(real) is not None):
            raise NotOwn(f"{step}: this is a link, which may have come with the repository; {remedy}")
        real = os.path.realpath(step)
    return real


def _check_untracked(root: str, path: str, files: list[str], remedy: str) -> None:
    try:
        tracked = list_files(root, files).tracked
    except GitError as error:
        raise NotOwn(f"{path}: whether it came with the repository is not known ({error}); {remedy}") from None
    for file in files:
        name = os.path.relpath(file, root)
        if name in tracked or not _is_spelled_so(root, name):
            message = "git tracks this file, so that it came with the repository"
            raise NotOwn(f"{_shown(path, file)}: {message}; {remedy}")


def _is_spelled_so(root: str, name: str) -> bool:
    """Whether the folders have these very names: a disk that does not tell case apart has files under others too."""
    for part in name.split(os.sep):
        if part not in os.listdir(root):
            return False
        root = os.path.join(root, part)
    return True


def _shown(path: str, file: str) -> str:
    return os.path.join(os.path.dirname(path), os.path.basename(file))
