"""HEAD and a branch of the remote -> whether HEAD is its tip, or would apply the same as the tip."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from os.path import basename, dirname, isabs, islink, join, lexists
from unicodedata import normalize

from baseten_jobs.git.objects import NotWhole
from baseten_jobs.git.process import GitError
from baseten_jobs.git.remote import SECONDS, NoRemote, TreeChange, remote_of
from baseten_jobs.git.repository import NotInGit, Repository, open_repository
from baseten_jobs.job.content import written_in
from baseten_jobs.manifest.document import Document, is_yaml
from baseten_jobs.manifest.paths import checkout_of, is_below
from baseten_jobs.manifest.sources import STDIN, STDIN_NAME
from baseten_jobs.phrases import listed, one_line
from baseten_jobs.planning.history.commit_files import folders_of

_HOPS = 40
_SHOWN = 3
_NO_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[/-]|[/.]$|(^|/)\.|\.lock(/|$)|^$")
_OURS, _SHARED = b"baseten-jobs/", (b"TrainingJobDefaults", b"Policy")


@dataclass(frozen=True)
class Tip:
    """The commit that a branch of the remote is at, and which paths of what is applied differ there from `head`.

    `newer` are the YAML files, path and bytes, that the tip has and HEAD has not, or not so.
    """

    branch: str
    head: str
    commit: str
    differing: tuple[str, ...] = ()
    newer: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)

    @property
    def overtaken(self) -> bool:
        return bool(self.differing)

    def told(self, undone: str) -> str:
        """Why this commit is not applied; `undone` says what does not become of it."""
        paths = listed([one_line(path) for path in self.differing], _SHOWN)
        return (
            f"{undone}: {one_line(self.branch)} is at {self.commit[:7]} by now, and this is {self.head[:7]}; "
            f"its own run applies (differing: {paths})"
        )


def is_branch(name: str) -> bool:
    """True if a branch may have this name, by the rules of `git check-ref-format`."""
    return not _NO_BRANCH.search(name)


def look(branch: str, paths: Sequence[str], documents: Sequence[Document], seconds: float = SECONDS) -> Tip:
    """Ask the remote for the tip of a branch, and compare what these paths and documents are made from.

    Raises GitError if that can't be read.
    """
    repository = _repository(paths)
    with repository:
        remote = remote_of(repository, seconds)
        tip = Tip(branch, repository.head, remote.tip_of(branch))
        if tip.commit == tip.head:
            return tip
        remote.fetch(tip.commit)
        changes = remote.changes(tip.commit)
        remote.fetch_manifests(tip.commit)
        try:
            return _compared(tip, repository, changes, _Places(paths, documents, str(repository.root)))
        except NotWhole as error:
            raise GitError(str(error)) from None


def decisive(branch: str, paths: Sequence[str], documents: Sequence[Document]) -> Tip | None:
    """The tip of the branch that decides on what may be stopped: the one that is named, or the remote's default.

    None where there is no remote. Raises GitError.
    """
    if branch:
        return look(branch, paths, documents)
    with _repository(paths) as repository:
        try:
            branch = remote_of(repository).default_branch()
        except NoRemote:
            return None
    return look(branch, paths, documents)


def _repository(paths: Iterable[str]) -> Repository:
    """The repository that all paths are in."""
    found: dict[str, Repository] = {}
    for path in paths:
        root = checkout_of("." if path == STDIN else path)
        if root is None:
            raise GitError(f"{'the current folder' if path == STDIN else path} is not in a git repository")
        repository = open_repository(root)
        if isinstance(repository, NotInGit):
            raise GitError(repository.reason)
        found.setdefault(str(repository.root), repository)
    if len(found) > 1:
        raise GitError(f"the manifests are in several repositories: {', '.join(found)}")
    return next(iter(found.values()))


def _compared(tip: Tip, repository: Repository, changes: Sequence[TreeChange], places: "_Places") -> Tip:
    differing = [change.path for change in changes if places.touched_by(change.path)]
    yaml = [change for change in changes if is_yaml(change.path)]
    names = dict.fromkeys(blob for change in yaml for blob in (change.before, change.after) if blob)
    held = dict(zip(names, repository.contents(tuple(names)), strict=True))
    differing += [
        change.path for change in yaml if any(map(_is_shared, (held.get(change.before), held.get(change.after))))
    ]
    newer = tuple((change.path, held[change.after]) for change in yaml if change.after)
    return Tip(tip.branch, tip.head, tip.commit, tuple(dict.fromkeys([*places.elsewhere, *differing])), newer)


def _is_shared(raw: bytes | None) -> bool:
    """Whether a file may say something about manifests in other files."""
    return raw is not None and _OURS in raw and any(kind in raw for kind in _SHARED)


class _Places:
    """Where all that is applied comes from: places below a root, and what is `elsewhere` or of unknown origin."""

    def __init__(self, paths: Sequence[str], documents: Sequence[Document], root: str) -> None:
        self._inside: set[str] = set()
        self.elsewhere: list[str] = []
        for path in dict.fromkeys(_read(paths, documents)):
            *links, end = _steps(path)
            below = [found for found in links if is_below(found, root)]
            self._inside.update(_key(os.path.relpath(found, root)) for found in (*below, end) if is_below(found, root))
            if path == STDIN_NAME or not is_below(end, root) or (path not in paths and not lexists(path)):
                self.elsewhere.append(f"{path}, which is not in this repository")
        self._above = {folder for place in self._inside for folder in _ancestors(place)}

    def touched_by(self, path: str) -> bool:
        """Whether a change of this path may change what is applied: attributes count for all files below them."""
        key = _key(path)
        within = key in self._inside or any(folder in self._inside for folder in _ancestors(key))
        return within or key in self._above or (basename(key) == ".gitattributes" and dirname(key) in self._above)


def _read(paths: Sequence[str], documents: Iterable[Document]) -> Iterator[str]:
    """Every file and folder that is read for these documents."""
    yield from (STDIN_NAME if path == STDIN else path for path in paths)
    for document in documents:
        yield document.path
        yield from document.bases
        workspace = written_in(document.data.get("spec") or {})
        home = "" if document.path == STDIN_NAME else dirname(document.path)
        yield from (folder or "." for folder in (folders_of(home, workspace) if workspace else ()))


def _steps(path: str) -> Iterator[str]:
    """Each link on the way of a path, and at last where it ends, there or not."""
    here, left, hops = "/", join(os.getcwd(), path).split("/")[::-1], 0
    while left:
        part = left.pop()
        at = join(here, part)
        if part == "..":
            here = dirname(here)
        elif part not in ("", ".") and islink(at) and hops < _HOPS:
            yield at
            hops += 1
            target = os.readlink(at)
            here = "/" if isabs(target) else here
            left += target.split("/")[::-1]
        elif part not in ("", "."):
            here = at
    yield here


def _key(path: str) -> str:
    """A path as the most forgiving file system compares it: what may be the same counts as the same."""
    return "" if path == "." else normalize("NFC", path).casefold()


def _ancestors(path: str) -> Iterator[str]:
    while path:
        path = dirname(path)
        yield path
