"""Requests + observation -> how each manifest's job is."""

from collections.abc import Iterable
from dataclasses import dataclass

from baseten_jobs.observation import Observation, ObservedJob
from baseten_jobs.request import JobRequest


@dataclass(frozen=True)
class Status:
    """A manifest beside its job; `others` are live jobs of its name with another spec or attempt."""

    request: JobRequest
    job: ObservedJob | None = None
    duplicates: tuple[ObservedJob, ...] = ()
    others: tuple[ObservedJob, ...] = ()

    @property
    def state(self) -> str:
        """The provider's word for the job, shortened, or `not submitted`."""
        return short(self.job.status) if self.job else "not submitted"

    @property
    def live(self) -> tuple[ObservedJob, ...]:
        """Every live job of the manifest's name, whatever its spec."""
        own = self.duplicates or ((self.job,) if self.job and self.job.live else ())
        return (*own, *self.others)


def short(status: str) -> str:
    """The provider's word for a status, without what all have in common."""
    return status.removeprefix("TRAINING_JOB_").lower() or "not told"


def statuses(requests: Iterable[JobRequest], observation: Observation) -> tuple[Status, ...]:
    """In the order given; of several jobs of one identity the live one counts, else the newest."""
    return tuple(_status(request, observation) for request in requests)


def _status(request: JobRequest, observation: Observation) -> Status:
    named = observation.project(request.project).by_name.get(request.name, ())
    same = [job for job in named if job.identity == request.identity]
    live = tuple(job for job in same if job.live)
    others = tuple(job for job in named if job.live and job.identity != request.identity)
    job = live[0] if live else next(iter([j for j in same if j.ran] or same[-1:]), None)
    return Status(request, job, live if len(live) > 1 else (), others)
