"""Manifests that ask for files from outside of their repository, which only the operator grants, or for git's own."""

import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from baseten_jobs.compilation import compile_all
from baseten_jobs.manifest.inputs import Inputs
from tests.support.commands import Cli, called, nothing_set
from tests.support.repository import git
from tests.support.runner import Runner
from tests.support.trees import commit, compiled, content, manifest, paths, told, write

__all__ = ["called", "nothing_set"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine's folder with a secret of its own beside the repository."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write(
        tmp_path, {"ci-home/token": "x", "ci-home/deep/token": "y", "other/z": "", "repo/specs/run.sh": "#!/bin/sh\n"}
    )
    git(tmp_path, "init", "-q", "-b", "main", "repo")
    monkeypatch.chdir(tmp_path / "repo")
    return tmp_path


IN_GIT = "is outside of the repository that the manifest is in"
WITHOUT = "is outside of the manifest's folder"

_ASKED = {
    "a root": "{root: ../../ci-home, outside: true}",
    "a folder below": "{root: ../../ci-home/deep, outside: true}",
    "an external folder": "{external: [../../ci-home], outside: true}",
    "all there is": "{root: ../.., outside: true}",
}


@pytest.mark.parametrize("in_git", [True, False], ids=["in git", "without git"])
@pytest.mark.parametrize("workspace", _ASKED.values(), ids=_ASKED.keys())
def test_what_a_manifest_asks_for_only_the_operator_grants(workspace: str, in_git: bool, home: Path) -> None:
    specs = home / "repo" / "specs"
    if not in_git:
        shutil.rmtree(home / "repo" / ".git")
    manifest(specs, workspace)
    (refused,) = told(specs)
    assert f"{IN_GIT if in_git else WITHOUT}, and `outside: true` only asks for it [workspace-outside]" in refused
    (hint,) = (d.hint for d in compiled(specs).diagnostics)
    assert hint.startswith("`--allow-outside /")
    assert hint.endswith("` on the command line grants it")
    assert told(specs, allowed=[home / "other", home / "ci-home" / "token"]) == [refused]
    assert [path for path in paths(specs, home) if path.endswith(("token", "z"))]


@pytest.mark.parametrize("in_git", [True, False], ids=["in git", "without git"])
@pytest.mark.parametrize("workspace", [each.replace(", outside: true", "") for each in _ASKED.values()], ids=_ASKED)
def test_what_is_granted_must_be_asked_for(workspace: str, in_git: bool, home: Path) -> None:
    specs = home / "repo" / "specs"
    if not in_git:
        shutil.rmtree(home / "repo" / ".git")
    manifest(specs, workspace)
    (refused,) = told(specs, allowed=[home])
    assert refused.endswith(f"{IN_GIT if in_git else WITHOUT} [workspace-outside]")


_LINKS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a root that is a link": (
        lambda specs: (specs / "code").symlink_to("../../ci-home"),
        "{root: code, outside: true}",
    ),
    "a root by way of a link": (
        lambda specs: (specs / "up").symlink_to("../.."),
        "{root: up/ci-home, outside: true}",
    ),
    "an external folder that is a link": (
        lambda specs: (specs.parent / "common").symlink_to("../ci-home"),
        "{external: [../common], outside: true}",
    ),
}


@pytest.mark.parametrize(("make", "workspace"), _LINKS.values(), ids=_LINKS.keys())
def test_links_lead_nowhere_that_is_not_granted(make: Callable[[Path], object], workspace: str, home: Path) -> None:
    specs = home / "repo" / "specs"
    make(specs)
    manifest(specs, workspace)
    (refused,) = told(specs)
    assert IN_GIT in refused
    assert told(specs, allowed=[home / "ci-home"]) == []


def test_a_link_in_the_repository_does_not_decide_what_was_granted(home: Path) -> None:
    """A pull request can turn a folder that the operator named into a link to another."""
    specs = home / "repo" / "specs"
    (home / "repo" / "data").symlink_to("../ci-home")
    (home / "repo" / "up").symlink_to("..")
    manifest(specs, "{root: ../../ci-home, outside: true}")
    for allowed in ("data", home / "repo" / "data", "up/ci-home", "specs/../data"):
        found = compile_all(Inputs([str(specs)], allowed=(str(allowed),)), io.BytesIO())
        assert not found.valid
    (home / "here").symlink_to("ci-home")
    assert paths(specs, home / "here") == ["deep/token", "token"]


_INTO_GIT = {
    "spelled out": "{root: .., include: [.git]}",
    "a file": "{root: .., include: [.git/config]}",
    "all of it": "{root: .., include: ['.git/**', '**/.git/*', '/.git/']}",
    "brought back": "{root: .., include: [.git], exclude: ['!.git', '!.git/**']}",
    "of a repository within": "{root: .., include: [.git, vendor/.git, vendor/.git/config]}",
    "its file of a work tree": "{root: .., include: [tree/.git]}",
}


@pytest.mark.parametrize("workspace", _INTO_GIT.values(), ids=_INTO_GIT.keys())
def test_gits_own_folder_never_travels_whatever_include_says(workspace: str, home: Path) -> None:
    repo = home / "repo"
    write(repo, {"code.py": "", "vendor/lib.py": "", "tree/.git": "gitdir: ../.git\n", "tree/a.py": ""})
    git(repo, "init", "-q", "vendor")
    manifest(repo / "specs", workspace)
    assert paths(repo / "specs") == ["code.py", "specs/run.sh", "tree/a.py", "vendor/lib.py"]


_AS_A_FOLDER = {
    "the root": "{root: ../.git}",
    "below": "{root: ../.git/refs}",
    "external": "{external: [../.git/hooks]}",
    "another's": "{root: ../../other/.git, outside: true}",
    "by a link": "{root: innocent}",
    "kept elsewhere": "{root: ../meta}",
}


@pytest.mark.parametrize("workspace", _AS_A_FOLDER.values(), ids=_AS_A_FOLDER.keys())
def test_no_workspace_lies_in_gits_own_folder(workspace: str, home: Path) -> None:
    repo = home / "repo"
    (repo / "specs" / "innocent").symlink_to("../.git")
    git(home, "init", "-q", "other")
    if "meta" in workspace:
        shutil.move(repo / ".git", repo / "meta")
        (repo / ".git").write_text("gitdir: meta\n")
    manifest(repo / "specs", workspace)
    (refused,) = told(repo / "specs", allowed=[home])
    assert refused.endswith("is in git's own folder, which never travels [workspace-root]")


def test_gits_own_folder_does_not_travel_under_another_name(home: Path) -> None:
    repo = home / "repo"
    shutil.move(repo / ".git", repo / "meta")
    (repo / ".git").write_text("gitdir: meta\n")
    manifest(repo / "specs", "{root: .., include: [meta, 'meta/**']}")
    assert paths(repo / "specs") == ["specs/run.sh"]


# What people see, and where it can be granted


@pytest.mark.usefixtures("nothing_set")
def test_the_first_line_of_a_job_names_what_it_takes_from_outside(home: Path, called: Cli) -> None:
    write(home / "repo" / "specs", {"more/b": ""})
    manifest(home / "repo" / "specs", "{root: ../../ci-home, external: [more, ../../other], outside: true}")
    commit(home / "repo")
    granting = ("--allow-outside", "../ci-home", "--allow-outside", "../other")
    planned = called("plan", "--local", *granting)
    assert planned.code == 0, planned.err
    first = next(line for line in planned.out.splitlines() if "submit  x" in line)
    assert first.endswith("  takes files from outside: ../../ci-home, ../../other")
    comment = called("plan", "--local", "-o", "markdown", *granting).out
    (row, summary) = (line for line in comment.splitlines() if "takes files from outside" in line)
    assert row.startswith("| **start** | <code>x</code> |")
    assert summary.startswith("<summary>start <code>x</code>")
    (rendered,) = called("render", "-o", "json", *granting).json
    assert rendered["workspace"]["outside"] == ["../../ci-home", "../../other"]
    assert (
        called("render", *granting).out.splitlines()[0].endswith("takes files from outside: ../../ci-home, ../../other")
    )


_COMMANDS = {
    "validate": (),
    "render": (),
    "plan": ("--local",),
    "apply": ("--local", "--yes"),
    "status": ("--local", "-f", "specs"),
    "describe": ("x", "--local", "-f", "specs"),
    "logs": ("x", "--local", "--file", "specs"),
    "checkpoints": ("x", "--local", "-f", "specs"),
    "code": ("x", "--local", "-f", "specs"),
    "metrics": ("x", "--local", "-f", "specs"),
    "session": ("x", "--local", "-f", "specs"),
    "stop": ("x", "--local", "--yes", "-f", "specs"),
    "adopt": ("x", "--local", "--job", "j", "-f", "specs"),
    "doctor": ("--local",),
}


@pytest.mark.usefixtures("nothing_set")
@pytest.mark.parametrize(("command", "arguments"), _COMMANDS.items(), ids=_COMMANDS.keys())
def test_every_command_that_compiles_can_grant(
    command: str, arguments: tuple[str, ...], home: Path, called: Cli
) -> None:
    manifest(home / "repo" / "specs", "{root: ../../ci-home, outside: true}")
    refused = called(command, *arguments)
    assert refused.code == 1
    assert "`--allow-outside ../ci-home` on the command line grants it" in refused.out + refused.err
    granted = called(command, *arguments, "--allow-outside", "../ci-home")
    assert "workspace-outside" not in granted.out + granted.err
    assert called(command, *arguments, "--allow-outside", "../nowhere").code == 64


@pytest.mark.usefixtures("nothing_set")
def test_no_environment_and_no_saved_plan_grants(home: Path, called: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest(home / "repo" / "specs", "{root: ../../ci-home, outside: true}")
    commit(home / "repo")
    for name in (
        "ALLOW_OUTSIDE",
        "BASETEN_ALLOW_OUTSIDE",
        "BASETEN_JOBS_ALLOW_OUTSIDE",
        "BASETEN_JOBS_PLAN_ALLOW_OUTSIDE",
    ):
        monkeypatch.setenv(name, str(home))
    assert called("plan", "--local").code == 1
    assert called("plan", "--local", "--allow-outside", "../ci-home", "--out", "p.json").code == 0
    saved = json.loads(Path("p.json").read_text())
    for name in ("allowed", "allow_outside", "allow-outside"):
        more = {**saved, "options": {**saved["options"], name: [str(home)]}}
        Path("forged.json").write_text(json.dumps(more))
        forged = called("apply", "--local", "--yes", "--plan", "forged.json")
        assert (forged.code, "Applied" in forged.out) == (1, False)
    assert "workspace-outside" in called("apply", "--local", "--yes", "--plan", "p.json").err
    granted = called("apply", "--local", "--yes", "--plan", "p.json", "--allow-outside", "../ci-home")
    assert "Applied: 1 submitted." in granted.out, granted.err


def test_an_import_says_that_it_asked_for_what_lies_outside(home: Path, called: Cli) -> None:
    job = "t.TrainingJob(image=t.Image(base_image='a:1'), runtime=t.Runtime(start_commands=['x']), workspace={})"
    asked = {
        "t.Workspace(workspace_root='../ci-home')": "'../../ci-home'",
        "t.Workspace(external_dirs=['../ci-home', '../other'])": "'../../ci-home', '../../other'",
    }
    for workspace, folders in asked.items():
        text = f"import truss_train as t\nproject = t.TrainingProject(name='p', job={job.format(workspace)})\n"
        Path("config.py").write_text(text)
        ran = called("import", "truss", "config.py", "--out", "specs/d.yaml", "--force")
        assert ran.code == 0
        assert "outside: true" in Path("specs/d.yaml").read_text()
        told_of = f"asks by `outside: true` for files from outside of its repository: {folders}"
        assert told_of in ran.err
        assert "`--allow-outside DIR`" in ran.err


@pytest.mark.parametrize(
    "args", ["--allow-outside ..", "--allow-outside=..", "'--allow'-outside ..", "--set --allow-outside .."]
)
def test_the_arguments_of_the_action_grant_nothing(args: str, home: Path) -> None:
    manifest(home / "repo" / "specs", "{root: ../../ci-home, outside: true}")
    runner = _runner(home)
    ran = runner.run(args=f"--local {args}")
    assert ran.code == 64
    assert "args can't hold --allow-outside; the input allow-outside grants it" in ran.log


def test_the_action_grants_by_an_input_of_its_own(home: Path) -> None:
    manifest(home / "repo" / "specs", "{root: ../../ci-home, outside: true}")
    commit(home / "repo")
    assert _runner(home).run(args="--local").code == 1
    ran = _runner(home).run(**{"args": "--local", "allow-outside": "../other ../ci-home", "api-key": "k"})
    assert ran.code == 0, ran.log
    assert "takes files from outside: ../../ci-home" in ran.log


def _runner(home: Path) -> Runner:
    (home / "temp").mkdir(exist_ok=True)
    event = {"repository": {"default_branch": "main"}, "pull_request": {"number": 7, "base": {"sha": ""}}}
    environment = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/7/merge", "PATH": os.environ["PATH"]}
    return Runner(home / "repo", home / "temp", event, environment)


def test_a_grant_reaches_no_further_than_its_folder(home: Path) -> None:
    write(home, {"ci-home-2/token": ""})
    manifest(home / "repo" / "specs", "{root: ../../ci-home-2, outside: true}")
    assert len(told(home / "repo" / "specs", allowed=[home / "ci-home"])) == 1
    assert content(home / "repo" / "specs", home / "ci-home-2").outside == ("../../ci-home-2",)
