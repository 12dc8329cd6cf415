"""A run that is retried -> what is told of that: which retry, of which job, when, and of how many."""

from collections.abc import Mapping
from typing import Any

from baseten_jobs.job.retries import Retry
from baseten_jobs.job.times import age, moment
from baseten_jobs.provider.status import Status


def of_retry(retry: Retry | None) -> Mapping[str, Any]:
    """For JSON: the member `retry`; `due` is None for one that a person asks for, or that is used up."""
    if retry is None:
        return {}
    due = None if retry.due is None or retry.used_up else moment(retry.due)
    told = {"number": retry.number, "of": retry.of.id, "used": retry.used, "limit": retry.limit, "due": due}
    return {"retry": told}


def told(row: Status) -> str:
    """A sentence on what becomes of a job that ended, by what its manifest says of retries; empty for nothing."""
    retry = row.retry
    if retry is None or retry.due is None:
        return ""
    if retry.used_up:
        return f"its retries are used up: {retry.used} of {retry.limit}"
    which = f"retry {retry.used + 1} of {retry.limit}"
    if row.read_at is not None and row.read_at < retry.due:
        return f"{which} is due in {age(max(1.0, retry.due - row.read_at))} ({moment(retry.due)})"
    return f"{which} is due: the next `apply` submits it"
