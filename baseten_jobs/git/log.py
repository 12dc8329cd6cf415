"""What `git log` prints -> commits, and the changes of files in them."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

_LAST = 253_402_300_799 - 86_400
"""The end of the year 9999, a day earlier: no zone moves it past what a date can hold."""

SUBMODULE = "160000"

_RECORD = "\x01"
LOG_FORMAT = f"{_RECORD}%H%x00%P%x00%an%x00%ct"
"""What `git log` is to print of a commit, in front of its raw, NUL-terminated changes."""


_BEGIN = re.compile(f"(?<![^\0]){_RECORD}(?=[0-9a-f]{{40,64}}\0)")
"""A record follows a NUL; an author's name may hold anything but that, and git strips what it begins with."""


@dataclass(frozen=True)
class Revision:
    """A commit that holds a manifest: its full hash, author, committer date (ISO 8601, UTC), and the path there."""

    commit: str
    author: str
    date: str
    path: str


class Version(NamedTuple):
    """A file as a commit has it; where there are several `commits`, the parents of a merge, one of them has it so."""

    commits: tuple[str, ...]
    path: str
    blob: str


@dataclass(frozen=True)
class FileChange:
    """One file in one commit, beside one of its `parents`; `order` counts commits from the newest, at 0.

    `before` and `after` are the names of blobs; None if there was no file.
    """

    revision: Revision
    order: int
    parents: tuple[str, ...]
    before: str | None
    after: str | None
    path_before: str

    @property
    def merge(self) -> bool:
        return len(self.parents) > 1

    @property
    def old(self) -> Version | None:
        return None if self.before is None else Version(self.parents, self.path_before, self.before)

    @property
    def new(self) -> Version | None:
        return None if self.after is None else Version((self.revision.commit,), self.revision.path, self.after)


def parse_log(text: str) -> tuple[FileChange, ...]:
    """The changes of a `git log --raw -z` in LOG_FORMAT, newest first."""
    changes: list[FileChange] = []
    commits: dict[str, int] = {}
    for record in _BEGIN.split(text)[1:]:
        commit, parents, author, date, *rest = record.split("\0")
        order = commits.setdefault(commit, len(commits))
        tokens = iter(rest)
        for token in tokens:
            if not (token := token.strip("\n")).startswith(":"):
                continue
            mode_before, mode, before, after, status = token.split(" ")
            first = next(tokens)
            path = next(tokens) if status[0] in "RC" else first
            changes.append(
                FileChange(
                    Revision(commit, author, _date(date), path), order, tuple(parents.split()),
                    _blob(before, mode_before.removeprefix(":")), _blob(after, mode),
                    first if status[0] == "R" else path,
                )
            )  # fmt: skip
    return tuple(changes)


def parse_commits(text: str) -> tuple[Revision, ...]:
    """The commits of a `git log -z` in LOG_FORMAT, newest first."""
    records = (record.split("\0") for record in _BEGIN.split(text)[1:])
    return tuple(Revision(commit, author, _date(date), "") for commit, _, author, date, *_ in records)


def subject_of(commit: bytes) -> str:
    """The first paragraph of a commit's message, in one line; bytes that are not of its encoding are replaced."""
    head, _, message = commit.partition(b"\n\n")
    named = (line.removeprefix(b"encoding ") for line in head.split(b"\n") if line.startswith(b"encoding "))
    first = message.lstrip(b"\n").partition(b"\n\n")[0]
    try:
        text = first.decode(next(named, b"utf-8").decode("ascii", "replace"), "replace")
    except (LookupError, ValueError):
        text = first.decode("utf-8", "replace")
    return " ".join(text.split())


def _date(seconds: str) -> str:
    """ISO 8601, in UTC, of git's count of seconds; one outside of 1970 to 9999, which a commit may hold, is clamped."""
    epoch = int(seconds) if seconds.strip().lstrip("-").isdecimal() else 0
    return datetime.fromtimestamp(min(max(epoch, 0), _LAST), UTC).isoformat()


def _blob(name: str, mode: str) -> str | None:
    """None for the zeros that stand for an absent file, and for a submodule."""
    return None if name.strip("0") == "" or mode == SUBMODULE else name
