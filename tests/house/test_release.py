"""A release: what hinders one, what it says, which tag it moves, and what each part of its workflow may do."""

import importlib.util
import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from types import ModuleType
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs import __version__
from baseten_jobs.distribution import OURS, Distribution
from tests.support.runner import ROOT

CHANGELOG = (ROOT / ".github" / "CHANGELOG.md").read_text()
READY = Distribution("acme", on_index=True)
SCRIPT = ROOT / ".ci" / "release.py"


def _loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["release"] = module  # where a frozen dataclass looks its types up
    spec.loader.exec_module(module)
    return module


release = _loaded()


def workflow() -> Any:
    return yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())


def hindrances(tag: str = f"v{__version__}", ours: Distribution = READY, **given: str) -> list[str]:
    said = {"changelog": CHANGELOG, "repository": "acme/baseten-jobs", **given}
    return list(release.hindrances(tag, ours, **said))


def test_a_tag_of_this_version_can_be_released_and_its_changelog_is_there() -> None:
    assert hindrances() == []
    assert hindrances(repository="") == []


@pytest.mark.parametrize("tag", ["v9.9.9", __version__, "v1", "v1.2", f"v{__version__}.0", f"v{__version__}\n", ""])
def test_a_tag_of_another_version_is_not(tag: str) -> None:
    assert len(hindrances(tag)) == 1


def test_nothing_is_released_of_nobody_from_elsewhere_or_without_a_word() -> None:
    assert "<owner>" in hindrances(ours=replace(READY, owner="<owner>"))[0]
    assert "this is mallory/baseten-jobs" in hindrances(repository="mallory/baseten-jobs")[0]
    assert "says nothing" in hindrances(changelog="# Changelog\n")[0]


def test_the_text_of_a_release_is_its_own_section() -> None:
    text = "# Changelog\n\nAll.\n\n## 1.10.0\n\nNew.\n\n### More\n\n- a\n\n## 1.1.0\n\nOld.\n\n## 1.0.0\n"
    assert release.notes_of(text, "1.10.0") == "New.\n\n### More\n\n- a"
    assert release.notes_of(text, "1.1.0") == "Old."
    assert [release.notes_of(text, each) for each in ("1.0.0", "1.1", "1x10.0", "2.0.0")] == [""] * 4


VERSIONS = st.tuples(st.integers(0, 3), st.integers(0, 12), st.integers(0, 12))


@given(st.lists(VERSIONS, min_size=1, unique=True), st.data())
def test_a_tag_is_moved_to_the_newest_of_its_line_alone(
    versions: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    tags = [f"v{'.'.join(map(str, each))}" for each in versions]
    lines: dict[str, list[tuple[int, int, int]]] = {}
    for each in versions:
        lines.setdefault(f"v{each[0]}" if each[0] else f"v0.{each[1]}", []).append(each)
    for line, within in lines.items():
        newest = max(within)
        for each in within:
            tag = f"v{'.'.join(map(str, each))}"
            noise = data.draw(st.permutations([*tags, "v1", "main", f"{tag}rc1", "v9.9.9rc1"]))
            assert release.moved_by(tag, noise) == (line if each == newest else "")


def test_what_comes_before_a_release_moves_no_tag_and_precedes_it() -> None:
    assert release.moved_by("v1.0.0rc1", []) == ""
    order = ["v0.9.0", "v1.0.0a2", "v1.0.0b1", "v1.0.0rc9", "v1.0.0rc10", "v1.0.0", "v1.0.1"]
    assert all(release.release_of(before) < release.release_of(after) for before, after in pairwise(order))


def test_what_is_built_is_one_sdist_and_one_wheel() -> None:
    both = ["baseten_jobs-1.2.0.tar.gz", "baseten_jobs-1.2.0-py3-none-any.whl"]
    assert release.stray("1.2.0", both) == set()
    assert release.stray("1.2.0", [*both, "evil-1.whl"]) == {"evil-1.whl"}
    assert release.stray("1.2.0", both[:1]) == set(both[1:])


def test_the_script_says_why_there_is_no_release_and_prints_no_output_then() -> None:
    given = {**os.environ, "GITHUB_REPOSITORY": "mallory/x"}
    command = [sys.executable, "-I", str(SCRIPT)]
    ran = subprocess.run([*command, "check", "v9.9.9"], env=given, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert f"the tag is v9.9.9, and the version in baseten_jobs/__init__.py is {__version__}" in ran.stderr
    said = subprocess.run([*command, "notes", f"v{__version__}"], capture_output=True, text=True, check=True).stdout
    assert said.strip() == release.notes_of(CHANGELOG, __version__) != ""


# The workflow


def test_each_job_may_no_more_than_it_must() -> None:
    assert workflow()["permissions"] == {}
    assert {name: job["permissions"] for name, job in workflow()["jobs"].items()} == {
        "build": {"contents": "read"},
        "test": {"contents": "read"},
        "attest": {"id-token": "write", "attestations": "write"},
        "publish": {"id-token": "write"},
        "release": {"contents": "write"},
    }
    assert [name for name, job in workflow()["jobs"].items() if "environment" in job] == ["publish"]


def test_what_was_tested_is_published_and_nothing_is_before() -> None:
    jobs = workflow()["jobs"]
    assert jobs["test"]["needs"] == "build"
    assert jobs["attest"]["needs"] == "test"
    assert jobs["publish"]["needs"] == ["build", "attest"]
    assert jobs["release"]["needs"] == ["build", "attest", "publish"]
    for name in ("test", "attest", "publish", "release"):
        loads = [step for step in jobs[name]["steps"] if step.get("uses", "").startswith("actions/download-artifact@")]
        assert [step["with"] for step in loads] == [{"name": "dist", "path": "dist"}]
    assert [name for name, job in jobs.items() if any(".ci/run build" in str(step) for step in job["steps"])] == [
        "build"
    ]


def test_where_a_key_can_sign_no_script_of_ours_runs() -> None:
    jobs = workflow()["jobs"].values()
    assert not any("run" in step for job in jobs if "id-token" in job["permissions"] for step in job["steps"])


def test_no_script_holds_an_expression_and_every_checkout_forgets_its_token() -> None:
    steps = [step for job in workflow()["jobs"].values() for step in job["steps"]]
    assert not any("${{" in step.get("run", "") for step in steps)
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_a_tag_that_is_moved_starts_no_release() -> None:
    (pattern,) = workflow()[True]["push"]["tags"]  # YAML's own `on`
    assert pattern == "v[0-9]+.[0-9]+.[0-9]+*"
    assert OURS.version == __version__


RECORDING = """\
#!/bin/sh
printf '%s ' "$(basename "$0")" "$@" >> "$CALLS"
echo >> "$CALLS"
"""


@pytest.mark.parametrize(("prerelease", "moving"), [("false", "v0.1"), ("true", "")])
def test_the_release_has_its_text_and_files_and_moves_the_tag(prerelease: str, moving: str, tmp_path: Any) -> None:
    checkout = tmp_path / "checkout"
    for name in (
        ".ci/run",
        ".ci/release.py",
        ".github/CHANGELOG.md",
        "baseten_jobs/__init__.py",
        "baseten_jobs/distribution.py",
    ):
        file = checkout / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes((ROOT / name).read_bytes())
    (checkout / "dist").mkdir()
    (checkout / "dist" / "a.whl").touch()
    for tool in ("gh", "git"):
        (tmp_path / tool).write_text(RECORDING)
        (tmp_path / tool).chmod(0o755)
    told = {"GITHUB_REF_NAME": f"v{__version__}", "GITHUB_SHA": "c" * 40, "PRERELEASE": prerelease, "MOVING": moving}
    given = {**os.environ, **told, "CALLS": str(tmp_path / "calls"), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run(["bash", str(checkout / ".ci" / "run"), "release"], env=given, check=True)
    first, *rest = (tmp_path / "calls").read_text().splitlines()
    assert first.startswith(f"gh release create v{__version__} --verify-tag ")
    assert first.endswith("dist/a.whl ")
    assert ("--prerelease" in first) == (prerelease == "true")
    moved = [f"git push --force origin {'c' * 40}:refs/tags/{moving} "]
    assert rest == (["gh auth setup-git ", *moved] if moving else [])
