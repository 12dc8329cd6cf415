"""A response as it arrives -> its decoded body, never larger in memory than is allowed."""

import zlib
from collections.abc import Iterator

import httpx

from baseten_jobs.phrases import one_line

ACCEPTED = "gzip"
"""What we ask for. httpx unpacks each piece at once, and as often as a server says, whatever that makes of it."""

_PART = 1 << 16
"""Bytes that are unpacked at once."""


class TooLarge(Exception):
    """A body is larger than any answer of its kind; the message says so."""


def parts_of(response: httpx.Response) -> Iterator[bytes]:
    """The body in parts that are small, however well it is packed. Raises httpx.HTTPError."""
    if response.is_stream_consumed:
        yield response.content
        return
    packing = response.headers.get("Content-Encoding", "").strip().lower()
    if packing in ("", "identity"):
        yield from response.iter_raw()
    elif packing in ("gzip", "x-gzip", "deflate"):
        try:
            yield from _unpacked(response.iter_raw())
        except zlib.error as error:
            raise httpx.DecodingError(str(error)) from None
    else:
        raise httpx.DecodingError(f"the answer is packed as '{one_line(packing, 40)}', which was not asked for")


def _unpacked(parts: Iterator[bytes]) -> Iterator[bytes]:
    unpacking, begun = zlib.decompressobj(zlib.MAX_WBITS | 32), False  # 32: gzip or zlib, as its head says
    for part in parts:
        begun = begun or bool(part)
        while part and not unpacking.eof:
            yield unpacking.decompress(part, _PART)
            part = unpacking.unconsumed_tail
    yield unpacking.flush()
    if begun and not unpacking.eof:
        raise httpx.DecodingError("the packed answer ends early")
