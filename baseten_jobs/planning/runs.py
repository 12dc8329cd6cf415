"""A plan -> the jobs that it is about, each with the manifest whose spec it runs."""

from collections.abc import Iterator
from typing import NamedTuple

from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.job.request import JobRequest
from baseten_jobs.planning.plan import Action, Plan, Verb


class Run(NamedTuple):
    """A job and the request of its manifest; None for a job of another spec, or without a manifest."""

    job: ObservedJob
    request: JobRequest | None = None


def runs_of(made: Plan) -> tuple[Run, ...]:
    """Every run of the manifests' own specs, retries and all; and what else of their names lives, or has no manifest.

    Each job is there once.
    """
    found: dict[str, Run] = {}
    for run in _all(made):
        if run.job.id not in found or run.request is not None:
            found[run.job.id] = run
    return tuple(found.values())


def own_runs(made: Plan, action: Action) -> tuple[ObservedJob, ...]:
    """The jobs of just the identity of an action's manifest, oldest first: its runs, retries and all."""
    return tuple(job for job in _named(made, action) if job.identity == action.request.identity)


def strays(made: Plan, action: Action) -> tuple[ObservedJob, ...]:
    """The live jobs of the manifest's name that run another spec or attempt, and that the plan does not stop."""
    stopped = {stop.job.id for stop in made.of(Verb.STOP) if stop.job}
    others = (job for job in _named(made, action) if job.live and job.identity != action.request.identity)
    return tuple(job for job in others if job.id not in stopped)


def _named(made: Plan, action: Action) -> tuple[ObservedJob, ...]:
    return made.project_of(action).by_name.get(action.request.name, ())


def _all(made: Plan) -> Iterator[Run]:
    for action in made.actions:
        for job in (*((action.job,) if action.job else ()), *action.superseded):
            yield Run(job)
        for job in _named(made, action) if action.verb is not Verb.STOP else ():
            own = job.identity == action.request.identity
            if own or job.live:
                yield Run(job, action.request if own else None)
    for orphan in made.orphans:
        yield Run(orphan.job)
