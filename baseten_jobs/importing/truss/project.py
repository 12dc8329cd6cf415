"""A training project of the incumbent client -> a draft: what it means, the client's own defaults spelled out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from posixpath import normpath, relpath
from typing import Any

from baseten_jobs.importing.draft import Draft
from baseten_jobs.importing.from_body import Given, spec_of
from baseten_jobs.importing.placed import Gap, Placed, placed
from baseten_jobs.importing.truss.names import PROJECT
from baseten_jobs.importing.truss.source import PythonSource
from baseten_jobs.importing.truss.values import Built, Here, Imported, Local, Member, Method, Module, NotKnown, Parents
from baseten_jobs.manifest.diagnostics import Diagnostic, Position, Severity
from baseten_jobs.manifest.document import MAX_DEPTH, MAX_DIGITS, MAX_VALUES, Odd
from baseten_jobs.manifest.names import manifest_name
from baseten_jobs.phrases import nearest, one_line
from baseten_jobs.secrecy import hidden, quoted


@dataclass(frozen=True)
class Read:
    """What a file holds: a draft, or diagnostics, or, where both are missing, no training project at all."""

    drafts: tuple[Draft, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def draft(self) -> Draft | None:
        """The only draft, or the first one."""
        return self.drafts[0] if self.drafts else None


def read_made(source: PythonSource, projects: Sequence[Placed], given: Given) -> Read:
    """The training projects that a file made when it was run, as data."""
    reader = Reader(source, partial=False, hint="write it as a path from the folder of the file")
    drafts = tuple(reader.draft(each, given) for each in projects)
    return Read(drafts, tuple(reader.problems))


RUN = "--run runs the file, if you trust it"
_GAP = f"--partial leaves a marked gap; {RUN}"


def not_read(path: str, unknown: NotKnown, hint: str = _GAP) -> Diagnostic:
    """That a value can't be known, with what would tell it."""
    message = f"{quoted(unknown.text, 84)} is not a constant: {unknown.why}"
    return Diagnostic("not-constant", message, Position(path, *unknown.at), hint=unknown.hint or hint)


class Reader:
    def __init__(self, source: PythonSource, partial: bool, hint: str = _GAP) -> None:
        self.source, self.partial, self._hint = source, partial, hint
        self.problems: list[Diagnostic] = []
        self.remarks: list[Diagnostic] = []
        self._values = self._depth = 0

    def draft(self, project: Placed, given: Given) -> Draft:
        fields = self._plain(project)
        self._check_fields(fields)
        job = fields.get("job") or Placed({}, project.at)
        spec, remarks = self._spec(job) if isinstance(job.value, dict) else (job, [])
        name = given.placed("project") or fields.get("name")
        metadata = Placed({}, project.at).holding(
            name=given.placed("name") or self._name(name),
            project=name,
            team=fields.get("team_name"),
        )
        return Draft(self.source.path, metadata, spec, (*remarks, *self.remarks))

    def _spec(self, job: Placed) -> tuple[Placed, list[Diagnostic]]:
        workspace = self._workspace(job.get("workspace"), job)
        spec, remarks = spec_of(_with_defaults(job.holding(workspace=None)), self.source.path)
        return spec.holding(workspace=workspace), remarks

    def _check_fields(self, project: Placed) -> None:
        known = ("name", "job", "team_name")
        for name, entry in project.entries.items():
            if name not in known:
                near = nearest(name, known)
                message, hint = f"{quoted(name)} is not a field of {PROJECT}", f"did you mean '{near}'?" if near else ""
                position = Position(self.source.path, *(entry.key or entry.at))
                self.problems.append(Diagnostic("unknown-field", message, position, hint=hint))

    def _name(self, project: Placed | None) -> Placed | None:
        if project is None:
            return None
        if isinstance(project.value, Gap):
            return project
        name = manifest_name(project.value) if isinstance(project.value, str) else ""
        return replace(project, value=name) if name else None

    def _plain(self, value: Placed, paths: bool = False) -> Placed:
        """Objects become mappings, and what is not known becomes a gap, with a diagnostic unless gaps are asked for.

        `paths` says that a path which begins at the file's folder has a meaning here.
        """
        inner = value.value
        self._values += 1
        self._depth += 1
        try:
            if self._depth > MAX_DEPTH or self._values > MAX_VALUES:
                return self._gap(value, NotKnown(self._written(value), "it is too large", value.at))
            return self._plain_parts(value, inner, paths)
        finally:
            self._depth -= 1

    def _plain_parts(self, value: Placed, inner: Any, paths: bool) -> Placed:
        spoiled = getattr(inner, "spoiled", None)
        if isinstance(inner, NotKnown) or spoiled is not None:
            return self._gap(value, spoiled or inner)
        if isinstance(inner, Built):
            paths = inner.kind == "Workspace"
            fields = {name: self._not_none(name, each) for name, each in inner.fields.items()}
            return replace(value, value={name: self._plain(each, paths) for name, each in fields.items()})
        if isinstance(inner, dict):
            return replace(value, value={self._key(n, value): self._plain(each, paths) for n, each in inner.items()})
        if isinstance(inner, (list, tuple)):
            return replace(value, value=[self._plain(each, paths) for each in inner])
        if isinstance(inner, Here) and not paths:
            return self._gap(value, NotKnown(self._written(value), "it is a path of one machine", value.at))
        if isinstance(inner, Member):
            return replace(value, value=inner.value)
        if isinstance(inner, PurePosixPath):
            return replace(value, value=str(inner))
        if isinstance(inner, int) and not isinstance(inner, bool) and inner.bit_length() > 60:
            return replace(value, value=Odd(str(inner) if inner.bit_length() < 4096 else "9" * MAX_DIGITS, "integer"))
        if isinstance(inner, str) and any("\ud800" <= character <= "\udfff" for character in inner):
            return self._gap(value, NotKnown(self._written(value), "half of a surrogate pair is not text", value.at))
        if isinstance(inner, float):
            return replace(value, value=Odd(str(inner), "number"))
        if isinstance(inner, (Imported, Local, Method, Module, Parents, bytes, complex)) or inner is Ellipsis:
            why = "it is not a value that a job takes"
            return self._gap(value, NotKnown(self._written(value), why, value.at))
        return value

    def _not_none(self, name: str, value: Placed) -> Placed:
        """The value of a field; the client refuses a None for some, as one of `env.update(...)` is."""
        if value.value is not None or name not in _NEVER_NONE:
            return value
        why = "it is None, which the client refuses here"
        return replace(value, value=NotKnown(self._written(value), why, value.at))

    def _written(self, value: Placed) -> str:
        return one_line(self.source.lines[value.at[0] - 1][value.at[1] - 1 :].strip(), 40)

    def _key(self, name: Any, mapping: Placed) -> str:
        if not isinstance(name, str):
            message = f"the key {quoted(str(name))} is not a string"
            position = Position(self.source.path, *mapping.at)
            self.problems.append(Diagnostic("key-not-string", message, position))
        return str(name)

    def _gap(self, value: Placed, unknown: NotKnown) -> Placed:
        if not self.partial and (told := not_read(self.source.path, unknown, self._hint)) not in self.problems:
            self.problems.append(told)
        line, column = unknown.at
        reason = f"{self.source.path}:{line}:{column}: {hidden(unknown.text, '***')} is not a constant: {unknown.why}"
        return replace(value, value=Gap(reason))

    def _workspace(self, written: Placed | None, job: Placed) -> Placed:
        """The folder that the incumbent uploads, relative to that of its file: this one, unless it says otherwise."""
        if written is None or not isinstance(written.value, dict):
            return replace(written or placed({}, job.at), value={"root": placed(".", job.at)})
        root = self._folder(written.get("workspace_root")) or placed(".", written.at)
        external, exclude = written.get("external_dirs"), written.get("exclude_dirs")
        if external is not None:
            external = self._outside(self._folders(external), root)
        others = {name: entry for name, entry in written.entries.items() if name not in _OF_WORKSPACES}
        return replace(written, value=others).holding(
            root=root,
            external=external if external is not None and external.value else None,
            exclude=exclude and self._patterns(exclude, root),
        )

    def _folder(self, path: Placed | None) -> Placed | None:
        if path is None:
            return None
        if isinstance(path.value, Here):
            return replace(path, value=path.value.path)
        if isinstance(path.value, str) and path.value.startswith("/"):
            return self._gap(path, NotKnown(path.value, "it is a path of one machine", path.at))
        return replace(path, value=normpath(path.value)) if isinstance(path.value, str) else path

    def _folders(self, paths: Placed) -> Placed:
        if not isinstance(paths.value, list):
            return paths
        return replace(paths, value=[self._folder(each) for each in paths.value])

    def _outside(self, folders: Placed, root: Placed) -> Placed:
        """The external folders but for those inside of the root, which the incumbent skips as well."""
        if not isinstance(folders.value, list) or not isinstance(root.value, str):
            return folders
        kept = []
        for each in folders.value:
            if not isinstance(each.value, str) or _from(each.value, root.value).startswith(".."):
                kept.append(each)
                continue
            message = f"{quoted(each.value)} is left out: it is inside of workspace_root, with which it travels already"
            position = Position(self.source.path, *each.at)
            self.remarks.append(Diagnostic("external-inside", message, position, severity=Severity.NOTE))
        return replace(folders, value=kept)

    def _patterns(self, paths: Placed, root: Placed) -> Placed:
        """Folders right below the root, as patterns that fit only there."""
        folders = self._folders(paths)
        if not isinstance(folders.value, list) or not isinstance(root.value, str):
            return folders
        return replace(folders, value=[self._pattern(each, root.value) for each in folders.value])

    def _pattern(self, folder: Placed, root: str) -> Placed:
        if not isinstance(folder.value, str):
            return folder
        return replace(folder, value="/" + _from(folder.value, root))


def _from(folder: str, root: str) -> str:
    """The way from one folder to another, both of them starting at the file's."""
    return relpath(f"{_DEEP}{folder}", f"{_DEEP}{root}")


_DEEP = "/folder" * 64 + "/"
_NEVER_NONE = ("start_commands", "environment_variables")
_OF_WORKSPACES = ("workspace_root", "external_dirs", "exclude_dirs")


def _with_defaults(job: Placed) -> Placed:
    """The job with what the incumbent sends where nothing is written, as far as the API would do otherwise."""
    session, runtime, compute = job.get("interactive_session"), job.get("runtime"), job.get("compute")
    if session is not None and isinstance(session.value, dict) and session.get("auth_provider") is None:
        session = session.holding(auth_provider=placed("microsoft", session.at))
    accelerator = compute.get("accelerator") if compute is not None else None
    if compute is not None and accelerator is not None and isinstance(accelerator.value, dict):
        counted = accelerator.holding(count=accelerator.get("count") or placed(1, accelerator.at))
        compute = compute.holding(accelerator=counted if accelerator.get("accelerator") else None)
    return job.holding(
        interactive_session=session,
        compute=compute,
        runtime=runtime and _with_checkpoints(runtime),
        enable_baseten_workdir=job.get("enable_baseten_workdir") or placed(True, job.at),
    )


def _with_checkpoints(runtime: Placed) -> Placed:
    """Where a load names no checkpoint the incumbent asks for the latest without a project; a rule finds that."""
    load = runtime.get("load_checkpoint_config")
    enabled = load.get("enabled") if load is not None else None
    if load is None or enabled is None or enabled.value is False or load.get("checkpoints") is not None:
        return runtime
    latest = placed([{"typ": "baseten_latest_checkpoint"}], load.at)
    return runtime.holding(load_checkpoint_config=load.holding(checkpoints=latest))
