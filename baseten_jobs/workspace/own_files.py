"""A file's path and bytes -> whether this tool reads or wrote it, so that it is no code of a job."""

import json
import re

from baseten_jobs.manifest.document import decode, is_yaml, load

_HEAD = 200
"""By so many of its first bytes a saved plan is known, however long it is."""

_PLAN = re.compile(rb'\A\s*\{\s*("format_version":[^,]{1,20},\s*)?"kind":\s*"baseten-jobs-plan"')
_SCHEMA_ID = b"urn:baseten-jobs:"
_PIPELINE = re.compile(r"(?:^|/)(?:\.github/workflows/[^/]+\.ya?ml|\.gitlab-ci\.yml)\Z")
"""Where `init` writes a pipeline; one that names this tool is ours, whatever was changed in it since."""


def is_ours(path: str, raw: bytes) -> bool:
    """Whether this is a manifest of any version, a saved plan, or the schema or a pipeline as `init` writes them."""
    if is_plan(raw) or _is_schema(raw):
        return True
    if b"baseten-jobs" not in raw:
        return False
    return _PIPELINE.search(path) is not None or _holds_manifest(path, raw)


def is_plan(head: bytes) -> bool:
    """Whether a file that begins so is a saved plan."""
    return _PLAN.match(head[:_HEAD]) is not None


def form_of(path: str) -> str:
    """A path that stands for all those of which `is_ours` says the same, whatever the bytes are."""
    if _PIPELINE.search(path):
        return ".gitlab-ci.yml"
    return "x.yaml" if is_yaml(path) else "x"


def _is_schema(raw: bytes) -> bool:
    if _SCHEMA_ID not in raw or not raw.lstrip().startswith(b"{"):
        return False
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return isinstance(data, dict) and str(data.get("$id")).startswith(_SCHEMA_ID.decode())


def _holds_manifest(path: str, raw: bytes) -> bool:
    if b"baseten-jobs/" not in raw or b"apiVersion" not in raw:
        return False
    name = path.rpartition("/")[2]
    text = decode(name, raw)
    if not isinstance(text, str):
        return False
    loaded = load(name, text)
    if any(_names_us(document.data) for document in loaded.documents):
        return True
    written = re.search(r"^\s*[\"']?apiVersion[\"']?\s*:\s*[\"']?baseten-jobs/", text, re.M)
    return is_yaml(name) and bool(loaded.diagnostics) and written is not None


def _names_us(data: object) -> bool:
    version = data.get("apiVersion") if isinstance(data, dict) else None
    return isinstance(version, str) and version.startswith("baseten-jobs/")
