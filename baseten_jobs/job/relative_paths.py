"""A path that somebody else names -> what is wrong with it as that of a file below a folder."""

import re

_LONGEST = 255
"""Bytes of a name on most disks."""
_DEEPEST = 100
_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def strange(path: str) -> str:
    """What is wrong, as the rest of a sentence; empty for what can only be the path of a file below a folder."""
    if _CONTROL.search(path):
        return "has a character that no name of a file should have"
    if path.startswith("/") or "\\" in path or _DRIVE.match(path):
        return "is not relative to the folder"
    parts = path.split("/")
    if ".." in parts:
        return "leads out of the folder"
    if "" in parts or "." in parts:
        return "is not the name of a file"
    if len(parts) > _DEEPEST or any(len(part.encode()) > _LONGEST for part in parts):
        return "has a name that is too long"
    return ""
