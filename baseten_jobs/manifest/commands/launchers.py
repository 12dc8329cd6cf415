"""The words of one command -> the program that it runs in the end, and what a launcher of processes is told."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from posixpath import basename
from types import MappingProxyType

_ASSIGNED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")
_KEYWORDS = frozenset({
    "if", "then", "else", "elif", "while", "until", "do", "!", "{", "time", "exec", "command", "builtin", "coproc",
})  # fmt: skip
_WRAPPERS = frozenset({
    "env", "nohup", "sudo", "nice", "ionice", "stdbuf", "timeout", "numactl", "taskset", "xvfb-run", "catchsegv",
    "uv", "uvx", "poetry", "pipenv", "pixi", "rye", "hatch", "pdm", "conda", "mamba", "micromamba", "nsys", "ncu",
    "opentelemetry-instrument", "ddtrace-run", "dumb-init", "tini", "gosu", "unbuffer", "chrt",
})  # fmt: skip
"""Programs that run the command in the rest of their words."""
_PYTHON = re.compile(r"(?:python|pypy)[0-9.]*t?")
SHELLS = frozenset({
    "bash", "sh", "zsh", "dash", "ksh",
})  # fmt: skip
_MODULES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "torch.distributed.run": ("torchrun",),
        "torch.distributed.launch": ("torchrun",),
        "accelerate.commands.launch": ("accelerate", "launch"),
        "accelerate.commands.accelerate_cli": ("accelerate",),
        "deepspeed": ("deepspeed",),
        "deepspeed.launcher.runner": ("deepspeed",),
        "axolotl.cli.train": ("axolotl", "train"),
        "pip": ("pip",),
    }
)
"""Modules that python runs, and what else they are called by."""

PROCESSES, NODES, TOTAL = "processes on a node", "nodes", "processes in all"
_COUNTS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "torchrun": {"nproc-per-node": PROCESSES, "nproc": PROCESSES, "nnodes": NODES},
        "accelerate": {"num-processes": TOTAL, "num-machines": NODES},
        "deepspeed": {"num-gpus": PROCESSES, "num-nodes": NODES},
    }
)
"""What the options of launchers count, by the names of those with hyphens."""
_FLAGS = frozenset({
    "standalone", "no-python", "module", "m", "run-path", "use-env", "multi-gpu", "cpu", "tpu", "use-deepspeed",
    "use-fsdp", "use-megatron-lm", "use-xpu", "ipex", "same-network", "debug", "quiet", "q", "no-local-rank",
    "force-multi", "no-ssh-check", "no-ssh", "autotuning-off",
})  # fmt: skip
"""Options of launchers that take no value."""


@dataclass(frozen=True)
class Program:
    """What a command runs: the program's own name, and all words from there on.

    `assigned` are the variables that are set for it alone.
    """

    name: str
    words: tuple[str, ...]
    assigned: tuple[str, ...] = ()

    @property
    def module(self) -> str:
        """The module that python is told to run, or ""."""
        return (
            "".join(self.words[self.words.index("-m") + 1 :][:1]) if is_python(self.name) and "-m" in self.words else ""
        )


@dataclass(frozen=True)
class Count:
    """A number that a launcher is given: `option` is as it is written, `of` is what it counts, `value` its text."""

    option: str
    of: str
    value: str


@dataclass(frozen=True)
class Launch:
    """A launcher: what it counts, the script that it starts, or "", and the options that name a file."""

    program: str
    counts: tuple[Count, ...]
    script: str = ""
    files: tuple[str, ...] = ()
    rest: tuple[str, ...] = ()


def is_python(name: str) -> bool:
    return _PYTHON.fullmatch(name) is not None


def program_of(words: tuple[str, ...]) -> Program:
    """Returns what is run behind keywords, assignments and programs such as `env` and `timeout`."""
    assigned: list[str] = []
    rest = list(words)
    while rest:
        if rest[0] in _KEYWORDS:
            del rest[0]
        elif _ASSIGNED.match(rest[0]):
            assigned.append(rest.pop(0))
        elif (name := basename(rest[0])) in _WRAPPERS and len(rest) > 1:
            inner = _wrapped(rest, name)
            if inner is None:
                break
            assigned += [word for word in rest[:inner] if _ASSIGNED.match(word)]
            del rest[:inner]
        else:
            break
    whole = tuple(rest)
    program = Program(basename(whole[0]) if whole else "", whole, tuple(assigned))
    if known := _MODULES.get(program.module):
        after = whole[whole.index("-m") + 2 :]
        return Program(known[0], (*known, *after), program.assigned)
    return program


def _wrapped(words: list[str], wrapper: str) -> int | None:
    """Returns the index at which the command begins that another one runs; None where that can't be told."""
    for index, word in enumerate(words[1:], 1):
        name = basename(word)
        if name in SHELLS or is_python(name) or name in KNOWN or name in _WRAPPERS or word.startswith("./"):
            return index
        if wrapper in ("env", "nohup", "sudo") and not word.startswith("-") and not _ASSIGNED.match(word):
            return index
    return None


def launch_of(program: Program) -> Launch | None:
    """Returns what a launcher of processes is told, or None for another program."""
    words = program.words
    if program.name == "accelerate" and words[1:2] != ("launch",):
        return None
    if program.name == "axolotl":
        return _of_axolotl(words)
    if program.name not in _COUNTS:
        return None
    return _launch(program.name, words[2:] if program.name == "accelerate" else words[1:])


def _of_axolotl(words: tuple[str, ...]) -> Launch | None:
    """Axolotl starts `accelerate`, or what `--launcher` says, with the words behind `--`."""
    if words[1:2] not in (("train",), ("preprocess",), ("evaluate",)):
        return None
    own, given = (words[: words.index("--")], words[words.index("--") + 1 :]) if "--" in words else (words, ())
    inner = {key: value for key, _, value in (word.partition("=") for word in own) if value}.get("--launcher", "")
    inner = inner or "".join(own[own.index("--launcher") + 1 :][:1] if "--launcher" in own else ())
    files = tuple(word for word in own[2:] if word.endswith((".yaml", ".yml")) and not word.startswith("-"))
    options = tuple(word for word in own[2:] if word not in files)
    counts = _launch(inner, given).counts if inner in _COUNTS else _launch("accelerate", options).counts
    return Launch("axolotl", counts, files=files)


def _launch(program: str, words: tuple[str, ...]) -> Launch:
    counts: list[Count] = []
    files: list[str] = []
    index = 0
    is_module = False
    while index < len(words) and words[index].startswith("-"):
        option, equals, value = words[index].partition("=")
        name = option.lstrip("-").replace("_", "-")
        index += 1
        is_module = is_module or name in ("m", "module", "no-python")
        if not equals and name not in _FLAGS and index < len(words) and not _is_next(words[index]):
            value = words[index]
            index += 1
        if of := _COUNTS[program].get(name):
            counts.append(Count(option, of, value))
        elif "config" in name and "." in value:
            files.append(value)
    script = "".join(words[index : index + 1])
    return Launch(program, tuple(counts), "" if is_module else script, tuple(files), words[index + 1 :])


def _is_next(word: str) -> bool:
    """True for a word that is no option's value: another option, or a script."""
    return word.endswith(".py") or (word.startswith("-") and not word[1:2].isdigit())


KNOWN = frozenset((*_COUNTS, "axolotl", "pip", "pip3", "llamafactory-cli", "swift", "megatron", "trl", "tune", "ray"))
"""Programs that train, or that start others that do."""
