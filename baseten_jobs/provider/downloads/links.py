"""Files of a job -> their presigned links, a page of the API at a time, and new ones for those that ran out."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.downloads.listing import PAGE, pages
from baseten_jobs.provider.downloads.remote_files import RemoteFile

_KEPT = 3
"""Pages whose links are kept: a link may have 2 KB."""

Page = dict[tuple[Any, str], str]


class Gone(Exception):
    """The API lists a file no more."""


class Links:
    """For several threads at once, which wait for each other's pages. Every method raises ApiError and Gone."""

    def __init__(self, api: Api, job: ObservedJob) -> None:
        self._api, self._job = api, job
        self._pages: OrderedDict[int, Page] = OrderedDict()
        self._moved: dict[tuple[int, str], int] = {}
        self._lock = threading.Lock()

    def of(self, file: RemoteFile) -> str:
        with self._lock:
            return self._known(file) or self._asked(file)

    def renewed(self, file: RemoteFile, refused: str) -> str:
        """A new link in the place of one that was refused, unless another thread has one by now."""
        with self._lock:
            known = self._known(file)
            return known if known and known != refused else self._asked(file)

    def _known(self, file: RemoteFile) -> str | None:
        return self._pages.get(self._page_of(file), {}).get(file.key)

    def _page_of(self, file: RemoteFile) -> int:
        return self._moved.get(file.key, file.at // PAGE * PAGE)

    def _asked(self, file: RemoteFile) -> str:
        """The link on the file's page; a list that has changed meanwhile is read from its start."""
        start = self._page_of(file)
        rows, _ = self._api.checkpoint_files(self._job.project_id, self._job.id, PAGE, start)
        if link := self._keep(start, rows).get(file.key):
            return link
        for place, page in pages(self._api, self._job):
            if link := self._keep(place, page).get(file.key):
                self._moved[file.key] = place
                return link
        raise Gone(f"{file} is no longer there")

    def _keep(self, start: int, rows: Sequence[Mapping[str, Any]]) -> Page:
        page: Page = {(row.get("node_rank"), row["relative_file_name"]): row["url"] for row in rows}
        self._pages[start] = page
        self._pages.move_to_end(start)
        while len(self._pages) > _KEPT:
            self._pages.popitem(last=False)
        return page
