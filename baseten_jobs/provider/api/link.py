"""A presigned link -> the bytes behind it, or why there are none. The key is not sent, and no link is told."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl

import httpx

from baseten_jobs.phrases import one_line
from baseten_jobs.provider.api.route import is_loopback, is_open_to_all
from baseten_jobs.secrecy import without_values

_TROUBLE = 1 << 14
"""Bytes that are read of an answer that is no file."""

_RAN_OUT = frozenset({400, 401, 403, 404, 410})
"""Statuses that an object store gives a link that ran out, or whose credentials did; a new one may be good."""

_PASSING = frozenset({408, 425, 429})
_TOLD = re.compile(r"<(?:Code|Message)>([^<]{1,300})</")


class LinkFailed(Exception):
    """No file, or not all of it. `passing`: the same link may give it later; `ran_out`: a new link may."""

    def __init__(self, reason: str, *, passing: bool = False, ran_out: bool = False) -> None:
        super().__init__(reason)
        self.passing, self.ran_out = passing, ran_out


@dataclass(frozen=True)
class Body:
    """What comes: the bytes from `start` on, which is 0 where a server gives the whole file whatever was asked for.

    `total` is the size of the whole file; None if it is not told.
    """

    start: int
    total: int | None
    parts: Iterator[bytes]


class LinkReader:
    """Reads presigned links, for several threads at once.

    `http` has no key; `near` if the API is on this machine, `inside` if it is in this very process.
    """

    def __init__(
        self, http: httpx.Client, *, near: bool = False, inside: bool = False, insecure_http: bool = False
    ) -> None:
        self._http, self._near, self._inside, self._insecure = http, near, inside, insecure_http

    def close(self) -> None:
        self._http.close()

    @contextmanager
    def open(self, link: str, start: int = 0) -> Iterator[Body]:
        """Raises LinkFailed, also while the parts are read."""
        url = self._checked(link)
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
        try:
            with self._http.stream("GET", url, headers=headers) as response:
                begun = _start_of(response, start, link)
                yield Body(begun, _total(response, begun), _parts(response))
        except LinkFailed:
            raise
        except httpx.TimeoutException:
            raise LinkFailed(f"{_told(url)}: no answer in time", passing=True) from None
        except (httpx.HTTPError, httpx.StreamError) as error:
            reason = without_values(one_line(str(error), 200), _secrets(link), "[link]")
            raise LinkFailed(f"{_told(url)}: the connection broke: {reason}", passing=True) from None

    def _checked(self, link: str) -> httpx.URL:
        """The address; one in clear, or on this machine, is only for an API that is on this machine itself."""
        try:
            url = httpx.URL(link)
        except (httpx.InvalidURL, TypeError):
            raise LinkFailed("the API gives a link that is not an address") from None
        if url.scheme not in ("http", "https") or not url.host or url.userinfo:
            raise LinkFailed("the API gives a link that is not an http:// or https:// address")
        if is_loopback(url.host) and not self._near:
            raise LinkFailed("the API gives a link to this very machine, which is not followed")
        if is_open_to_all(link) and not self._inside and not self._insecure:
            raise LinkFailed(
                "the API gives a link in clear, which anyone on the way can read; --insecure-http permits it"
            )
        return url


def _start_of(response: httpx.Response, start: int, link: str) -> int:
    """From which byte on the answer has the file; raises LinkFailed where it has none of it."""
    status = response.status_code
    if status == 206:
        told = re.fullmatch(r"bytes ([0-9]{1,18})-[0-9]+/(?:[0-9]+|\*)", response.headers.get("Content-Range", ""))
        if not told or int(told[1]) != start:
            raise LinkFailed(f"{_told(response.url)}: another part of the file came than was asked for", passing=True)
        return start
    if status == 200:
        return 0
    if status == 416:
        raise LinkFailed(f"{_told(response.url)}: the file is shorter than it was", passing=True)
    raise LinkFailed(
        f"{_told(response.url)}: {_words(response, link)}",
        passing=status in _PASSING or status >= 500, ran_out=status in _RAN_OUT,
    )  # fmt: skip


def _total(response: httpx.Response, start: int) -> int | None:
    length = response.headers.get("Content-Length", "")
    return start + int(length) if re.fullmatch(r"[0-9]{1,18}", length) else None


def _parts(response: httpx.Response) -> Iterator[bytes]:
    """The bytes as they are stored: a store tells the size of these, whatever they are packed as."""
    if response.is_stream_consumed:
        yield response.content
    else:
        yield from response.iter_raw()


def _words(response: httpx.Response, link: str) -> str:
    """The status, and the store's own words for it, without what of the link they repeat."""
    raw = b""
    for part in _parts(response):
        raw += part
        if len(raw) >= _TROUBLE:
            break
    try:
        name = f"{response.status_code} {HTTPStatus(response.status_code).phrase}"
    except ValueError:
        name = str(response.status_code)
    if 300 <= response.status_code < 400:
        return f"{name}, a redirect, which is not followed"
    said = ": ".join(_TOLD.findall(raw[:_TROUBLE].decode("utf-8", "replace")))
    said = without_values(said, _secrets(link), "[link]")
    return one_line(f"{name}: {said}" if said else name, 300)


def _secrets(link: str) -> list[str]:
    """What a link opens its file with: every value of its query, and the whole of it."""
    query = link.partition("?")[2]
    return [link, query, *(value for _, value in parse_qsl(query)), *re.split("[&=]", query)]


def _told(url: httpx.URL) -> str:
    """What may be told of a link: its host."""
    return f"GET {url.scheme}://{one_line(url.host, 100)}/…"
