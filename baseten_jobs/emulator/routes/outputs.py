"""What a job leaves or opens: checkpoints, their files, its archive, sessions, SSH certificates."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

from flask import Blueprint, request

from .. import artifacts, bodies, incoming, jobs, links, sessions
from ..checking import integer, record
from ..core import core
from ..errors import not_found, not_valid
from ..identifiers import derived_identifier
from ..lifecycle import RUNNING, moment, worked
from ..logs import replica
from ..records import Job
from ..store import Transaction
from ..times import MINUTE, SECOND, iso, micros
from .links import content_of

blueprint = Blueprint("outputs", __name__)

_JOB = "/v1/training_projects/<project_id>/jobs/<job_id>"
_PAGE = record({}, {"page_size": integer, "page_token": integer})
_DEFAULT_PAGE = 1000
_CERTIFICATE_LIFE = 5 * MINUTE


@blueprint.get(f"{_JOB}/checkpoints")
def get_checkpoints(project_id: str, job_id: str) -> dict[str, Any]:
    with core().reading() as transaction:
        job = jobs.find(transaction, job_id, project_id)
        body = jobs.body(transaction, job.id)
        return {
            "training_job": core().view(transaction).job(job),
            "checkpoints": [
                artifacts.shown_checkpoint(
                    checkpoint, job.id, body, map(len, _contents(job, [checkpoint])), transaction.now
                )
                for checkpoint in _checkpoints(job, transaction.now)
            ],
        }


@blueprint.get(f"{_JOB}/checkpoint_files")
def get_checkpoint_files(project_id: str, job_id: str) -> dict[str, Any]:
    asked = incoming.query(_PAGE, "page_size", "page_token")
    size, start = asked.get("page_size", _DEFAULT_PAGE), asked.get("page_token", 0)
    if size < 1:
        raise not_valid(f"page_size: {size} is less than 1")
    if start < 0:
        raise not_valid(f"page_token: {start} is less than 0")
    with core().reading() as transaction:
        job = jobs.find(transaction, job_id, project_id)
        now, saved = transaction.now, _checkpoints(job, transaction.now)
    files = [(checkpoint, content) for checkpoint in saved for content in _contents(job, [checkpoint])]
    page = files[start : start + size]
    return {
        "presigned_urls": [
            {
                "url": _link(now, "checkpoint_files", job.id, str(content.rank), content.name),
                "relative_file_name": content.name,
                "node_rank": content.rank,
                "size_bytes": len(content),
                "last_modified": iso(checkpoint.saved_us),
            }
            for checkpoint, content in page
        ],
        "next_page_token": start + size if start + size < len(files) else None,
        "total_count": len(files),
    }


@blueprint.get(f"{_JOB}/download")
def download(project_id: str, job_id: str) -> dict[str, Any]:
    with core().reading() as transaction:
        job = jobs.find(transaction, job_id, project_id)
        now = transaction.now
        uploaded = jobs.body(transaction, job.id).get("runtime", {}).get("artifacts", [])
    urls = [_link(now, "s3", artifact["s3_bucket"], artifact["s3_key"]) for artifact in uploaded]
    return {"artifact_presigned_urls": urls}


@blueprint.get(f"{_JOB}/auth_codes")
def auth_codes(project_id: str, job_id: str) -> dict[str, Any]:
    with core().reading() as transaction:
        job = jobs.find(transaction, job_id, project_id)
        found = sessions.sessions(transaction, job, jobs.body(transaction, job.id))
    return {"auth_codes": [session.shown_code() for session in found if session.open]}


@blueprint.patch(f"{_JOB}/interactive_sessions/<session_id>")
def patch_session(project_id: str, job_id: str, session_id: str) -> dict[str, Any]:
    asked = incoming.body(bodies.PATCH_SESSION)
    trigger, added = asked.get("trigger"), asked.get("timeout_minutes")
    if added is not None and added < -1:
        raise not_valid(f"timeout_minutes: {added} is less than -1")
    with core().writing() as transaction:
        job = jobs.find(transaction, job_id, project_id)
        session = _session(transaction, job, session_id)
        if trigger not in (None, session.trigger) and session.trigger == "on_startup":
            raise not_valid("trigger: the trigger of an on_startup session cannot be changed")
        extra = 0 if added is None else sessions.minutes(added)
        sessions.change(transaction, job, session, trigger or session.trigger, extra)
        changed = _session(transaction, job, session_id)
    return {"interactive_session": changed.shown(), "message": f"interactive session {session_id} updated"}


@blueprint.post(f"{_JOB}/ssh/sign")
def sign_ssh(project_id: str, job_id: str) -> dict[str, Any]:
    asked = incoming.body(bodies.SIGN_SSH)
    words = asked["public_key"].split()
    if len(words) < 2:
        raise not_valid("public_key: expected an OpenSSH public key")
    with core().reading() as transaction:
        job = jobs.find(transaction, job_id, project_id)
        status, now = moment(job, transaction.now).status, transaction.now
    if status != RUNNING:
        raise not_valid(f"training job {job_id} is {status}; only a {RUNNING} job accepts connections")
    pod = asked.get("replica_id") or replica(0)
    if pod not in {replica(rank) for rank in range(job.node_count)}:
        raise not_found("replica", pod)
    expires = now + _CERTIFICATE_LIFE
    return {
        "ssh_certificate": _certificate(words, job.id, pod, expires),
        "jwt": _token(job.id, pod, expires),
        "proxy_address": request.host,
        "ssh_cert_expires_at": iso(expires),
    }


def _checkpoints(job: Job, now: int) -> list[artifacts.Checkpoint]:
    if not job.checkpointing:
        return []
    return artifacts.checkpoints(worked(job, now), micros(core().settings.durations.checkpoint))


def _session(transaction: Transaction, job: Job, session_id: str) -> sessions.NodeSession:
    for session in sessions.sessions(transaction, job, jobs.body(transaction, job.id)):
        if session.id == session_id:
            return session
    raise not_found("interactive session", session_id)


def _contents(job: Job, saved: Iterable[artifacts.Checkpoint]) -> Iterator[artifacts.Content]:
    """The files of checkpoints on all nodes."""
    for checkpoint in saved:
        for rank in range(job.node_count):
            for name in checkpoint.files(core().settings.files.count):
                yield content_of(job.id, rank, name)


def _link(now: int, *parts: str) -> str:
    """The address of a file that this emulator serves itself, for a while, to whoever has it."""
    here, path = core(), "/_emulator/" + "/".join(parts)
    signature = links.signed(path, here.settings.api_key, now, micros(here.settings.files.link))
    return f"{request.host_url}{quote(path[1:])}?{urlencode(signature)}"


def _certificate(key: list[str], job_id: str, pod: str, expires: int) -> str:
    seal = hashlib.sha256(f"{key[1]}/{job_id}/{pod}/{expires}".encode()).digest()
    identity = f"{job_id}-{pod}-{derived_identifier(job_id, pod)}"
    return f"{key[0]}-cert-v01@openssh.com {base64.b64encode(seal).decode()} {identity}"


def _token(job_id: str, pod: str, expires: int) -> str:
    claims = ({"alg": "HS256", "typ": "JWT"}, {"sub": job_id, "replica": pod, "exp": expires // SECOND})
    head, claim = (_base64url(json.dumps(part).encode()) for part in claims)
    return f"{head}.{claim}.{_base64url(hashlib.sha256(f'{head}.{claim}'.encode()).digest())}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
