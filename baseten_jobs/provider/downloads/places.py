"""Files of a job -> their places in a folder, a folder a node, or why they can't be written there."""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from baseten_jobs.job.relative_paths import strange
from baseten_jobs.phrases import one_line
from baseten_jobs.provider.downloads.remote_files import RemoteFile


@dataclass(frozen=True)
class Folder:
    """Where files go: `DIR/node-<rank>/<path>`."""

    path: str

    def place(self, file: RemoteFile) -> str:
        return os.path.join(self.path, f"node-{file.node}", *file.path.split("/"))

    def faults(self, files: Sequence[RemoteFile], *, replace: bool = False) -> list[str]:
        """Why these files can't be written here, each in a sentence; nothing is written.

        A file that is there already with another size or time is a fault, unless it is to `replace` that.
        """
        return [*self._strange(files), *_tangled(files)] or list(self._taken(files, replace))

    @staticmethod
    def _strange(files: Iterable[RemoteFile]) -> Iterator[str]:
        for file in files:
            if fault := strange(file.path):
                yield f"{file} {fault}"

    def _taken(self, files: Iterable[RemoteFile], replace: bool) -> Iterator[str]:
        known: dict[str, str] = {}
        for file in files:
            place = self.place(file)
            if fault := self._no_way(os.path.dirname(place), known):
                yield f"{file}: {fault}"
                continue
            found = _stat(place)
            if found is not None and not stat.S_ISREG(found.st_mode):
                kind = "a link" if stat.S_ISLNK(found.st_mode) else "no file"
                yield f"{file}: {one_line(place, 1024)} is {kind}"
            elif found is not None and not replace and not is_whole(place, file):
                yield f"{file}: {one_line(place, 1024)} is there, and is not what the job has; --force replaces it"

    def _no_way(self, folder: str, known: dict[str, str]) -> str:
        """Why a folder below this one can't hold files; empty if it can, or is still to be made."""
        if folder == self.path:
            return ""
        if folder not in known:
            found = _stat(folder)
            known[folder] = self._no_way(os.path.dirname(folder), known)
            if not known[folder] and found is not None and not stat.S_ISDIR(found.st_mode):
                kind = "a link, and nothing is written through it" if stat.S_ISLNK(found.st_mode) else "no folder"
                known[folder] = f"{one_line(folder, 1024)} is {kind}"
        return known[folder]


def _tangled(files: Sequence[RemoteFile]) -> Iterator[str]:
    """Files that stand where other files have folders."""
    names = {file.key for file in files}
    for file in files:
        parts = file.path.split("/")
        for end in range(1, len(parts)):
            if (file.node, "/".join(parts[:end])) in names:
                yield f"{file} lies below what is a file itself"
                break


def is_whole(place: str, file: RemoteFile) -> bool:
    """True if the file is there with its size, and with its time as far as a disk keeps that."""
    found = _stat(place)
    if found is None or not stat.S_ISREG(found.st_mode) or found.st_size != file.size:
        return False
    return file.modified is None or abs(found.st_mtime - file.modified) < 2


def _stat(path: str) -> os.stat_result | None:
    """What is there, links not followed; raises OSError but for what is not there."""
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
