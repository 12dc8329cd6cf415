"""A small file's name and bytes -> what somebody should know before it travels."""

import re
from typing import NamedTuple

from baseten_jobs.own_files import is_ours, is_plan
from baseten_jobs.pointers import pointed_to
from baseten_jobs.secrecy import is_a_secret
from baseten_jobs.selection import is_dotenv

MAX_BYTES = 1 << 20
"""Only files up to this size are looked into."""
HEAD_BYTES = 200
"""So many first bytes of a larger file are looked at."""
MAX_SECRETS = 5
"""Told of one file."""

OWN = "own"
LFS = "lfs"
LOCKED = "locked"
SECRET = "secret"

_LOCKED_HEAD = b"\0GITCRYPT\0"
_SECRET_FILES = frozenset(
    {
        ".netrc", "_netrc", ".pypirc", ".pgpass", ".git-credentials", ".htpasswd", "kaggle.json",
        "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519",
    }
)  # fmt: skip
_SECRET_MARKS = (
    b"hf_", b"sk-", b"sk_live_", b"rk_live_", b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_", b"glpat-",
    b"xox", b"nvapi-", b"npm_", b"pypi-", b"AKIA", b"ASIA", b"AIza", b"eyJ", b"PRIVATE KEY-----", b"://",
)  # fmt: skip
"""One of these is in every secret that `secrecy` knows but for Baseten's own keys; most files hold none."""
_BASETEN_KEY = re.compile(rb"\.[A-Za-z0-9]{32}(?![A-Za-z0-9])")


class Note(NamedTuple):
    """`kind` is OWN, LFS (a pointer), LOCKED (as git-crypt left it) or SECRET; the line counts from 1."""

    kind: str
    line: int = 1


def inspect(path: str, raw: bytes) -> tuple[Note, ...]:
    """What a whole file of at most MAX_BYTES is, and where it seems to hold a secret."""
    name = path.rpartition("/")[2]
    if pointed_to(raw):
        return (Note(LFS),)
    if raw.startswith(_LOCKED_HEAD):
        return (Note(LOCKED),)
    if is_ours(path, raw):
        return (Note(OWN),)
    if name in _SECRET_FILES or is_dotenv(name):
        return (Note(SECRET),)
    return _secrets(raw)


def inspect_head(head: bytes) -> tuple[Note, ...]:
    """What can be said of a larger file by its first bytes."""
    if head.startswith(_LOCKED_HEAD):
        return (Note(LOCKED),)
    return (Note(OWN),) if is_plan(head) else ()


def _secrets(raw: bytes) -> tuple[Note, ...]:
    if b"\0" in raw[:8192]:
        return ()
    if not any(mark in raw for mark in _SECRET_MARKS) and not _BASETEN_KEY.search(raw):
        return ()
    found = []
    for number, line in enumerate(raw.decode("utf-8", "replace").split("\n"), 1):
        if is_a_secret(line):
            found.append(Note(SECRET, number))
            if len(found) == MAX_SECRETS:
                break
    return tuple(found)
