"""Drafts -> manifest files: each under its name, with its schema and its code found from where it lies."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from baseten_jobs.importing.adoption import Adopted, Adoption, ReadSource
from baseten_jobs.importing.draft import Draft, check, gaps, written
from baseten_jobs.importing.placed import NONE, Placed, placed
from baseten_jobs.importing.sweep import folded, shared_name
from baseten_jobs.manifest.diagnostics import Diagnostic, Position, Severity, has_errors, in_order
from baseten_jobs.manifest.document import is_yaml
from baseten_jobs.manifest.names import distinct
from baseten_jobs.manifest.paths import check_landing, checkout_of
from baseten_jobs.manifest.sources import shown_name
from baseten_jobs.phrases import one_line
from baseten_jobs.workspace.boundary import Boundary

_SCHEMAS = tuple(os.path.join("schemas", "v1", f"{name}.schema.json") for name in ("manifest", "training-job"))
"""Where `init` writes the schema for editors, and where it wrote another one before, which serves plain manifests."""

_BESIDE = os.path.join("..", _SCHEMAS[0])


@dataclass(frozen=True)
class Target:
    """Where manifests go: to a file, into a folder, or, where `out` is empty, to standard output."""

    out: str = ""
    force: bool = False

    @property
    def is_file(self) -> bool:
        return is_yaml(self.out)

    def path_for(self, name: str) -> str:
        return self.out if not self.out or self.is_file else os.path.join(self.out, f"{name}.yaml")


def adopt(found: Sequence[ReadSource], target: Target, skipped: int = 0) -> Adoption:
    """Write what can be written. A file that is there already is left alone, but for `force` or the same content."""
    adopted: list[Adopted] = []
    diagnostics: list[Diagnostic] = []
    names = iter(distinct([(one.drafts[0].name, one.mark) for one in found if one.drafts]))
    taken: dict[str, str] = {}
    failed = 0
    for one in found:
        told = list(one.diagnostics)
        if one.drafts:
            one = _named(one, next(names)) if one.mark else one
            shared = shared_name([draft.name for draft in one.drafts])
            path = target.path_for(shared or one.drafts[0].name or "manifest")
            made, problems = _made(one, path)
            told += problems
            if not has_errors(told) and path and path in taken:
                told.append(_clash(one, taken[path]))
            if not has_errors(told):
                told += _put(made, target.force)
            if not has_errors(told):
                adopted.append(made)
                taken[path] = one.source
        diagnostics += told
        failed += has_errors(told)
    return Adoption(tuple(adopted), in_order(diagnostics), failed, skipped, target.out)


def _named(one: ReadSource, name: str) -> ReadSource:
    first = one.drafts[0]
    given = first.metadata.get("name")
    if given is None or given.value == name or not isinstance(given.value, str):
        return one
    metadata = first.metadata.holding(name=replace(given, value=name))
    return replace(one, drafts=(replace(first, metadata=metadata), *one.drafts[1:]))


def _clash(one: ReadSource, other: str) -> Diagnostic:
    message = f"'{one.drafts[0].name}' is also the name of the manifest of {other}"
    return Diagnostic("name-taken", message, Position(one.source), hint="import one of the two by itself, with --name")


def _made(one: ReadSource, path: str) -> tuple[Adopted, list[Diagnostic]]:
    folder = os.path.dirname(path) if path else one.folder or os.curdir
    drafts = tuple(_rebased(draft, one.folder, folder) for draft in one.drafts)
    told = [problem for draft in drafts for problem in check(draft)]
    if has_errors((*one.diagnostics, *told)):
        return Adopted(one.source, path, drafts, ""), told
    result = written(drafts, _modeline(os.path.dirname(path), bool(path)), folded if one.sweep else list)
    missing = sum(1 for draft in drafts for part in (draft.metadata, draft.spec) for _ in gaps(part))
    workspaces = sum(bool(draft.spec.entries.get("workspace", NONE).entries) for draft in drafts)
    return Adopted(one.source, path, drafts, result.text, missing, workspaces), [*told, *result.diagnostics]


def _rebased(draft: Draft, start: str, folder: str) -> Draft:
    """The same, its workspace's paths starting at `folder`, which it may lead out of."""
    workspace = draft.spec.get("workspace")
    if workspace is None or not isinstance(workspace.value, dict):
        return draft

    def moved(path: Placed) -> Placed:
        if not isinstance(path.value, str) or os.path.isabs(path.value):
            return path
        return replace(path, value=os.path.relpath(os.path.join(start or os.curdir, path.value), folder or os.curdir))

    root = moved(workspace.get("root") or placed(os.curdir, workspace.at))
    changes: dict[str, Placed | None] = {"root": root}
    if (external := workspace.get("external")) is not None and isinstance(external.value, list):
        changes["external"] = replace(external, value=[moved(each) for each in external.value])
    spec = draft.spec.holding(workspace=workspace.holding(**changes))
    if not (leading_out := _leading_out((root, changes.get("external")), folder or os.curdir)):
        return replace(draft, spec=spec)
    spec = spec.holding(workspace=workspace.holding(**changes, outside=placed(True, workspace.at)))
    return replace(draft, spec=spec, remarks=(*draft.remarks, _asks(leading_out, draft.path)))


def _leading_out(written: Iterable[Placed | None], folder: str) -> list[Placed]:
    """The folders of a workspace that lie outside of where the files of a manifest in `folder` come from."""
    boundary = Boundary(folder)
    each = [one for value in written if value for one in (value.value if isinstance(value.value, list) else [value])]
    paths = [one for one in each if isinstance(one.value, str)]
    return [path for path in paths if boundary.leaves_out(os.path.join(folder, path.value))]


def _asks(outside: Sequence[Placed], path: str) -> Diagnostic:
    """What to know of a manifest that `outside: true` was written into."""
    folders = ", ".join(f"'{one_line(each.value)}'" for each in outside)
    message = f"the manifest asks by `outside: true` for files from outside of its repository: {folders}"
    hint = "each command needs `--allow-outside DIR` for that"
    position = Position(path, *outside[0].at)
    return Diagnostic("workspace-outside", message, position, "spec.workspace.outside", hint, Severity.WARNING)


def _modeline(folder: str, known: bool) -> str:
    """The schema as a manifest in `folder` finds it: in the nearest folder of its repository above that has one.

    Where none has, it is where `init` would write it: at the root, above the folder of manifests.
    """
    if not known:
        return _BESIDE
    here = os.path.realpath(folder or os.curdir)
    root = checkout_of(here)
    above = here
    while True:
        for schema in _SCHEMAS:
            if os.path.isfile(whole := os.path.join(above, schema)):
                return os.path.relpath(whole, here)
        if above in (root, above := os.path.dirname(above)):
            break
    if root:
        return os.path.relpath(os.path.join(root, _SCHEMAS[0]), here)
    return _SCHEMAS[0] if here == os.path.realpath(os.curdir) else _BESIDE


def _put(made: Adopted, force: bool) -> list[Diagnostic]:
    if not made.path:
        return []
    position = Position(shown_name(made.path))
    try:
        check_landing(made.path)
        if not force and os.path.lexists(made.path):
            with open(made.path, "rb") as file:
                same = file.read(len(made.text) * 4 + 1) == made.text.encode("utf-8")
            hint = "--force overwrites it"
            return [] if same else [Diagnostic("exists", "there is another file of this name", position, hint=hint)]
        os.makedirs(os.path.dirname(made.path) or os.curdir, exist_ok=True)
        with open(made.path, "w", encoding="utf-8", newline="\n") as file:
            file.write(made.text)
    except OSError as error:
        return [Diagnostic("unwritable", f"this can't be written: {error.strerror or error}", position)]
    return []
