"""A file's bytes, of any age -> the manifests that it holds, as far as they can be read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from baseten_jobs.identity import SHOWN, Identity, digest_of
from baseten_jobs.manifest import MAX_BYTES, decode, load
from baseten_jobs.observation import ObservedProject
from baseten_jobs.shape import SUPPORTED


@dataclass(frozen=True)
class Written:
    """A manifest as a file held it: enough to tell whose it is and what it means."""

    name: str
    project: str | None
    project_id: str | None
    team: str | None
    attempt: int
    digest: str
    spec: Mapping[str, Any]
    api_version: str

    @property
    def identity(self) -> Identity:
        return Identity(self.name, self.digest[:SHOWN], self.attempt)

    def belongs_to(self, project: ObservedProject) -> bool:
        """Whether this is a manifest of that project; several teams may have one of its name."""
        if self.project_id is not None:
            return self.project_id == project.id
        return self.project == project.name and (self.team is None or project.team in (None, self.team))


def manifests_in(path: str, raw: bytes) -> tuple[Written, ...]:
    """The manifests that a file of any age holds, as far as they can be read; never raises."""
    text = decode(path, raw) if len(raw) <= MAX_BYTES else None
    if not isinstance(text, str):
        return ()
    return tuple(w for document in load(path, text).documents if (w := _written(document.data)))


def reads_whole(raw: bytes) -> bool:
    """Whether every document of a file is a manifest that can be read: only then is a name's absence one."""
    text = decode("", raw) if len(raw) <= MAX_BYTES else None
    if not isinstance(text, str):
        return False
    loaded = load("", text)
    return not loaded.diagnostics and all(_written(document.data) for document in loaded.documents)


def _written(data: Any) -> Written | None:
    metadata = data.get("metadata") if isinstance(data, dict) else None
    spec = data.get("spec") if isinstance(data, dict) else None
    if not isinstance(metadata, dict) or not isinstance(spec, dict) or data.get("apiVersion") not in SUPPORTED:
        return None
    name, attempt = metadata.get("name"), metadata.get("attempt")
    try:
        digest = digest_of(spec, data["apiVersion"])
    except TypeError:  # a value that JSON does not know: never submitted
        return None
    return Written(
        name=str(name),
        project=metadata.get("project"),
        project_id=metadata.get("project_id"),
        team=metadata.get("team"),
        attempt=attempt if isinstance(attempt, int) else 1,
        digest=digest,
        spec=spec,
        api_version=data["apiVersion"],
    )
