"""As much of S3 as an upload needs, under `/_emulator/s3/`: whole objects and parts.

Signatures are not checked; where the emulator has a key of its own, the session token is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from xml.sax.saxutils import escape

from flask import Blueprint, Response, request

from ..core import Core, core
from ..errors import not_found, not_valid
from ..store import Transaction

blueprint = Blueprint("objects", __name__, url_prefix="/_emulator/s3")

_OBJECT = "/<bucket>/<path:key>"


@blueprint.put(_OBJECT)
def put(bucket: str, key: str) -> Response:
    """Take an object, or with `partNumber` and `uploadId` one part of it."""
    content, upload = request.get_data(), request.args.get("uploadId")
    with core().writing() as transaction:
        if upload is None:
            _forget(transaction, bucket, key)
            transaction.run("INSERT INTO blobs VALUES (?, ?, ?)", bucket, key, content)
        else:
            _check(transaction, upload, bucket, key)
            number = request.args.get("partNumber", type=int)
            if number is None or not 1 <= number <= 10_000:
                raise not_valid("partNumber: expected 1 to 10000")
            transaction.run("INSERT OR REPLACE INTO parts VALUES (?, ?, ?)", upload, number, content)
    return Response(headers={"ETag": f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'})


@blueprint.post(_OBJECT)
def post(bucket: str, key: str) -> Response:
    """Begin an upload in parts (`?uploads`), or end it (`?uploadId=`), which makes it an object."""
    upload = request.args.get("uploadId")
    with core().writing() as transaction:
        if upload is None:
            upload = transaction.new_id()
            transaction.run("INSERT INTO uploads VALUES (?, ?, ?, 0)", upload, bucket, key)
            return _xml("InitiateMultipartUploadResult", Bucket=bucket, Key=key, UploadId=upload)
        _check(transaction, upload, bucket, key)
        _forget(transaction, bucket, key)
        transaction.run("UPDATE uploads SET whole = 1 WHERE id = ?", upload)
    return _xml("CompleteMultipartUploadResult", Bucket=bucket, Key=key, ETag=f'"{upload}"')


@blueprint.delete(_OBJECT)
def delete(bucket: str, key: str) -> Response:
    """Give an upload up, or delete an object."""
    upload = request.args.get("uploadId")
    with core().writing() as transaction:
        if upload is None:
            _forget(transaction, bucket, key)
        else:
            _drop(transaction, upload)
    return Response(status=204)


@blueprint.get(_OBJECT)
def get(bucket: str, key: str) -> Response:
    with core().reading() as transaction:
        row = transaction.row("SELECT content FROM blobs WHERE bucket = ? AND key = ?", bucket, key)
        parts = transaction.rows(
            "SELECT p.upload, p.number, length(p.content) FROM parts p JOIN uploads u ON u.id = p.upload"
            " WHERE u.bucket = ? AND u.key = ? AND u.whole = 1 ORDER BY p.number", bucket, key,
        )  # fmt: skip
    if row is not None and isinstance(row[0], bytes):
        return Response(row[0], mimetype="application/octet-stream")
    if not parts:
        raise not_found("object", f"{bucket}/{key}")
    length = sum(int(str(part[2])) for part in parts)
    return Response(
        _contents(core(), [(part[0], part[1]) for part in parts]),
        mimetype="application/octet-stream",
        headers={"Content-Length": str(length)},
    )


def _contents(here: Core, parts: list[tuple[object, object]]) -> Iterator[bytes]:
    for upload, number in parts:
        with here.store.reading() as transaction:
            row = transaction.row("SELECT content FROM parts WHERE upload = ? AND number = ?", upload, number)
        assert row is not None
        assert isinstance(row[0], bytes)
        yield row[0]


def _check(transaction: Transaction, upload: str, bucket: str, key: str) -> None:
    known = "SELECT 1 FROM uploads WHERE id = ? AND bucket = ? AND key = ? AND whole = 0"
    if transaction.row(known, upload, bucket, key) is None:
        raise not_found("upload", upload)


def _forget(transaction: Transaction, bucket: str, key: str) -> None:
    transaction.run("DELETE FROM blobs WHERE bucket = ? AND key = ?", bucket, key)
    for row in transaction.rows("SELECT id FROM uploads WHERE bucket = ? AND key = ? AND whole = 1", bucket, key):
        _drop(transaction, str(row[0]))


def _drop(transaction: Transaction, upload: str) -> None:
    transaction.run("DELETE FROM parts WHERE upload = ?", upload)
    transaction.run("DELETE FROM uploads WHERE id = ?", upload)


def _xml(name: str, **fields: str) -> Response:
    inner = "".join(f"<{field}>{escape(value)}</{field}>" for field, value in fields.items())
    return Response(f'<?xml version="1.0" encoding="UTF-8"?>\n<{name}>{inner}</{name}>', mimetype="application/xml")
