"""A checkout's remote -> the commit that one of its branches is at, and what differs between that and HEAD."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from baseten_jobs.git.process import GitError, reach
from baseten_jobs.git.repository import MANIFESTS, Repository
from baseten_jobs.phrases import one_line
from baseten_jobs.secrecy import without_values

SECONDS = 60.0
"""How long each question to the remote may take."""

_FETCH = (
    "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules",
    "--no-write-commit-graph", "--no-prune", "--refmap=",
)  # fmt: skip
_DIFF = (
    "diff-tree", "-r", "-z", "--no-renames", "--no-abbrev", "--no-relative", "--no-ext-diff", "--no-textconv",
    "--ignore-submodules=none",
)  # fmt: skip
_URLS = ("config", "-z", "--get-regexp", r"^remote\..*\.url$")
_NOISE = re.compile(r"\s*$|\d\d:\d\d:\d\d\.|hint:|warning:|[*<>=]", re.IGNORECASE)
_USERINFO = re.compile(r"(\w://)[^/\s'\"]*@")


class NoRemote(GitError):
    """The repository has no remote."""


@dataclass(frozen=True)
class TreeChange:
    """A path whose content, mode or kind differs; the blobs of regular files before and after, else empty."""

    path: str
    before: str
    after: str


@dataclass(frozen=True)
class Remote:
    """One remote of a repository, asked with its caller's credentials. Everything raises GitError."""

    repository: Repository
    name: str
    urls: tuple[str, ...]
    seconds: float = SECONDS

    def tip_of(self, branch: str) -> str:
        """The commit that a branch of just this name is at; no tag, nor a branch whose name only ends alike, is it."""
        ref = f"refs/heads/{branch}"
        lines = os.fsdecode(self._asked("ls-remote", "--quiet", "--", self.name, ref)).splitlines()
        for commit, _, name in (line.partition("\t") for line in lines):
            if name == ref:
                return commit
        plain = branch.removeprefix("refs/heads/")
        hint = "" if plain == branch else f"; did you mean '{plain}'?"
        raise GitError(f"the remote '{self.name}' has no branch '{branch}'{hint}")

    def default_branch(self) -> str:
        """The branch that the remote's HEAD stands for."""
        lines = os.fsdecode(self._asked("ls-remote", "--quiet", "--symref", "--", self.name, "HEAD")).splitlines()
        for fact, _, name in (line.partition("\t") for line in lines):
            if name == "HEAD" and fact.startswith("ref: refs/heads/"):
                return fact.removeprefix("ref: refs/heads/")
        raise GitError(f"the remote '{self.name}' does not say which branch is its default")

    def fetch(self, commit: str) -> None:
        """Have a commit's objects here, and no ref of it. A clone stays as shallow, and as partial, as it was."""
        root = self.repository.root
        if reach(root, ("cat-file", "-e", f"{commit}^{{tree}}"), self.seconds).returncode:
            depth = ("--depth=1",) if self.repository.shallow else ()
            self._asked(*_FETCH, *depth, "--", self.name, commit)

    def changes(self, commit: str) -> tuple[TreeChange, ...]:
        """What differs between HEAD and a commit that is here, whatever the work tree holds."""
        fields = os.fsdecode(self._asked(*_DIFF, "--raw", self.repository.head, commit)).split("\0")
        return tuple(_change(*pair) for pair in zip(fields[::2], fields[1::2], strict=False))

    def fetch_manifests(self, commit: str) -> None:
        """Have the YAML files here that differ between HEAD and a commit: a partial clone may lack them."""
        self._asked(*_DIFF, "--numstat", self.repository.head, commit, "--", *MANIFESTS)

    def _asked(self, *arguments: str) -> bytes:
        ran = reach(self.repository.root, arguments, self.seconds)
        if ran.returncode:
            raise GitError(_words(ran.stderr.decode("utf-8", "replace"), self.urls) or f"git {arguments[0]} failed")
        return ran.stdout


def remote_of(repository: Repository, seconds: float = SECONDS) -> Remote:
    """`origin`, or else the only remote that there is; raises GitError."""
    settings = os.fsdecode(reach(repository.root, _URLS, seconds).stdout).split("\0")
    urls: dict[str, list[str]] = {}
    for key, _, url in (setting.partition("\n") for setting in filter(None, settings)):
        urls.setdefault(key.removeprefix("remote.").removesuffix(".url"), []).append(url)
    if not urls:
        raise NoRemote("this repository has no remote")
    if "origin" not in urls and len(urls) > 1:
        names = ", ".join(f"'{name}'" for name in sorted(urls))
        raise GitError(f"of the remotes {names} none is called 'origin'")
    name = "origin" if "origin" in urls else next(iter(urls))
    return Remote(repository, name, tuple(urls[name]), seconds)


def _change(facts: str, path: str) -> TreeChange:
    old, new, before, after, _ = facts.removeprefix(":").split(" ")
    return TreeChange(path, before if _is_file(old) else "", after if _is_file(new) else "")


def _is_file(mode: str) -> bool:
    return mode.startswith("100")


def _words(told: str, urls: Iterable[str]) -> str:
    """git's reason in one line, without what its URLs are there to keep secret."""
    lines = [line for line in told.splitlines() if not _NOISE.match(line)]
    first = [*lines[:1], *(line for line in lines if line.startswith("fatal: "))]
    words = "; ".join(dict.fromkeys(line.removeprefix("fatal: ").removeprefix("remote: ") for line in first))
    for url in urls:
        words = without_values(words.replace(url, re.sub("://.*@", "://", url)), _secrets(url), "***")
    return one_line(_USERINFO.sub(r"\1", words), 400)


def _secrets(url: str) -> tuple[str, ...]:
    """The secret part of a URL: its password, or its user name where it has no password and is not ssh."""
    scheme, _, rest = url.partition("://")
    name, _, password = rest.rpartition("@")[0].partition(":")
    secret = password or (name if scheme.startswith("http") else "")
    return (secret, unquote(secret)) if rest and secret else ()
