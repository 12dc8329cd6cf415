"""A WSGI application -> the same for whoever came to this server itself: by its own names, and from no web page.

A web page can make its visitor's browser call this machine, by a name of its own that it lets point here (DNS
rebinding), or across origins. The first shows in the header `Host`, the second in `Origin`.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_EVERYWHERE = frozenset({"", "0.0.0.0", "::"})


class OwnHosts:
    """Answers 403 to requests for other hosts, and to those of web pages; `more` are names, with or without a port."""

    def __init__(self, app: WSGIApplication, host: str, port: int, more: Iterable[str] = ()) -> None:
        self._app = app
        self._everywhere, self._port = host in _EVERYWHERE, port
        names = (*_LOOPBACK, f"[{host}]" if ":" in host else host, *more)
        self._hosts = frozenset(each for name in names for each in _with_port(name.lower(), port))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        host = environ.get("HTTP_HOST", "")
        if "HTTP_ORIGIN" in environ:
            return _refused(start_response, "web pages are not served: this request has the header Origin")
        if not self._is_own(host.lower()):
            remedy = "baseten-jobs emulator --allow-host NAME[:PORT] serves another"
            return _refused(start_response, f"'{host[:100]}' is not a host of this server; {remedy}")
        return self._app(environ, start_response)

    def _is_own(self, host: str) -> bool:
        """An address is no name that somebody else could let point here: one that listens everywhere takes any."""
        return host in self._hosts or (self._everywhere and _is_address(host, self._port))


def _with_port(name: str, port: int) -> tuple[str, ...]:
    """How a client spells it: without the port where that is HTTP's own."""
    if name.rpartition(":")[2].isdecimal() and not name.endswith("]"):
        return (name,)
    return (name, f"{name}:{port}") if port == 80 else (f"{name}:{port}",)


def _is_address(host: str, port: int) -> bool:
    address = host.removesuffix(f":{port}")
    if address == host and port != 80:
        return False
    try:
        ipaddress.ip_address(address[1:-1] if address.startswith("[") else address)
    except ValueError:
        return False
    return True


def _refused(start_response: StartResponse, message: str) -> Iterable[bytes]:
    body = json.dumps({"code": "FORBIDDEN", "message": message}).encode()
    start_response("403 Forbidden", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
