"""An observed job -> its fields for JSON; and what every JSON document of ours has."""

from collections.abc import Mapping
from typing import Any

from baseten_jobs.job.names import read_job_name, without_letters
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.phrases import Page
from baseten_jobs.phrases import document as dumped

_FORMAT = "1.0"


def job(seen: ObservedJob | None) -> Mapping[str, Any] | None:
    if seen is None:
        return None
    known = {"status": seen.status, "created_at": seen.created_at, "gpus": seen.gpus}
    return {"job_id": seen.id, "name": without_letters(seen.name), **submitted(seen.name), **known}


def submitted(name: str | None) -> Mapping[str, Any]:
    """A job's name as the provider has it, and what it tells beside the identity."""
    read = read_job_name(name)
    return {"submitted_name": name, "owner": (read and read.owner) or None, "token": (read and read.token) or None}


def document(content: Mapping[str, Any], error: str = "") -> Page:
    return dumped({"format_version": _FORMAT, **content, **({"error": error} if error else {})})
