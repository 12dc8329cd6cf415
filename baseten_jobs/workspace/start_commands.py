"""Manifests' start commands and what travels with each -> warnings of what a job would miss once it runs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from os.path import dirname, isfile, join, normpath, realpath, relpath
from typing import TYPE_CHECKING

from baseten_jobs.manifest.diagnostics import Diagnostic, FieldPath, Severity, field_name
from baseten_jobs.manifest.document import Document, DocumentPlace
from baseten_jobs.manifest.normalisation import workspace_of
from baseten_jobs.manifest.paths import checkout_of, is_below, path_name
from baseten_jobs.manifest.rules.lookup import environment, node_count, start_commands
from baseten_jobs.manifest.rules.start_commands import differing
from baseten_jobs.manifest.schema.fields import shape_of
from baseten_jobs.manifest.sources import STDIN_NAME
from baseten_jobs.phrases import count, nearest, one_line
from baseten_jobs.secrecy import quoted

if TYPE_CHECKING:
    from baseten_jobs.job.content import Content, File
    from baseten_jobs.manifest.commands.reading import NamedFile, Reading

_COMMANDS: FieldPath = ("spec", "runtime", "start_commands")
_SHELL = (".sh", ".bash")
_TEXT = (".py", ".yaml", ".yml", ".json", ".toml", ".cfg", ".ini", ".env", ".conf", ".txt", ".jinja", *_SHELL)
_MEETS = {
    "torchrun": "--node-rank $BT_NODE_RANK --master-addr $BT_LEADER_ADDR --master-port 29500",
    "accelerate": "--machine_rank $BT_NODE_RANK --main_process_ip $BT_LEADER_ADDR --main_process_port 29500",
}
"""What tells the launchers of a node where the others are."""
_LARGEST, _MOST = 1 << 20, 32 << 20
"""Bytes of one file, and of all together, that are searched for the variables of nodes."""
_NAME = re.compile(r"[\w.+-]+")


def check_commands(
    documents: Iterable[Document], contents: Mapping[DocumentPlace, Content]
) -> Iterator[tuple[Document, tuple[Diagnostic, ...]]]:
    """Yields the warnings of documents that the schema accepts; a file is read once, however many manifests name it.

    `contents` has what travels with each document that has a workspace; one that has none there is skipped.
    """
    files = _Files()
    for document in documents:
        if commands := start_commands(document.data):
            home = "." if document.path == STDIN_NAME else dirname(document.path) or "."
            content = contents.get(document.place)
            without = document.data["spec"].get("workspace") is None
            if content is None and not (without and (node_count(document.data) > 1 or files.named_in(home, commands))):
                continue
            yield document, tuple(_Job(document, home, content, files).found())


@dataclass
class _Files:
    """What was read of the disk, by path; of what travels, by its digest."""

    texts: dict[str, str | None] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=dict)
    checkouts: dict[str, str] = field(default_factory=dict)
    meeting: dict[tuple[str, str], bool] = field(default_factory=dict)

    def text(self, file: File) -> str | None:
        """What a file holds, or None for a link, and for one that is large or can't be read."""
        if file.source not in self.texts:
            self.texts[file.source] = None if file.target is not None or file.size > _LARGEST else _text(file.source)
        return self.texts[file.source]

    def named_in(self, folder: str, commands: tuple[str, ...]) -> bool:
        """True if commands may name a file in a folder, or at the root of its checkout: most name none."""
        if folder not in self.names:
            self.names[folder] = {"..", *_names(folder), *_names(self.checkout(folder))}
        return any(not self.names[folder].isdisjoint(_NAME.findall(command)) for command in commands)

    def checkout(self, folder: str) -> str:
        """The root of the checkout that a folder is in, or the folder itself."""
        if folder not in self.checkouts:
            self.checkouts[folder] = checkout_of(folder) or realpath(folder)
        return self.checkouts[folder]

    def may_meet(self, content: Content, names: tuple[str, ...]) -> bool:
        """True if a file that travels names one of these variables, or if not all can be searched."""
        key = (content.digest, content.root)
        if key not in self.meeting:
            self.meeting[key] = self._searched(content, names)
        return self.meeting[key]

    def _searched(self, content: Content, names: tuple[str, ...]) -> bool:
        chosen = [f for f in content.files if f.path.endswith(_TEXT) or "." not in os.path.basename(f.path)]
        if sum(min(file.size, _LARGEST) for file in chosen) > _MOST:
            return True
        return any((text := self.text(file)) and any(name in text for name in names) for file in chosen)


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _text(path: str) -> str | None:
    try:
        with open(path, "rb") as file:
            return file.read(_LARGEST).decode("utf-8", "replace")
    except OSError:
        return None


class _Job:
    def __init__(self, document: Document, home: str, content: Content | None, files: _Files) -> None:
        from baseten_jobs.manifest.commands.reading import read

        self.document, self.home, self.content, self.files = document, home, content, files
        self.read = read
        self.reading = read(start_commands(document.data))
        written = document.data["spec"].get("workspace")
        root = workspace_of(written).get("root") or "." if written is not None else ""
        self.root = normpath(join(self.home, root)) if root else ""

    def found(self) -> Iterator[Diagnostic]:
        yield from self._left_behind()
        shells = {name: text for name, text in self._scripts() if name.paths[0].endswith(_SHELL)}
        readings = {name: self.read((text,)) for name, text in shells.items()}
        for name, reading in readings.items():
            for _, message, hint in differing(reading, self.document.data):
                told = f"{one_line(name.written, 60)}: {message}"
                yield self._warning("process-count", told, hint, name.command)
        if node_count(self.document.data) > 1:
            yield from self._not_meeting(readings)

    def _warning(self, rule: str, message: str, hint: str, command: int) -> Diagnostic:
        path = (*_COMMANDS, command)
        severity = Severity.WARNING
        return Diagnostic(rule, message, self.document.position(path), field_name(path), hint, severity=severity)

    def _scripts(self) -> Iterator[tuple[NamedFile, str]]:
        """The scripts that the commands run and that travel, with their text."""
        if not (self.content and self.reading.scripts):
            return
        by_path = {file.path: file for file in self.content.files}
        for name in self.reading.scripts:
            file = next((by_path[path] for path in name.paths if path in by_path), None)
            if file and (text := self.files.text(file)) is not None:
                yield name, text

    def _left_behind(self) -> Iterator[Diagnostic]:
        travelling = self.content.paths if self.content else frozenset[str]()
        told = set[tuple[str, ...]]()
        for named in self.reading.files:
            if named.paths in told or any(path in travelling for path in named.paths):
                continue
            message, hint = self._here(named) or self._nowhere(named, travelling)
            if message:
                told.add(named.paths)
                yield self._warning("file-left-behind", message, hint, named.command)

    def _here(self, named: NamedFile) -> tuple[str, str] | None:
        """What is wrong where the file lies here and does not travel."""
        top = self.files.checkout(self.home)
        shown = quoted(named.written, 80)
        for folder in dict.fromkeys((self.root or self.home, self.home, top)):
            path = next((each for each in named.paths if self._is_file(join(folder, each), top)), None)
            if path is None:
                continue
            beside = path_name(relpath(folder, self.home))
            if self.content is None:
                where = "beside this manifest" if beside == "." else f"in {quoted(beside, 80)}"
                hint = f"write `workspace: {beside}` and `enable_baseten_workdir: true` under spec"
                return f"{shown} lies {where}, and does not travel: the job has no workspace", hint
            if folder == self.root and not path.startswith("../"):
                hint = "write it into spec.workspace.include, if the job shall have it"
                return f"{shown} lies in the workspace's folder, and does not travel: it is ignored or excluded", hint
            hint = "name a folder above both as spec.workspace.root"
            return f"{shown} lies outside of the workspace's folder, and does not travel", hint
        return None

    def _is_file(self, path: str, top: str) -> bool:
        return isfile(path) and is_below(realpath(path), top)

    def _nowhere(self, named: NamedFile, travelling: frozenset[str]) -> tuple[str, str]:
        """What is wrong where the file is neither here nor in the workspace that a job has."""
        if not (self.content and named.needed):
            return "", ""
        name = os.path.basename(named.paths[0])
        same = sorted(path for path in travelling if os.path.basename(path) == name)
        near = same[0] if same else nearest(named.paths[0], sorted(travelling)[:2000], likeness=0.75)
        hint = f"did you mean {quoted(near, 80)}?" if near else ""
        return f"{quoted(named.written, 80)} is not in the workspace, and no command before makes it", hint

    def _not_meeting(self, readings: Mapping[NamedFile, Reading]) -> Iterator[Diagnostic]:
        """Several nodes of which none can find the others."""
        data = self.document.data
        names = tuple(shape_of(data["apiVersion"]).properties["spec"].properties["runtime"].schema["x-node-variables"])
        texts = (*start_commands(data), *(value for *_, value in environment(data) if isinstance(value, str)))
        if any(name in text for text in texts for name in names):
            return
        if self.content and self.files.may_meet(self.content, names):
            return
        if (waiting := self._waiting(readings)) is not None:
            nodes, (command, launcher) = count(node_count(data), "node"), waiting
            message = f"{nodes} run this, and nothing tells them where to meet: no BT_LEADER_ADDR, no BT_NODE_RANK"
            hint = f"give {launcher} {_MEETS[launcher]}; " if launcher in _MEETS else ""
            yield self._warning("no-rendezvous", message, f"{hint}see `baseten-jobs explain runtime`", command)

    def _waiting(self, readings: Mapping[NamedFile, Reading]) -> tuple[int, str] | None:
        """The command that starts what runs on all nodes, and its launcher; None where it may be one not known here."""
        for launched in self.reading.launches:
            return launched.command, launched.launch.program
        for name, reading in readings.items():
            for launched in reading.launches:
                return name.command, launched.launch.program
        travelling = self.content.paths if self.content else frozenset[str]()
        scripts = self.reading.scripts
        known = all(any(path in travelling for path in script.paths) for script in scripts)
        if not scripts or not known or self.reading.unknown or any(each.unknown for each in readings.values()):
            return None
        return scripts[0].command, ""
