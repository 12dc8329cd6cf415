"""Start commands -> the files that they name, the processes that they launch, and whether more is run than is known."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from baseten_jobs.manifest.commands.files import Place, note
from baseten_jobs.manifest.commands.launchers import SHELLS, Launch, Program, is_python, launch_of, program_of
from baseten_jobs.manifest.commands.shell import CLOSES, OPENS, Step, steps

_DEEPEST = 4
"""Shells within shells that are read."""
_QUIET = frozenset({
    "cd", "pushd", "popd", "pip", "pip3", "apt", "apt-get", "apk", "yum", "dnf", "echo", "printf", "export", "set",
    "unset", "true", "false", "sleep", "wait", "test", "[", "[[", "nvidia-smi", "ls", "pwd", "date", "env", "rm",
    "cat", "head", "tail", "grep", "find", "which", "df", "free", "ulimit", "trap", "exit", "return", "local",
    "declare", "read", "shift", "kill", "for", "case", "in", "done", "fi", "esac", "}", ";;", "select", "function",
    "hostname", "whoami", "id", "ldconfig", "locale-gen", "nproc", "uname", "wandb", "sudo",
})  # fmt: skip
"""Programs that train nothing; their operands are none of the job's files."""
_CONFIGURED = frozenset({
    "axolotl", "llamafactory-cli", "swift", "megatron", "trl", "oumi", "xtuner", "litgpt", "lightning", "composer",
})  # fmt: skip
"""Programs that read the file of settings that they are given."""
_SETTINGS = (".yaml", ".yml", ".json", ".toml")
_FILE = re.compile(r"[^\s=,:;]+\.[A-Za-z][A-Za-z0-9_]{0,9}")
_WRITTEN = re.compile(r"out|save|log|dest|report|export|cache|result|checkpoint", re.IGNORECASE)
"""In the name of an option whose value is written rather than read."""
_CODE = (".py", ".sh", ".bash")


@dataclass(frozen=True)
class NamedFile:
    """A file that a command names: the paths that it may have below the folder in which the commands begin.

    It is `needed` where the command can't run without it, and no command before may have made it.
    """

    written: str
    paths: tuple[str, ...]
    command: int
    needed: bool


@dataclass(frozen=True)
class Launched:
    """A launcher of processes, in the command of that number; `alone` is False where it has not all GPUs for itself."""

    launch: Launch
    command: int
    alone: bool = True


@dataclass(frozen=True)
class Reading:
    """What start commands run; `scripts` are those of `files` that are run, `unknown` is True if something else is."""

    files: tuple[NamedFile, ...] = ()
    scripts: tuple[NamedFile, ...] = ()
    launches: tuple[Launched, ...] = ()
    unknown: bool = False


@lru_cache(maxsize=1024)
def read(commands: tuple[str, ...]) -> Reading:
    """Returns what these commands run. It raises nothing, whatever their text."""
    reader = _Reader()
    for number, command in enumerate(commands):
        reader.place.begin()
        reader.command(command, number)
    return Reading(tuple(reader.files), tuple(reader.scripts), tuple(reader.launches), reader.unknown)


@dataclass
class _Reader:
    place: Place = field(default_factory=Place)
    files: list[NamedFile] = field(default_factory=list)
    scripts: list[NamedFile] = field(default_factory=list)
    launches: list[Launched] = field(default_factory=list)
    unknown: bool = False

    def command(self, text: str, number: int, depth: int = 0) -> None:
        outer: list[tuple[str, ...]] = []
        for step in steps(text):
            if step is OPENS:
                outer.append(self.place.folders)
            elif step is CLOSES:
                self.place.folders = outer.pop() if outer else self.place.folders
            else:
                self._step(step, number, depth)

    def _step(self, step: Step, number: int, depth: int) -> None:
        program = program_of(step.words)
        if program.name in SHELLS and (inner := _inline(program.words)) and depth < _DEEPEST:
            before = self.place.folders
            self.command(inner, number, depth + 1)
            self.place.folders = before
        elif program.name in ("cd", "pushd"):
            self.place.enter("".join(word for word in program.words[1:2]) or "~")
        elif program.name == "popd":
            self.place.folders = ()
        elif program.name:
            self._program(program, number, alone=not (step.background or _limited(program)))
        for written in step.writes:
            self.place.make(written)

    def _program(self, program: Program, number: int, *, alone: bool) -> None:
        name, words = program.name, program.words
        if launch := launch_of(program):
            self.launches.append(Launched(launch, number, alone))
            self._name([launch.script] if launch.script.endswith(_CODE) else [], number, runs=True)
            self._name(launch.files, number)
            self._mention(launch.rest, number)
            self.place.data = True
        elif is_python(name) or name in SHELLS or name in ("source", "."):
            script, rest = _script(words)
            self._name([script] if script else [], number, runs=True)
            self._mention(rest, number)
            self.unknown = self.unknown or not script
            self.place.data = True
        elif name in ("pip", "pip3"):
            self._name(_after(words, "-r", "--requirement", "-c", "--constraint"), number)
        elif name == "chmod":
            self._name([word for word in words[2:] if word.endswith(_CODE)], number)
        elif note(self.place, name, words):
            return
        elif name not in _QUIET:
            self._other(program, number)

    def _other(self, program: Program, number: int) -> None:
        """A program that is one of the job's own, by its path, or one that is in the image."""
        words = program.words
        if "/" in words[0] and self.place.paths(words[0]):
            self._name(words[:1], number, runs=True)
        else:
            self.unknown = True
        settings = [word for word in words[1:] if program.name in _CONFIGURED and word.endswith(_SETTINGS)]
        self._name([word for word in settings if not word.startswith("-")], number)
        self._mention([word for word in words[1:] if word not in settings], number)
        self.place.data = True

    def _name(self, words: Iterable[str], number: int, *, runs: bool = False) -> None:
        """Files that a command can't do without."""
        for word in words:
            paths = self.place.paths(word)
            if not paths:
                self.unknown = self.unknown or runs
                continue
            made = self.place.anything or any(map(self.place.may_be_made, paths))
            if made:
                self.unknown = self.unknown or runs
                continue
            needed = word.endswith(_CODE) or not self.place.data
            named = NamedFile(word, paths, number, needed)
            self.files.append(named)
            if runs:
                self.scripts.append(named)

    def _mention(self, words: Iterable[str], number: int) -> None:
        """Arguments that look like files, of which some may be written rather than read."""
        option = ""
        for word in words:
            name, equals, value = word.partition("=")
            if word.startswith("-"):
                option = name
                candidate = value if equals else ""
            else:
                candidate = value if equals else word
                option = name if equals else option
            if "." not in candidate or _WRITTEN.search(option) or not _FILE.fullmatch(candidate):
                continue
            paths = self.place.paths(candidate)
            if paths and not self.place.anything and not any(map(self.place.may_be_made, paths)):
                self.files.append(NamedFile(candidate, paths, number, needed=False))


def _limited(program: Program) -> bool:
    return any(each.startswith("CUDA_VISIBLE_DEVICES=") for each in program.assigned)


def _inline(words: tuple[str, ...]) -> str:
    """Returns the text that a shell is given by `-c`, or ""."""
    for index, word in enumerate(words[1:], 1):
        if not word.startswith("-"):
            return ""
        if re.fullmatch("-[a-z]*c", word):
            return "".join(words[index + 1 : index + 2])
    return ""


def _script(words: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Returns the file that an interpreter runs, or "", and the words behind it."""
    valued = _PYTHON_VALUES if is_python(words[0].rpartition("/")[2]) else _SHELL_VALUES
    index = 1
    while index < len(words) and words[index].startswith("-"):
        if words[index] in ("-m", "-c", "-"):
            return "", words[index + 2 :]
        index += 2 if valued.fullmatch(words[index]) else 1
    return "".join(words[index : index + 1]), words[index + 1 :]


_PYTHON_VALUES = re.compile("-[WX]")
_SHELL_VALUES = re.compile("-[a-z]*[oO]|--rcfile|--init-file")
"""Options of interpreters whose value is the next word."""


def _after(words: tuple[str, ...], *options: str) -> list[str]:
    """Returns the values of these options, each time that one is given."""
    values = []
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in options:
            values.append(value if equals else "".join(words[index + 1 : index + 2]))
    return [value for value in values if value]
