"""A small file's name and bytes -> what somebody should know before it travels."""

import re
from typing import NamedTuple

from baseten_jobs.manifest import ENDINGS, decode, load
from baseten_jobs.secrecy import is_a_secret
from baseten_jobs.selection import is_dotenv

MAX_BYTES = 1 << 20
"""Only files up to this size are looked into."""
HEAD_BYTES = 200
"""By so many of its first bytes a saved plan is known, however long it is."""
MAX_SECRETS = 5
"""Told of one file."""

OWN = "own"
LFS = "lfs"
SECRET = "secret"

_LFS_HEAD = b"version https://git-lfs.github.com/spec/v1\n"
_PLAN_MARK = re.compile(rb'\A\s*\{\s*("format_version":[^,]{1,20},\s*)?"kind":\s*"baseten-jobs-plan"')
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
    """`kind` is OWN, LFS or SECRET; the line counts from 1."""

    kind: str
    line: int = 1


def inspect(path: str, raw: bytes) -> tuple[Note, ...]:
    """What a whole file of at most MAX_BYTES is, and where it seems to hold a secret."""
    name = path.rpartition("/")[2]
    if raw.startswith(_LFS_HEAD):
        return (Note(LFS),)
    if _is_own(name, raw):
        return (Note(OWN),)
    if name in _SECRET_FILES or is_dotenv(name):
        return (Note(SECRET),)
    return _secrets(raw)


def inspect_head(head: bytes) -> tuple[Note, ...]:
    """What can be said of a larger file by its first bytes."""
    return (Note(OWN),) if _PLAN_MARK.match(head) else ()


def _is_own(name: str, raw: bytes) -> bool:
    """Whether this tool wrote or reads the file: a saved plan, or YAML with a manifest of any version in it."""
    if _PLAN_MARK.match(raw[:HEAD_BYTES]):
        return True
    if b"baseten-jobs/" not in raw or b"apiVersion" not in raw:
        return False
    text = decode(name, raw)
    if not isinstance(text, str):
        return False
    loaded = load(name, text)
    if any(_names_us(document.data) for document in loaded.documents):
        return True
    written = re.search(r"^\s*[\"']?apiVersion[\"']?\s*:\s*[\"']?baseten-jobs/", text, re.M)
    return name.endswith(ENDINGS) and bool(loaded.diagnostics) and written is not None


def _names_us(data: object) -> bool:
    version = data.get("apiVersion") if isinstance(data, dict) else None
    return isinstance(version, str) and version.startswith("baseten-jobs/")


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
