"""A draft and the `.truss_ignore` of its workspace's root -> the same with the patterns of that file as excludes."""

import os
from dataclasses import replace

from baseten_jobs.importing.draft import Draft
from baseten_jobs.importing.placed import NONE, placed
from baseten_jobs.manifest.diagnostics import Diagnostic, Position, Severity
from baseten_jobs.phrases import count

NAME = ".truss_ignore"
_LARGEST = 1 << 16


def with_ignored(draft: Draft, folder: str) -> Draft:
    """The draft of a file in `folder`; the client reads this file at the root alone, and leaves out what it names."""
    workspace = draft.spec.get("workspace")
    root = workspace.text("root") if workspace is not None else None
    if workspace is None or root is None or not (patterns := _patterns(os.path.join(folder, root, NAME))):
        return draft
    exclude = workspace.get("exclude") or placed([], workspace.at)
    if not isinstance(exclude.value, list):
        return draft
    whole = replace(exclude, value=[*exclude.value, *(placed(each, workspace.at) for each in patterns)])
    message = f"{count(len(patterns), 'pattern')} of {NAME} became excludes of spec.workspace"
    position = Position(draft.path, *draft.spec.entries.get("workspace", NONE).at)
    told = Diagnostic("truss-ignore", message, position, severity=Severity.NOTE)
    spec = draft.spec.holding(workspace=workspace.holding(exclude=whole))
    return replace(draft, spec=spec, remarks=(*draft.remarks, told))


def _patterns(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = [line.strip() for line in file.read(_LARGEST).splitlines()]
    except OSError:
        return []
    return list(dict.fromkeys(line for line in lines if line and not line.startswith(("#", "!"))))
