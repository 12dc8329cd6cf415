"""One HTTP request -> its whole answer, or an error at its deadline, however the server behaves."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from baseten_jobs.provider.api.body import TooLarge, parts_of

MIB = 1 << 20

_TROUBLE = 1 << 16
"""Bytes that are read of an answer that tells of trouble: its words come first."""

TARGET = "target"
"""Where a redirect leads to, among the extensions of its response."""

Open = Callable[[], httpx.Client]
"""Makes a client with connections of its own."""


@dataclass(frozen=True)
class ExchangeLimits:
    """Seconds: `each` for every wait of httpx, the client's own where it is None; `whole` for the exchange in all.

    `most` is the bytes that the answer may have, unpacked.
    """

    each: float | None
    whole: float | None
    most: int = 16 * MIB


@dataclass(frozen=True)
class Reply:
    """A whole answer, or the head of one that tells of trouble at length: it is `cut` then.

    `took` is the seconds from the request to its end.
    """

    response: httpx.Response
    raw: bytes
    took: float
    cut: bool = False


class Channel:
    """Exchanges with one server, for several threads at once.

    httpx bounds every wait for bytes, and not their number: headers that drip, or `102 Processing` without end, would
    be read for ever. So an exchange runs in a daemon thread of its own, which is left behind at the deadline. The
    connections that such threads keep stay with them, and later exchanges get a new client, if `reopen` makes one.
    """

    def __init__(self, http: httpx.Client, now: Callable[[], float], reopen: Open | None = None) -> None:
        self.http, self._now, self._reopen = _asking(http), now, reopen
        self._left: list[httpx.Client] = []
        self._lock = threading.Lock()

    def close(self) -> None:
        for http in (*self._left, self.http):
            http.close()

    def exchange(self, method: str, url: str, body: Mapping[str, Any] | None, limits: ExchangeLimits) -> Reply:
        """The request is not sent any more once this has returned or raised.

        Raises httpx.HTTPError; TooLarge and MemoryError where the answer can't be kept.
        """
        under_way = _Exchange(self.http, self._now, limits)
        if limits.whole is None:
            return under_way.carry_out(method, url, body)
        thread = threading.Thread(target=under_way.run, args=(method, url, body), name="exchange", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            raise httpx.ConnectError(str(error)) from None
        if not under_way.ended.wait(limits.whole) and under_way.leave():
            self._replace(under_way.http)
            raise httpx.ReadTimeout("no whole answer in time")
        if under_way.error is not None:
            raise under_way.error
        assert under_way.reply is not None
        return under_way.reply

    def _replace(self, http: httpx.Client) -> None:
        with self._lock:
            if self._reopen is not None and http is self.http:
                self._left.append(http)
                self.http = _asking(self._reopen())


def _asking(http: httpx.Client) -> httpx.Client:
    """A client that leaves redirects alone: httpx fails at the address of one, even where it does not follow it."""
    http.event_hooks = {"response": [_set_target_aside]}
    return http


def _set_target_aside(response: httpx.Response) -> None:
    response.extensions[TARGET] = response.headers.pop("Location", "")


class _Exchange:
    """An exchange under way, as its own thread and the one that waits for it see it."""

    def __init__(self, http: httpx.Client, now: Callable[[], float], limits: ExchangeLimits) -> None:
        self.http, self._now, self._limits = http, now, limits
        self.ended = threading.Event()
        self.reply: Reply | None = None
        self.error: BaseException | None = None
        self._left = False
        self._lock = threading.Lock()

    def run(self, method: str, url: str, body: Mapping[str, Any] | None) -> None:
        try:
            self.reply = self.carry_out(method, url, body)
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            self.error = error
        with self._lock:
            self.ended.set()

    def leave(self) -> bool:
        """Stop waiting for the answer; return False if it came at the last moment, so that it counts."""
        with self._lock:
            self._left = not self.ended.is_set()
        return self._left

    def carry_out(self, method: str, url: str, body: Mapping[str, Any] | None) -> Reply:
        began, whole = self._now(), self._limits.whole
        each = httpx.USE_CLIENT_DEFAULT if self._limits.each is None else httpx.Timeout(self._limits.each)
        with self.http.stream(method, url, json=body, timeout=each, extensions={"trace": self._trace}) as response:
            content, good = bytearray(), response.is_success
            most = self._limits.most if good else _TROUBLE
            for part in parts_of(response):
                content += part
                if len(content) > most:
                    if good:
                        raise TooLarge(f"the answer is larger than {most // MIB} MiB")
                    return Reply(response, bytes(content[:most]), self._now() - began, cut=True)
                if whole is not None and self._now() > began + whole:
                    raise httpx.ReadTimeout("the answer came too slowly")
            return Reply(response, bytes(content), self._now() - began)

    def _trace(self, event: str, about: Mapping[str, Any]) -> None:
        """Called by the transport at each step: what was left behind while it connected is not sent later.

        A create that arrives after its deadline might be one that nobody looks for any more.
        """
        with self._lock:
            if self._left and event.endswith((".send_request_headers.started", ".send_request_body.started")):
                raise httpx.ConnectTimeout("not sent in time")
