"""A YAML file -> what of it is ours, where nobody named it: in folders, or for hooks that name every YAML file."""

import re
from dataclasses import replace
from typing import Any

from baseten_jobs.manifest.document import Loaded
from baseten_jobs.manifest.schema.fields import DEFAULTS, KIND, POLICY, SUPPORTED
from baseten_jobs.phrases import nearest

_MENTIONED = re.compile(rb"api_?version|\bkind\b", re.IGNORECASE)
_KINDS = (KIND, DEFAULTS)
"""Kinds that tell by themselves whose they are; others have a `Policy` too."""

_DECLARED = re.compile(r"""^[^#\n]*\bapiVersion["']?[ \t]*:[ \t]*["']?baseten-jobs\b""", re.MULTILINE | re.IGNORECASE)


def may_be_ours(raw: bytes) -> bool:
    """False for bytes that declare no version and no kind, in UTF-8 or UTF-16: such a file need not be parsed."""
    return b"apiVersion" in raw or _MENTIONED.search(raw.replace(b"\0", b"")) is not None


def ours_of(loaded: Loaded, text: str) -> Loaded | None:
    """What of a file is ours; None for a file of others, whatever is wrong with it.

    A file is ours if a document of it is or should be a manifest, or if it can't be parsed and has our `apiVersion`.
    The documents in it that declare another's version or kind are not.
    """
    meant = [_meant(document.data) for document in loaded.documents]
    if not any(meant):
        return loaded if loaded.diagnostics and _DECLARED.search(text) else None
    documents = zip(loaded.documents, meant, strict=True)
    return replace(loaded, documents=tuple(each for each, ours in documents if ours or not _declares(each.data)))


def _declares(data: Any) -> bool:
    return isinstance(data, dict) and not {"apiVersion", "kind"}.isdisjoint(data)


def _meant(data: Any) -> bool:
    """True for an `apiVersion` that is nearly ours, and for a `kind` of ours that no other group has by its version.

    A group of Kubernetes has a dot: `kind: TrainingJob` is one of `sagemaker.services.k8s.aws/v1alpha1` too.
    """
    if not isinstance(data, dict) or data.get("apiVersion") in SUPPORTED:
        return isinstance(data, dict)
    kind = data.get("kind")
    own = isinstance(kind, str) and (kind in _KINDS or bool(nearest(kind, _KINDS)))
    versions = [value for key, value in data.items() if key.lower().replace("_", "") == "apiversion"]
    if not versions or not isinstance(versions[0], str):
        return own or kind == POLICY
    return bool(nearest(versions[0], SUPPORTED)) or (own and "." not in versions[0])
