"""`spec.workspace` of a manifest -> which files it takes; files -> the digest of their contents."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from baseten_jobs.manifest.normalisation import workspace_of

_SCHEME = b"baseten-jobs workspace 1"
MAX_BYTES = 5 << 30
"""The most bytes that an archive may have; Baseten's own client refuses a larger one, too."""


@dataclass(frozen=True)
class Workspace:
    """Which files are uploaded: `root` and `external` are relative to the manifest, patterns are those of gitignore."""

    root: str = "."
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    external: tuple[str, ...] = ()
    outside: bool = False

    @property
    def texts(self) -> tuple[str, ...]:
        return (self.root, *self.include, *self.exclude, *self.external)


def written_in(spec: Mapping[str, Any]) -> Workspace | None:
    """The workspace of a spec that the schema accepts."""
    if spec.get("workspace") is None:
        return None
    written = workspace_of(spec["workspace"])
    lists = {name: tuple(written.get(name) or ()) for name in ("include", "exclude", "external")}
    return Workspace(written.get("root") or ".", outside=bool(written.get("outside")), **lists)


@dataclass(frozen=True, slots=True)
class File:
    """One file or symbolic link of an archive: `path` in it, with '/', and `source` on the disk.

    `sha256` has 64 hex digits: of a file's content, or of a link's `target`. Files have no target.
    """

    path: str
    source: str = field(compare=False)
    size: int
    executable: bool
    sha256: str
    target: str | None = None


@dataclass(frozen=True)
class Content:
    """All files of a workspace, in the archive's order; `root` is its folder as the manifest names it.

    `outside` are the folders, as the manifest names them, that lie outside of the manifest's repository, or of its
    folder where it is in no repository.
    """

    root: str
    files: tuple[File, ...] = field(repr=False)
    outside: tuple[str, ...] = ()

    @cached_property
    def digest(self) -> str:
        return content_digest(self.files)

    @cached_property
    def paths(self) -> frozenset[str]:
        return frozenset(file.path for file in self.files)

    @property
    def size(self) -> int:
        """The size of all files together, in bytes."""
        return sum(file.size for file in self.files)

    def largest(self, count: int = 5) -> tuple[File, ...]:
        return tuple(sorted(self.files, key=lambda file: (-file.size, file.path))[:count])


def content_digest(files: Iterable[File]) -> str:
    """SHA-256 over path, kind and content of every file, sorted and length-delimited; 64 hex digits.

    Changing times, owners, the rest of the mode or the order of the files does not change it.
    """
    total = hashlib.sha256(_SCHEME)
    for path, kind, digest in sorted(map(_meaning, files)):
        for part in (path, kind, digest):
            total.update(len(part).to_bytes(8, "big"))
            total.update(part)
    return total.hexdigest()


def _meaning(file: File) -> tuple[bytes, bytes, bytes]:
    kind = b"link" if file.target is not None else b"executable" if file.executable else b"file"
    return file.path.encode("utf-8"), kind, bytes.fromhex(file.sha256)
