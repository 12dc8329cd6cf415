"""Manifests' workspaces -> what they hold, and every diagnostic of the trees that they name."""

import os
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from os.path import abspath, basename, isdir, join, lexists, normpath, realpath

from baseten_jobs.git.listing import Listing, list_files
from baseten_jobs.git.process import GitError
from baseten_jobs.job.content import MAX_BYTES, Content, File, Workspace, written_in
from baseten_jobs.manifest.diagnostics import Diagnostic, FieldPath
from baseten_jobs.manifest.document import Document, DocumentPlace
from baseten_jobs.manifest.paths import checkout_of, is_within, path_name
from baseten_jobs.manifest.sources import STDIN_NAME
from baseten_jobs.phrases import human, one_line
from baseten_jobs.workspace import warnings
from baseten_jobs.workspace.archive import archive_size, link_hash
from baseten_jobs.workspace.boundary import Boundary, in_git_folder
from baseten_jobs.workspace.hashing import Cache, Held, Memory, Unread, hash_all
from baseten_jobs.workspace.problems import Remarks
from baseten_jobs.workspace.scan import stays_out
from baseten_jobs.workspace.selection import Selection, mistake_in, never_fits
from baseten_jobs.workspace.walk import TravellingFile, Tree, walk
from baseten_jobs.workspace.warnings import MOST


@dataclass(frozen=True)
class Packed:
    """The content of each document's workspace, by the document's place; left out where it can't be read.

    `diagnostics` has all that is wrong with each document's workspace: those of a tree that several documents share are
    at the place of the first.
    """

    contents: Mapping[DocumentPlace, Content]
    diagnostics: Mapping[DocumentPlace, tuple[Diagnostic, ...]]


def pack(documents: Iterable[Document], allowed: tuple[str, ...] = ()) -> Packed:
    """Read the trees of all workspaces: each once, however many manifests share it.

    `allowed` are the folders that the operator grants to manifests that ask for what lies outside.
    """
    plans = [_Job(each, written_in(each.data["spec"]) or Workspace(), allowed) for each in documents]
    listings = _listings(plan for plan in plans if plan.sound)
    memory = Memory()
    known: dict[object, _Job] = {}
    for plan in plans:
        first = known.setdefault(plan.key, plan)
        if first is plan and plan.sound:
            plan.read(listings, memory.of(plan.root))
    memory.save(folder for plan in plans if plan.sound for folder in plan.folders)
    diagnostics = {plan.place: (*plan.told.found, *_again(known[plan.key], plan)) for plan in plans}
    contents = {plan.place: content for plan in plans if (content := known[plan.key].content)}
    return Packed(contents, diagnostics)


def _again(first: "_Job", plan: "_Job") -> list[Diagnostic]:
    """The diagnostics of a tree that another manifest names too."""
    return [] if first is plan else first.of_tree


class _Job:
    """One workspace on its way from a manifest to its content."""

    def __init__(self, document: Document, workspace: Workspace, allowed: tuple[str, ...]) -> None:
        self.workspace, self.told, self.place = workspace, Remarks(document), document.place
        self.content: Content | None = None
        self.of_tree: list[Diagnostic] = []
        self.home = "." if document.path == STDIN_NAME else os.path.dirname(document.path) or "."
        self.root = normpath(join(self.home, workspace.root))
        self.external = tuple(normpath(join(self.home, folder)) for folder in workspace.external)
        self.boundary = Boundary(self.home, allowed)
        self._check()
        self.sound = not self.told.failed

    @property
    def key(self) -> object:
        if not self.sound:
            return self.place
        return (realpath(self.root), self.external, self.workspace.include, self.workspace.exclude, self.outside)

    @property
    def folders(self) -> tuple[str, ...]:
        return (self.root, *self.external)

    @cached_property
    def outside(self) -> tuple[str, ...]:
        """The folders outside of the boundary, as the manifest names them."""
        written = (self.workspace.root, *self.workspace.external)
        return tuple(
            name for folder, name in zip(self.folders, written, strict=True) if self.boundary.leaves_out(folder)
        )

    def _check(self) -> None:
        for name in ("include", "exclude"):
            for index, pattern in enumerate(getattr(self.workspace, name)):
                if mistake := mistake_in(pattern):
                    self.told.error("workspace-pattern", one_line(mistake), at=(name, index))
                elif never_fits(pattern):
                    message = f"'{one_line(pattern)}' fits no name: a bracket or a backslash in it has no meaning"
                    self.told.warn("workspace-pattern", message, at=(name, index))
        if not self._may_be_read(self.root, self.workspace.root, ("root",)):
            return
        taken: dict[str, str] = {}
        for index, (folder, written) in enumerate(zip(self.external, self.workspace.external, strict=True)):
            at: FieldPath = ("external", index)
            if not self._may_be_read(folder, written, at):
                continue
            name = _own_name(folder)
            if is_within(folder, self.root) or is_within(self.root, folder):
                self.told.error("workspace-external", f"'{written}' overlaps the root", at=at)
            elif name in taken or lexists(join(self.root, name)):
                self.told.error("workspace-external", f"'{name}' is in {taken.get(name, 'the root')} already", at=at)
            taken[name] = f"'{written}'"

    def _may_be_read(self, folder: str, written: str, at: FieldPath) -> bool:
        """True if this is a folder whose files may travel; else a diagnostic with the reason is added."""
        message, hint = self.boundary.refusal(folder, written, self.workspace.outside)
        if message:
            self.told.error("workspace-outside", message, hint, at)
        elif not isdir(folder):
            problem = "is not a folder" if lexists(folder) else "does not exist"
            self.told.error("workspace-root", f"the folder '{one_line(folder)}' {problem}", at=at)
        elif in_git_folder(folder):
            self.told.error(
                "workspace-root", f"'{one_line(written)}' is in git's own folder, which never travels", at=at
            )
        else:
            return True
        return False

    def read(self, listings: Mapping[str, Listing | GitError], cache: Cache) -> None:
        before = len(self.told.found)
        selection = Selection(self.workspace.include, self.workspace.exclude)
        trees = [self._walk(folder, selection, listings) for folder in self.folders]
        files = [found for tree in trees for found in tree.files]
        hashed = [found for found in files if found.target is None]
        results = dict(
            zip((f.path for f in hashed), hash_all([(f.source, f.status) for f in hashed], cache), strict=True)
        )
        faults = [fault for tree in trees for fault in tree.faults]
        faults += [(path, result.reason, "") for path, result in results.items() if isinstance(result, Unread)]
        faults = sorted(set(faults))
        self._tell_faults(faults)
        chosen = [found for found in files if not self._is_own(found, results)]
        if not faults and not self.told.failed:
            self._weigh(chosen, results, all_own=bool(files) and not chosen and not self.workspace.include)
            travelling = [(found, _held(results.get(found.path))) for found in chosen]
            warnings.tell(self.told, self.workspace.include, trees, travelling)
            warnings.tell_of_cores(self.told, [(found, _held(results.get(found.path))) for found in files], chosen)
        self.of_tree = self.told.found[before:]

    def _walk(self, folder: str, selection: Selection, listings: Mapping[str, Listing | GitError]) -> Tree:
        listing = listings.get(checkout_of(folder) or "")
        if isinstance(listing, GitError):
            if not any(d.rule == "workspace-git" for d in self.told.found):
                self.told.error(
                    "workspace-git", f"git can't tell which files travel: {_words(listing)}", _remedy(listing)
                )
            listing = None
        at = "" if folder == self.root else f"{_own_name(folder)}/"
        return walk(realpath(folder), at, selection, listing)

    def _tell_faults(self, faults: list[tuple[str, str, str]]) -> None:
        for path, message, hint in faults[:MOST]:
            self.told.error("workspace-file", f"{path_name(path)}: {message}", hint)
        if len(faults) > MOST:
            self.told.error("workspace-file", f"{len(faults) - MOST} more files can't travel")

    @staticmethod
    def _is_own(found: TravellingFile, results: Mapping[str, Held | Unread]) -> bool:
        """Manifests and saved plans stay out, so that a comment in one moves no digest; and a process's memory."""
        held = _held(results.get(found.path))
        return held is not None and stays_out(held.notes) and not found.named

    def _weigh(self, chosen: list[TravellingFile], results: Mapping[str, Held | Unread], *, all_own: bool) -> None:
        files = (_file(found, results.get(found.path)) for found in chosen)
        content = Content(self.workspace.root, tuple(sorted(files, key=_by_path)), self.outside)
        size = archive_size(content)
        for index, folder in enumerate(self.external):
            if not any(found.path.startswith(f"{_own_name(folder)}/") for found in chosen):
                message = f"no file of '{self.workspace.external[index]}' travels"
                self.told.error("workspace-empty", message, "is all of it ignored?", ("external", index))
        if not chosen and not all_own:
            self.told.error("workspace-empty", f"no file of '{self.workspace.root}' travels", "is all of it ignored?")
        elif size > MAX_BYTES:
            largest = ", ".join(f"{file.path} ({human(file.size)})" for file in content.largest(3))
            message = f"{human(size)} are more than the {human(MAX_BYTES)} that may be uploaded; the largest: {largest}"
            self.told.error("workspace-size", message, "mount large files by spec.weights, or exclude them")
        else:
            self.content = content
            if all_own:
                message = f"'{self.workspace.root}' holds only what this tool reads or wrote, which does not travel"
                self.told.warn("workspace-empty", message, "the job gets an empty folder")


def _listings(plans: Iterable[_Job]) -> dict[str, Listing | GitError]:
    """What git knows, by the root of each checkout: three processes each. Its words where it can't be asked."""
    asked: dict[str, list[str]] = {}
    for plan in plans:
        for folder in plan.folders:
            if root := checkout_of(folder):
                asked.setdefault(root, []).append(folder)
    found: dict[str, Listing | GitError] = {}
    for root, folders in asked.items():
        try:
            found[root] = list_files(root, folders)
        except GitError as error:
            if _STRAY not in str(error):
                found[root] = error
    return found


_STRAY = "not a git repository (or any"
"""git's words for a `.git` that is no repository: the folder is then not taken for a checkout."""


def _words(error: GitError) -> str:
    return str(error).removeprefix("git ls-files: ").removeprefix("fatal: ")


def _remedy(error: GitError) -> str:
    """Without git, files that are tracked although they are ignored would be missing, and the digest another."""
    if trusted := re.search("dubious ownership in repository at '(.+)'", str(error)):
        return f"`git config --global --add safe.directory {shlex.quote(trusted[1])}` makes git trust this checkout"
    return "the files of a checkout are those that git names"


def _own_name(folder: str) -> str:
    """The name under which an external folder travels."""
    return basename(abspath(folder))


def _file(found: TravellingFile, held: Held | Unread | None) -> File:
    if found.target is not None:
        return File(found.path, found.source, 0, False, link_hash(found.target), found.target)
    assert isinstance(held, Held)
    return File(found.path, found.source, found.status.st_size, found.executable, held.sha256)


def _by_path(file: File) -> bytes:
    return file.path.encode("utf-8")


def _held(result: Held | Unread | None) -> Held | None:
    return result if isinstance(result, Held) else None
