"""A checkout -> what git says of it, in a handful of processes whatever the number of manifests."""

import os
import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from baseten_jobs.git.facts import NotInGit as NotInGit
from baseten_jobs.git.log import LOG_FORMAT, SUBMODULE, FileChange, Revision, parse_commits, parse_log, subject_of
from baseten_jobs.git.objects import NotWhole, Objects
from baseten_jobs.git.process import GitError, attempt, converse, run, without_filters
from baseten_jobs.manifest.document import MAX_BYTES, is_yaml
from baseten_jobs.manifest.paths import checkout_of, walk

_LOG = (
    "log", "--encoding=UTF-8", "--raw", "-m", "-z", "-O/dev/null", "--no-abbrev", "--no-ext-diff", "--no-textconv",
    "--no-show-signature", f"--format={LOG_FORMAT}",
)  # fmt: skip
_COMMITS = ("log", "--encoding=UTF-8", "-z", "--no-show-signature", f"--format={LOG_FORMAT}")
_LINK = "120000"
_FIRST = "git add -A && git commit -m 'First commit'"
MANIFESTS = (":(icase)*.yaml", ":(icase)*.yml")
"""What git takes for the paths of all YAML files."""
_OURS = "apiVersion.*baseten-jobs/"
"""What stands in a line of each manifest."""


@dataclass
class Repository:
    """A checkout with at least one commit. One process serves all contents; close it, or use it as a context."""

    root: Path
    head: str
    shallow: bool
    hidden: tuple[str, ...] = ()

    def __enter__(self) -> "Repository":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self.objects.close()

    def path_of(self, path: str) -> str | None:
        """A file's path within the repository; None for a file elsewhere."""
        try:
            return Path(os.path.realpath(path)).relative_to(self.root).as_posix()
        except ValueError:
            return None

    def log(self, extra: Sequence[str] = ()) -> tuple[FileChange, ...]:
        """Every change of a YAML file, and of the files named, that HEAD's history holds; renames are paired."""
        output = run(self.root, *_LOG, "--full-history", "-M", self.head, "--", *MANIFESTS, *extra)
        return parse_log(output.decode("utf-8", "surrogateescape"))

    def commits_of(self, paths: Iterable[str], *options: str) -> tuple[Revision, ...]:
        """The commits that touched any of these paths, newest first; '' is the whole tree. Their paths are empty."""
        literal = sorted({f":(literal){path}" if path else "." for path in paths})
        output = run(self.root, *_COMMITS, "--full-history", *options, self.head, "--", *literal)
        return parse_commits(output.decode("utf-8", "surrogateescape"))

    def unchanged(self, folders: Iterable[str]) -> dict[str, str]:
        """The files below these folders that lie in the work tree as the index has them: path to blob."""
        literal = sorted({f":(literal){path}" if path else "." for path in folders})
        output = run(self.root, "ls-files", "-z", "-t", "--stage", "--modified", "--deleted", "--", *literal,
                     settings=without_filters(self.root))  # fmt: skip
        found: dict[str, str] = {}
        for line in filter(None, os.fsdecode(output).split("\0")):
            facts, _, path = line.partition("\t")
            tag, _, blob, _ = facts.split(" ")
            if tag == "H":
                found[path] = blob
            else:
                found.pop(path, None)
        return found

    def first_parent_log(self, extra: Sequence[str] = ()) -> tuple[FileChange, ...]:
        """The changes of YAML files, and of the files named, as they came to the branch itself.

        A merge counts against its first parent alone, as if it had no other.
        """
        output = run(self.root, *_LOG, "--first-parent", "--no-renames", self.head, "--", *MANIFESTS, *extra)
        changes = parse_log(output.decode("utf-8", "surrogateescape"))
        return tuple(replace(change, parents=change.parents[:1]) if change.merge else change for change in changes)

    def manifests_at_head(self) -> dict[str, str]:
        """The YAML files of HEAD's tree: path to blob. Submodules and linked folders are noted as `hidden`."""
        found = {}
        for mode, name, path in self._tree(self.head):
            if mode == SUBMODULE or (mode == _LINK and (self.root / path).is_dir()):
                self.hidden = (*self.hidden, path)
            elif is_yaml(path):
                found[path] = name
        return found

    def manifests_at(self, commit: str) -> dict[str, str]:
        """The YAML files of a commit's tree: path to blob."""
        return {path: name for mode, name, path in self._tree(commit) if mode != SUBMODULE and is_yaml(path)}

    def _tree(self, commit: str) -> Iterator[tuple[str, str, str]]:
        """Mode, object and path of everything in a commit's tree."""
        output = run(self.root, "ls-tree", "-r", "-z", "--full-tree", commit).decode("utf-8", "surrogateescape")
        for line in filter(None, output.split("\0")):
            facts, _, path = line.partition("\t")
            mode, _, name = facts.split(" ")
            yield mode, name, path

    def ancestor(self, revision: str) -> str | None:
        """The full hash of a revision that HEAD's history holds; None for any other text."""
        try:
            commit = run(self.root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
            name = commit.decode().strip()
            run(self.root, "merge-base", "--is-ancestor", name, self.head)
        except (GitError, ValueError):
            return None
        return name

    def ahead(self) -> dict[str, str]:
        """Commits ahead of HEAD on its own branch, as far as this clone knows: hash to the name of a ref, newest first.

        Without a branch, as CI checks a commit out, every branch that holds HEAD counts.
        """
        fields = "%(HEAD)%00%(objectname)%00%(refname)"
        output = run(self.root, "for-each-ref", "--sort=-committerdate", f"--format={fields}", "--contains", self.head,
                      "refs/heads", "refs/remotes")  # fmt: skip
        refs = [line.split("\0") for line in output.decode("utf-8", "surrogateescape").splitlines()]
        own = next((_branch_of(name) for mark, _, name in refs if mark == "*"), None)
        found: dict[str, str] = {}
        for _, commit, name in refs:
            if commit != self.head and own in (None, _branch_of(name)):
                found.setdefault(commit, name.split("/", 2)[2])
        return found

    def work_tree(self) -> Iterator[str]:
        """The YAML files that lie in the checkout, committed or not; those of hidden folders too."""
        for parent, folders, names in walk(str(self.root)):
            folders[:] = [name for name in folders if name != ".git"]
            paths = (os.path.join(parent, name) for name in names if is_yaml(name))
            yield from filter(os.path.isfile, paths)

    def contents(self, blobs: Sequence[str]) -> Iterator[bytes]:
        """The bytes of these blobs, in their order; empty for one of more than MAX_BYTES, which is no manifest.

        Raises NotWhole for one that is not there, as in a partial clone that can't fetch.
        """
        for found in self.objects.read(blobs):
            if found is None:
                raise NotWhole
            yield found.whole() if found.size <= MAX_BYTES else b""

    def subjects(self, commits: Sequence[str]) -> dict[str, str]:
        """The subject of each of these commits, by its hash; empty for one of more than MAX_BYTES."""
        found = {}
        for commit, read in zip(commits, self.objects.read(commits), strict=True):
            if read is None:
                raise NotWhole
            found[commit] = subject_of(read.whole()) if read.size <= MAX_BYTES else ""
        return found

    @cached_property
    def objects(self) -> Objects:
        return Objects(lambda: converse(self.root, "cat-file", "--batch"))


def _branch_of(ref: str) -> str:
    """`main`, of `refs/heads/main` and of `refs/remotes/origin/main`."""
    _, kind, name = ref.split("/", 2)
    return name if kind == "heads" else name.partition("/")[2]


def open_repository(folder: str) -> Repository | NotInGit:
    """The repository of the checkout that a folder is in."""
    if (root := checkout_of(folder or ".")) is None:
        told = "the manifests are not in a git repository, so there is no history to compare with"
        return NotInGit(told, remedy=f"git init && {_FIRST}")
    try:
        ran = attempt(root, "rev-parse", "--show-toplevel", "--is-shallow-repository", "--verify", "HEAD")
    except GitError as error:
        return NotInGit(f"{error}, so there is no history to compare with", refused=True)
    if ran.returncode:
        return _not_told(os.fsdecode(ran.stderr), root)
    top, shallow, head = os.fsdecode(ran.stdout).removesuffix("\n").rsplit("\n", 2)
    if os.path.realpath(top) != root:
        return NotInGit(f"git can't tell the history: the work tree of {root}/.git is {top}", refused=True)
    return Repository(Path(root), head, shallow == "true")


def first_repository(folders: Iterable[str]) -> Repository | NotInGit:
    """The repository of the first of these folders that is in one; NotInGit of the first folder if none is."""
    refused: NotInGit | None = None
    for folder in folders:
        found = open_repository(folder)
        if isinstance(found, Repository):
            return found
        refused = refused or found
    assert refused is not None
    return refused


def origin_of(paths: Iterable[str]) -> str:
    """The address of `origin` as it is written, of the checkout that the first of these paths is in; empty without."""
    for path in paths:
        if root := checkout_of(path if os.path.isdir(path) else os.path.dirname(path) or "."):
            try:
                return os.fsdecode(attempt(root, "config", "--get", "remote.origin.url").stdout).removesuffix("\n")
            except GitError:
                return ""
    return ""


def once_held_manifests(path: str) -> bool:
    """Whether HEAD's history knows of a YAML file of ours at or below a path that may be gone."""
    return _names_manifests(path, "log", "--format=", "--name-only", "--no-ext-diff", "--no-textconv", f"-G{_OURS}")


def holds_manifests(path: str) -> bool:
    """Whether HEAD itself has a YAML file of ours at or below a path that may be gone from the work tree."""
    return _names_manifests(path, "grep", "--name-only", "--no-textconv", "--text", f"-e{_OURS}")


def _names_manifests(path: str, *command: str) -> bool:
    real = os.path.realpath(path)
    if (root := checkout_of(real)) is None:
        return False
    with suppress(GitError):
        names = run(root, "--literal-pathspecs", *command, "-z", "HEAD", "--", os.path.relpath(real, root))
        return any(is_yaml(name.removeprefix("HEAD:")) for name in os.fsdecode(names).split("\0"))
    return False


def _not_told(words: str, root: str) -> NotInGit:
    if "dubious ownership" in words:
        remedy = f"git config --global --add safe.directory {shlex.quote(root)}"
        told = f"git does not trust this checkout, which another user owns: `{remedy}` lets it tell the history"
        return NotInGit(told, refused=True, remedy=remedy)
    if "HEAD" in words or "single revision" in words:
        return NotInGit("the repository has no commit yet, so there is no history to compare with", remedy=_FIRST)
    first = next((line for line in words.splitlines() if line.strip()), "no reason given")
    return NotInGit(f"git can't tell the history: {first.removeprefix('fatal: ')}", refused=True)
