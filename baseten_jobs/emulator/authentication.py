"""An Authorization header, or a token, to leave to proceed, or to a refusal that never repeats the key."""

from __future__ import annotations

import hashlib
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


def authenticate_control(header: str | None, token: str | None, path: str, api_key: str | None) -> None:
    """Accept the key, or the token of this very path, where there is a key; else everybody."""
    if api_key is None or (token is not None and hmac.compare_digest(token.encode(), seal(api_key, path).encode())):
        return
    authenticate(header, api_key)


def seal(api_key: str | None, path: str) -> str:
    """What opens one path to whoever was given it, as a presigned address does; it does not tell the key."""
    return hmac.new((api_key or "").encode(), path.encode(), hashlib.sha256).hexdigest()


def _unauthorized(message: str) -> Refusal:
    return Refusal(401, "UNAUTHORIZED", message)
