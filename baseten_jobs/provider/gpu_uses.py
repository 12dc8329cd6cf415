"""Client + jobs -> how much the GPUs of those that run are used; what can't be read is not known, never a failure."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from baseten_jobs.job.gpu_use import SPAN, UNKNOWN, GpuUse, gpu_use
from baseten_jobs.job.observation import RUNNING, ObservedJob
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError

MOST_JOBS = 20
"""The most jobs whose metrics are read at one look, with one call each."""

_READERS = 8
_ATTEMPTS, _EACH, _ALL = 2, 10.0, 20.0
"""How often a read is tried, how many seconds it has, and after how many nothing is tried again."""

_STEP = 60


def uses_gpus(job: ObservedJob) -> bool:
    """True if the job runs and has GPUs, as far as is known: others are not read."""
    return job.status == RUNNING and job.gpus != 0


def gpu_uses(api: Api, jobs: Iterable[ObservedJob]) -> dict[str, GpuUse]:
    """Return the use of GPUs by the ids of the jobs that were read, side by side; raises no ApiError.

    Of more than twenty jobs those with the most GPUs are read, then the oldest.
    """
    read = {job.id: job for job in jobs if uses_gpus(job)}
    chosen = sorted(read.values(), key=lambda job: (-(job.gpus or 0), job.age_order))[:MOST_JOBS]
    if not chosen:
        return {}
    hasty = api.hasty(_ATTEMPTS, _EACH, api.clock.now() + _ALL)
    with ThreadPoolExecutor(_READERS) as pool:
        return dict(zip((job.id for job in chosen), pool.map(lambda job: _use(hasty, job), chosen), strict=True))


def _use(api: Api, job: ObservedJob) -> GpuUse:
    start = api.server_clock.now() - SPAN
    try:
        metrics = api.metrics(job.project_id, job.id, int(start * 1000), _STEP)
    except ApiError:
        return UNKNOWN
    nodes = job.node_count
    gpus = job.gpus // nodes if job.gpus and nodes else job.gpus
    return gpu_use(metrics, api.server_clock.now(), nodes, gpus)
