"""Failures of links, one after the other -> a wait before the next try, or the failure that is the last."""

from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.link import LinkFailed
from baseten_jobs.provider.api.pacing import nth

_TRIES = 8
"""So often a file is tried in a row without getting any further."""
_FURTHER = 1 << 16
"""Bytes that a try has to bring to have got the file further."""


class Tries:
    """The tries of one file."""

    def __init__(self, api: Api) -> None:
        self._api, self._count = api, 0

    def failed(self, failure: LinkFailed, gained: int) -> None:
        """Wait before the next try; raises the failure if none helps. `gained` is what the try brought, in bytes."""
        self._count = 1 if gained >= _FURTHER else self._count + 1
        if self._count >= _TRIES or not (failure.passing or failure.ran_out):
            raise failure
        if failure.passing or self._count > 1:
            wait = self._api.backoff.wait(self._count - 1)
            self._api.waits.pause(wait, str(failure), nth(self._count + 1, _TRIES))
