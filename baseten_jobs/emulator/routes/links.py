"""What a presigned link opens beside S3's objects: the files of checkpoints, whole or from a byte on."""

from __future__ import annotations

import re

from flask import Blueprint, Response, request

from .. import artifacts, jobs
from ..core import core
from ..errors import not_found
from ..exchange import exchange

blueprint = Blueprint("links", __name__, url_prefix="/_emulator")


@blueprint.get("/checkpoint_files/<job_id>/<int:rank>/<path:name>")
def get_checkpoint_file(job_id: str, rank: int, name: str) -> Response:
    """A file; the part of it that `Range: bytes=START-` asks for (RFC 9110, 14.2), unless a fault leaves it at that."""
    with core().reading() as transaction:
        job = jobs.find(transaction, job_id)
    if rank >= job.node_count:
        raise not_found("node", str(rank))
    content = content_of(job.id, rank, name)
    size, start = len(content), 0
    asked = re.fullmatch(r"bytes=([0-9]{1,18})-", request.headers.get("Range", ""))
    whole = exchange().roll.strikes("link-whole") is not None
    if asked and not whole:
        start = int(asked[1])
        if start >= size:
            return Response(status=416, headers={"Content-Range": f"bytes */{size}"})
    headers = {"Content-Length": str(size - start), "Accept-Ranges": "bytes"}
    if start:
        headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
    return Response(
        content.read(start, size), 206 if start else 200, headers=headers, mimetype="application/octet-stream"
    )


def content_of(job_id: str, rank: int, name: str) -> artifacts.Content:
    """What a file of a checkpoint holds, by the settings of this embedded API."""
    settings = core().settings
    return artifacts.Content(job_id, rank, name, settings.files.size, settings.seed)
