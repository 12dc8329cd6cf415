"""Bytes, text or data -> whether a Policy is in it, or a manifest allows itself something: asked of every file."""

import re
from typing import Any

from baseten_jobs.manifest.schema.fields import KIND, POLICY, SUPPORTED
from baseten_jobs.phrases import nearest

_MENTIONED = re.compile(rb"Policy|(?i:\bkind[\"']?\s*:\s*[\"']?policy)")
_DECLARED = (
    re.compile(r"""^[^#\n]*\bapiVersion["']?[ \t]*:[ \t]*["']?baseten-jobs\b""", re.MULTILINE | re.IGNORECASE),
    re.compile(r"""^[^#\n]*\bkind["']?[ \t]*:[ \t]*["']?Policy\b""", re.MULTILINE | re.IGNORECASE),
)


def may_hold_one(raw: bytes) -> bool:
    """False for bytes that mention no Policy of our group, in UTF-8 or UTF-16: they need not be parsed as YAML."""
    plain = raw.replace(b"\0", b"") if b"\0" in raw else raw
    return b"baseten" in plain.lower() and _MENTIONED.search(plain) is not None


def declares_one(text: str) -> bool:
    """True if text that can't be parsed as YAML was meant to hold a Policy of ours."""
    return all(declared.search(text) for declared in _DECLARED)


def is_policy(data: Any) -> bool:
    """True for a document that is or should be a Policy of ours; another group's `apiVersion` makes it another's."""
    if not isinstance(data, dict):
        return False
    kind = data.get("kind")
    if kind == KIND or not isinstance(kind, str) or kind.lower() != POLICY.lower():
        return False
    version = next((value for key, value in data.items() if key.lower().replace("_", "") == "apiversion"), "")
    return not isinstance(version, str) or not version or version in SUPPORTED or bool(nearest(version, SUPPORTED))


def allows(data: Any) -> bool:
    """True if a manifest allows itself to break a rule."""
    policy = data.get("policy") if isinstance(data, dict) else None
    return isinstance(policy, dict) and bool(policy.get("allow"))
