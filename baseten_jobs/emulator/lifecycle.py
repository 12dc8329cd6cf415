"""A stored job and a moment to its status, its history and the time it ran; pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .records import Job

PENDING = "TRAINING_JOB_PENDING"
QUEUED = "TRAINING_JOB_QUEUED"
CREATED = "TRAINING_JOB_CREATED"
DEPLOYING = "TRAINING_JOB_DEPLOYING"
RUNNING = "TRAINING_JOB_RUNNING"
COMPLETED = "TRAINING_JOB_COMPLETED"
DEPLOY_FAILED = "TRAINING_JOB_DEPLOY_FAILED"
FAILED = "TRAINING_JOB_FAILED"
STOPPED = "TRAINING_JOB_STOPPED"
PREEMPTED = "TRAINING_JOB_PREEMPTED"

WAITING = frozenset({PENDING, QUEUED})
TERMINAL = frozenset({COMPLETED, DEPLOY_FAILED, FAILED, STOPPED, PREEMPTED})


class Moment(NamedTuple):
    """A status and the time it was set."""

    status: str
    since_us: int


class Window(NamedTuple):
    """The time in which the start commands ran; `end_us` is the asker's present while they still do."""

    start_us: int
    end_us: int


def moment(job: Job, at: int) -> Moment:
    """The status of a job at a time, which must not lie before its commit."""
    if job.held_us is not None and job.held_status is not None and job.held_us <= at:
        return Moment(job.held_status, job.held_us)
    released = job.released_us
    if released is None or at < released:
        return Moment(PENDING, job.committed_us)
    deploying = released + job.created_for
    if at < deploying:
        return Moment(CREATED, released)
    running = deploying + job.deploying_for
    if at < running:
        return Moment(DEPLOYING, deploying)
    finished = running + job.running_for
    if at < finished or job.outcome == RUNNING:
        return Moment(RUNNING, running)
    return Moment(job.outcome, finished)


def history(job: Job, until: int) -> Iterator[Moment]:
    """Every status that a job has had up to and including a time, oldest first."""
    last: Moment | None = None
    for turn in sorted(set(_turns(job))):
        if job.committed_us <= turn <= until:
            current = moment(job, turn)
            if last is None or current.status != last.status:
                yield current
            last = current


def ends_us(job: Job) -> int | None:
    """When a job gives its GPUs back; None if nothing will end it by itself."""
    course = None
    if job.released_us is not None and job.outcome in TERMINAL:
        course = job.released_us + job.created_for + job.deploying_for + job.running_for
    if job.held_us is None:
        return course
    if job.held_status not in TERMINAL:
        return None
    return job.held_us if course is None else min(course, job.held_us)


def holds_gpus(job: Job, at: int) -> bool:
    """Whether the job uses its GPUs at a time: any live status but waiting, known or not."""
    status = moment(job, at).status
    return job.gpus > 0 and status not in WAITING and status not in TERMINAL


def ran(job: Job, now: int) -> Window | None:
    """The time in which the job was RUNNING, up to now; None if it never was."""
    start: int | None = None
    end = now
    if job.released_us is not None:
        start = job.released_us + job.created_for + job.deploying_for
        end = now if job.outcome == RUNNING else min(now, start + job.running_for)
    if job.held_us is not None and job.held_us <= now:
        if job.held_status == RUNNING:
            start = job.held_us if start is None else min(start, job.held_us)
            end = now
        else:
            end = min(end, job.held_us)
    if start is None or start >= end:
        return None
    return Window(start, end)


def cost_money(job: Job, now: int) -> Window | None:
    """The time in which the job was DEPLOYING or RUNNING, up to now; None if it never was."""
    if job.released_us is None:
        return ran(job, now)
    ends = ends_us(job)
    window = Window(job.released_us + job.created_for, now if ends is None else min(now, ends))
    return window if window.start_us < window.end_us else None


def worked(job: Job, now: int) -> Window | None:
    """The part of `ran` before the job stalled, all of it if it did not; None if there is none."""
    window = ran(job, now)
    if window is None or job.outcome != RUNNING:
        return window
    end = min(window.end_us, window.start_us + job.running_for)
    return Window(window.start_us, end) if window.start_us < end else None


def _turns(job: Job) -> Iterator[int]:
    yield job.committed_us
    if job.released_us is not None:
        at = job.released_us
        yield at
        for span in (job.created_for, job.deploying_for, job.running_for):
            at += span
            yield at
    if job.held_us is not None:
        yield job.held_us
