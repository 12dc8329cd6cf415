"""A submit + its project's jobs -> the submit, or a hold if its job may run already under another name."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from baseten_jobs.job.cost import same_gpu
from baseten_jobs.job.observation import ObservedJob, ObservedProject
from baseten_jobs.job.request import JobRequest
from baseten_jobs.manifest.names import is_made_up, manifest_name
from baseten_jobs.phrases import listed, one_line
from baseten_jobs.planning.plan import Action, Doubt, Policy, Verb


def doubted(
    submit: Action, project: ObservedProject, policy: Policy, claimed: Collection[str], *, first: bool
) -> Action:
    """The submit itself, or a hold if its job may exist; `first` is True if no job has the manifest's name.

    A person lifts such a hold with `--create NAME`, or says in the manifest which job is meant.
    """
    request = submit.request
    if policy.creates(request.name):
        return submit
    if (known := _under_another_name(request, project, claimed)) is not None:
        return _renamed(submit, known)
    if not first:
        return submit
    if (running := _look_alike(request, project)) is not None:
        return _runs_already(submit, running)
    alike = [job for job in project.unmanaged if _as_large(job, request)]
    return replace(submit, notes=(*submit.notes, _same_size(alike))) if alike else submit


def held(submit: Action, doubt: Doubt, reason: str, job: ObservedJob | None = None) -> Action:
    """The submit as a hold that waits for a person; `job` is the one that may be the manifest's own."""
    return replace(submit, verb=Verb.HOLD, doubt=doubt, reason=reason, job=job, beside=(), past=())


def _under_another_name(request: JobRequest, project: ObservedProject, claimed: Collection[str]) -> ObservedJob | None:
    """The newest job that runs, or ran, this very spec under a name that no manifest has; None if there is none."""
    for job in reversed(project.that_ran(request.identity.digest)):
        own = job.identity
        if own is not None and own.name not in claimed and (job.live or own.attempt >= request.attempt):
            return job
    return None


def _renamed(submit: Action, job: ObservedJob) -> Action:
    name, old = submit.request.name, job.identity.name if job.identity else ""
    did = "runs" if job.live else "ran"
    reason = (
        f"renamed? job {job.id} {did} this very spec as '{old}', a name that no manifest has: "
        f"`metadata.renamed_from: {old}` counts it as this manifest's, `--create {name}` submits it again"
    )
    return held(submit, Doubt.RENAMED, reason, job)


def _look_alike(request: JobRequest, project: ObservedProject) -> ObservedJob | None:
    """A live job that no manifest manages, and that has the manifest's name, or would have got it when imported."""
    return next((job for job in project.unmanaged if request.name in _names(job, project)), None)


def _names(job: ObservedJob, project: ObservedProject) -> tuple[str, ...]:
    """The names that a manifest of this job could have: a job that was given no name of its own has its project's."""
    name = job.name or ""
    return name, manifest_name(name), *((manifest_name(project.name),) if is_made_up(name) else ())


def _runs_already(submit: Action, job: ObservedJob) -> Action:
    request = submit.request
    size = f", {job.gpus} GPUs" if job.gpus else ""
    whose = "this cell's (`matrix.adopts`)" if request.cell else "this manifest's (`metadata.adopts`)"
    reason = (
        f"job {job.id} ('{one_line(job.name or 'without a name')}'{size}), which no manifest manages, runs already: "
        f"`baseten-jobs adopt {request.name} --job {job.id}` counts it as {whose}, "
        f"`--create {request.name}` submits another"
    )
    return held(submit, Doubt.LOOK_ALIKE, reason, job)


def _as_large(job: ObservedJob, request: JobRequest) -> bool:
    accelerator = request.training_job.get("compute", {}).get("accelerator")
    return (
        accelerator is not None
        and job.gpus == request.gpus
        and job.node_count in (None, request.nodes)
        and same_gpu(job.gpu_type or "", accelerator["accelerator"])
    )


def _same_size(jobs: Sequence[ObservedJob]) -> str:
    shown = listed([f"job {job.id} ('{one_line(job.name or 'without a name')}')" for job in jobs], 3)
    run = "runs" if len(jobs) == 1 else "run"
    return f"{shown}, which no manifest manages, {run} on as many GPUs as this one asks for"
