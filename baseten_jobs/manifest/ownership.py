"""A YAML file -> whether it is a manifest of ours, for callers that name every YAML file of a repository."""

import re
from typing import Any

from baseten_jobs.manifest.document import Loaded
from baseten_jobs.manifest.schema.fields import DEFAULTS, KIND, SUPPORTED
from baseten_jobs.phrases import nearest

_MENTIONED = re.compile(b"baseten|" + KIND.encode(), re.IGNORECASE)
_KINDS = (KIND, DEFAULTS)
"""Kinds that tell by themselves whose they are; others have a `Policy` too."""

_DECLARED = re.compile(r"""^[^#\n]*\bapiVersion["']?[ \t]*:[ \t]*["']?baseten-jobs\b""", re.MULTILINE | re.IGNORECASE)


def may_be_ours(raw: bytes) -> bool:
    """False for bytes without our group and kind, in UTF-8 or UTF-16: such a file need not be parsed as YAML."""
    return _MENTIONED.search(raw.replace(b"\0", b"")) is not None


def is_ours(loaded: Loaded, text: str) -> bool:
    """True if a document of the file is or should be a manifest, or if it can't be parsed and has our `apiVersion`."""
    if any(_meant(document.data) for document in loaded.documents):
        return True
    return bool(loaded.diagnostics) and _DECLARED.search(text) is not None


def _meant(data: Any) -> bool:
    """True for an `apiVersion` that is nearly ours, and for a `kind` of ours that no other group has by its version.

    A group of Kubernetes has a dot: `kind: TrainingJob` is one of `sagemaker.services.k8s.aws/v1alpha1` too.
    """
    if not isinstance(data, dict):
        return False
    version = next((value for key, value in data.items() if key.lower().replace("_", "") == "apiversion"), "")
    if not isinstance(version, str):
        return data.get("kind") in _KINDS
    return bool(nearest(version, SUPPORTED)) or (data.get("kind") in _KINDS and "." not in version)
