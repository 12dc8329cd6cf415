"""A checkout -> its pipelines that run this tool, read from where GitHub and GitLab look for them."""

import os
from collections.abc import Iterator

from baseten_jobs.doctor.pipelines import Pipeline, pipeline_of
from baseten_jobs.manifest.document import MAX_BYTES, load

_TOOL = "baseten-jobs"
_WORKFLOWS = os.path.join(".github", "workflows")
_GITLAB = ".gitlab-ci.yml"


def pipelines_in(root: str) -> tuple[Pipeline, ...]:
    """The pipelines whose text names the tool, by paths within the checkout. Nothing in them is run."""
    return tuple(_read(root, path, host) for path, host in _places(root))


def _places(root: str) -> Iterator[tuple[str, str]]:
    try:
        names = sorted(os.listdir(os.path.join(root, _WORKFLOWS)))
    except OSError:
        names = []
    candidates = [(os.path.join(_WORKFLOWS, name), "github") for name in names if name.endswith((".yml", ".yaml"))]
    for path, host in (*candidates, (_GITLAB, "gitlab")):
        if _TOOL in _text(os.path.join(root, path)):
            yield path, host


def _text(path: str) -> str:
    """The text of a regular file, as far as MAX_BYTES; empty where it can't be read."""
    try:
        if not os.path.isfile(path):
            return ""
        with open(path, "rb") as file:
            return file.read(MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _read(root: str, path: str, host: str) -> Pipeline:
    text = _text(os.path.join(root, path))
    loaded = load(path, text)
    if not loaded.documents:
        why = loaded.diagnostics[0].message if loaded.diagnostics else "it is empty"
        return Pipeline(path, host, unread=why)
    return pipeline_of(path, host, loaded.documents[0].data, text)
