"""The hook for pre-commit, tried as its users run it: installed into an environment that pre-commit builds."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.pages import EVERY_PAGE, block
from tests.support.repository import git as output_of_git
from tests.support.runner import BAD, GOOD, ROOT, commit, git

HOOK = "baseten-jobs-validate"


def of_this_repository(folder: Path) -> Path:
    """The working tree as it is, as a repository of its own."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    git(folder, "init", "--quiet")
    commit(folder)
    return folder


EVIL = "--set=*:metadata.project=EVIL/specs/a.yaml"
"""A file that is called as an option is: read as one, it would move every manifest to another project."""


@pytest.mark.slow
def test_the_hook_checks_manifests_wherever_they_lie_and_whatever_they_are_called(tmp_path: Path) -> None:
    """One test, for building the environment takes long; the other runs find it built."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    of_this_repository(ours)
    files = {
        "specs/good.yaml": GOOD, "team/bad.yml": BAD.replace("sft", "bad"), "other.yaml": "not: a manifest\n",
        "chart/template.yaml": "a: {{ .Values.baseten }}\n", EVIL: GOOD.replace("sft", "evil"),
    }  # fmt: skip
    for name, text in files.items():
        (theirs / name).parent.mkdir(parents=True, exist_ok=True)
        (theirs / name).write_text(text)
    git(theirs, "init", "--quiet")
    commit(theirs)

    def hook(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pre_commit", *options], cwd=theirs, capture_output=True, text=True,
            env={**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "cache"), "NO_COLOR": "1", "PIP_NO_COMPILE": "1"},
        )  # fmt: skip

    def tried(*files: str, **settings: list[str]) -> subprocess.CompletedProcess[str]:
        repository = {"repo": str(ours), "rev": revision, "hooks": [{"id": HOOK, **settings}]}
        (theirs / ".pre-commit-config.yaml").write_text(yaml.safe_dump({"repos": [repository]}))
        git(theirs, "add", "-A")
        return hook("run", "--verbose", *(["--files", *files] if files else ["--all-files"]))

    revision = output_of_git(ours, "rev-parse", "HEAD")
    good = tried("specs/good.yaml", "other.yaml", "chart/template.yaml")
    assert good.returncode == 0, good.stdout + good.stderr
    assert re.search(r"baseten-jobs validate\.+Passed", good.stdout)
    assert "1 manifest: no problems" in good.stdout
    bad = tried()
    assert bad.returncode == 1
    assert "team/bad.yml:6:48: error: spec.compute.node_count: 0 is less than the minimum of 1 [minimum]" in bad.stdout
    assert "3 manifests: 1 error, 0 warnings" in bad.stdout
    assert "3 manifests: 1 error, 0 warnings" in tried(args=["--only-ours", "--strict", "--"]).stdout
    careless = tried(args=["--only-ours", "--strict"])
    assert careless.returncode == 1
    assert f"'{EVIL}' is an option, and a file here too: write -- before paths" in careless.stdout


def test_the_readme_names_the_hook_that_there_is() -> None:
    (repository,) = yaml.safe_load(block("pre-commit"))["repos"]
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert [hook["id"] for hook in repository["hooks"]] == [hook["id"] for hook in hooks] == [HOOK]


def test_the_hook_and_whoever_sets_its_options_end_them() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert (hook["args"], hook["types"], "files" in hook) == (["--only-ours", "--"], ["yaml"], False)
    told = [yaml.safe_load(args) for args in re.findall(r"`args: (\[.*?\])`", EVERY_PAGE)]
    assert told
    assert all(args[0] == "--only-ours" and args[-1] == "--" for args in told)
