"""A file's bytes, of any age -> the manifests that it holds, as far as they can be read."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from baseten_jobs.job.content import Workspace, written_in
from baseten_jobs.job.identity import SHOWN, Identity, digest_of
from baseten_jobs.job.observation import ObservedProject
from baseten_jobs.manifest.document import MAX_BYTES, decode, load
from baseten_jobs.manifest.schema.fields import SUPPORTED


@dataclass(frozen=True)
class PastManifest:
    """A manifest as a file held it: its identity, its project and its spec, without the code of its workspace."""

    name: str
    project: str | None
    project_id: str | None
    team: str | None
    attempt: int
    digest: str
    spec: Mapping[str, Any]
    api_version: str
    suspended: bool = False
    workspace: Workspace | None = None

    @property
    def place(self) -> tuple[str, str | None, str | None, str | None]:
        """The name and the project, as written: what is equal for all revisions of one manifest."""
        return self.name, self.project, self.project_id, self.team

    def shares_place(self, other: "PastManifest") -> bool:
        return self.place == other.place

    @property
    def identity(self) -> Identity:
        return Identity(self.name, self.digest[:SHOWN], self.attempt)

    def belongs_to(self, project: ObservedProject) -> bool:
        """True if this is a manifest of that project; several teams may have a project of one name."""
        if self.project_id is not None:
            return self.project_id == project.id
        return self.project == project.name and (self.team is None or project.team in (None, self.team))


def manifests_in(path: str, raw: bytes) -> tuple[PastManifest, ...]:
    """The manifests that a file of any age holds, as far as they can be read; never raises."""
    text = decode(path, raw) if len(raw) <= MAX_BYTES else None
    if not isinstance(text, str):
        return ()
    return tuple(w for document in load(path, text).documents if (w := _written(document.data)))


def _reads_whole(raw: bytes) -> bool:
    """True if every document of a file is a manifest that can be read; if not, it may hold any name."""
    text = decode("", raw) if len(raw) <= MAX_BYTES else None
    if not isinstance(text, str):
        return False
    loaded = load("", text)
    return not loaded.diagnostics and all(_written(document.data) for document in loaded.documents)


def _written(data: Any) -> PastManifest | None:
    metadata = data.get("metadata") if isinstance(data, dict) else None
    spec = data.get("spec") if isinstance(data, dict) else None
    if not isinstance(metadata, dict) or not isinstance(spec, dict) or data.get("apiVersion") not in SUPPORTED:
        return None
    attempt, policy = metadata.get("attempt"), data.get("policy")
    try:
        digest, workspace = digest_of(spec, data["apiVersion"]), written_in(spec)
    except (TypeError, ValueError):  # a value that JSON does not know, or no workspace: never submitted
        return None
    if workspace and not all(isinstance(text, str) for text in workspace.texts):
        return None
    return PastManifest(
        name=str(metadata.get("name")),
        project=_text(metadata.get("project")),
        project_id=_text(metadata.get("project_id")),
        team=_text(metadata.get("team")),
        attempt=attempt if isinstance(attempt, int) else 1,
        digest=digest,
        spec=spec,
        api_version=data["apiVersion"],
        suspended=isinstance(policy, dict) and policy.get("suspend") is True,
        workspace=workspace,
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


_MARK = b"baseten-jobs/"
_PLACING = re.compile(rb"^.*(?:metadata|project|name|team|apiVersion|---|<<|[:\-\[,{]\s*[&*]\w).*$", re.MULTILINE)
"""Matches the lines that can decide whose manifests a file holds."""


class Contents:
    """The manifests that blobs hold; each blob is read once, and compiled at most once.

    `read` gives the bytes of some blobs, in their order.
    """

    def __init__(self, read: Callable[[Sequence[str]], Iterable[bytes]]) -> None:
        self._read = read
        self._raw: dict[str, bytes] = {}
        self._compiled: dict[str, tuple[PastManifest, ...]] = {}

    def fetch(self, blobs: Iterable[str | None]) -> None:
        """Read the blobs that were not read yet, all at once."""
        wanted = [blob for blob in dict.fromkeys(blobs) if blob is not None and blob not in self._raw]
        for blob, raw in zip(wanted, self._read(wanted), strict=True):
            self._raw[blob] = raw if _MARK in raw else b""

    def add(self, name: str, raw: bytes) -> None:
        """Add bytes that are no blob of git, under a name of their own."""
        self._raw[name] = raw if _MARK in raw else b""

    def mentions(self, blob: str | None, name: str = "") -> bool:
        """True if a blob may hold a manifest, and mentions this name: searched as text, which is quick."""
        if blob is None:
            return False
        if blob not in self._raw:
            self.fetch((blob,))
        raw = self._raw[blob]
        if not raw or name.encode() not in raw:
            return False
        return not name or re.search(rb"(?<![a-z0-9-])%b(?![a-z0-9-])" % re.escape(name.encode()), raw) is not None

    def manifests(self, blob: str | None) -> tuple[PastManifest, ...]:
        if blob is None or not self.mentions(blob):
            return ()
        if blob not in self._compiled:
            self._compiled[blob] = manifests_in(blob, self._raw[blob])
        return self._compiled[blob]

    def may_hold(self, blob: str | None, name: str, whose: Callable[[PastManifest], bool]) -> bool:
        """True if a blob holds a manifest of this name, or may: it mentions the name, and can't be read whole."""
        if blob is None or not self.mentions(blob, name):
            return False
        return any(w.name == name and whose(w) for w in self.manifests(blob)) or not _reads_whole(self._raw[blob])

    def placing(self, blob: str | None) -> tuple[bytes, ...]:
        """The lines of a blob that can decide whose manifests it holds: if two blobs have equal ones, so are these."""
        return tuple(_PLACING.findall(self._raw[blob])) if blob is not None and self.mentions(blob) else ()
