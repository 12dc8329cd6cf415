"""A job -> the archive that was submitted with it, in a file."""

from collections.abc import Callable
from typing import BinaryIO

from baseten_jobs.job.content import MAX_BYTES
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.phrases import human
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.link import LinkFailed, LinkReader
from baseten_jobs.provider.downloads.tries import Tries


class NoCode(Exception):
    """Nothing was submitted with the job."""


def fetch_archive(api: Api, job: ObservedJob, into: BinaryIO, told: Callable[[int, int, str], None]) -> int:
    """Write the first archive into an empty file; return how many there are, of which all clients use the first.

    `told` is called with the bytes that came, the bytes in all, and a sentence. Raises ApiError, LinkFailed, NoCode,
    and OSError for a disk that does not take it.
    """
    links = api.artifacts(job.project_id, job.id)
    if not links:
        raise NoCode(f"no code was submitted with job {job.id}")
    tries, reader = Tries(api), api.link_reader()
    try:
        while True:
            before = into.tell()
            try:
                _read(reader, links[0], into, told)
                return len(links)
            except LinkFailed as failure:
                tries.failed(failure, into.tell() - before)
                if failure.ran_out:
                    links = api.artifacts(job.project_id, job.id) or links
    finally:
        reader.close()


def _read(reader: LinkReader, link: str, into: BinaryIO, told: Callable[[int, int, str], None]) -> None:
    with reader.open(link, into.tell()) as body:
        into.seek(body.start)
        into.truncate()
        for part in body.parts:
            into.write(part)
            if into.tell() > MAX_BYTES:
                raise LinkFailed(f"the archive is larger than {human(MAX_BYTES)}")
            told(into.tell(), body.total or MAX_BYTES, "downloading the code")
