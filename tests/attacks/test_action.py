"""The action in the checkout of a stranger's pull request: no file of it runs, and no secret meets it by accident."""

import shlex
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.runner import ACTION, GOOD, Ran, Runner, cloned, commit, git, workspace

pytestmark = pytest.mark.slow

__all__ = ["cloned", "workspace"]

MODULES = (
    "baseten_jobs", "click", "ensurepip", "hatchling", "json", "pip", "pip/__main__", "re", "sitecustomize",
    "usercustomize", "venv", "yaml",
)  # fmt: skip
KEY = "sesame-key"
LOCAL = {"api-key": KEY, "args": "--local"}
STRANGERS = ("pull_request_target", "workflow_run", "issue_comment", "issues", "discussion", "discussion_comment")


@pytest.fixture
def canary(workspace: Path, tmp_path: Path) -> Path:
    """A file that each module planted in the checkout would write; it gets the key too, if it can."""
    file = tmp_path / "canary"
    for name in MODULES:
        module = workspace / f"{name}.py"
        module.parent.mkdir(exist_ok=True)
        module.write_text(f"import posix\nopen({str(file)!r}, 'a').write(repr(dict(posix.environ)))\n")
    return file


def runner_of(workspace: Path, temp: Path, event: str = "pull_request", **environment: str) -> Runner:
    told = {"pull_request": {"number": 7, "base": {"sha": "b" * 40}}, "repository": {"default_branch": "main"}}
    given = {"GITHUB_EVENT_NAME": event, "GITHUB_REF": "refs/heads/main", **environment}
    return Runner(workspace, temp / "runner", told, given)


def install(runner: Runner, **environment: str) -> "subprocess.CompletedProcess[str]":
    """The first step of ours, with a Python that is quick because it makes environments without pip."""
    runner.tool("bin/quick", "sh", "-c", f'exec {shlex.quote(sys.executable)} "$@" --without-pip', "quick")
    given = {"PYTHON": str(runner.temp / "bin" / "quick"), "INSTALL": "", "PATHS": "specs"}
    return runner.bash(f"bash {shlex.quote(str(ACTION.parent / 'steps.sh'))} install", {**given, **environment})


def test_the_installation_runs_no_file_of_the_checkout(workspace: Path, tmp_path: Path, canary: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "x")], cwd=workspace, capture_output=True)
    assert canary.exists(), "planted where Python finds them"
    canary.unlink()
    ran = install(runner_of(workspace, tmp_path), PYTHONPATH=str(workspace))
    assert ran.stdout.endswith("No module named pip\n")
    assert (ran.returncode, canary.exists()) == (1, False)


@pytest.mark.slow
@pytest.mark.parametrize("path", [".", ""], ids=["the checkout in PYTHONPATH", "none"])
def test_no_step_runs_a_file_of_the_checkout(path: str, workspace: Path, tmp_path: Path, canary: Path) -> None:
    runner = runner_of(workspace, tmp_path, PYTHONPATH=path, PYTHONSTARTUP="json.py", PYTHONINSPECT="")
    tool = runner.temp / "baseten-jobs" / "bin" / "baseten-jobs"
    tool.write_text(f"#!{sys.executable}\nimport sys\nfrom baseten_jobs.cli.main import main\nsys.exit(main())\n")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    ran = runner.run(**LOCAL)
    assert (ran.code, canary.exists()) == (0, False), ran.log
    assert "### 1 job starts" in ran.summary


A_HASH = f"--hash=sha256:{'a' * 64}"


@pytest.mark.parametrize(
    "release",
    [
        "baseten-jobs", "baseten-jobs>=1", "./dist/x.whl", "baseten-jobs @ file:///tmp/x", "-r requirements.txt",
        "baseten-jobs==1 evil==2", "baseten-jobs==1 --index-url https://evil", "evil==1", "baseten-jobs==1;os_name",
        "baseten-jobs==1 --hash=sha256:1", "git+https://github.com/x/baseten-jobs", "baseten-jobs==1\n-r x",
        "baseten-jobs==1.2.0", f"baseten-jobs>=1 {A_HASH}",
    ],
)  # fmt: skip
def test_only_a_pinned_release_is_installed(release: str, workspace: Path, tmp_path: Path) -> None:
    runner = runner_of(workspace, tmp_path)
    ran = install(runner, INSTALL=release, PYTHON="false")
    assert (ran.returncode, ran.stdout.count("\n")) == (64, 1)
    assert ran.stdout.startswith("::error title=baseten-jobs::install: '")


@pytest.mark.parametrize(
    "release",
    [
        f"baseten-jobs==1.2.0 {A_HASH}", f"baseten-jobs[local]==1.2.0rc1 {A_HASH}",
        f"baseten-jobs==1.2.0\n {A_HASH} {A_HASH}",
    ],
)  # fmt: skip
def test_a_pinned_release_may_be_chosen(release: str, workspace: Path, tmp_path: Path) -> None:
    ran = install(runner_of(workspace, tmp_path), INSTALL=release, PYTHON="false")
    assert (ran.returncode, ran.stdout) == (1, "")


# A stranger's commit beside the secrets


def commit_of(folder: Path, revision: str = "HEAD") -> str:
    return subprocess.run(
        ["git", "rev-parse", revision], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def stranger(repository: Path) -> str:
    """Check out a commit that a pull request brought; returns the one that it is based on."""
    base = commit_of(repository)
    git(repository, "checkout", "--quiet", "-b", "theirs")
    (repository / "specs" / "theirs.yaml").write_text(GOOD.replace("sft", "theirs"))
    commit(repository)
    return base


def refused(ran: Ran) -> bool:
    line = next((line for line in ran.log.splitlines() if not line.startswith("::notice")), "")
    return ran.code == 1 and line.startswith("::error title=baseten-jobs::refused: on ") and "Plan" not in ran.log


@pytest.mark.parametrize("event", STRANGERS)
def test_a_strangers_commit_is_refused_where_the_event_hands_it_the_secrets(
    event: str, cloned: Path, tmp_path: Path
) -> None:
    runner = runner_of(cloned, tmp_path, event, GITHUB_SHA=stranger(cloned))
    for given in (LOCAL, {}):
        ran = runner.run(**given)
        assert refused(ran), ran.log
        assert "theirs" not in ran.summary
    assert runner.posted() == []
    installed = install(runner, PYTHON="false", **runner.environment)
    assert installed.stdout.startswith("::error title=baseten-jobs::refused: ")


@pytest.mark.parametrize("event", ["pull_request", "push", "merge_group", "schedule"])
def test_other_events_have_no_such_danger(event: str, cloned: Path, tmp_path: Path) -> None:
    runner = runner_of(cloned, tmp_path, event, GITHUB_SHA=stranger(cloned), GITHUB_REF="refs/pull/7/merge")
    assert runner.run(**LOCAL).outputs["plan"]["submits"] == "2"


def test_the_commit_that_the_run_is_for_is_trusted(cloned: Path, tmp_path: Path) -> None:
    runner = runner_of(cloned, tmp_path, "pull_request_target", GITHUB_SHA=commit_of(cloned))
    assert runner.run(**LOCAL).outputs["plan"]["submits"] == "1"


def test_the_commit_that_a_pull_request_is_based_on_is_trusted(cloned: Path, tmp_path: Path) -> None:
    runner = runner_of(cloned, tmp_path, "pull_request_target", GITHUB_SHA="c" * 40)
    event: dict[str, Any] = {"pull_request": {"base": {"sha": commit_of(cloned)}}}
    assert Runner(cloned, runner.temp, event, runner.environment).run(**LOCAL).code == 0


@pytest.mark.parametrize("value", ["true", "True", "yes", "false", ""])
def test_only_one_word_of_the_operator_lifts_it(value: str, cloned: Path, tmp_path: Path) -> None:
    runner = runner_of(cloned, tmp_path, "pull_request_target", GITHUB_SHA=stranger(cloned))
    ran = runner.run(**LOCAL, **{"allow-unsafe-pr-checkout": value})
    assert refused(ran) != (value == "true")


def test_every_path_counts_and_the_working_folder(cloned: Path, tmp_path: Path) -> None:
    """The stranger's commit lies beside the trusted one, or around it."""
    base = commit_of(cloned)
    git(tmp_path, "clone", "--quiet", str(tmp_path / "origin.git"), str(cloned / "theirs"))
    stranger(cloned / "theirs")
    beside = runner_of(cloned, tmp_path, "pull_request_target", GITHUB_SHA=base)
    assert beside.run(**LOCAL, paths="specs").code == 0
    for paths in ("theirs/specs", "specs theirs/specs", "theirs/gone/x.yaml", str(cloned / "theirs"), "'theirs/specs'"):
        assert refused(beside.run(**LOCAL, paths=paths)), paths
    (cloned / "alias").symlink_to("theirs/specs")
    assert refused(beside.run(**LOCAL, paths="alias"))
    around = runner_of(cloned / "theirs", tmp_path, "pull_request_target", GITHUB_SHA=base)
    assert refused(around.run(**LOCAL, paths="../specs"))


def test_files_that_are_in_no_checkout_may_be_a_strangers(workspace: Path, tmp_path: Path) -> None:
    runner = runner_of(workspace, tmp_path, "pull_request_target", GITHUB_SHA="a" * 40)
    assert refused(runner.run(**LOCAL))


def test_a_bare_repository_among_the_files_vouches_for_none(cloned: Path, tmp_path: Path) -> None:
    """Its HEAD could be any commit, such as the one that the run is for."""
    loose = tmp_path / "loose"
    git(tmp_path, "clone", "--quiet", "--bare", str(tmp_path / "origin.git"), str(loose))
    (loose / "specs").mkdir()
    (loose / "specs" / "sft.yaml").write_text(GOOD)
    runner = runner_of(loose, tmp_path, "pull_request_target", GITHUB_SHA=commit_of(cloned))
    assert refused(runner.run(**LOCAL))


def test_a_path_is_no_command_to_the_runner(cloned: Path, tmp_path: Path) -> None:
    runner = runner_of(cloned, tmp_path, "pull_request_target", GITHUB_SHA=commit_of(cloned))
    git(tmp_path, "init", "--quiet", "other")
    ran = runner.run(**LOCAL, paths=f"'{tmp_path}/other/50%0A::x'")
    assert refused(ran), ran.log
    assert "/other/50%250A::x' is not checked out" in ran.log
