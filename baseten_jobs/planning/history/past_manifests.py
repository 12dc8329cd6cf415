"""A file's bytes, of any age -> the manifests that it holds, or may hold where it can't be read."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from baseten_jobs.job.content import Workspace, written_in
from baseten_jobs.job.identity import SHOWN, Identity, Origin, digest_of
from baseten_jobs.job.observation import ObservedProject
from baseten_jobs.job.run_limits import RunLimits, run_limits
from baseten_jobs.manifest.chains.entries import Entry, entries
from baseten_jobs.manifest.defaults.reading import Read, Refused
from baseten_jobs.manifest.document import MAX_BYTES, Document, Loaded, decode, load
from baseten_jobs.manifest.schema.fields import DEFAULTS, POLICY, SUPPORTED

Key = TypeVar("Key")
Value = TypeVar("Value")


_NO_ORIGINS: Mapping[int, Origin] = MappingProxyType({})


def _not_known() -> None:
    """The runs that a manifest loads from, where nobody looked for them."""


@dataclass(frozen=True)
class PastManifest:
    """A manifest as a file held it: its name, its project and its spec; and the digest of its code, once that is known.

    It `loads` the checkpoints of other manifests' runs, which are its `origins`; it `adopts` a job of this id, which
    runs the spec of this digest.
    Many are read for their names alone, so a spec is hashed when its digest is first asked for.
    """

    name: str
    project: str | None
    project_id: str | None
    team: str | None
    attempt: int
    spec: Mapping[str, Any]
    api_version: str
    suspended: bool = False
    limits: RunLimits | None = None
    workspace: Workspace | None = None
    adopts: tuple[str, str] | None = None
    content: str | None = None
    loads: tuple[Entry, ...] = ()
    origins: Callable[[], Mapping[int, Origin] | None] = field(default=_not_known, compare=False, repr=False)

    @cached_property
    def digest(self) -> str:
        """The digest of spec and code; empty for a spec that can't be hashed, and was never submitted.

        It is empty, too, for one that loads a checkpoint of another manifest's job, if the `origins` can't be told.
        """
        origins = self.origins() if self.loads else _NO_ORIGINS
        if origins is None:
            return ""
        try:
            return digest_of(self.spec, self.api_version, self.content, origins)
        except (TypeError, ValueError, LookupError):  # a value that JSON does not know, or no list of checkpoints
            return ""

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


@dataclass(frozen=True)
class PastFile:
    """What a file of any age holds. Where it can't be read whole, it may hold any of its `words` as a name too.

    If `any_name` is True, it may hold every name: what can't be read would have become manifests whose names do not
    stand in the text.
    """

    manifests: tuple[PastManifest, ...] = ()
    words: frozenset[str] = frozenset()
    any_name: bool = False

    @property
    def whole(self) -> bool:
        return not self.words and not self.any_name

    @cached_property
    def places(self) -> frozenset[object]:
        return frozenset(written.place for written in self.manifests)

    @cached_property
    def _by_name(self) -> Mapping[str, tuple[PastManifest, ...]]:
        return grouped((written.name, written) for written in self.manifests)

    @cached_property
    def loading(self) -> bool:
        """True if any manifest loads a checkpoint of another one's job."""
        return any(written.loads for written in self.manifests)

    def found_by(self, find: Callable[[PastManifest], Mapping[int, Origin] | None]) -> "PastFile":
        """The same file, in which `find` returns the origins of each manifest that has any."""
        return replace(
            self,
            manifests=tuple(
                replace(each, origins=partial(find, each)) if each.loads else each for each in self.manifests
            ),
        )

    @property
    def names(self) -> Iterable[str]:
        """The names of the manifests that could be read, each once."""
        return self._by_name

    def named(self, name: str) -> tuple[PastManifest, ...]:
        return self._by_name.get(name, ())

    def may_hide(self, name: str) -> bool:
        """True if the part that can't be read may be a manifest of this name."""
        return self.any_name or name in self.words

    def may_hold(self, name: str, whose: Callable[[PastManifest], bool]) -> bool:
        """True if the file holds a manifest of this name, or may."""
        return any(whose(written) for written in self.named(name)) or self.may_hide(name)


def grouped(pairs: Iterable[tuple[Key, Value]]) -> Mapping[Key, tuple[Value, ...]]:
    found: dict[Key, list[Value]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in found.items()}


class _Part(NamedTuple):
    """The manifests in a part of a file; `whole` is False if it may be others too, `broken` if it is not YAML.

    `heirs` are documents that extend other files: what they come to depends on these.
    """

    manifests: tuple[PastManifest, ...] = ()
    whole: bool = True
    any_name: bool = False
    broken: bool = False
    heirs: tuple[Document, ...] = ()


_MARKER = re.compile(r"^(?=---(?:\s|\Z))", re.MULTILINE)
_WORD = re.compile(rb"[a-z0-9-]+")
_OPEN = "${{"
_EXPANDS = re.compile(rf"\bmatrix\b|{re.escape(_OPEN)}")
_GROUP = "baseten-jobs/"


def alone(path: str, by: str) -> Loaded:
    """Reads no base: what a file extends is not known."""
    raise Refused("is not known")


class PastFiles:
    """Reads the bytes of files; each document's text is read once, however many files and revisions have it."""

    def __init__(self) -> None:
        self._parts: dict[str, _Part] = {}

    def read(self, path: str, raw: bytes, read_base: Read = alone) -> PastFile:
        """What a file holds, as far as it can be read; `read_base` reads what it extends."""
        text = decode(path, raw) if len(raw) <= MAX_BYTES else None
        if not isinstance(text, str):
            return PastFile((), _words(raw), _may_expand(raw.decode("latin-1")))
        parts = [self._part(path, each) for each in _MARKER.split(text) if each]
        if any(part.broken for part in parts):
            parts = [self._part(path, text)]
        parts = [_grown(part, path, read_base) if part.heirs else part for part in parts]
        manifests = tuple(written for part in parts for written in part.manifests)
        if manifests and all(part.whole for part in parts):
            return PastFile(manifests)
        return PastFile(manifests, _words(raw), any(part.any_name for part in parts))

    def _part(self, path: str, text: str) -> _Part:
        if text not in self._parts:
            self._parts[text] = _part(path, text)
        return self._parts[text]


def _part(path: str, text: str) -> _Part:
    loaded = load(path, text)
    ours = tuple(document for document in loaded.documents if _is_ours(document.data))
    jobs = [document for document in ours if document.data.get("kind") not in (DEFAULTS, POLICY)]
    heirs = tuple(document for document in jobs if "extends" in document.data)
    manifests, every = _manifests(document for document in jobs if "extends" not in document.data)
    broken = any(problem.rule != "empty-file" for problem in loaded.diagnostics)
    unread = not every or (broken and "apiVersion" in text)
    whole = not unread and not broken and len(ours) == len(loaded.documents)
    return _Part(manifests, whole, unread and _may_expand(text), broken, heirs)


def _grown(part: _Part, path: str, read_base: Read) -> _Part:
    """The part with the manifests that its heirs come to."""
    from baseten_jobs.manifest.defaults.inheritance import inherited

    made = inherited((replace(document, path=path) for document in part.heirs), read_base)
    manifests, every = _manifests(made.documents)
    every = every and not made.unfit
    any_name = part.any_name or (not every and any(each.templated or "matrix" in each.data for each in part.heirs))
    return _Part((*part.manifests, *manifests), part.whole and every, any_name)


def _manifests(documents: Iterable[Document]) -> tuple[tuple[PastManifest, ...], bool]:
    """The manifests that documents expand to, as far as they can be read, and whether these are all."""
    documents, unfit = tuple(documents), False
    if any(document.templated or "matrix" in document.data for document in documents):
        from baseten_jobs.manifest.matrix.expansion import expanded

        expansion = expanded(documents)
        documents, unfit = expansion.documents, bool(expansion.unfit)
    found = [_written(document.data) for document in documents]
    manifests = tuple(written for written in found if written and _OPEN not in written.name)
    return manifests, not unfit and len(manifests) == len(found)


def _words(raw: bytes) -> frozenset[str]:
    return frozenset(word.decode() for word in _WORD.findall(raw))


def _may_expand(text: str) -> bool:
    """True if a text may be a manifest of ours whose names do not stand in it as they are."""
    return _EXPANDS.search(text) is not None and "apiVersion" in text


def _is_ours(data: Any) -> bool:
    version = data.get("apiVersion") if isinstance(data, dict) else None
    return isinstance(version, str) and version.startswith(_GROUP)


def _written(data: Any) -> PastManifest | None:
    metadata, spec, policy = (data.get(section) for section in ("metadata", "spec", "policy"))
    if not isinstance(metadata, dict) or not isinstance(spec, dict) or data.get("apiVersion") not in SUPPORTED:
        return None
    try:
        workspace = written_in(spec)
    except (TypeError, ValueError):  # no workspace: never submitted
        return None
    if workspace and not all(isinstance(text, str) for text in workspace.texts):
        return None
    attempt = metadata.get("attempt")
    return PastManifest(
        name=str(metadata.get("name")),
        project=_text(metadata.get("project")),
        project_id=_text(metadata.get("project_id")),
        team=_text(metadata.get("team")),
        attempt=attempt if isinstance(attempt, int) else 1,
        spec=spec,
        api_version=data["apiVersion"],
        suspended=isinstance(policy, dict) and policy.get("suspend") is True,
        limits=_limits(policy),
        workspace=workspace,
        adopts=_adopted(metadata.get("adopts")),
        loads=tuple(entries(data)),
    )


def _limits(policy: Any) -> RunLimits | None:
    """The limits of a policy of any age; none where they can't be read."""
    try:
        return run_limits(policy) if isinstance(policy, dict) else None
    except (TypeError, ValueError):
        return None


def _adopted(adopts: Any) -> tuple[str, str] | None:
    job, digest = (adopts.get("job"), adopts.get("digest")) if isinstance(adopts, dict) else (None, None)
    return (job, digest) if isinstance(job, str) and isinstance(digest, str) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
