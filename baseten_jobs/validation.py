"""Paths -> requests and diagnostics: what `validate` and `render` need, without a word to the network."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from baseten_jobs import manifest, rules, schema
from baseten_jobs.diagnostics import Diagnostic, has_errors, in_order, made_strict
from baseten_jobs.manifest import Document
from baseten_jobs.overrides import Override, laid_over
from baseten_jobs.request import JobRequest, compile_request
from baseten_jobs.sources import read_sources


@dataclass(frozen=True)
class Compiled:
    """Everything that the files say: requests only where no diagnostic is an error."""

    documents: tuple[Document, ...]
    requests: tuple[JobRequest, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def valid(self) -> bool:
        return not has_errors(self.diagnostics)

    def named(self, names: Sequence[str]) -> tuple["Compiled", tuple[str, ...]]:
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


def validate(paths: Sequence[str], stdin: BinaryIO, strict: bool, overrides: Sequence[Override] = ()) -> Compiled:
    """All diagnostics of all files: what the schema says of each document, and the rules of the rest of it."""
    read = read_sources(paths, stdin)
    loaded = [manifest.load(source.path, source.text) for source in read.sources]
    diagnostics = [*read.diagnostics, *(d for one in loaded for d in one.diagnostics)]
    documents, misfits = laid_over((document for one in loaded for document in one.documents), overrides)
    diagnostics += misfits
    for document in documents:
        found = schema.check(document)
        diagnostics += (*found, *rules.check(document, found))
    diagnostics += rules.check_unique(documents)
    ordered = in_order(made_strict(diagnostics) if strict else diagnostics)
    return Compiled(documents, (), ordered)


def compile_all(paths: Sequence[str], stdin: BinaryIO, strict: bool, overrides: Sequence[Override] = ()) -> Compiled:
    """Validated and, if nothing is wrong anywhere, compiled to requests."""
    checked = validate(paths, stdin, strict, overrides)
    requests = tuple(compile_request(document) for document in checked.documents) if checked.valid else ()
    return Compiled(checked.documents, requests, checked.diagnostics)
