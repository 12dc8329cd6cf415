"""Versions of files -> what they hold, each content compiled at most once; and the manifests of many, by name."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING

from baseten_jobs.git.log import FileChange, Version
from baseten_jobs.job.identity import Origin
from baseten_jobs.planning.history.bases import EXTENDS, Bases, with_followers, with_heirs
from baseten_jobs.planning.history.past_manifests import PastFile, PastFiles, PastManifest, grouped

if TYPE_CHECKING:
    from baseten_jobs.planning.history.upstreams import Upstreams

_MARK = b"baseten-jobs/"
_LOADS = (b"checkpoints", b"manifest")
"""What a file holds that names other manifests in its checkpoints, or those of its heirs."""
_NO_FILE = PastFile()


class Contents:
    """What versions of files hold. `read` gives the bytes of some blobs, in their order; `bases` what files extend."""

    def __init__(self, read: Callable[[Sequence[str]], Iterable[bytes]], bases: Bases | None = None) -> None:
        self._read, self.bases = read, bases or Bases()
        self._raw: dict[str, bytes] = {}
        self._files = PastFiles()
        self._held: dict[object, PastFile] = {}
        self._found: dict[tuple[object, Version], PastFile] = {}
        self.upstreams: Upstreams | None = None

    def fetch(self, versions: Iterable[Version | None]) -> None:
        """Read the blobs that were not read yet, all at once."""
        wanted = dict.fromkeys(each.blob for each in versions if each is not None and each.blob not in self._raw)
        for blob, raw in zip(wanted, self._read(tuple(wanted)), strict=True):
            self._raw[blob] = raw if _MARK in raw else b""

    def add(self, version: Version, raw: bytes) -> None:
        """Add bytes that are no blob of git, under a name of their own in the place of a blob's."""
        self._raw[version.blob] = raw if _MARK in raw else b""

    def is_about_manifests(self, version: Version | None) -> bool:
        """False for a version that can't hold a manifest: no manifest is without its `apiVersion`."""
        if version is None:
            return False
        if version.blob not in self._raw:
            self.fetch((version,))
        return bool(self._raw[version.blob])

    def key(self, version: Version | None) -> object:
        """What the manifests of a version are made from, so that versions of one key hold the same.

        Its blob, those of what it extends, and the digests of manifests that load checkpoints of others' jobs.
        """
        file, key = self.held(version), self._key(version)
        return (key, *(each.digest for each in file.manifests if each.loads)) if file.loading else key

    def _key(self, version: Version | None) -> object:
        if version is None or EXTENDS not in (raw := self.raw(version)):
            return version and version.blob
        return version.blob, *self.bases.blobs(version, raw)

    def raw(self, version: Version | None) -> bytes:
        """The bytes of a version; none of one that is not about manifests."""
        return self._raw[version.blob] if version and self.is_about_manifests(version) else b""

    def with_heirs(self, changes: Sequence[FileChange]) -> tuple[FileChange, ...]:
        """The changes, and those that a change of Defaults makes of the manifests which extend them."""
        return with_heirs(changes, self.raw, self.bases)

    def with_stages(self, changes: Sequence[FileChange]) -> tuple[FileChange, ...]:
        """The changes, and those that a change of one manifest makes of those which load its job's checkpoints."""
        versions = [each for change in changes for each in (change.old, change.new) if each is not None]
        if not any(all(word in self.raw(version) for word in _LOADS) for version in versions):
            return tuple(changes)
        loading: dict[str, set[str]] = {}
        for version in versions:
            for written in self.held(version).manifests:
                for entry in written.loads:
                    loading.setdefault(entry.name, set()).add(version.path)
        followers: dict[str, set[str]] = {}
        for version in versions:
            for name in self.held(version).names:
                followers.setdefault(version.path, set()).update(loading.get(name, ()))
        return with_followers(changes, followers, self.bases)

    def held(self, version: Version | None) -> PastFile:
        """What a version holds: this is the one place where a revision is compiled."""
        if version is None or not self.is_about_manifests(version):
            return _NO_FILE
        key = self._key(version)
        if key not in self._held:
            self._held[key] = self._files.read(version.path, self._raw[version.blob], self.bases.reader(version))
        file = self._held[key]
        if not file.loading:
            return file
        if (key, version) not in self._found:
            self._found[key, version] = file.found_by(partial(self._origins, version))
        return self._found[key, version]

    def _origins(self, version: Version, written: PastManifest) -> Mapping[int, Origin] | None:
        return self.upstreams.of(version, written) if self.upstreams else None

    def held_in(self, version: Version, raw: bytes) -> PastFile:
        """What a version holds whose bytes were read already."""
        if version.blob not in self._raw:
            self.add(version, raw)
        return self.held(version)


class Holdings:
    """What several files hold together, by name."""

    def __init__(self, files: Iterable[PastFile]) -> None:
        self.files = tuple(files)

    @cached_property
    def _by_name(self) -> Mapping[str, tuple[PastManifest, ...]]:
        return grouped((written.name, written) for file in self.files for written in file.manifests)

    @cached_property
    def _by_digest(self) -> Mapping[str, tuple[PastManifest, ...]]:
        return grouped((written.identity.digest, written) for file in self.files for written in file.manifests)

    @cached_property
    def _unread(self) -> tuple[PastFile, ...]:
        return tuple(file for file in self.files if not file.whole)

    @property
    def names(self) -> Iterable[str]:
        return self._by_name

    def named(self, name: str) -> tuple[PastManifest, ...]:
        return self._by_name.get(name, ())

    def of_digest(self, digest: str) -> tuple[PastManifest, ...]:
        """The manifests whose spec has this digest, as it stands in the names of jobs."""
        return self._by_digest.get(digest, ())

    def may_hold(self, name: str, whose: Callable[[PastManifest], bool]) -> bool:
        """True if a file holds a manifest of this name, or may: it can't be read whole."""
        return any(map(whose, self.named(name))) or any(file.may_hide(name) for file in self._unread)
