"""How git is set up -> verdicts: whether what ran, whose it is and what changed can be told from the history."""

import shlex
from collections.abc import Iterator

from baseten_jobs.doctor.findings import Verdict, fail, ok, warn
from baseten_jobs.doctor.readings import Readings
from baseten_jobs.git.facts import NotInGit, Setup
from baseten_jobs.job.names import normalised
from baseten_jobs.phrases import count, one_line

_LFS = "lfs"


def check_repository(readings: Readings) -> Iterator[Verdict]:
    found = readings.git
    if isinstance(found, NotInGit):
        yield (fail if found.refused else warn)(found.reason, found.remedy)
    else:
        yield ok(f"git {found.version}, {one_line(found.root, 300)}")


def check_history(readings: Readings) -> Iterator[Verdict]:
    for setup in _setup(readings):
        if setup.shallow:
            yield fail("this clone is shallow: its history ends after some commits", "git fetch --unshallow")
        if setup.partial:
            yield warn("this clone is partial: contents of its history are not here", "git fetch --refetch --no-filter")


def check_origin(readings: Readings) -> Iterator[Verdict]:
    for setup in _setup(readings):
        if readings.tool.owner and setup.origin:
            yield ok(f"{one_line(normalised(setup.origin), 200)}, whose jobs carry '{readings.tool.owner}'")
        elif readings.tool.owner:
            yield ok(f"the environment says whose jobs these are, which carry '{readings.tool.owner}'")
        elif len(setup.remotes) == 1:
            remote = setup.remotes[0]
            yield warn(
                f"the remote is called '{one_line(remote)}', and none 'origin'",
                f"git remote rename {shlex.quote(remote)} origin",
            )
        else:
            yield warn("this repository has no remote 'origin'", "git remote add origin URL")


def check_filters(readings: Readings) -> Iterator[Verdict]:
    for setup in _setup(readings):
        if setup.crlf:
            told = "core.autocrlf changes the line ends of files on their way to the disk"
            yield warn(told, "git config core.autocrlf false")
        for each in setup.filters:
            files = f"{count(each.files, 'file')}, such as {one_line(each.example)}"
            told = f"the filter '{one_line(each.name)}' is for {files}"
            if each.name != _LFS:
                yield warn(f"{told}: what it makes of them is not what git holds", "leave them out of workspaces")
            elif not each.known:
                yield warn(f"{told}, and is not installed here", "git lfs install && git lfs pull")


def check_modes(readings: Readings) -> Iterator[Verdict]:
    for setup in _setup(readings):
        if not setup.file_mode:
            yield warn(
                "core.fileMode is false: git does not see which files are executable", "git config core.fileMode true"
            )


def _setup(readings: Readings) -> Iterator[Setup]:
    """The set-up, where there is one: what else is wrong is told by the check of the repository."""
    if isinstance(readings.git, Setup):
        yield readings.git
