"""No file of a checkout makes git run a command, see a secret, or answer for another repository."""

import ast
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from baseten_jobs.git import process
from baseten_jobs.git import repository as asking
from baseten_jobs.git.process import FETCHING, GitError
from baseten_jobs.planning.plan import Verb
from tests.attacks import repositories
from tests.attacks.repositories import SECRETS, SETTINGS, Canary, attack, bare, executable, manifest, reviewed
from tests.house.test_imports import PACKAGE
from tests.support.commands import Cli, called, nothing_set
from tests.support.repository import Repository, git

__all__ = ["called", "nothing_set"]


@pytest.fixture
def canary(tmp_path: Path) -> Canary:
    return Canary(tmp_path / "cage").hatch()


@pytest.fixture
def checkout(tmp_path: Path, nothing_set: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    folder = reviewed(tmp_path / "checkout")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("place", ["specs", "specs/0evil", "specs/other", "."])
@pytest.mark.parametrize(
    "command", [("validate",), ("plan",), ("plan", "--prune"), ("apply", "--yes"), ("doctor",)], ids=" ".join
)
def test_a_repository_of_plain_files_is_a_folder_of_files(
    place: str, command: Sequence[str], checkout: Path, canary: Canary, called: Cli
) -> None:
    bare(checkout / place, canary, canary.folder / "aside")
    git(checkout, "add", "-Af")
    git(checkout, "commit", "-qm", "add a job")
    head = git(checkout, "rev-parse", "HEAD")
    ran = called(*command, *(["--local"] if command != ("validate",) else []), "specs")
    assert (ran.code, canary.marks) == (0, []), ran.err
    found = asking.first_repository([str(checkout / place), "specs"])
    assert isinstance(found, asking.Repository)
    assert (found.root, found.head) == (checkout, head)


def test_a_repository_of_plain_files_outside_of_any_checkout_is_none(tmp_path: Path, canary: Canary) -> None:
    bare(tmp_path / "specs", canary, canary.folder / "aside")
    found = asking.open_repository(str(tmp_path / "specs"))
    assert isinstance(found, asking.NotInGit)
    assert not found.refused
    assert canary.marks == []


def test_no_setting_has_git_run_a_command(checkout: Path, canary: Canary, called: Cli) -> None:
    for setting in SETTINGS:
        git(checkout, "config", setting, str(canary.named(setting)))
    git(checkout, "config", "log.showSignature", "true")
    git(checkout, "config", "filter.evil.required", "true")
    (checkout / ".gitattributes").write_text("* filter=evil diff=evil\n*.py filter=e=vil\n")
    for path in checkout.rglob("*.py"):
        path.write_text("print('edited')\n")
    assert called("apply", "--local", "--yes").code == 0
    manifest(checkout / "specs" / "good.yaml", "good", "another")
    assert called("plan", "--local", "--prune").code == 0
    assert canary.marks == []


def test_programs_that_lie_in_a_checkout_are_never_found(
    checkout: Path, canary: Canary, called: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (checkout, checkout / "specs", checkout / "bin"):
        executable(folder / "git", canary.program.read_text())
    for path in (".", "", "bin", "specs/../bin"):
        monkeypatch.setenv("PATH", f"{path}{os.pathsep}{os.environ['PATH']}")
        assert called("plan", "--local").code == 0
        assert canary.marks == []


def test_git_gets_no_secret_and_no_variable_that_leads_elsewhere(
    checkout: Path, canary: Canary, called: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment of every process that a plan starts, as a wrapper of git sees it."""
    real = shutil.which("git")
    wrapper = executable(
        canary.folder / "bin" / "git", f'#!/bin/sh\n{{ echo "$@"; env; }} > {canary.folder}/mark.$$\nexec {real} "$@"\n'
    )
    monkeypatch.setenv("PATH", f"{wrapper.parent}{os.pathsep}{os.environ['PATH']}")
    passed = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": str(checkout),
              "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}  # fmt: skip
    kept_back = ("GIT_DIR", "GIT_EXEC_PATH", "GIT_TRACE", "GIT_CONFIG_PARAMETERS", "GIT_SSH", "GIT_PROXY_COMMAND",
                 "GIT_EXTERNAL_DIFF", "GIT_WORK_TREE", "GIT_ATTR_SOURCE", "GIT_TEMPLATE_DIR")  # fmt: skip
    for name, value in {**passed, **dict.fromkeys(kept_back, str(canary.program))}.items():
        monkeypatch.setenv(name, value)
    assert called("apply", "--local", "--yes").code == 0
    manifest(checkout / "specs" / "good.yaml", "good", "another")
    assert called("plan", "--local", "--prune").code == 0
    assert len(canary.marks) > 8
    for mark in canary.marks:
        words, *variables = mark.splitlines()
        assert not [value for value in SECRETS.values() if value in mark]
        names = {variable.partition("=")[0] for variable in variables}
        assert not names & set(kept_back)
        assert "GIT_CONFIG_VALUE_0=" + str(checkout) in variables
        assert {"GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=", "GIT_TERMINAL_PROMPT=0"} <= set(variables)
        assert all(f"-c {setting}" in words for setting in process.NEUTRAL)
        assert words.startswith(f"-C {checkout} ")


def test_the_settings_of_a_machine_come_before_ours(monkeypatch: pytest.MonkeyPatch, checkout: Path) -> None:
    for name, value in (("COUNT", "1"), ("KEY_0", "filter.evil.clean"), ("VALUE_0", "x")):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    settings = process.without_filters(checkout)
    assert process.run(checkout, "config", "filter.evil.clean", settings=settings) == b"\n"
    monkeypatch.setenv("GIT_CONFIG_COUNT", "many")
    with pytest.raises(GitError):
        process.run(checkout, "log", settings=settings)


def test_one_place_starts_git() -> None:
    """No module but those of `HOMES` imports subprocess (tests/house/test_imports.py), and none has another way."""
    ways = {"system", "popen", "fork", "forkpty", "posix_spawn", "posix_spawnp", "startfile"}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
                assert node.attr not in ways, (path, node.lineno)
                assert not node.attr.startswith(("exec", "spawn")), (path, node.lineno)
            if isinstance(node, (ast.Tuple, ast.List)) and node.elts and isinstance(node.elts[0], ast.Constant):
                assert node.elts[0].value != "git", (path, node.lineno)


# What stays served


def _work_tree(checkout: Path, folder: Path) -> Path:
    git(checkout, "worktree", "add", "-q", str(folder), "-b", "side")
    return folder


def _submodule(checkout: Path, folder: Path) -> Path:
    outer = folder / "outer"
    outer.mkdir(parents=True)
    git(outer, "init", "-q", "-b", "main")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(checkout), "inner")
    git(outer, "commit", "-qm", "x")
    return outer / "inner"


def _sparse(checkout: Path, folder: Path) -> Path:
    git(checkout.parent, "clone", "-q", str(checkout), str(folder))
    git(folder, "sparse-checkout", "set", "specs")
    return folder


@pytest.mark.parametrize("kind", [_work_tree, _submodule, _sparse])
def test_other_kinds_of_checkouts_have_their_history(
    kind: Callable[[Path, Path], Path], checkout: Path, tmp_path: Path
) -> None:
    folder = kind(checkout, tmp_path / "made")
    found = asking.open_repository(str(folder / "specs"))
    assert isinstance(found, asking.Repository)
    with found:
        assert (found.root, len(found.log())) == (folder, 4)
        assert len(list(found.contents(tuple(found.manifests_at_head().values())))) == 2


def test_a_work_tree_that_is_elsewhere_is_told(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "away").mkdir()
    git(checkout, "config", "core.worktree", str(tmp_path / "away"))
    found = asking.open_repository(str(checkout))
    assert isinstance(found, asking.NotInGit)
    assert found.refused
    assert found.reason == f"git can't tell the history: the work tree of {checkout}/.git is {tmp_path}/away"


def test_what_a_partial_clone_lacks_is_told_with_what_fetches_it(tmp_path: Path, canary: Canary) -> None:
    world = Repository(tmp_path / "work")
    world.write()
    world.commit()
    world.apply()
    world.write(command="other")
    world.commit()
    git(world.folder, "config", "uploadpack.allowFilter", "true")
    partial = tmp_path / "partial"
    git(tmp_path, "clone", "-q", "--filter=blob:none", f"file://{world.folder}", str(partial))
    world.folder = partial
    (action,) = world.asked().actions
    assert (action.verb, action.previous) == (Verb.SUBMIT, None)
    assert action.history is not None
    assert FETCHING in action.history
    subprocess.run(FETCHING.split("`")[1], shell=True, check=True, cwd=partial)
    (action,) = world.asked().actions
    assert action.previous is not None


# Dates


@pytest.mark.parametrize(
    ("date", "told"),
    [
        ("1000000000 +051800", "2001-09-09"), ("1000000000 +9999", "2001-09-09"), ("1000000000 -9999", "2001-09-09"),
        ("100000000000000 +0000", "9999-12-30"), ("99999999999999999999999 +0000", "9999-12-30"),
        ("0 +0000", "1970-01-01"), ("nonsense", "1970-01-01"), ("-5 +0000", "1970-01-01"),
    ],
)  # fmt: skip
def test_a_commit_of_any_date_is_told_and_breaks_no_later_plan(date: str, told: str, tmp_path: Path) -> None:
    world = Repository(tmp_path / "work")
    world.write()
    first = world.commit()
    world.apply()
    raw = git(world.folder, "cat-file", "commit", first)
    head = "\n".join(
        f"{line.partition('> ')[0]}> {date}" if line.startswith(("author ", "committer ")) else line
        for line in raw.split("\n")
    )
    made = subprocess.run(
        ("git", "-C", world.folder, "hash-object", "-t", "commit", "-w", "--literally", "--stdin"),
        input=f"{head}\n".encode(), capture_output=True, check=True,
    ).stdout.decode().strip()  # fmt: skip
    git(world.folder, "reset", "-q", "--hard", made)
    world.write(command="other")
    world.commit()
    (action,) = world.asked(missing=True, prune=True).actions
    assert action.previous is not None
    assert action.previous.date.startswith(told)


# Many at once


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_repositories_made_by_chance_run_nothing(seed: int, tmp_path: Path) -> None:
    assert attack(tmp_path, seed, repositories.in_a_process) == []
