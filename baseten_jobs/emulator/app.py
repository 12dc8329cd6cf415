"""Settings to the WSGI application that is the embedded API."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.routing import Rule

from . import exchange
from .core import ENVIRON, Core
from .routes import BLUEPRINTS
from .settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class App:
    """The embedded API over one database, which `close` gives back; a StoreError if that cannot be used.

    It may be called from many threads at once. All of a process share its routes, and each request brings its core.
    """

    def __init__(self, settings: Settings) -> None:
        self._core = Core(settings)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ[ENVIRON] = self._core
        return _routed()(environ, start_response)

    def close(self) -> None:
        """End every wait in the application and close its database."""
        self._core.close()


class _Matched(Rule):
    """An address that is matched and never built: to compile how would be most of the embedded API's start."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., Any]:
        return _never_built


def _never_built(*_: Any) -> None:
    raise LookupError("the embedded API builds no address")


class _Flask(Flask):
    url_rule_class = _Matched


@cache
def _routed() -> Flask:
    app = _Flask("baseten_jobs.emulator", static_folder=None, template_folder=None)
    # A broken exchange, and any defect, must reach the server or the in-process caller as it is.
    app.config["PROPAGATE_EXCEPTIONS"] = True
    app.json.sort_keys = False  # type: ignore[attr-defined]
    exchange.install(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app
