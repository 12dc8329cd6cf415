"""A git server over HTTP on loopback, which may want to know who asks, or never answer."""

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class GitServer:
    """Repositories below a folder; `authorization` is the header that a request needs, empty for none."""

    folder: Path
    authorization: str = ""
    silent: bool = False
    url: str = ""
    headers: list[str | None] = field(default_factory=list)
    """The Authorization of each request, as it came."""
    asked: threading.Event = field(default_factory=threading.Event)
    closing: threading.Event = field(default_factory=threading.Event)


@contextmanager
def git_serving(server: GitServer) -> Iterator[GitServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _answer(self, server)

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        server.url = f"http://127.0.0.1:{listening.server_address[1]}"
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            listening.shutdown()
            thread.join()


def _answer(request: BaseHTTPRequestHandler, server: GitServer) -> None:
    given = request.headers.get_all("Authorization") or []
    server.headers.append(", ".join(given) or None)
    server.asked.set()
    body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
    if server.silent:
        server.closing.wait(30)
        return
    if server.authorization and given != [server.authorization]:
        request.send_response(401)
        request.send_header("WWW-Authenticate", 'Basic realm="git"')
        request.send_header("Content-Length", "0")
        request.end_headers()
        return
    path, _, query = request.path.partition("?")
    environment = {
        "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(server.folder), "GIT_HTTP_EXPORT_ALL": "1",
        "REQUEST_METHOD": request.command, "PATH_INFO": path, "QUERY_STRING": query, "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": request.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""), "GIT_CONFIG_GLOBAL": os.devnull,
    }  # fmt: skip
    ran = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True)
    head, _, content = ran.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
    request.send_response(int(headers.pop("Status", "200").split()[0]))
    for name, value in headers.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content)
