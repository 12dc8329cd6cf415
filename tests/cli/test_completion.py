"""What bash, zsh and fish are told: commands, options, fields, and the names of manifests; never an error."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from baseten_jobs.cli.main import run
from tests.support.pages import EVERY_PAGE

_MAIN = "import sys; sys.argv[0] = 'baseten-jobs'; from baseten_jobs.cli.main import main; main()"
GOOD = "apiVersion: baseten-jobs/v1\nkind: TrainingJob\nmetadata: {name: NAME, project: P}\nspec: {image: {}}\n"


Completed = Callable[..., list[str]]


@pytest.fixture
def completed(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Completed:
    """The words that a shell offers for the last one."""

    def call(*words: str, shell: str = "bash") -> list[str]:
        last = words[-1] if shell == "fish" else str(len(words))
        monkeypatch.setenv("_BASETEN_JOBS_COMPLETE", f"{shell}_complete")
        monkeypatch.setenv("COMP_WORDS", " ".join(("baseten-jobs", *words)))
        monkeypatch.setenv("COMP_CWORD", last)
        with suppress(SystemExit):
            run([])
        told = capfd.readouterr()
        assert told.err == ""
        return told.out.split("\n")[:-1] if told.out.strip() else []

    return call


@pytest.fixture(autouse=True)
def _specs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("specs").mkdir()
    for name in ("qwen3-sft", "qwen3-eval", "gemma"):
        Path(f"specs/{name}.yaml").write_text(GOOD.replace("NAME", name))
    Path("specs/broken.yaml").write_text("metadata: {name: [\n")
    Path("specs/odd.yaml").write_bytes(b"\xff\xfe\x00")
    Path("specs/list.yaml").write_text("- metadata\n---\nmetadata: {name: 7}\n---\nmetadata: null\n")


@pytest.mark.parametrize("command", ["logs", "metrics", "session", "status", "stop", "checkpoints", "code"])
def test_names_of_manifests_are_offered_and_broken_files_passed_over(command: str, completed: Completed) -> None:
    assert completed(command, "qw") == ["plain,qwen3-eval", "plain,qwen3-sft"]


def test_commands_of_a_command_are_offered_beside_names(completed: Completed) -> None:
    assert completed("checkpoints", "d") == ["plain,deploy", "plain,download"]
    assert completed("checkpoints", "") == [
        *(f"plain,{name}" for name in ("deploy", "download", "list", "gemma", "qwen3-eval", "qwen3-sft")),
    ]  # fmt: skip
    assert completed("checkpoints", "download", "g") == ["plain,gemma"]
    assert completed("checkpoints", "gemma", "--la") == ["plain,--latest"]


def test_names_come_from_the_paths_that_are_given(completed: Completed) -> None:
    assert completed("status", "-f", "specs/gemma.yaml", "") == ["plain,gemma"]
    assert completed("status", "-f", "-", "") == []
    assert completed("status", "-f", "nowhere", "") == []


def test_the_cells_of_a_matrix_are_offered_by_their_names(completed: Completed) -> None:
    sweep = GOOD.replace("NAME", "'s-${{ matrix.lr }}'").replace("metadata:", "matrix: {lr: [0.1, 1e-5]}\nmetadata:")
    Path("specs/sweep.yaml").write_text(sweep)
    Path("specs/unfit.yaml").write_text(sweep.replace("0.1", "a+b").replace("s-", "u-"))
    Path("specs/heir.yaml").write_text(
        "apiVersion: baseten-jobs/v1\nkind: TrainingJob\nextends: ../base.yaml\nmetadata: {name: s-heir}\n"
    )
    assert completed("status", "s-") == ["plain,s-0-1", "plain,s-1e-5", "plain,s-heir"]
    assert completed("status", "u-") == []


def test_commands_options_fields_and_files_are_offered(completed: Completed) -> None:
    assert completed("st") == ["plain,status", "plain,stop"]
    assert "plain,--exit-status" in completed("status", "--ex")
    assert completed("explain", "spec.compute.m") == ["plain,spec.compute.memory"]
    assert completed("explain", "mutable-") == [
        "plain,mutable-checkpoint", "plain,mutable-image", "plain,mutable-weights"
    ]  # fmt: skip
    assert completed("explain", "met") == ["plain,metadata"]
    assert completed("explain", "T") == ["plain,TrainingJob", "plain,TrainingJobDefaults"]
    assert completed("explain", "TrainingJobDefaults.e") == ["plain,TrainingJobDefaults.extends"]
    assert completed("explain", "Policy.l") == ["plain,Policy.limits"]
    assert completed("explain", "ext") == ["plain,extends", "plain,external-inside"]
    assert completed("explain", "matrix.") == [
        f"plain,matrix.{each}" for each in ("include", "exclude", "attempts", "adopts")
    ]
    assert completed("schema", "--kind", "T") == ["plain,TrainingJob", "plain,TrainingJobDefaults"]
    assert completed("plan", "sp") == ["file,sp"]
    assert completed("apply", "--retry-failed", "g") == ["plain,gemma"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_offered_the_same(shell: str, completed: Completed) -> None:
    assert any("qwen3-sft" in line for line in completed("logs", "qwen3-s", shell=shell))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_given_its_script(shell: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _MAIN],
        env={**os.environ, "_BASETEN_JOBS_COMPLETE": f"{shell}_source"}, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert (ran.returncode, "_BASETEN_JOBS_COMPLETE" in ran.stdout) == (0, True)
    assert f"_BASETEN_JOBS_COMPLETE={shell}_source baseten-jobs" in EVERY_PAGE
