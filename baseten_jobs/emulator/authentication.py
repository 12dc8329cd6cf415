"""An Authorization header to leave to proceed, or to a refusal that never repeats the key."""

from __future__ import annotations

import hmac

from .errors import Refusal

FORBIDDEN_KEY = "forbidden"
_SCHEMES = frozenset({"bearer", "api-key"})


def authenticate(header: str | None, api_key: str | None) -> None:
    """Accept `Bearer KEY` and `Api-Key KEY`; 401 for all else, 403 for the key `forbidden`."""
    if header is None:
        raise _unauthorized("no Authorization header")
    scheme, _, key = header.strip().partition(" ")
    key = key.strip()
    if scheme.lower() not in _SCHEMES or not key or len(key.split()) != 1:
        raise _unauthorized("expected the header 'Authorization: Bearer KEY' or 'Authorization: Api-Key KEY'")
    if key == FORBIDDEN_KEY:
        raise Refusal(403, "FORBIDDEN", "this key has no permission to manage training")
    if api_key is not None and not hmac.compare_digest(key.encode(), api_key.encode()):
        raise _unauthorized("the API key is not known")


def _unauthorized(message: str) -> Refusal:
    return Refusal(401, "UNAUTHORIZED", message)
