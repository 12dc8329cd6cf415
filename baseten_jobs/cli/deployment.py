"""A job and what it saved -> what truss is to deploy of it."""

import re
from collections.abc import Sequence

from baseten_jobs.cli.runs_meant import Meant
from baseten_jobs.job.checkpoint import Checkpoint
from baseten_jobs.job.request import JobRequest
from baseten_jobs.report.truss_deployment import Deployment

_NAME = re.compile(r"[^0-9A-Za-z_.-]+")
"""What truss takes in no name of a deployment."""
_TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_ACCESS_TOKEN")


def deployment_of(meant: Meant, checkpoints: Sequence[Checkpoint]) -> Deployment:
    """On the GPUs of one node: truss deploys on one."""
    job = meant.job
    return Deployment(
        plain(meant.name) or plain(job.id),
        job.id,
        meant.run,
        tuple(checkpoints),
        job.gpu_type or "" if job.gpus else "",
        (job.gpus or 0) // (job.node_count or 1),
        next((each.base_model for each in checkpoints if each.base_model), ""),
        _secret(meant.request) if meant.request else "",
    )


def plain(name: str) -> str:
    return _NAME.sub("-", name).strip("-.")


def _secret(request: JobRequest) -> str:
    """The secret that the manifest gives its job as the token of Hugging Face; empty if it gives none."""
    runtime = request.training_job.get("runtime") or {}
    variables = runtime.get("environment_variables") or {}
    found = (variables.get(name) for name in _TOKENS)
    return next((str(each["name"]) for each in found if isinstance(each, dict) and each.get("name")), "")
