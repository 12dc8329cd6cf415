"""The hook for pre-commit, tried as its users run it: installed into an environment that pre-commit builds."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from tests.runner import BAD, GOOD, ROOT, commit, git
from tests.test_pipelines import block

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


def test_the_hook_passes_a_good_manifest_and_points_at_what_is_wrong(tmp_path: Path) -> None:
    """One test, for building the environment takes long; the second run finds it built."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    of_this_repository(ours)
    (theirs / "specs").mkdir(parents=True)
    (theirs / "specs" / "good.yaml").write_text(GOOD)
    (theirs / "specs" / "bad.yaml").write_text(BAD.replace("sft", "bad"))
    (theirs / "other.yaml").write_text("not: a manifest\n")
    git(theirs, "init", "--quiet")
    commit(theirs)

    def tried(*files: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pre_commit", "try-repo", str(ours), HOOK, "--verbose", "--files", *files],
            cwd=theirs, capture_output=True, text=True,
            env={**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "cache"), "NO_COLOR": "1"},
        )  # fmt: skip

    good = tried("specs/good.yaml", "other.yaml")
    assert good.returncode == 0, good.stdout + good.stderr
    assert re.search(r"baseten-jobs validate\.+Passed", good.stdout)
    assert "1 manifest: no problems" in good.stdout
    bad = tried("specs/good.yaml", "specs/bad.yaml")
    assert bad.returncode == 1
    assert "specs/bad.yaml:6:48: spec.compute.node_count: 0 is less than the minimum of 1 [minimum]" in bad.stdout
    assert "2 manifests: 1 error, 0 warnings" in bad.stdout


def test_the_readme_names_the_hook_that_there_is() -> None:
    (repository,) = yaml.safe_load(block("pre-commit"))["repos"]
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert [hook["id"] for hook in repository["hooks"]] == [hook["id"] for hook in hooks] == [HOOK]


def test_the_hook_looks_at_yaml_below_a_folder_of_specs() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    paths = ["specs/a.yaml", "specs/deep/a.yml", "team/specs/a.yaml", "myspecs/a.yaml", "a.yaml", "specs.yaml"]
    assert [path for path in paths if re.search(hook["files"], path)] == paths[:3]
    assert hook["types"] == ["yaml"]
