"""Names of manifests, and files that lie about, are no words of a command: no completion types them into a shell."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.cli import options
from baseten_jobs.cli.completion import manifest_names
from baseten_jobs.cli.main import COMMANDS, command_of
from tests.support import warm

HOSTILE = (
    "qwen;>pwned", "qwen`touch pwned`", "qwen$(touch pwned)", "qwen|sh", "qwen&sh", "qwen\ntouch pwned", "qwen\n",
    "qwen >pwned", "qwen\\", "qwen'", 'qwen"', "qwen*", "qwen?", "qwen[a]", "qwen{a,b}", "qwen,plain", "qwen:x",
    "~qwen", "!qwen", "#qwen", "--prune", "-f", "=qwen", "qwen\x1b[2J", "qwen\u202e", "qwen\u2028touch", "qwen\uff58",
    "Qwen", "", "qwen--x", "qwen-", "q" * 41, "qwen\t",
)  # fmt: skip
GOOD = "apiVersion: baseten-jobs/v1\nkind: TrainingJob\nmetadata: {name: qwen, project: P}\nspec: {image: {}}\n"


def _manifest(name: str) -> str:
    document = yaml.safe_load(GOOD)
    return yaml.safe_dump(document | {"metadata": {"name": name, "project": "P"}})


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_only_what_the_schema_accepts_as_a_name_is_completed(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(_manifest(name))
    (tmp_path / "b.yaml").write_text(GOOD)
    assert manifest_names([str(tmp_path)]) == ["qwen"]


@given(st.text())
def test_no_word_is_offered_that_a_shell_reads_otherwise(word: str) -> None:
    assert options.offered([word], "") in ([], [word])
    if options.offered([word], ""):
        assert word.isascii()
        assert all(character.isalnum() or character in "._/-" for character in word)
        assert not word.startswith("-")


def _parameters() -> Iterator[tuple[str, click.Command, click.Parameter]]:
    pending = [(name, command_of(name)) for name in COMMANDS]
    while pending:
        name, command = pending.pop(0)
        if isinstance(command, click.Group):
            pending += [(f"{name} {inner}", each) for inner, each in command.commands.items()]
        yield from ((f"{name} {parameter.name}", command, parameter) for parameter in command.params)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of hostile names and files that are called so; no completion writes to it."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "specs").mkdir()
    for number, name in enumerate(HOSTILE):
        (folder / "specs" / f"{number}.yaml").write_text(_manifest(name))
        if name and "/" not in name:
            (folder / f"{name}.yaml").write_text(_manifest(name))
    return folder


@pytest.mark.parametrize(
    ("command", "parameter"), [pytest.param(command, each, id=name) for name, command, each in _parameters()]
)
def test_every_parameter_completes_words_that_mean_themselves(
    command: click.Command, parameter: click.Parameter, hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of any parameter that there is; what it leaves to the shell has the word so far as its value."""
    monkeypatch.chdir(hostile)
    context = click.Context(command)
    for start in ("", "q", "-", "spec.", "spec.runtime.environment_variables.", "spec.weights[]."):
        for item in parameter.shell_complete(context, start):
            assert item.value == start if item.type != "plain" else options.offered([item.value], "") == [item.value]


Completed = Callable[..., list[str]]

PLANTED = (
    "spec.runtime.environment_variables.;touch pwned", "plain,;touch pwned", "file,x\nplain,;touch pwned",
    "qwen;touch pwned", "--prune", "running;touch pwned",
)  # fmt: skip
"""Names of files that a wildcard of ours would turn into words."""


@pytest.fixture(scope="module")
def completed_by_bash(tmp_path_factory: pytest.TempPathFactory) -> Completed:
    """The words that bash itself would type, in a folder of hostile files."""
    folder = tmp_path_factory.mktemp("bash")
    tool = folder / "bin" / "baseten-jobs"
    tool.parent.mkdir()
    quoted = " ".join(f"'{word}'" for word in warm.command())
    tool.write_text(f'#!/bin/sh\nexec {quoted} "$@"\n')
    tool.chmod(0o700)
    here = folder / "checkout"
    (here / "specs").mkdir(parents=True)
    for number, name in enumerate((*HOSTILE, "qwen")):
        (here / "specs" / f"{number}.yaml").write_text(_manifest(name))
    for name in PLANTED:
        (here / name).touch()
    script = folder / "completion.bash"

    def call(*words: str) -> list[str]:
        ran = subprocess.run(
            ["bash", "-c",
             'shopt -s extglob; . "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
             '_baseten_jobs_completion baseten-jobs; printf "%s\\0" "${COMPREPLY[@]}"',
             str(script), "baseten-jobs", *words],
            cwd=here, env={"PATH": f"{tool.parent}:{os.environ['PATH']}"}, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert "Traceback" not in ran.stderr
        assert sorted(os.listdir(here)) == sorted([*PLANTED, "specs"])
        return [word for word in ran.stdout.split("\0") if word]

    given = subprocess.run(
        [sys.executable, "-I", "-c", "from baseten_jobs.cli.main import main; main()"],
        env={"PATH": os.environ["PATH"], "_BASETEN_JOBS_COMPLETE": "bash_source"}, capture_output=True, text=True,
    )  # fmt: skip
    script.write_text(given.stdout)
    return call


@pytest.mark.parametrize(
    ("words", "typed"),
    [
        (("status", ""), ["qwen"]),
        (("stop", "qw"), ["qwen"]),
        (("apply", "--create", ""), ["qwen"]),
        (("apply", "--retry-failed", "q"), ["qwen"]),
        (("adopt", ""), ["qwen"]),
        (("explain", "spec.runtime.environment_variables."), []),
        (("explain", "spec.weights.auth_"), ["spec.weights.auth_secret_name"]),
        (("apply", "--wait", "r"), ["running"]),
        (("plan", "*"), []),
        (("plan", "qw*"), []),
    ],
    ids=lambda value: " ".join(value),
)
def test_bash_types_no_name_of_a_file_or_manifest_that_it_would_read_as_more(
    words: tuple[str, ...], typed: list[str], completed_by_bash: Completed
) -> None:
    assert completed_by_bash(*words) == typed
