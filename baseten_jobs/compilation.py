"""Paths -> requests and diagnostics: what `validate` and `render` need, without a word to the network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO

from baseten_jobs.manifest import document as manifest
from baseten_jobs.manifest.diagnostics import Diagnostic, has_errors, in_order, made_strict
from baseten_jobs.manifest.document import Document, Loaded
from baseten_jobs.manifest.rules import errors
from baseten_jobs.manifest.rules.confusable_projects import check_lookalikes
from baseten_jobs.manifest.schema import check
from baseten_jobs.manifest.sources import Sources, read_sources

if TYPE_CHECKING:
    from baseten_jobs.job.content import Content
    from baseten_jobs.job.request import JobRequest
    from baseten_jobs.manifest.overrides import Override


@dataclass(frozen=True)
class Compiled:
    """Everything that the files say: requests only where no diagnostic is an error.

    `contents` are what the documents' workspaces hold, by the documents' places.
    """

    documents: tuple[Document, ...]
    requests: tuple[JobRequest, ...]
    diagnostics: tuple[Diagnostic, ...]
    contents: Mapping[int, Content] = field(default_factory=dict, repr=False)

    @property
    def valid(self) -> bool:
        return not has_errors(self.diagnostics)

    def named(self, names: Sequence[str]) -> tuple[Compiled, tuple[str, ...]]:
        """Only the manifests of these names, and the names that none has."""
        kept = [i for i, request in enumerate(self.requests) if request.name in names]
        have = {request.name for request in self.requests}
        only = Compiled(tuple(self.documents[i] for i in kept), tuple(self.requests[i] for i in kept), self.diagnostics)
        return only, tuple(name for name in names if name not in have)

    def ambiguous(self) -> str:
        """A name that several manifests have, with their places, or nothing."""
        for request in self.requests:
            places = [f"{r.path}:{r.line}" for r in self.requests if r.name == request.name]
            if len(places) > 1:
                return f"'{request.name}' ({', '.join(places)})"
        return ""


def validate(
    paths: Sequence[str],
    stdin: BinaryIO,
    strict: bool,
    overrides: Sequence[Override] = (),
    allowed: Sequence[str] = (),
    *,
    only_ours: bool = False,
) -> Compiled:
    """All diagnostics of all files: what the schema says of each document, and the rules of the rest of it.

    `allowed` are folders from which workspaces may take files although they lie outside of their repository. With
    `only_ours` a file that is no file of manifests is passed over, although it was named.
    """
    read, loaded = (_ours if only_ours else _all)(paths, stdin)
    diagnostics = [*read.diagnostics, *(d for one in loaded for d in one.diagnostics)]
    documents = tuple(document for one in loaded for document in one.documents)
    if overrides:
        from baseten_jobs.manifest.overrides import laid_over

        documents, misfits = laid_over(documents, overrides)
        diagnostics += misfits
    unread = {d.position.path for one in loaded for d in one.diagnostics}
    sound = []
    for document in documents:
        found = check.check(document)
        diagnostics += (*found, *errors.check(document, found))
        sound += [] if found or document.path in unread else [document]
    diagnostics += (*errors.check_unique(documents), *check_lookalikes(documents))
    contents, of_trees = _packed(documents, sound, tuple(allowed))
    diagnostics += of_trees
    ordered = in_order(made_strict(diagnostics) if strict else diagnostics)
    return Compiled(documents, (), ordered, contents)


def _all(paths: Sequence[str], stdin: BinaryIO) -> tuple[Sources, Sequence[Loaded]]:
    read = read_sources(paths, stdin)
    return read, [manifest.load(source.path, source.text) for source in read.sources]


def _ours(paths: Sequence[str], stdin: BinaryIO) -> tuple[Sources, Sequence[Loaded]]:
    from baseten_jobs.manifest.ownership import is_ours, may_be_ours

    read = read_sources(paths, stdin, may_be_ours)
    loaded = ((manifest.load(source.path, source.text), source.text) for source in read.sources)
    return read, [one for one, text in loaded if is_ours(one, text)]


def _packed(
    documents: Sequence[Document], sound: Iterable[Document], allowed: tuple[str, ...]
) -> tuple[Mapping[int, Content], tuple[Diagnostic, ...]]:
    """What the workspaces hold, where any document has one."""
    kept = {id(document) for document in sound if document.data["spec"].get("workspace") is not None}
    places = [place for place, document in enumerate(documents) if id(document) in kept]
    if not places:
        return {}, ()
    from baseten_jobs.workspace.pack import pack

    packed = pack((documents[place] for place in places), allowed)
    contents = {place: content for place, content in zip(places, packed.contents, strict=True) if content}
    return contents, packed.diagnostics


def compile_all(
    paths: Sequence[str],
    stdin: BinaryIO,
    strict: bool,
    overrides: Sequence[Override] = (),
    allowed: Sequence[str] = (),
) -> Compiled:
    """Validated and, if nothing is wrong anywhere, compiled to requests."""
    checked = validate(paths, stdin, strict, overrides, allowed)
    if not checked.valid:
        return checked
    from baseten_jobs.job.request import compile_request

    placed = enumerate(checked.documents)
    requests = tuple(compile_request(document, checked.contents.get(place)) for place, document in placed)
    return replace(checked, requests=requests)
