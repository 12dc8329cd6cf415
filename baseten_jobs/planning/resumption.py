"""The submit of a retry + what the runs before it saved -> the submit that begins with their newest checkpoint."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.job.request import JobRequest
from baseten_jobs.job.saved import Saved
from baseten_jobs.phrases import one_line
from baseten_jobs.planning.diff import Change, changes
from baseten_jobs.planning.plan import Action, Verb

_READ = 10
"""As many runs are asked at most for their checkpoints, the newest first."""
_NONE = "no run of it has a synced checkpoint, so it begins as its manifest says"


def resumes(action: Action) -> bool:
    """True for a submit that is to begin with a checkpoint of the runs before it, and does not know it yet."""
    retries = action.request.retries
    asked = retries is not None and retries.from_checkpoint
    return action.verb is Verb.SUBMIT and action.retry is not None and asked and not action.loads


def resumed(action: Action, jobs: Sequence[ObservedJob], saved_by: Callable[[ObservedJob], Saved]) -> Action:
    """The submit with the newest synced checkpoint in its body; the same with a note, if there is none.

    A hold, and an error, where that can't be read: to begin anew would throw away what was computed. `jobs` are those
    of its identity, oldest first.
    """
    for job in list(reversed(jobs))[:_READ]:
        saved = saved_by(job)
        if saved.problem:
            reason = f"not retried: the checkpoints of job {job.id} can't be read: {saved.problem}"
            error = f"{action.request.name}: {reason}"
            return replace(action, verb=Verb.HOLD, reason=reason, job=job, error=error, beside=(), past=())
        if saved.newest:
            request = action.request.resuming(job.id, saved.newest)
            reason = f"{action.reason}, from {one_line(saved.newest, 80)} of job {job.id}"
            return replace(action, request=request, reason=reason, changes=_changes(request), loads=(job,))
    return replace(action, notes=tuple(dict.fromkeys((*action.notes, _NONE))))


def _changes(request: JobRequest) -> tuple[Change, ...]:
    """In what the body differs from the manifest."""
    spec, load = request.manifest["spec"], request.training_job["runtime"]["load_checkpoint_config"]
    checkpointing: Mapping[str, Any] = spec.get("checkpointing") or {}
    sent = {**spec, "checkpointing": {**checkpointing, "load": load}}
    return changes(spec, sent, request.manifest["apiVersion"])
