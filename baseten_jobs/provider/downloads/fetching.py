"""Files of a job -> the same in a folder, several at a time, each gone on with where it broke off."""

import fcntl
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.link import LinkFailed, LinkReader
from baseten_jobs.provider.downloads.links import Gone, Links
from baseten_jobs.provider.downloads.outcome import Downloaded, Fate, Fetched
from baseten_jobs.provider.downloads.partial import Partial, begun
from baseten_jobs.provider.downloads.places import Folder, is_whole
from baseten_jobs.provider.downloads.remote_files import RemoteFile
from baseten_jobs.provider.downloads.tries import Tries

Told = Callable[[int, int, str], None]
"""Called with the bytes that are here, the bytes in all, and a sentence on what is done."""

_WORKERS = 8
_GIVE_UP = 12
"""So many files in a row that failed end it: the others would, too."""
_PATIENCE = 3.0
"""Seconds that threads have to end in after an interrupt: one may wait for a server, and is left behind."""


class FolderBusy(Exception):
    """Another process downloads into this folder."""


class _Stopped(Exception):
    """The download was interrupted or given up."""


def fetch(api: Api, job: ObservedJob, files: Sequence[RemoteFile], folder: Folder, told: Told) -> Downloaded:
    """Download what is not here yet. An interrupt, KeyboardInterrupt, ends it at once: what is here stays.

    Raises ApiError, OSError for a disk that does not take it, and FolderBusy.
    """
    os.makedirs(folder.path, exist_ok=True)
    with _alone_in(folder.path):
        reader = api.link_reader()
        try:
            return _Download(api, Links(api, job), reader, files, folder, told).run()
        finally:
            reader.close()


@contextmanager
def _alone_in(path: str) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderBusy("another download into this folder is under way") from None
        yield
    finally:
        os.close(descriptor)


class _Download:
    """One download under way; its threads take one file after the other."""

    def __init__(
        self, api: Api, links: Links, reader: LinkReader, files: Sequence[RemoteFile], folder: Folder, told: Told
    ) -> None:
        self._api, self._links, self._reader, self._folder, self._told = api, links, reader, folder, told
        self._files = files
        self._fates: dict[int, Fetched] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._broken: BaseException | None = None
        self._failed_in_a_row = 0
        self._here, self._total = 0, sum(file.size for file in files)

    def run(self) -> Downloaded:
        pending: list[int] = []
        for number, file in enumerate(self._files):
            place = self._folder.place(file)
            if is_whole(place, file):
                self._fates[number] = Fetched(file, place, Fate.KEPT)
                self._here += file.size
            else:
                pending.append(number)
                self._here += begun(place, file)
        self._told(self._here, self._total, "downloading")
        order = iter(pending)
        threads = [
            threading.Thread(target=self._work, args=(order,), name="download", daemon=True)
            for _ in range(min(_WORKERS, len(pending)))
        ]
        interrupted = self._carried_out(threads)
        if self._broken is not None:
            raise self._broken
        return Downloaded(tuple(self._fate(number) for number in range(len(self._files))), interrupted)

    def _carried_out(self, threads: Sequence[threading.Thread]) -> bool:
        """Run the threads; return True if they were interrupted."""
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.2)
        except KeyboardInterrupt:
            self._stop.set()
            self._api.clock.interrupted.set()
            for thread in filter(threading.Thread.is_alive, threads):
                thread.join(_PATIENCE / len(threads))
            return True
        return False

    def _fate(self, number: int) -> Fetched:
        file = self._files[number]
        return self._fates.get(number) or Fetched(file, self._folder.place(file), Fate.LEFT)

    def _work(self, order: Iterator[int]) -> None:
        while not self._stop.is_set():
            with self._lock:
                number = next(order, None)
            if number is None:
                return
            try:
                self._fates[number] = fetched = self._fetched(self._files[number])
            except _Stopped:
                return
            except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
                self._broken = self._broken or error
                self._stop.set()
                return
            with self._lock:
                self._failed_in_a_row = self._failed_in_a_row + 1 if fetched.fate is Fate.FAILED else 0
                if self._failed_in_a_row >= _GIVE_UP:
                    self._stop.set()

    def _fetched(self, file: RemoteFile) -> Fetched:
        place = self._folder.place(file)
        try:
            with Partial(place, file) as partial:
                self._fill(file, partial)
                partial.finish()
        except (LinkFailed, Gone) as error:
            return Fetched(file, place, Fate.FAILED, str(error))
        return Fetched(file, place, Fate.DOWNLOADED)

    def _fill(self, file: RemoteFile, partial: Partial) -> None:
        """Raises LinkFailed and Gone once no further try helps, _Stopped, ApiError and OSError."""
        link, tries = "", Tries(self._api)
        while partial.size < file.size:
            before = partial.size
            link = link or self._links.of(file)
            try:
                self._read(link, file, partial)
            except LinkFailed as failure:
                tries.failed(failure, partial.size - before)
                if failure.ran_out:
                    link = self._links.renewed(file, link)
            if self._stop.is_set():
                raise _Stopped

    def _read(self, link: str, file: RemoteFile, partial: Partial) -> None:
        """Read on; raises LinkFailed where not all comes, or more than the file should have."""
        with self._reader.open(link, partial.size) as body:
            if body.start < partial.size:
                self._gained(body.start - partial.size)
                partial.restart(body.start)
            for part in body.parts:
                if partial.size + len(part) > file.size:
                    self._gained(-partial.size)
                    partial.restart(0)
                    raise LinkFailed(f"it is larger than the {file.size} bytes that the API tells of", passing=True)
                partial.write(part)
                self._gained(len(part))
                if self._stop.is_set():
                    raise _Stopped
        if partial.size < file.size:
            raise LinkFailed(
                f"it ends after {partial.size} of the {file.size} bytes that the API tells of", passing=True
            )

    def _gained(self, count: int) -> None:
        with self._lock:
            self._here += count
            self._told(self._here, self._total, "downloading")
