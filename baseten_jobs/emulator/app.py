"""Settings to the Flask application that is the embedded API."""

from __future__ import annotations

from typing import cast

from flask import Flask

from . import exchange
from .core import EXTENSION, Core
from .routes import BLUEPRINTS
from .settings import Settings


def create_app(settings: Settings) -> Flask:
    """The embedded API as a WSGI application; a StoreError if its database cannot be used.

    It may be called from many threads at once. `close_app` gives its database back.
    """
    app = Flask("baseten_jobs.emulator", static_folder=None, template_folder=None)
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
