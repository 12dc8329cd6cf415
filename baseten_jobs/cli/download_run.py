"""Files and a folder -> the download of them, with its bar, and what is said of its end."""

import os
import shutil
from collections.abc import Sequence

from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.interrupts import raising
from baseten_jobs.cli.progress import ByteProgress
from baseten_jobs.cli.runs_meant import Meant
from baseten_jobs.cli.session import Session
from baseten_jobs.phrases import human
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.downloads.fetching import fetch
from baseten_jobs.provider.downloads.outcome import Downloaded, Fate
from baseten_jobs.provider.downloads.partial import begun
from baseten_jobs.provider.downloads.places import Folder, is_whole
from baseten_jobs.provider.downloads.remote_files import RemoteFile
from baseten_jobs.report import download_list
from baseten_jobs.report import json as as_json

_FAULTS = 20
"""Faults that are told one by one at most."""


def lacking(where: Folder, files: Sequence[RemoteFile]) -> str:
    """Why the disk has no room for these files; empty if it has."""
    needed = sum(f.size - begun(where.place(f), f) for f in files if not is_whole(where.place(f), f))
    there = where.path
    while not os.path.isdir(there):
        there = os.path.dirname(there) or os.curdir
    free = shutil.disk_usage(there).free
    return f"{human(needed)} are needed, and {human(free)} are free" if needed > free else ""


def fetched(session: Session, api: Api, meant: Meant, files: Sequence[RemoteFile], where: Folder) -> Downloaded:
    progress = ByteProgress(session.output)
    try:
        with raising():
            return fetch(api, meant.job, files, where, progress)
    finally:
        progress.close()


def told(session: Session, where: Folder, done: Downloaded) -> Exit:
    left = done.interrupted or done.of(Fate.FAILED) or done.of(Fate.LEFT)
    error = "interrupted" if done.interrupted else "not all files were downloaded" if left else ""
    if session.json:
        session.result(as_json.failure(error, **download_list.data(done, where.path)))
    else:
        session.result(download_list.text(done, where.path))
    if left:
        session.error(f"{error}; what is there stays, and the same command goes on")
    return Exit.INTERRUPTED if done.interrupted else Exit.FAILED if left else Exit.DONE


def first(faults: Sequence[str]) -> list[str]:
    more = [f"  … and {len(faults) - _FAULTS} more"] if len(faults) > _FAULTS else []
    return [*(f"  {fault}" for fault in faults[:_FAULTS]), *more]
