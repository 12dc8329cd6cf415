"""Plan -> the plan whose creates name their uploaded code: all uploads end before the first create."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from baseten_jobs.applying import object_store
from baseten_jobs.applying.object_store import Destination, NoClient, StoreFailed
from baseten_jobs.job.content import Content
from baseten_jobs.job.request import JobRequest
from baseten_jobs.phrases import one_line
from baseten_jobs.planning.plan import Action, Plan
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.api.pacing import nth
from baseten_jobs.provider.api.route import is_open_to_all
from baseten_jobs.workspace.archive import Archive, Changed

Sent = Callable[[int, int, str], None]
"""Called with the bytes sent so far, the bytes in all, and a sentence on what is uploaded."""

PART = 1 << 20
"""Bytes of a part for the embedded API, which holds several copies of a part in memory."""

_ATTEMPTS = 3


class UploadFailed(Exception):
    """A workspace could not be uploaded, so nothing was submitted."""


class _Interrupted(Exception):
    """The apply was interrupted."""


def upload_workspaces(
    api: Api, plan: Plan, requests: Iterable[JobRequest], sent: Sent = lambda done, total, text: None
) -> Plan:
    """Upload each content that the requests need, once. Returns the plan unchanged if the apply is interrupted.

    Raises UploadFailed, and ApiError if the API gives no credentials.
    """
    needed: dict[str, Content] = {}
    names: dict[str, str] = {}
    for request in requests:
        if content := request.content:
            needed.setdefault(content.digest, content)
            names.setdefault(content.digest, request.name)
    try:
        if needed and not api.embedded:
            object_store.require()
        artifacts = {d: _upload(api, content, _Told(api, names[d], sent)) for d, content in needed.items()}
    except _Interrupted:
        return plan
    except (StoreFailed, NoClient, Changed) as error:
        raise UploadFailed(str(error)) from None
    return _naming(plan, artifacts)


def check_client(api: Api, actions: Iterable[Action]) -> None:
    """Raises UploadFailed if the code of any of these would have to be sent, and there is nothing to send it with."""
    if not api.embedded and any(action.request.content for action in actions):
        try:
            object_store.require()
        except NoClient as error:
            raise UploadFailed(str(error)) from None


def _naming(plan: Plan, artifacts: Mapping[str, Mapping[str, str]]) -> Plan:
    """The same plan, its requests naming what was uploaded."""
    return replace(plan, actions=tuple(replace(each, request=_named(each.request, artifacts)) for each in plan.actions))


def _named(request: JobRequest, artifacts: Mapping[str, Mapping[str, str]]) -> JobRequest:
    """The request with its workspace's object, if that was uploaded; `artifacts` are by the contents' digests."""
    artifact = artifacts.get(request.content.digest) if request.content else None
    return request.with_artifact(artifact) if artifact else request


class _Told:
    """The progress of one upload, passed on to `sent`."""

    def __init__(self, api: Api, name: str, sent: Sent) -> None:
        self.api, self.name, self._sent = api, name, sent
        self.done, self.total = 0, 0

    def begin(self, total: int) -> None:
        self.done, self.total = 0, total
        self(0)

    def __call__(self, count: int) -> None:
        self.done += count
        self._sent(min(self.done, self.total), self.total, f"uploading the workspace of {self.name}")


class _Interruptible:
    """An archive whose reading raises _Interrupted once the apply is interrupted."""

    def __init__(self, archive: Archive, api: Api) -> None:
        self._archive, self._interrupted = archive, api.clock.interrupted
        self.size = archive.size

    def read(self, size: int = -1) -> bytes:
        if self._interrupted.is_set():
            raise _Interrupted
        return self._archive.read(size)


def _upload(api: Api, content: Content, told: _Told) -> Mapping[str, str]:
    """Upload a content's archive, each attempt with new credentials to a new object. Returns its bucket and key.

    Raises StoreFailed, and whatever reading the archive raises.
    """
    for attempt in range(_ATTEMPTS):
        stream = _Interruptible(Archive(content), api)
        told.begin(stream.size)
        answer = api.upload_credentials()
        bucket, key = answer["s3_bucket"], answer["s3_key"]
        try:
            if api.embedded:
                _give(api, stream, bucket, key, told)
            else:
                object_store.put(stream, Destination(bucket, key, answer["creds"], _endpoint(api, answer)), told)
            return {"s3_bucket": bucket, "s3_key": key}
        except (StoreFailed, ApiError) as error:
            passing = error.passing
            if not passing or attempt == _ATTEMPTS - 1:
                raise StoreFailed(f"the workspace of {told.name} could not be uploaded: {error}") from None
        pause = api.backoff.wait(attempt)
        api.waits.pause(pause, f"the workspace of {told.name} could not be uploaded", nth(attempt + 2, _ATTEMPTS))
    raise AssertionError("unreachable")


def _endpoint(api: Api, answer: Mapping[str, Any]) -> str | None:
    """The address of another S3 than Amazon's, which only an API on this machine may name; None for Amazon's.

    Raises StoreFailed for an address without TLS.
    """
    endpoint = answer.get("s3_endpoint_url") if api.is_loopback else None
    if endpoint is None:
        return None
    if not isinstance(endpoint, str) or (is_open_to_all(endpoint) and not api.insecure_http):
        told = "is not https://, so that anyone on the way can read what is sent; --insecure-http permits it"
        raise StoreFailed(f"the S3 address '{one_line(str(endpoint), 200)}' {told}")
    return endpoint


def _give(api: Api, stream: _Interruptible, bucket: str, key: str, told: _Told) -> None:
    """Upload an archive to the embedded API, which stands in for S3, in parts if it has more than one."""
    part = stream.read(PART)
    if len(part) == stream.size:
        api.put_object(bucket, key, part)
        told(len(part))
        return
    begun = re.search(r"<UploadId>(.+?)</UploadId>", api.post_object(bucket, key, uploads=""))
    upload = begun[1] if begun else ""
    number = 0
    try:
        while part:
            number += 1
            api.put_object(bucket, key, part, partNumber=str(number), uploadId=upload)
            told(len(part))
            part = stream.read(PART)
    except (Changed, _Interrupted):
        api.drop_object(bucket, key, uploadId=upload)
        raise
    api.post_object(bucket, key, uploadId=upload)
