"""A checkout -> how its git is set up: what decides on whether the history, and the files, are the same everywhere."""

import os
from collections.abc import Mapping, Sequence

from baseten_jobs.git.facts import Filtered, NotInGit, Setup
from baseten_jobs.git.process import GitError, attempt, run
from baseten_jobs.git.repository import Repository, open_repository

_FILTERED = ("ls-files", "-z", "--", ".", ":(exclude,attr:!filter)")
"""Asks for the tracked files that have any filter."""


def setup_of(folder: str) -> Setup | NotInGit:
    """How the checkout that a folder is in is set up; nothing is written, and no filter runs."""
    with open_repository(folder) as repository:
        if isinstance(repository, NotInGit):
            return repository
        try:
            return _setup(repository)
        except GitError as error:
            return NotInGit(f"git can't tell how it is set up: {error}", refused=True)


def _setup(repository: Repository) -> Setup:
    root = repository.root
    settings = _settings(run(root, "config", "-z", "--list"))
    return Setup(
        str(root),
        repository.shallow,
        any(name.startswith("remote.") and name.endswith(".promisor") for name in settings),
        settings.get("remote.origin.url", ""),
        tuple(sorted({name[len("remote.") : -len(".url")] for name in settings if _is_address(name)})),
        settings.get("core.filemode", "true").lower() not in ("false", "no", "off", "0"),
        settings.get("core.autocrlf", "").lower() in ("true", "yes", "on", "1"),
        _filters(repository, settings),
        os.fsdecode(run(root, "version")).strip().removeprefix("git version "),
    )


def _settings(listed: bytes) -> Mapping[str, str]:
    """The last value of each setting, which is the one that counts; one without a value is true."""
    found: dict[str, str] = {}
    for setting in filter(None, os.fsdecode(listed).split("\0")):
        name, given, value = setting.partition("\n")
        found[name] = value if given else "true"
    return found


def _is_address(name: str) -> bool:
    return name.startswith("remote.") and name.endswith(".url")


def _filters(repository: Repository, settings: Mapping[str, str]) -> tuple[Filtered, ...]:
    files = [path for path in os.fsdecode(run(repository.root, *_FILTERED)).split("\0") if path]
    names = _filter_of(repository, files)
    found: dict[str, list[str]] = {}
    for path in files:
        if (name := names.get(path, "")) not in ("", "unset", "set", "unspecified"):
            found.setdefault(name, []).append(path)
    return tuple(
        Filtered(name, paths[0], len(paths), any(f"filter.{name}.{part}" in settings for part in ("smudge", "process")))
        for name, paths in sorted(found.items())
    )


_AT_ONCE = 500
"""Paths that one command line takes."""


def _filter_of(repository: Repository, files: Sequence[str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for start in range(0, len(files), _AT_ONCE):
        asked = attempt(repository.root, "check-attr", "-z", "filter", "--", *files[start : start + _AT_ONCE])
        fields = os.fsdecode(asked.stdout).split("\0")
        found |= dict(zip(fields[::3], fields[2::3], strict=False))
    return found
