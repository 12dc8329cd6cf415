"""Paths put together and taken apart, none of them looked up: absolute ones, and those from the file's folder."""

from pathlib import PurePosixPath
from posixpath import normpath
from typing import Any

from baseten_jobs.importing.truss.values import Here, NotConstant, Parents, not_constant

_LONGEST_PATH = 4096


def is_path(value: Any) -> bool:
    return isinstance(value, (PurePosixPath, Here))


def below(*parts: Any) -> Any:
    """Paths put together; the last absolute one counts, and one that begins at the file's folder stays so."""
    total: Any = None
    for part in parts:
        if isinstance(part, Here) or (total is None and isinstance(part, PurePosixPath)):
            total = part
        elif isinstance(part, (str, PurePosixPath)):
            absolute = total is None or str(part).startswith("/")
            inside = isinstance(total, Here) and not absolute
            total = Here(normpath(f"{total.path}/{part}")) if inside else PurePosixPath(total or "", part)
        else:
            raise not_constant()
        if len(total.path if isinstance(total, Here) else str(total)) > _LONGEST_PATH:
            raise NotConstant("it is too large")
    return PurePosixPath() if total is None else total


def above(path: Any, index: Any) -> Any:
    """One of the folders above a path, 0 the nearest."""
    if not isinstance(index, int) or not 0 <= index < 100:
        raise not_constant()
    for _ in range(index + 1):
        path = _parent(path)
    return path


def _parent(path: Any) -> Any:
    if not isinstance(path, Here):
        return path.parent
    up = path.path == "." or path.path.rpartition("/")[2] == ".."
    return Here(normpath(path.path + "/..") if not up else ".." if path.path == "." else f"{path.path}/..")


def part_of_path(path: Any, name: str) -> Any:
    """An attribute of a path; None for a method."""
    if name == "parent":
        return _parent(path)
    if name == "parents":
        return Parents(path)
    whole = PurePosixPath(path.path) if isinstance(path, Here) else path
    found = getattr(whole, name) if name in ("name", "stem", "suffix") else None
    return None if isinstance(path, Here) and found in ("", "..") else found
