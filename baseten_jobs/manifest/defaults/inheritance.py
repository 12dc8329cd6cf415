"""Documents -> manifests with the Defaults that they extend, read from wherever those lie; and which were used."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from baseten_jobs.manifest.defaults.merge import merged, merged_spot, moved, without_displaced, without_nulls
from baseten_jobs.manifest.defaults.reading import DEEPEST, Read, Refused
from baseten_jobs.manifest.diagnostics import Diagnostic, Severity
from baseten_jobs.manifest.document import Document
from baseten_jobs.manifest.schema.check import check
from baseten_jobs.manifest.schema.fields import DEFAULTS, SUPPORTED, Shape, shape_of
from baseten_jobs.manifest.yaml_reader import Spot
from baseten_jobs.phrases import one_line
from baseten_jobs.secrecy import quoted

SECTIONS = ("metadata", "spec", "policy")


@dataclass(frozen=True)
class Inherited:
    """The manifests of some documents, each with its bases merged in; documents whose bases are wrong are `unfit`.

    `defaults` are those among the documents, `used` the paths of the files that some document extends.
    """

    documents: tuple[Document, ...]
    unfit: tuple[Document, ...] = ()
    defaults: tuple[Document, ...] = ()
    used: frozenset[str] = frozenset()
    diagnostics: tuple[Diagnostic, ...] = ()


def inherited(documents: Iterable[Document], read: Read) -> Inherited:
    """Returns every document that extends none as it is, but for Defaults, which are no manifests."""
    documents = tuple(documents)
    bases = _Bases(read, {posixpath.normpath(document.path): document.path for document in documents})
    kept, unfit, defaults = list[Document](), list[Document](), list[Document]()
    for document in documents:
        data = document.data if isinstance(document.data, dict) else {}
        is_base = data.get("kind") == DEFAULTS
        if is_base:
            defaults.append(document)
        try:
            whole = bases.whole(document, ()) if "extends" in data else document
        except _Unfit:
            unfit += () if is_base else (document,)
        else:
            kept += () if is_base else (whole,)
    found = tuple(dict.fromkeys(bases.diagnostics))
    return Inherited(tuple(kept), tuple(unfit), tuple(defaults), frozenset(bases.used), found)


def unused(made: Inherited, given: Iterable[str]) -> Iterator[tuple[Document, Diagnostic]]:
    """Each file of Defaults that nothing extends, with a warning; not one that was given by itself, as hooks do."""
    named = {posixpath.normpath(path) for path in given}
    for document in made.defaults:
        path = posixpath.normpath(document.path)
        if document.path not in made.used and path not in named:
            told, remedy = "nothing here extends these Defaults", "delete the file, or name it in `extends`"
            place = document.position()
            yield document, Diagnostic("unused-defaults", told, place, hint=remedy, severity=Severity.WARNING)


def check_base(document: Document) -> tuple[Diagnostic, ...]:
    """What is wrong with Defaults by themselves; a placeholder is judged where a matrix has filled it."""
    return check(replace(document, data=_without_placeholders(document.data)) if document.templated else document)


def _without_placeholders(data: Any) -> Any:
    if isinstance(data, list):
        return [_without_placeholders(each) for each in data]
    if not isinstance(data, dict):
        return data
    kept = {key: each for key, each in data.items() if not (isinstance(each, str) and "${{" in each)}
    return {key: _without_placeholders(each) for key, each in kept.items()}


class _Unfit(Exception):
    """A document can't be merged with what it extends; there is a diagnostic of it."""


@dataclass
class _Bases:
    """The files of Defaults that were read so far, each merged with what it extends itself; None for a wrong one.

    `given` has the paths of the documents as they were given, by the same paths in their shortest form; `used` has
    those that some document extends.
    """

    read: Read
    given: Mapping[str, str]
    known: dict[str, Document | None] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def whole(self, document: Document, way: Sequence[str]) -> Document:
        """The document merged with its bases; `way` has the files that led to it. Raises _Unfit.

        A document without a version that is supported is returned as it is: the schema's check tells of that.
        """
        written, way = document.data["extends"], (*way, document.path)
        if not isinstance(written, str) or not written.strip():
            raise self._wrong(document, "'extends' is the path of a file", "such as ../base.yaml")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(document.path), written))
        path = self.given.get(path, path)
        self.used.add(path)
        if document.data.get("apiVersion") not in SUPPORTED:
            return document
        if path in way:
            told = " extends ".join(one_line(each, 200) for each in (*way[way.index(path) :], path))
            raise self._wrong(document, f"this extends itself: {told}")
        if path not in self.known:
            self.known[path] = None
            self.known[path] = self._base(document, path, written, way)
        base = self.known[path]
        if base is None:
            raise _Unfit
        if len(way) + len(base.bases) > DEEPEST:
            raise self._wrong(document, f"more than {DEEPEST} files extend one another", "merge two of them")
        return _laid_over(base, document)

    def _base(self, document: Document, path: str, written: str, way: Sequence[str]) -> Document:
        named = quoted(written, 200)
        try:
            loaded = self.read(path, document.path)
        except Refused as refused:
            raise self._wrong(document, f"{named} {refused.message}", refused.hint) from None
        self.diagnostics += loaded.diagnostics
        if loaded.diagnostics:
            raise _Unfit
        if len(loaded.documents) != 1:
            told = f"{named} holds {len(loaded.documents)} documents"
            raise self._wrong(document, told, "Defaults stand alone in their file")
        (base,) = loaded.documents
        data = base.data if isinstance(base.data, dict) else {}
        if data.get("kind") != DEFAULTS:
            raise self._wrong(document, f"{named} holds no {DEFAULTS}", f"write `kind: {DEFAULTS}` there")
        if data.get("apiVersion") not in SUPPORTED or data["apiVersion"] != document.data.get("apiVersion"):
            raise self._wrong(document, f"{named} has another apiVersion", "both have the same one")
        if faults := check_base(base):
            self.diagnostics += faults
            raise _Unfit
        return self.whole(base, way) if "extends" in data else base

    def _wrong(self, document: Document, message: str, hint: str = "") -> _Unfit:
        place = document.position(("extends",))
        self.diagnostics.append(Diagnostic("defaults", message, place, "extends", hint))
        return _Unfit()


def _laid_over(base: Document, document: Document) -> Document:
    """The document with what its base says and it does not."""
    shape = shape_of(document.data["apiVersion"])
    way = posixpath.relpath(posixpath.dirname(base.path) or ".", posixpath.dirname(document.path) or ".")
    under = {name: _section(base.data, document.data, name, way, shape) for name in SECTIONS}
    data = {name: value for name, value in document.data.items() if name != "extends"}
    for name, value in under.items():
        if value is not None:
            below = shape.properties.get(name)
            data[name] = merged(value, data[name], below) if data.get(name) is not None else value

    def find() -> Spot:
        spot = document.spot
        below = dict(spot.below)
        for name, value in under.items():
            if value is None or name not in base.spot.below:
                continue
            theirs = base.spot.below[name]
            if document.data.get(name) is not None and name in below:
                both = (value, theirs), (document.data[name], below[name])
                below[name] = merged_spot(*both, shape.properties.get(name), base.path)
            else:
                below[name] = theirs if theirs.source else theirs._replace(source=base.path)
        return spot._replace(below=below)

    return replace(
        document,
        data=data,
        find=find,
        templated=document.templated or base.templated,
        bases=(*document.bases, base.path, *base.bases),
    )


def _section(base: Mapping[str, Any], over: Mapping[str, Any], name: str, way: str, shape: Shape) -> Any:
    """One section of a base as it is for a document elsewhere; None if it has none."""
    value = without_nulls(base.get(name))
    if not isinstance(value, dict):
        return value
    if name == "metadata":
        mine = over.get(name)
        return without_displaced(value, mine if isinstance(mine, dict) else {})
    return moved(value, way, shape.properties["spec"]) if name == "spec" else value
