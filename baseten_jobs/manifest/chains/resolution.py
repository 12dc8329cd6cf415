"""Manifests -> each with those whose checkpoints it loads; or why that can't be told."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property

from baseten_jobs.manifest.chains.entries import Entry, entries
from baseten_jobs.manifest.chains.links import Chains, Link
from baseten_jobs.manifest.diagnostics import Diagnostic, field_name
from baseten_jobs.manifest.document import Document, DocumentPlace
from baseten_jobs.manifest.names import former_names
from baseten_jobs.manifest.rules.lookup import text_at, value_at
from baseten_jobs.phrases import listed, nearest, one_line
from baseten_jobs.secrecy import quoted

Around = Callable[[], tuple[Sequence[Document], Sequence[Document]]]
"""Reads what lies around the manifests that were given: manifests, and those that are known to be wrong."""


def resolved(documents: Sequence[Document], around: Around, sound: Callable[[Document], bool]) -> Chains:
    """Find the manifest that each entry names: among these, or else `around` them, where it must be `sound`."""
    search = _Search(documents, around, sound)
    search.run()
    chains = Chains(search.links, tuple(search.elsewhere), ())
    return Chains(search.links, tuple(search.elsewhere), (*search.faults, *_cycles(search, chains)))


class _Search:
    def __init__(self, documents: Sequence[Document], around: Around, sound: Callable[[Document], bool]) -> None:
        self.given, self._read, self._sound = tuple(documents), around, sound
        self.links: dict[DocumentPlace, list[Link]] = {}
        self.elsewhere: list[Document] = []
        self.faults: list[tuple[Document, Diagnostic]] = []
        self.documents = {document.place: document for document in self.given}

    def run(self) -> None:
        pending = list(reversed(self.given))
        while pending:
            document = pending.pop()
            for entry in entries(document.data):
                found = self._found(document, entry)
                if found is None:
                    continue
                self.links.setdefault(document.place, []).append(Link(entry, found.place))
                if found.place not in self.documents:
                    self.documents[found.place] = found
                    self.elsewhere.append(found)
                    pending.append(found)

    def _found(self, document: Document, entry: Entry) -> Document | None:
        named = self._named(entry)
        if len(named) == 1:
            return self._checked(document, entry, named[0])
        if named:
            projects = [quoted(_project(each)) for each in named]
            message = f"{len(named)} manifests have the name {quoted(entry.name)}"
            remedy = f"give `project`: {listed(list(dict.fromkeys(projects)), 5)}"
            self._wrong(document, entry, "ambiguous-manifest", message, remedy)
        else:
            self._wrong(document, entry, "unknown-manifest", self._unknown(entry), self._meant(entry))
        return None

    def _named(self, entry: Entry) -> Sequence[Document]:
        if found := _matching(self._given, entry):
            return found
        return _matching(self._around, entry)

    def _checked(self, document: Document, entry: Entry, found: Document) -> Document | None:
        path = one_line(found.path, 1024)
        if found.place not in self.documents and not (found.place not in self._broken and self._sound(found)):
            message, remedy = (
                f"the manifest {quoted(entry.name)} has errors",
                f"`baseten-jobs validate {path}` tells them",
            )
            self._wrong(document, entry, "unknown-manifest", message, remedy)
            return None
        if value_at(found.data, "spec", "checkpointing", "enabled") is not True:
            message = f"the manifest {quoted(entry.name)} keeps no checkpoints"
            remedy = f"set spec.checkpointing.enabled: true in {path}:{found.line}"
            self._wrong(document, entry, "chain-without-checkpoints", message, remedy)
            return None
        return found

    def _unknown(self, entry: Entry) -> str:
        where = f" in the project {quoted(entry.project)}" if entry.project is not None else ""
        return f"no manifest has the name {quoted(entry.name)}{where}"

    def _meant(self, entry: Entry) -> str:
        everywhere = (*self._given.values(), *self._around.values())
        known = [document for same in everywhere for document in same]
        if others := [_project(each) for each in known if _name(each) == entry.name]:
            return f"there is one in {listed([quoted(each) for each in dict.fromkeys(others)], 3)}"
        for each in known:
            if entry.name in former_names(value_at(each.data, "metadata", "renamed_from")):
                return f"it is called {quoted(_name(each))} now"
        near = nearest(entry.name, list(dict.fromkeys(map(_name, known))))
        return f"did you mean {quoted(near)}?" if near else ""

    def _wrong(self, document: Document, entry: Entry, rule: str, message: str, hint: str) -> None:
        place = document.position(entry.path)
        self.faults.append((document, Diagnostic(rule, message, place, field_name(entry.path), hint)))

    @cached_property
    def _given(self) -> Mapping[str, Sequence[Document]]:
        return _by_name(self.given)

    @cached_property
    def _found_around(self) -> tuple[Sequence[Document], Sequence[Document]]:
        return self._read()

    @cached_property
    def _around(self) -> Mapping[str, Sequence[Document]]:
        return _by_name([*self._found_around[0], *self._found_around[1]])

    @cached_property
    def _broken(self) -> frozenset[DocumentPlace]:
        return frozenset(document.place for document in self._found_around[1])


def _by_name(documents: Sequence[Document]) -> Mapping[str, Sequence[Document]]:
    found: dict[str, list[Document]] = {}
    for document in documents:
        found.setdefault(_name(document), []).append(document)
    return found


def _name(document: Document) -> str:
    return text_at(document.data, "metadata", "name") or ""


def _project(document: Document) -> str:
    metadata = (text_at(document.data, "metadata", name) for name in ("project", "project_id"))
    return next(filter(None, metadata), "")


def _matching(known: Mapping[str, Sequence[Document]], entry: Entry) -> Sequence[Document]:
    named = known.get(entry.name, ())
    return [each for each in named if entry.project in (None, _project(each))]


def _cycles(search: _Search, chains: Chains) -> Iterator[tuple[Document, Diagnostic]]:
    """Yields each cycle once, at the entry that begins it; a manifest below a cycle is in none."""
    seen: set[DocumentPlace] = set()
    for document in search.given:
        way: list[Link] = []
        on_way: dict[DocumentPlace, int] = {document.place: 0}
        pending = [list(chains.links.get(document.place, ()))] if document.place not in seen else []
        while pending:
            if not pending[-1]:
                pending.pop()
                if way:
                    seen.add(way[-1].to)
                    del on_way[way.pop().to]
                continue
            link = pending[-1].pop(0)
            if link.to in on_way:
                yield _cycle(search, document, [*way[on_way[link.to] :], link])
            elif link.to not in seen:
                way.append(link)
                on_way[link.to] = len(way)
                pending.append(list(chains.links.get(link.to, ())))
        seen.add(document.place)


def _cycle(search: _Search, document: Document, links: Sequence[Link]) -> tuple[Document, Diagnostic]:
    first = search.documents[links[-1].to]
    told = " waits for ".join(quoted(_name(search.documents[place])) for place in _around_of(links))
    at = links[0].entry.path
    place = first.position(at)
    return document, Diagnostic("chain-cycle", f"this waits for itself: {told}", place, field_name(at))


def _around_of(links: Sequence[Link]) -> Sequence[DocumentPlace]:
    return [links[-1].to, *(link.to for link in links)]
