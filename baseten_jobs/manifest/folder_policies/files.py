"""What was read, and the disk -> the Policies that hold for each folder of manifests, the root's first."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING

from baseten_jobs.manifest import document as manifest
from baseten_jobs.manifest.diagnostics import Diagnostic, Position, Severity
from baseten_jobs.manifest.document import Document, DocumentPlace, Loaded, is_yaml
from baseten_jobs.manifest.folder_policies.marks import allows, declares_one, is_policy, may_hold_one
from baseten_jobs.manifest.paths import checkout_of, is_below, is_within, path_name
from baseten_jobs.manifest.schema.check import check
from baseten_jobs.manifest.sources import Source, read_one, unreadable

if TYPE_CHECKING:
    from baseten_jobs.manifest.folder_policies.chain import Chain, CostLimit

    Read = Sequence[tuple[Source, Loaded]]
    """Each file that a command was given, and what it holds."""


@dataclass(frozen=True)
class FolderPolicies:
    """The Policies that hold for each file that was read, if any do: most repositories have none.

    `diagnostics` are those of reading the files, as Policies judge them, and what is wrong with Policies themselves.
    """

    chains: Mapping[str, Chain] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()

    def over(self, path: str) -> Chain | None:
        """The Policies that hold for a file, by its path as it is shown."""
        return self.chains.get(path)

    def judged(self, document: Document, found: Sequence[Diagnostic]) -> Sequence[Diagnostic]:
        """The diagnostics of a manifest, each warning with the severity that it has for it."""
        chain = self.over(document.path)
        if not found or (chain is None and not allows(document.data)):
            return found
        from baseten_jobs.manifest.folder_policies.chain import Chain

        return (chain or Chain()).judged(document, found)

    @property
    def cost_limits(self) -> Mapping[str, CostLimit]:
        """What each job of a file may cost at most, by the file's path as it is shown."""
        return {path: limit for path, chain in self.chains.items() if (limit := chain.cost_limit) is not None}


def policies_over(paths: Sequence[str], read: Read, told: Iterable[Diagnostic]) -> FolderPolicies:
    """Find the Policies above and beside each file that was read from these paths; `told` are diagnostics of that.

    A file of a folder above is parsed only if it mentions a Policy. One that can't be read is an error, never no
    Policy: so is a link that leads out of the repository.
    """
    told = tuple(told)
    search = _Search(paths, read, [d.position.path for d in told if d.severity is Severity.ERROR])
    found = ((path, search.chain(folder)) for path, folder in search.places.items())
    chains = {path: chain for path, chain in found if chain is not None}
    judged = tuple(d for each in told for d in search.judged(each))
    return FolderPolicies(chains, (*judged, *search.diagnostics, *search.misplaced()))


class _Search:
    """Lists each folder once, and keeps what holds there; `places` has the folder of each file that was read."""

    def __init__(self, paths: Sequence[str], read: Read, broken: Iterable[str]) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.places: dict[str, str] = {}
        self._folders: dict[tuple[str, ...], str] = {}
        self._chains: dict[str, Chain | None] = {}
        self._found: set[DocumentPlace] = set()
        self._known: dict[str, dict[str, list[Document]]] = {}
        for path in broken:
            self._know(path, [])
        for source, loaded in read:
            own = [document for document in loaded.documents if is_policy(document.data)]
            self.places[source.path] = self._know(source.given, own)
        self._here = _real(os.curdir)
        self._tops = [_real(path) if os.path.isdir(path) else self.folder_of(path) for path in paths]

    def _know(self, given: str, own: list[Document]) -> str:
        """Keep the Policies of a file that was read; returns its folder."""
        folder = self.folder_of(given)
        self._known.setdefault(folder, {})[given.rpartition(os.sep)[2]] = own
        return folder

    def folder_of(self, given: str) -> str:
        """The real folder that a file lies in, or the link to it; of standard input the current folder."""
        folder = given.rpartition(os.sep)[:2]
        if folder not in self._folders:
            self._folders[folder] = _real("".join(folder) or os.curdir)
        return self._folders[folder]

    def chain(self, folder: str) -> Chain | None:
        """The Policies that hold for a folder, if any do; what is wrong with one is added to the diagnostics."""
        if folder in self._chains:
            return self._chains[folder]
        root = checkout_of(folder) or min((top for top in self._tops if is_below(folder, top)), key=len, default=folder)
        chain: Chain | None = None
        for each in _down(root, folder):
            if each not in self._chains:
                self._chains[each] = self._below(chain, each, root)
            chain = self._chains[each]
        return chain

    def judged(self, d: Diagnostic) -> Iterable[Diagnostic]:
        """A diagnostic of a file that was passed over or could not be read, by the Policies of its folder."""
        chain = self.chain(self.folder_of(d.position.path)) if d.severity is Severity.WARNING else None
        return (d,) if chain is None else chain.levelled((d,))

    def _below(self, above: Chain | None, folder: str, root: str) -> Chain | None:
        documents = tuple(self._documents(folder, root))
        if not documents:
            return above
        from baseten_jobs.manifest.folder_policies.chain import Chain
        from baseten_jobs.manifest.folder_policies.written import FolderPolicy, of_policy

        above = above or Chain()
        own = [FolderPolicy(document) for document in documents]
        self._found |= {policy.document.place for policy in own}
        for policy in own:
            found = tuple(of_policy(policy.document, check(policy.document)))
            self.diagnostics += (*Chain((*above.policies, policy)).levelled(found), *above.lowered(policy))
            others = [other.document.position() for other in own if other is not policy]
            if others:
                message, hint = "this folder has another Policy", f"one holds for it; the other is at {others[0]}"
                self.diagnostics.append(Diagnostic("duplicate-policy", message, policy.document.position(), "", hint))
        return Chain((*above.policies, *own))

    def _documents(self, folder: str, root: str) -> Iterator[Document]:
        """Yields the Policies that the files of a folder hold."""
        known = self._known.get(folder, {})
        for name in self._names(folder):
            own = known[name] if name in known else self._policies_in(os.path.join(folder, name))
            path = os.path.join(folder, name) if own else ""
            if own and os.path.islink(path) and not is_within(path, root):
                message = "this link leads out of the repository, so that its Policy does not hold"
                self.diagnostics.append(_misplaced(message, own[0].position()))
                self._found |= {document.place for document in own}
            else:
                yield from own

    def _names(self, folder: str) -> Sequence[str]:
        """The names of the YAML files of a folder, sorted."""
        try:
            with os.scandir(folder) as entries:
                found = (entry for entry in entries if is_yaml(entry.name) and not entry.is_dir())
                return sorted(entry.name for entry in found if not (entry.is_symlink() and _leads_nowhere(entry.path)))
        except OSError as error:
            self.diagnostics.append(unreadable(path_name(self._relative(folder)), error))
            return ()

    def _relative(self, path: str) -> str:
        """A path as messages show it: from the working folder."""
        return os.path.relpath(path, self._here) if os.path.lexists(os.curdir) else path

    def _policies_in(self, path: str) -> Sequence[Document]:
        """The Policies that a file holds that was not read yet."""
        source = read_one(self._relative(path), BytesIO(), may_hold_one)
        if not isinstance(source, Source):
            self.diagnostics += [source] if source else []
            return ()
        loaded = manifest.load(source.path, source.text)
        own = [document for document in loaded.documents if is_policy(document.data)]
        self.diagnostics += loaded.diagnostics if own or declares_one(source.text) else ()
        return own

    def misplaced(self) -> Iterator[Diagnostic]:
        """Yields a diagnostic for each Policy that was read, and that holds for no folder."""
        documents = (document for names in self._known.values() for own in names.values() for document in own)
        for document in documents:
            if document.place not in self._found:
                message = "a Policy holds only from a *.yaml or *.yml file of its folder"
                yield _misplaced(message, document.position())


def _misplaced(message: str, position: Position) -> Diagnostic:
    return Diagnostic("policy-place", message, position, hint="move it to the folder that it is for")


def _real(path: str) -> str:
    """The real path; of a relative one in a working folder that was deleted meanwhile the path below the root."""
    try:
        return os.path.realpath(path)
    except FileNotFoundError:
        return os.path.normpath(os.path.join(os.sep, path))


def _leads_nowhere(link: str) -> bool:
    try:
        os.stat(link)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


def _down(root: str, folder: str) -> Iterable[str]:
    """The folders from a root down to one below it."""
    folders = [folder]
    while folders[-1] != root and folders[-1] != os.path.dirname(folders[-1]):
        folders.append(os.path.dirname(folders[-1]))
    return reversed(folders)
