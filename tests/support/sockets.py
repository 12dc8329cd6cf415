"""A server on loopback that bends HTTP as no library would: it drips, answers without end, or is silent."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from tests.support.world import kind_of

Bend = Callable[["Handler"], None]
"""Writes what it likes in the place of an answer."""


class Handler(BaseHTTPRequestHandler):
    """Hands each request to the provider behind it, unless its kind is bent."""

    protocol_version = "HTTP/1.1"
    server: "Bending"

    def _handle(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {"Authorization": self.headers.get("Authorization", ""), "Content-Type": "application/json"}
        request = httpx.Request(self.command, f"http://behind{self.path}", content=content, headers=headers)
        kind = kind_of(request)
        self.server.requests.append(kind)
        before, bend = self.server.bends.get(kind) or self.server.bends.get("*", (True, None))
        answer = self.server.behind(request) if bend is None or before else None
        if bend is not None:
            self.close_connection = True
            return bend(self)
        assert answer is not None
        self.send_response(answer.status_code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)
        return None

    do_GET = do_POST = do_PATCH = do_CONNECT = _handle

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def write(self, *parts: bytes) -> bool:
        """Whether the client still takes it."""
        try:
            for part in parts:
                self.wfile.write(part)
                self.wfile.flush()
        except OSError:
            return False
        return not self.server.ending.is_set()


class Bending(ThreadingHTTPServer):
    """`bends` says by kind, or by `*` for all, whether the request is carried out first, and what is written then."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, behind: Callable[[httpx.Request], httpx.Response]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behind = behind
        self.bends: dict[str, tuple[bool, Bend | None]] = {}
        self.requests: list[str] = []
        self.ending = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what this server is for."""


@contextmanager
def bending(behind: Callable[[httpx.Request], httpx.Response]) -> Iterator[Bending]:
    with Bending(behind) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.ending.set()
            server.shutdown()
            thread.join()


def _without_end(handler: Handler, part: bytes) -> None:
    while handler.write(part):
        time.sleep(0.02)


def drips_headers(handler: Handler) -> None:
    handler.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    _without_end(handler, b"a")


def is_processing(handler: Handler) -> None:
    _without_end(handler, b"HTTP/1.1 102 Processing\r\n\r\n")


def drips_body(handler: Handler) -> None:
    handler.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
    _without_end(handler, b" ")


def drips_chunks(handler: Handler) -> None:
    handler.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    _without_end(handler, b"1\r\n \r\n")


def is_silent(handler: Handler) -> None:
    handler.server.ending.wait(30)


ENDLESS: Mapping[str, Bend] = {
    "drips a header": drips_headers,
    "102 for ever": is_processing,
    "drips a body": drips_body,
    "drips chunks": drips_chunks,
    "is silent": is_silent,
}
