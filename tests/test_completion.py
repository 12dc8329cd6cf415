"""What bash, zsh and fish are told: commands, options, fields, and the names of manifests; never an error."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parent.parent / "README.md").read_text()
GOOD = "apiVersion: baseten-jobs/v1\nkind: TrainingJob\nmetadata: {name: NAME, project: P}\nspec: {image: {}}\n"


def completed(*words: str, shell: str = "bash") -> list[str]:
    """The words that a shell offers for the last one."""
    environment = {
        **os.environ, "_BASETEN_JOBS_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": " ".join(("baseten-jobs", *words)), "COMP_CWORD": str(len(words)),
    }  # fmt: skip
    if shell == "fish":
        environment["COMP_CWORD"] = words[-1]
    ran = subprocess.run(
        [sys.executable, "-c", "from baseten_jobs.cli import main; main()"], env=environment, capture_output=True,
        text=True, timeout=30,
    )  # fmt: skip
    assert ran.stderr == ""
    return ran.stdout.split("\n")[:-1] if ran.stdout.strip() else []


@pytest.fixture(autouse=True)
def _specs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("specs").mkdir()
    for name in ("qwen3-sft", "qwen3-eval", "gemma"):
        Path(f"specs/{name}.yaml").write_text(GOOD.replace("NAME", name))
    Path("specs/broken.yaml").write_text("metadata: {name: [\n")
    Path("specs/odd.yaml").write_bytes(b"\xff\xfe\x00")
    Path("specs/list.yaml").write_text("- metadata\n---\nmetadata: {name: 7}\n---\nmetadata: null\n")


@pytest.mark.parametrize("command", ["logs", "status", "stop"])
def test_names_of_manifests_are_offered_and_broken_files_passed_over(command: str) -> None:
    assert completed(command, "qw") == ["plain,qwen3-eval", "plain,qwen3-sft"]


def test_names_come_from_the_paths_that_are_given() -> None:
    assert completed("status", "-f", "specs/gemma.yaml", "") == ["plain,gemma"]
    assert completed("status", "-f", "-", "") == []
    assert completed("status", "-f", "nowhere", "") == []


def test_commands_options_fields_and_files_are_offered() -> None:
    assert completed("st") == ["plain,status", "plain,stop"]
    assert "plain,--exit-status" in completed("status", "--ex")
    assert completed("explain", "spec.compute.m") == ["plain,spec.compute.memory"]
    assert completed("plan", "sp") == ["file,sp"]
    assert completed("apply", "--retry-failed", "g") == ["plain,gemma"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_offered_the_same(shell: str) -> None:
    assert any("qwen3-sft" in line for line in completed("logs", "qwen3-s", shell=shell))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_given_its_script(shell: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv[0] = 'baseten-jobs'; from baseten_jobs.cli import main; main()"],
        env={**os.environ, "_BASETEN_JOBS_COMPLETE": f"{shell}_source"}, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert (ran.returncode, "_BASETEN_JOBS_COMPLETE" in ran.stdout) == (0, True)
    assert f"_BASETEN_JOBS_COMPLETE={shell}_source baseten-jobs" in README
