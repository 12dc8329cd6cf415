"""Settings to the Flask application that is the embedded API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from flask import Flask
from werkzeug.routing import Rule

from . import exchange
from .core import EXTENSION, Core
from .routes import BLUEPRINTS
from .settings import Settings


class _Matched(Rule):
    """An address that is matched and never built: to compile how would be most of the embedded API's start."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., Any]:
        return _never_built


def _never_built(*_: Any) -> None:
    raise LookupError("the embedded API builds no address")


class _App(Flask):
    url_rule_class = _Matched


def create_app(settings: Settings) -> Flask:
    """The embedded API as a WSGI application; a StoreError if its database cannot be used.

    It may be called from many threads at once. `close_app` gives its database back.
    """
    app = _App("baseten_jobs.emulator", static_folder=None, template_folder=None)
    # A broken exchange, and any defect, must reach the server or the in-process caller as it is.
    app.config["PROPAGATE_EXCEPTIONS"] = True
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions[EXTENSION] = Core(settings)
    exchange.install(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app


def close_app(app: Flask) -> None:
    """End every wait in the application and close its database."""
    cast(Core, app.extensions[EXTENSION]).close()
