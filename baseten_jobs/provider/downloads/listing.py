"""Pages of the API -> the files of a job's checkpoints, each once."""

from collections.abc import Iterator, Sequence
from typing import Any

from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.job.times import epoch_of
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.downloads.remote_files import RemoteFile

PAGE = 1000
"""Files of a page."""
_MOST = 5_000_000
"""Files that are listed at most."""


def files_of(api: Api, job: ObservedJob) -> tuple[RemoteFile, ...]:
    """All files of all checkpoints on all nodes, as the API lists them; raises ApiError.

    A folder, which some tools make an empty object for, is none.
    """
    found: dict[tuple[int, str], RemoteFile] = {}
    for start, rows in pages(api, job):
        for number, row in enumerate(rows):
            file = _file(row, start + number, job)
            if not (file.path.endswith("/") and file.size == 0):
                found[file.key] = file
    return tuple(found.values())


def pages(api: Api, job: ObservedJob) -> Iterator[tuple[int, Sequence[dict[str, Any]]]]:
    """Each page with the place of its first file; raises ApiError, also for pages that lead nowhere."""
    token: int | None = 0
    while token is not None:
        rows, following = api.checkpoint_files(job.project_id, job.id, PAGE, token)
        if not rows:
            return
        yield token, rows
        if following is not None and not token < following <= _MOST:
            raise ApiError(f"checkpoint files of job {job.id}", f"page {token} is followed by page {following}")
        token = following


def _file(row: dict[str, Any], at: int, job: ObservedJob) -> RemoteFile:
    node, size, modified = row.get("node_rank"), row.get("size_bytes"), row.get("last_modified")
    for name, value in (("node_rank", node), ("size_bytes", size)):
        if type(value) is not int or not 0 <= value < 1 << 62:
            raise ApiError(f"checkpoint files of job {job.id}", f"a file's '{name}' is no number of any")
    assert isinstance(node, int)
    assert isinstance(size, int)
    return RemoteFile(
        node, row["relative_file_name"], size, epoch_of(modified) if isinstance(modified, str) else None, at
    )
