"""What a create's answer claims, held against what is known and what rows show -> whether to believe it."""

from collections.abc import Collection, Sequence
from enum import Enum

from baseten_jobs.job.identity import Identity
from baseten_jobs.job.observation import ObservedJob, short
from baseten_jobs.job.times import epoch_of
from baseten_jobs.phrases import one_line

_LEEWAY = 60.0
"""Seconds that a server's clocks may differ among themselves."""


class Shown(Enum):
    """How rows of the API show the job that a create's answer named."""

    HIDDEN = "by no row"
    OWN = "in its project, under the identity that was asked for"
    OTHER = "under another manifest's identity"
    ELSEWHERE = "in another project"
    RENAMED = "under a name that is no identity"
    NAMELESS = "without any name"


def contradiction(
    job: ObservedJob, project_id: str, identity: Identity, seen: Collection[str], sent: float | None
) -> str:
    """Why the job can't be what a create has just made, or nothing.

    `seen` are ids from before. `sent` is when the create was sent, in epoch seconds by the server's clock; where that
    is None, or the job's time can't be read, the times are not compared.
    """
    created = epoch_of(job.created_at)
    if job.id in seen:
        return f"the answer names job {job.id}, which was there before"
    if sent is not None and created is not None and created < sent - _LEEWAY:
        return f"the answer names job {job.id} of {one_line(job.created_at, 40)}, older than the create"
    if job.project_id not in ("", project_id):
        return f"the answer names job {job.id} of another project, '{one_line(job.project_id, 60)}'"
    if job.identity not in (None, identity):
        return f"the answer names job {job.id}, which is '{one_line(job.name or '', 80)}'"
    return ""


def shown_as(rows: Sequence[ObservedJob], project_id: str, identity: Identity) -> Shown:
    """What the rows of one job say of it, a row that has its identity before all others."""
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
    """How the rows of one job call it: `with the name 'x'`, or `without a name`."""
    name = next((row.name for row in reversed(rows) if row.name), None)
    return f"with the name '{one_line(name, 80)}'" if name else "without a name"


def not_shown(own: ObservedJob) -> str:
    """What a person reads of a job that its create returned, and no row shows."""
    return (
        f"neither search nor job list shows job {own.id}, which its create returned: "
        f"do not apply again until `baseten-jobs status --job {own.id}` shows it"
    )


def left_alone(own: ObservedJob, older: ObservedJob, own_now: ObservedJob | None, older_now: ObservedJob | None) -> str:
    """What a person reads of a job that was told to stop for an older one which turns out not to have run on."""
    stopped = "was told to stop, and lives so far," if own_now and own_now.live else "was stopped"
    state = f"has the status {short(older_now.status)}" if older_now else "is not shown any more"
    return f"job {own.id} {stopped} as the second of job {older.id}, which {state}: see that one of them runs"
