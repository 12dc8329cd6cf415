"""An embedded API to a listening server, whose sockets can break as a fault demands."""

from __future__ import annotations

import logging
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from waitress import create_server, wasyncore  # type: ignore[import-untyped]
from waitress.channel import ClientDisconnected, HTTPChannel  # type: ignore[import-untyped]
from waitress.task import WSGITask  # type: ignore[import-untyped]

from .app import App
from .errors import BrokenExchange, Remnant
from .own_hosts import OwnHosts
from .settings import Settings

_LOOPBACK = "127.0.0.1"
# Requests that hang on purpose hold a thread each, and sixteen more must still be served.
DEFAULT_THREADS = 64
_LOOP_SECONDS = 1.0
_SHUTDOWN_SECONDS = 2.0


class _BreakableTask(WSGITask):  # type: ignore[misc]
    """Runs the application, and breaks the connection when the application says so."""

    def execute(self) -> None:
        try:
            super().execute()
        except BrokenExchange as broken:
            if broken.remnant is None:
                self._reset()
            else:
                self._send(broken.remnant)

    def _reset(self) -> None:
        # Closing with a linger time of zero sends RST, where a plain close would end politely.
        linger = struct.pack("ii", 1, 0)
        self.channel.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        raise ClientDisconnected

    def _send(self, remnant: Remnant) -> None:
        self.complete = True
        self.status = remnant.status
        self.response_headers = list(remnant.headers)
        self.content_length = next(int(value) for name, value in remnant.headers if name.lower() == "content-length")
        self.write(remnant.body)
        self.close_on_finish = True


class _BreakableChannel(HTTPChannel):  # type: ignore[misc]
    task_class = _BreakableTask

    def close(self) -> None:
        """Closes what was not sent yet, too: a large answer waits in a file."""
        for waiting in self.outbufs:
            waiting.close()
        super().close()


class Server:
    """An application bound to a port, for its own hosts and `hosts`.

    An OSError if the port cannot be had, with the application closed.
    """

    def __init__(
        self, app: App, host: str, port: int, threads: int = DEFAULT_THREADS, hosts: Iterable[str] = ()
    ) -> None:
        self._app = app
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with ExitStack() as unless_bound:
            unless_bound.callback(app.close)
            listener = unless_bound.enter_context(socket.create_server((host, port), family=family))
            self.host = host
            self.port: int = listener.getsockname()[1]
            self._waitress = create_server(
                OwnHosts(app, host, self.port, hosts),
                sockets=[listener],
                threads=threads,
                connection_limit=4096,
                asyncore_use_poll=True,
                clear_untrusted_proxy_headers=True,
                ident="baseten-jobs emulator",
            )
            unless_bound.pop_all()
        self._waitress.channel_class = _BreakableChannel
        self._stopping = threading.Event()

    @property
    def base_url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def run(self) -> None:
        """Serve until `stop` is called; then free the port and close the application."""
        try:
            while not self._stopping.is_set():
                wasyncore.loop(timeout=_LOOP_SECONDS, use_poll=True, map=self._waitress._map, count=1)
        finally:
            self._app.close()
            self._waitress.task_dispatcher.shutdown(timeout=_SHUTDOWN_SECONDS)
            wasyncore.close_all(self._waitress._map)

    def stop(self) -> None:
        """Make `run` return; may be called from another thread or a signal handler."""
        self._stopping.set()
        with suppress(OSError):  # the loop may have seen it already, and have closed what wakes it
            self._waitress.pull_trigger()


def serve(app: App, host: str, port: int, *, started: Callable[[Server], None], hosts: Iterable[str] = ()) -> None:
    """Serve an application until its server is stopped; `started` gets the server once it listens."""
    server = Server(app, host, port, hosts=hosts)
    # Its warnings are about clients that hang up or queue, which is what this server is for.
    logging.getLogger("waitress").setLevel(logging.ERROR)
    started(server)
    server.run()


@contextmanager
def serving(
    settings: Settings, *, host: str = _LOOPBACK, port: int = 0, threads: int = DEFAULT_THREADS
) -> Iterator[str]:
    """Serve an embedded API in a thread for the length of a block; gives its base URL."""
    server = Server(App(settings), host, port, threads)
    thread = threading.Thread(target=server.run, name="baseten-jobs-emulator", daemon=True)
    thread.start()
    try:
        yield server.base_url
    finally:
        server.stop()
        thread.join()
