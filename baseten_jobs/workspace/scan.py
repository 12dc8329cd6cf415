"""A small file's name and bytes -> what a person should know before it travels."""

import codecs
from collections.abc import Callable, Iterable
from typing import NamedTuple

from baseten_jobs.secrecy import lines_with_secrets
from baseten_jobs.workspace.default_excludes import is_kept_secret
from baseten_jobs.workspace.lfs_pointers import pointed_to
from baseten_jobs.workspace.own_files import is_ours, is_plan

MAX_BYTES = 1 << 20
"""Of larger files as much of the begin and of the end is looked into."""
HEAD_BYTES = 200
"""So many first bytes of a larger file are looked at."""
_MAX_SECRETS = 5
"""Told of one file."""

OWN = "own"
CORE = "core"
LFS = "lfs"
LOCKED = "locked"
SECRET = "secret"

_LOCKED_HEAD = b"\0GITCRYPT\0"


class Note(NamedTuple):
    """`kind` is OWN, CORE (a process's memory), LFS (a pointer), LOCKED (as git-crypt left it) or SECRET.

    The line counts from 1.
    """

    kind: str
    line: int = 1


def inspect(path: str, raw: bytes) -> tuple[Note, ...]:
    """What a whole file of at most MAX_BYTES is, and where it seems to hold a secret."""
    if pointed_to(raw):
        return (Note(LFS),)
    if raw.startswith(_LOCKED_HEAD):
        return (Note(LOCKED),)
    if is_ours(path, raw):
        return (Note(OWN),)
    return _told(path, raw)


def inspect_head(head: bytes) -> tuple[Note, ...]:
    """What can be said of a larger file by its first HEAD_BYTES."""
    if head.startswith(_LOCKED_HEAD):
        return (Note(LOCKED),)
    if is_plan(head):
        return (Note(OWN),)
    return (Note(CORE), Note(SECRET)) if _is_core(head) else ()


def inspect_ends(path: str, first: bytes, last: bytes, lines_before: Callable[[], int]) -> tuple[Note, ...]:
    """What can be said of a larger file by its two ends; `lines_before` counts the line breaks before the last."""
    if notes := inspect_head(first[:HEAD_BYTES]):
        return notes
    notes = _told(path, first)
    if len(notes) < _MAX_SECRETS and (more := _secrets(last)):
        before = lines_before()
        notes += tuple(Note(SECRET, note.line + before) for note in more[: _MAX_SECRETS - len(notes)])
    return notes


def stays_out(notes: Iterable[Note]) -> bool:
    """Whether a file of this content only travels where a manifest spells its name out."""
    return any(note.kind in (OWN, CORE) for note in notes)


def _told(path: str, raw: bytes) -> tuple[Note, ...]:
    if is_kept_secret(path):
        return (Note(SECRET),)
    return (Note(CORE), Note(SECRET)) if _is_core(raw) else _secrets(raw)


def _secrets(raw: bytes) -> tuple[Note, ...]:
    text = _text(raw)
    return () if text is None else tuple(Note(SECRET, line) for line in lines_with_secrets(text, _MAX_SECRETS))


def _text(raw: bytes) -> str | None:
    """The text of a file, in UTF-8 or UTF-16; None where it is no text."""
    head = raw[:8192]
    if b"\0" not in head and head[:2] not in _UTF_16:
        return raw.decode("utf-8", "replace")
    even, odd = head[::2].count(0), head[1::2].count(0)
    if head[:2] == codecs.BOM_UTF16_LE or (odd > len(head) // 4 and even <= odd // 8):
        return raw.decode("utf-16-le", "replace")
    if head[:2] == codecs.BOM_UTF16_BE or (even > len(head) // 4 and odd <= even // 8):
        return raw.decode("utf-16-be", "replace")
    return None


_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _is_core(head: bytes) -> bool:
    """Whether this is a process's memory, with its environment in it: an ELF file of the type ET_CORE."""
    if head[:4] != b"\x7fELF" or len(head) < 18:
        return False
    return int.from_bytes(head[16:18], "big" if head[5] == 2 else "little") == 4
