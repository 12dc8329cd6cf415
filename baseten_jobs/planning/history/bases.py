"""A version of a file -> the Defaults that it extends, as its own commit has them."""

import hashlib
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import NamedTuple

from baseten_jobs.git.log import FileChange, Version
from baseten_jobs.manifest.defaults.reading import DEEPEST, Read, Refused
from baseten_jobs.manifest.document import Loaded, decode, load
from baseten_jobs.manifest.schema.fields import DEFAULTS

EXTENDS, _DEFAULTS = b"extends", DEFAULTS.encode()
"""What a file holds that extends another, and one that is extended."""


class Held(NamedTuple):
    """The name of a blob, and its bytes."""

    blob: str
    raw: bytes


ReadAt = Callable[[Sequence[str]], Iterable[Held | None]]
"""Names such as `<commit>:<path>` -> what they name, None for what is not there."""


class Bases:
    """Reads what versions of files extend; each file of a commit is read once. Every method may raise NotWhole.

    Files of no commit are read by `read_here`, but for those of a `newer` commit, which are given by their paths.
    """

    def __init__(
        self,
        read_at: ReadAt = lambda names: [None] * len(names),
        read_here: Callable[[str], bytes | None] = lambda path: None,
    ) -> None:
        self._read_at, self._read_here = read_at, read_here
        self.newer: Mapping[str, bytes] = {}
        self._known: dict[tuple[str, str], Held | None] = {}

    def reader(self, version: Version) -> Read:
        """What reads the bases of one version."""

        def read(path: str, by: str) -> Loaded:
            found = self.at(version, path)
            text = decode(path, found.raw) if found else None
            if not isinstance(text, str):
                raise Refused("is not there")
            return load(path, text)

        return read

    def blobs(self, version: Version, raw: bytes) -> tuple[str, ...]:
        """The names of all blobs that this version extends, in turn; what is not there has an empty one."""
        found: dict[str, str] = {}
        pending = [(path, 1) for path in targets(version.path, raw)]
        while pending:
            path, depth = pending.pop()
            if path in found:
                continue
            base = self.at(version, path)
            found[path] = base.blob if base else ""
            if base is not None and depth < DEEPEST:
                pending += ((each, depth + 1) for each in targets(path, base.raw))
        return tuple(f"{path}:{blob}" for path, blob in sorted(found.items()))

    def at(self, version: Version, path: str) -> Held | None:
        """A file beside a version, in its commit; of the parents of a merge in the one that has the version so."""
        if not version.commits:
            raw = self.newer.get(path)
            raw = self._read_here(path) if raw is None else raw
            return None if raw is None else Held(hashlib.sha256(raw).hexdigest(), raw)
        commit = self.commit_of(version)
        return self._in(commit, path) if commit else None

    def commit_of(self, version: Version) -> str | None:
        """The commit that has this version; None for one of no commit, and if no parent of a merge has it so."""
        if len(version.commits) == 1:
            return version.commits[0]
        found = ((commit, self._in(commit, version.path)) for commit in version.commits)
        return next((commit for commit, own in found if own is not None and own.blob == version.blob), None)

    def fetch(self, places: Iterable[tuple[str, str]]) -> None:
        """Read these files of commits, all at once."""
        wanted = [place for place in dict.fromkeys(places) if place not in self._known and _can_be_asked(place[1])]
        found = self._read_at([f"{commit}:{path}" for commit, path in wanted])
        self._known |= zip(wanted, found, strict=True)

    def _in(self, commit: str, path: str) -> Held | None:
        self.fetch([(commit, path)])
        return self._known.get((commit, path))


def _can_be_asked(path: str) -> bool:
    """False for a path that git would not take for one of the commit's own, or not for one line."""
    return "\n" not in path and path.encode("utf-8", "ignore").decode() == path and not path.startswith(("../", "/"))


@cache
def targets(path: str, raw: bytes) -> tuple[str, ...]:
    """The paths that the documents of a file extend."""
    text = decode(path, raw) if EXTENDS in raw else None
    if not isinstance(text, str):
        return ()
    named = (each.data.get("extends") for each in load(path, text).documents if isinstance(each.data, dict))
    folder = posixpath.dirname(path)
    return tuple(posixpath.normpath(posixpath.join(folder, each)) for each in named if isinstance(each, str) and each)


def with_heirs(
    changes: Sequence[FileChange], raw: Callable[[Version | None], bytes], bases: Bases
) -> tuple[FileChange, ...]:
    """The changes, and for each one of Defaults those that it makes of the manifests that extend them.

    Such a change has the same blob before and after; what the two extend differs. `raw` gives a version's bytes.
    """
    if not any(_DEFAULTS in raw(each) for change in changes for each in (change.old, change.new)):
        return tuple(changes)
    heirs: dict[str, set[str]] = {}
    for change in changes:
        for version in (change.old, change.new):
            for base in targets(version.path, raw(version)) if version else ():
                heirs.setdefault(base, set()).add(version.path if version else "")
    return with_followers(changes, heirs, bases)


def with_followers(
    changes: Sequence[FileChange], followers: Mapping[str, set[str]], bases: Bases
) -> tuple[FileChange, ...]:
    """The changes, and for each one of a file that others follow one of these, in the same commit.

    Such a change has the same blob before and after. `followers` has, by its path, the files that follow one directly.
    """
    own = {(change.revision.commit, change.revision.path) for change in changes}
    made = [
        (at, path)
        for at, change in enumerate(changes)
        for path in sorted(_all_after(change.revision.path, followers))
        if (change.revision.commit, path) not in own
    ]
    bases.fetch((changes[at].revision.commit, path) for at, path in made)
    further: dict[int, list[FileChange]] = {}
    for at, path in made:
        change = changes[at]
        place = Version((change.revision.commit,), path, "")
        if (now := bases.at(place, path)) is not None:
            revision = replace(change.revision, path=path)
            heir = replace(change, revision=revision, before=now.blob, after=now.blob, path_before=path)
            further.setdefault(at, []).append(heir)
    return tuple(_in_turn(changes, further))


def _in_turn(changes: Sequence[FileChange], further: dict[int, list[FileChange]]) -> Iterator[FileChange]:
    for at, change in enumerate(changes):
        yield change
        yield from further.get(at, ())


def _all_after(path: str, followers: Mapping[str, set[str]]) -> set[str]:
    """The files that follow this one, or one that does."""
    found: set[str] = set()
    pending = [path]
    while pending:
        new = followers.get(pending.pop(), set()) - found
        found |= new
        pending += new
    return found
