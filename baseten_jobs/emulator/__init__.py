"""A local Baseten for training jobs: settings in, a WSGI application or a listening server out."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .errors import BrokenExchange
from .faults import KINDS, Fault, parse_fault
from .settings import DEFAULT_DATABASE, Behaviour, Durations, Settings
from .store import StoreError

if TYPE_CHECKING:
    from .app import close_app, create_app
    from .server import Server, serve, serving

__all__ = [
    "DEFAULT_DATABASE",
    "KINDS",
    "Behaviour",
    "BrokenExchange",
    "Durations",
    "Fault",
    "Server",
    "Settings",
    "StoreError",
    "close_app",
    "create_app",
    "parse_fault",
    "serve",
    "serving",
]

# Flask and waitress are an extra: what needs them is imported when it is first asked for, so that
# the command can explain its options, and what is missing, without them.
_LATER = {
    "create_app": ".app",
    "close_app": ".app",
    "Server": ".server",
    "serve": ".server",
    "serving": ".server",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LATER[name], __name__), name)
