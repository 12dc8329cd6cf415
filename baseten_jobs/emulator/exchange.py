"""What happens to a request around its handler: counting, latency, authentication, and the faults."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from . import ledger, links
from .authentication import authenticate, authenticate_control
from .core import core
from .errors import BrokenExchange, Refusal, Remnant
from .faults import Fault, Roll, Scope
from .times import SECOND

CONTROL_PREFIX = "/_emulator/"
_FILES_PREFIX = "/_emulator/checkpoint_files/"
CREATES = frozenset({"jobs.create_job", "jobs.recreate_job"})

_HTML = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center></body></html>\n"


@dataclass
class Exchange:
    """One request: its dice, and the fault that ends it, if any."""

    roll: Roll
    fault: Fault | None
    creates: bool
    in_ledger: bool = False

    @property
    def fault_name(self) -> str | None:
        return None if self.fault is None else self.fault.kind


def exchange() -> Exchange:
    """The exchange of the current request."""
    current: Exchange = g.exchange
    return current


def install(app: Flask) -> None:
    """Put the exchange around every handler of an application."""
    app.before_request(_open)
    app.after_request(_close)
    app.after_request(_date)
    app.register_error_handler(Refusal, _refuse)
    app.register_error_handler(links.LinkRefused, _refuse_link)
    app.register_error_handler(HTTPException, _refuse_route)


def _open() -> Response | None:
    here = core()
    if _is_link():
        return _open_link()
    if request.path.startswith(CONTROL_PREFIX):
        token = request.headers.get("X-Amz-Security-Token") or request.args.get("token")
        authenticate_control(request.headers.get("Authorization"), token, request.path, here.settings.api_key)
        return None
    here.counts.add(f"{request.method} {request.url_rule.rule if request.url_rule else 'unknown'}")
    here.pause(here.settings.latency)
    creates = request.endpoint in CREATES
    g.exchange = current = Exchange(here.dice.roll(), None, creates)
    authenticate(request.headers.get("Authorization"), here.settings.api_key)
    current.fault = current.roll.ending((Scope.ANY, Scope.CREATE if creates else Scope.REPEATABLE))
    strike = None if current.fault is None else _BEFORE.get(current.fault.kind)
    if strike is None or current.fault is None or _spares_until_done(current):
        return None
    if creates:
        note_create(None)
    return strike(current.fault)


def _is_link() -> bool:
    signed = request.path.startswith(CONTROL_PREFIX) and links.SIGNATURE in request.args
    return request.method in ("GET", "HEAD") and (signed or request.path.startswith(_FILES_PREFIX))


def _open_link() -> Response | None:
    """A presigned link needs no key, and has faults of its own."""
    here = core()
    here.counts.add(f"{request.method} {request.url_rule.rule if request.url_rule else 'unknown'}")
    here.pause(here.settings.latency)
    g.exchange = current = Exchange(here.dice.roll(), None, creates=False)
    links.check(
        request.path, request.args, request.headers.get("Authorization"), here.settings.api_key, here.store.now()
    )
    current.fault = current.roll.ending((Scope.LINK,))
    strike = None if current.fault is None else _BEFORE.get(current.fault.kind)
    return None if strike is None or current.fault is None else strike(current.fault)


def _spares_until_done(current: Exchange) -> bool:
    """Whether a fault that may strike on either side of the effect strikes behind it."""
    return current.fault_name in _AFTER and current.roll.chance("effect first") < 0.5


def _close(response: Response) -> Response:
    current: Exchange | None = g.get("exchange")
    if current is None or current.fault is None or response.status_code not in (200, 206):
        return response
    strike = _AFTER.get(current.fault.kind)
    return response if strike is None else strike(current.fault, response)


def _date(response: Response) -> Response:
    """The time of the answer by the emulator's own clock, by which its jobs are dated too."""
    response.date = datetime.fromtimestamp(core().store.now() / SECOND, UTC)
    return response


def note_create(job_id: str | None, job_name: str | None = None) -> None:
    """Enter a create that committed nothing; one that commits is entered in its own transaction."""
    current = exchange()
    if current.in_ledger:
        return
    current.in_ledger = True
    project_id = str((request.view_args or {}).get("project_id", ""))
    with core().store.writing() as transaction:
        ledger.note(transaction, job_name or _sent_name(), project_id, current.fault_name, job_id)


def _sent_name() -> str | None:
    try:
        name = json.loads(request.get_data())["training_job"]["name"]
        return name if isinstance(name, str) and name.encode() else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _refuse(error: Refusal) -> Response:
    current: Exchange | None = g.get("exchange")
    if current is not None and current.creates:
        current.fault = None
        note_create(None)
    return _json(error.status, {"code": error.code, "message": error.message})


def _refuse_link(error: links.LinkRefused) -> Response:
    current: Exchange | None = g.get("exchange")
    if current is not None:
        current.fault = None
    return _xml(error.status, error.code, str(error))


def _xml(status: int, code: str, message: str) -> Response:
    document = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Response(document, status, mimetype="application/xml")


def _refuse_route(error: HTTPException) -> Response:
    status = error.code or 500
    code = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}.get(status, "VALIDATION_ERROR")
    return _json(status, {"code": code, "message": f"{request.method} {request.path}: {error.name}"})


def _json(status: int, body: dict[str, object]) -> Response:
    return Response(json.dumps(body), status, mimetype="application/json")


def _html(status: int, title: str) -> Response:
    return Response(_HTML.format(title), status, mimetype="text/html")


def _rate_limit(fault: Fault) -> Response:
    seconds = int(fault.seconds) if fault.seconds.is_integer() else fault.seconds
    return _json(429, {"error": "rate limit exceeded", "retry_after": seconds})


def _rate_limit_bare(fault: Fault) -> Response:
    return _json(429, {"error": "rate limit exceeded"})


def _server_error(fault: Fault) -> Response:
    choice = int(exchange().roll.chance("which error") * 4)
    if choice == 0:
        return _json(500, {"code": "INTERNAL_ERROR", "message": "internal server error"})
    if choice == 1:
        return _html(502, "502 Bad Gateway")
    if choice == 2:
        return _json(503, {"code": "UNAVAILABLE", "message": "service unavailable"})
    return _html(504, "504 Gateway Time-out")


def _reset(fault: Fault) -> Response:
    raise BrokenExchange("connection reset")


def _link_error(fault: Fault) -> Response:
    if exchange().roll.chance("which error") < 0.5:
        return _xml(500, "InternalError", "We encountered an internal error. Please try again.")
    return _xml(503, "SlowDown", "Please reduce your request rate.")


def _link_expired(fault: Fault) -> Response:
    return _xml(403, "AccessDenied", "Request has expired")


def _hang(fault: Fault, response: Response) -> Response:
    core().pause(fault.seconds)
    raise BrokenExchange("no answer")


def _truncate(fault: Fault, response: Response) -> Response:
    return _cut(response, 0.5)


def _truncate_file(fault: Fault, response: Response) -> Response:
    return _cut(response, exchange().roll.chance("how much"))


def _cut(response: Response, part: float) -> Response:
    whole = response.get_data()
    response.headers["Content-Length"] = str(len(whole))
    headers = tuple((name, value) for name, value in response.headers.items())
    raise BrokenExchange("answer cut short", Remnant(response.status, headers, whole[: int(len(whole) * part)]))


_BEFORE: dict[str, Callable[[Fault], Response]] = {
    "rate-limit": _rate_limit,
    "rate-limit-bare": _rate_limit_bare,
    "error-before": _server_error,
    "reset-before": _reset,
    "read-error": _server_error,
    "read-reset": _reset,
    "link-error": _link_error,
    "link-expired": _link_expired,
    "link-reset": _reset,
}
_AFTER: dict[str, Callable[[Fault, Response], Response]] = {
    "error-after": lambda fault, _: _server_error(fault),
    "reset-after": lambda fault, _: _reset(fault),
    "truncate-after": _truncate,
    "link-truncate": _truncate_file,
    "not-json-after": lambda _fault, _response: _html(200, "200 OK"),
    "hang-after": _hang,
    "late-commit": lambda fault, _: _reset(fault),
    "read-error": lambda fault, _: _server_error(fault),
    "read-reset": lambda fault, _: _reset(fault),
}
