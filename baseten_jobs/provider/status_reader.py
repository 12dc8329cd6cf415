"""Rows of status -> the same with what their jobs cost and saved so far, and use of their GPUs, in few calls."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from math import inf

from baseten_jobs.job.cost import Machine, price_list
from baseten_jobs.job.gpu_use import UNKNOWN, GpuUse
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.gpu_uses import gpu_uses, uses_gpus
from baseten_jobs.provider.status import Checkpoints, Status, deployed, surveyed

_JOBS = 20
"""The most jobs whose checkpoints are read at one look, with one call each."""

_READERS = 8
_STALE = 30.0
"""Seconds after which the checkpoints of a live job are read again."""

_STALE_USE = 60.0
"""Seconds after which the metrics of a job are read again."""


class Survey:
    """One or more looks at jobs: prices are read once, checkpoints of an ended job once, metrics of one that runs.

    A job that was seen deployed costs something from then on, also once it waits again.
    """

    def __init__(self, api: Api) -> None:
        self._api = api.hasty(2, 30.0)
        self._saved: dict[str, Checkpoints] = {}
        self._read: dict[str, float] = {}
        self._billed: set[str] = set()
        self._used: dict[str, GpuUse] = {}
        self._metered: dict[str, float] = {}

    def of(self, rows: Sequence[Status]) -> tuple[Status, ...]:
        """Return the rows with costs, checkpoints and use; what can't be read stays unknown: raises no ApiError."""
        due = [row.job for row in rows if row.job and row.request.saves_checkpoints and self._due(row.job)]
        due.sort(key=lambda job: not job.live)
        if due:
            with ThreadPoolExecutor(_READERS) as pool:
                list(pool.map(self._read_checkpoints, due[:_JOBS]))
        machines = self._machines if any(row.job for row in rows) else ()
        self._billed |= {row.job.id for row in rows if row.job and deployed(row.job)}
        running = [row.job for row in rows if row.job and uses_gpus(row.job)]
        self._read_metrics(running)
        used = {job.id: self._used.get(job.id, UNKNOWN) for job in running}
        return surveyed(rows, machines, self._saved, self._api.clock.wall(), self._billed, used)

    @cached_property
    def _machines(self) -> tuple[Machine, ...]:
        try:
            return price_list(self._api.prices())
        except ApiError:
            return ()

    def _due(self, job: ObservedJob) -> bool:
        read = self._read.get(job.id)
        if job.pending:
            return False
        if read is None:
            return True
        return read < float("inf") and (not job.live or self._api.clock.now() >= read + _STALE)

    def _read_metrics(self, running: Sequence[ObservedJob]) -> None:
        now = self._api.clock.now()
        found = gpu_uses(self._api, [job for job in running if self._metered.get(job.id, -inf) + _STALE_USE <= now])
        self._used |= found
        self._metered |= dict.fromkeys(found, now)

    def _read_checkpoints(self, job: ObservedJob) -> None:
        try:
            rows = self._api.checkpoints(job.project_id, job.id)
        except ApiError:
            return
        newest = max(rows, key=lambda row: str(row.get("created_at") or ""), default={})
        self._saved[job.id] = Checkpoints(len(rows), str(newest.get("checkpoint_id") or ""))
        self._read[job.id] = self._api.clock.now() if job.live else float("inf")
