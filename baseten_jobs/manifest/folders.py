"""A folder -> the folders below it, with the names in each, however deep they are; and a path -> how it is told."""

import os
from collections.abc import Callable, Iterator

OnError = Callable[[OSError], object]


def walk(folder: str, onerror: OnError = lambda error: None) -> Iterator[tuple[str, list[str], list[str]]]:
    """As `os.walk` from the top down, which in Python 3.11 calls itself for each level, and fails at a thousand."""
    pending = [folder]
    while pending:
        parent = pending.pop()
        folders: list[str] = []
        names: list[str] = []
        links: set[str] = set()
        try:
            with os.scandir(parent) as entries:
                for entry in entries:
                    (folders if _is_folder(entry) else names).append(entry.name)
                    links |= {entry.name} if entry.is_symlink() else set()
        except OSError as error:
            onerror(error)
            continue
        yield parent, folders, names
        pending += [os.path.join(parent, name) for name in reversed(folders) if name not in links]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def path_name(path: str) -> str:
    """A path as text that every file can hold: bytes in it that are not UTF-8 are spelled out."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
