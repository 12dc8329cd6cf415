"""A create's answer, and what is known of its job -> whether to believe the answer."""

from collections.abc import Collection, Sequence
from enum import Enum

from baseten_jobs.job.identity import Identity
from baseten_jobs.job.names import JobName, read_job_name
from baseten_jobs.job.observation import ObservedJob, short
from baseten_jobs.job.times import epoch_of
from baseten_jobs.phrases import one_line

_LEEWAY = 60.0
"""Seconds that the clocks of one provider's servers may differ."""


class Shown(Enum):
    """How search and job list show the job that a create's answer named."""

    HIDDEN = "by no row"
    OWN = "in its project, under the identity that was asked for"
    OTHER = "under another manifest's identity"
    ELSEWHERE = "in another project"
    RENAMED = "under a name that is no identity"
    NAMELESS = "without any name"


def contradiction(job: ObservedJob, project_id: str, name: JobName, seen: Collection[str], sent: float | None) -> str:
    """Why the job can't be the one that a create of this name has just made; empty if it can.

    `seen` are the ids of jobs from before the create. `sent` is when it was sent, in epoch seconds by the server's
    clock; if that is None, or the job's time can't be read, the times are not compared.
    """
    created = epoch_of(job.created_at)
    if job.id in seen:
        return f"the answer names job {job.id}, which was there before"
    if sent is not None and created is not None and created < sent - _LEEWAY:
        return f"the answer names job {job.id} of {one_line(job.created_at, 40)}, older than the create"
    if job.project_id not in ("", project_id):
        return f"the answer names job {job.id} of another project, '{one_line(job.project_id, 60)}'"
    if job.identity not in (None, name.identity) or _is_another_retry(job, name):
        return f"the answer names job {job.id}, which is '{one_line(job.name or '', 80)}'"
    return ""


def _is_another_retry(job: ObservedJob, name: JobName) -> bool:
    """True if a job's whole name has another number than was asked for; one that was cut may have lost it."""
    read = read_job_name(job.name)
    return read is not None and bool(read.token) and read.retry != name.retry


def shown_as(rows: Sequence[ObservedJob], project_id: str, identity: Identity) -> Shown:
    """How the rows of one job show it; if any row in its project has the identity asked for, that counts."""
    here = [row for row in rows if row.project_id in ("", project_id)]
    if any(row.identity == identity for row in here):
        return Shown.OWN
    if any(row.identity is not None for row in here):
        return Shown.OTHER
    if any(row.name for row in here):
        return Shown.RENAMED
    if here:
        return Shown.NAMELESS
    return Shown.ELSEWHERE if rows else Shown.HIDDEN


def called(rows: Sequence[ObservedJob]) -> str:
    """Returns `with the name 'x'`, the last name that rows of one job have, or `without a name`."""
    name = next((row.name for row in reversed(rows) if row.name), None)
    return f"with the name '{one_line(name, 80)}'" if name else "without a name"


def not_shown(own: ObservedJob) -> str:
    """The sentence on a job that its create returned, and that neither search nor job list shows."""
    return (
        f"neither search nor job list shows job {own.id}, which its create returned: "
        f"do not apply again until `baseten-jobs status --job {own.id}` shows it"
    )


def letters_lost(job_id: str, name: str | None) -> str:
    """The warning on a job of ours that came back without its owner and token; empty if its name has them."""
    read = read_job_name(name)
    if read is None or read.token:
        return ""
    return (
        f"job {job_id} came back as '{one_line(name or '', 80)}', without the letters of its owner and its token: it "
        "counts as a job without them, so that no apply stops it as a twin"
    )


def left_alone(own: ObservedJob, older: ObservedJob, own_now: ObservedJob | None, older_now: ObservedJob | None) -> str:
    """The sentence on a job that was stopped as a duplicate of an older one, if that one does not run on."""
    stopped = "was told to stop, and lives so far," if own_now and own_now.live else "was stopped"
    state = f"has the status {short(older_now.status)}" if older_now else "is not shown any more"
    return f"job {own.id} {stopped} as the second of job {older.id}, which {state}: see that one of them runs"
