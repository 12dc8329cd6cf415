"""A path, a key and a time to a presigned link, and such a link to leave to proceed, or to S3's refusal."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

from .times import SECOND

SIGNATURE = "X-Amz-Signature"
_STAMP = "%Y%m%dT%H%M%SZ"


class LinkRefused(Exception):
    """What S3 answers: an XML document with a code and a message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def signed(path: str, api_key: str | None, now: int, life: int) -> dict[str, str]:
    """The query that opens a path for so many microseconds from now on, rounded up to whole seconds."""
    query = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Date": datetime.fromtimestamp(now // SECOND, UTC).strftime(_STAMP),
        "X-Amz-Expires": str(-(-life // SECOND)),
    }
    return {**query, SIGNATURE: _signature(path, api_key, query)}


def check(path: str, query: Mapping[str, str], header: str | None, api_key: str | None, now: int) -> None:
    """Raises LinkRefused for what is not signed so, ran out, or brings a key as well, as S3 does."""
    if header is not None:
        raise LinkRefused(400, "InvalidArgument", "Only one auth mechanism allowed")
    given = query.get(SIGNATURE, "").encode()
    if not hmac.compare_digest(given, _signature(path, api_key, query).encode()):
        raise LinkRefused(403, "SignatureDoesNotMatch", "The signature does not match the request")
    begun = datetime.strptime(query["X-Amz-Date"], _STAMP).replace(tzinfo=UTC).timestamp()
    if now / SECOND >= begun + int(query["X-Amz-Expires"]):
        raise LinkRefused(403, "AccessDenied", "Request has expired")


def _signature(path: str, api_key: str | None, query: Mapping[str, str]) -> str:
    told = "\n".join((path, *(query.get(name, "") for name in ("X-Amz-Date", "X-Amz-Expires"))))
    return hmac.new(f"link {api_key or ''}".encode(), told.encode(), hashlib.sha256).hexdigest()
