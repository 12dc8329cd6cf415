"""What is taken from others: actions by commit, packages by hash, and workflows that a linter has nothing against."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from baseten_jobs.cli.commands.init import PIPELINES, pipeline_text
from baseten_jobs.cli.main import run
from baseten_jobs.distribution import OURS
from tests.support.pages import PAGES
from tests.support.runner import ACTION, ROOT

WRITTEN_BY_US = {
    **PAGES,
    **{str(path): path.read_text() for path in ROOT.glob(".github/**/*.yml")},
    **{host: pipeline_text(host) for host in PIPELINES},
}


def constraints(path: Path = ACTION.parent / "constraints.txt") -> dict[str, tuple[str, tuple[str, ...]]]:
    """Each package's version and hashes."""
    found = re.findall(
        r"^([a-z0-9-]+)==(\S+)(?: ; [^\n]*)? \\((?:\n    --hash=sha256:[0-9a-f]{64}(?: \\)?)+)$", path.read_text(), re.M
    )
    return {name: (version, tuple(re.findall(r"sha256:(\w+)", hashes))) for name, version, hashes in found}


def findings(folder: Path) -> list[dict[str, Any]]:
    """All that zizmor says of a folder at its strictest, above what is merely informational."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GH_", "GITHUB_"))}
    options = [
        "--offline",
        "--no-config",
        "--persona",
        "auditor",
        "--no-progress",
        "--no-exit-codes",
        "--format",
        "json",
    ]
    command = [str(Path(sys.executable).parent / "zizmor"), *options, str(folder)]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "WARN" not in ran.stderr
    found: list[dict[str, Any]] = json.loads(ran.stdout)
    return [one for one in found if one["determinations"]["severity"] != "Informational"]


def line(finding: dict[str, Any]) -> str:
    """Where the finding is."""
    (place,) = [one for one in finding["locations"] if one["symbolic"]["kind"] == "Primary"]
    return str(place["concrete"]["feature"])


@pytest.mark.parametrize("folder", [".", "ml/a b"])
def test_a_linter_has_nothing_against_the_workflow_but_that_our_own_action_goes_by_its_tag(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    run(["init", folder])
    assert findings(tmp_path) == []
    workflow = tmp_path / ".github" / "workflows" / "training.yml"
    text = workflow.read_text()
    workflow.write_text(re.sub(" # zizmor: ignore.*", "", text))
    found = findings(tmp_path)
    assert [one["ident"] for one in found] == ["unpinned-uses"] * 3
    assert all(OURS.action in line(one) for one in found)
    assert text.count("zizmor") == len(found)


def test_a_linter_has_nothing_against_our_own_workflows_and_action() -> None:
    assert findings(ROOT / ".github") == []
    assert not any("zizmor: ignore" in path.read_text() for path in ROOT.glob(".github/**/*.yml"))


NEWER = re.compile(r'unexpected key "(deployment|queue)" for "(environment|concurrency)" section')
"""What GitHub has, and actionlint before 1.7.8 has not."""


@pytest.mark.skipif(not shutil.which("actionlint"), reason="there is no actionlint here")
def test_actionlint_has_nothing_against_any_workflow(tmp_path: Path) -> None:
    printed = tmp_path / "training.yml"
    printed.write_text(pipeline_text("github"))
    files = [printed, *sorted((ROOT / ".github" / "workflows").glob("*.yml"))]
    command = ["actionlint", "-no-color", "-oneline", *map(str, files)]
    told = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    assert [each for each in told if not NEWER.search(each)] == []
    assert len(files) == 4


def test_actions_of_others_are_pinned_by_one_commit_each() -> None:
    pins: dict[str, set[str]] = {}
    for text in WRITTEN_BY_US.values():
        for action, pin in re.findall(r"uses: ([^@\s]+)@(.*)", text):
            if not action.endswith("/baseten-jobs"):
                pins.setdefault(action, set()).add(pin.strip())
    assert pins.keys() == {
        "actions/checkout", "actions/setup-python", "actions/upload-artifact", "actions/download-artifact",
        "actions/attest-build-provenance", "pypa/gh-action-pypi-publish",
    }  # fmt: skip
    for (pin,) in pins.values():
        assert re.fullmatch(r"[0-9a-f]{40} # v\d+\.\d+\.\d+", pin)


def test_what_is_installed_is_this_version_or_has_hashes() -> None:
    installs = [each for text in WRITTEN_BY_US.values() for each in re.findall(r"pip install ([^`\n]*)", text)]
    others = [each for each in installs if OURS.requirement() not in each and "-e '" not in each]
    assert [each for each in others if "--require-hashes" not in each and "--no-deps" not in each] == []


def test_every_requirement_of_ours_is_in_the_actions_constraints() -> None:
    """The rest, such as what these need, is what `.ci/constraints.py` found."""
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = tables["project"]["optional-dependencies"]
    wanted = [*tables["build-system"]["requires"], *tables["project"]["dependencies"], *extras["local"]]
    known = constraints()
    for requirement in wanted:
        name, lowest = requirement.split(">=")
        version, hashes = known[name]
        assert _numbers(version) >= _numbers(lowest), requirement
        assert hashes
    lines = (ACTION.parent / "constraints.txt").read_text().splitlines()
    assert len([each for each in lines if "==" in each]) == len(known)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def test_what_makes_the_constraints_has_hashes_too() -> None:
    assert constraints(ROOT / ".ci" / "uv.txt").keys() == {"uv"}


def test_a_workflow_makes_the_constraints_every_week() -> None:
    weekly = yaml.safe_load((ROOT / ".github" / "workflows" / "weekly.yml").read_text())
    (schedule,) = weekly[True]["schedule"]  # YAML's own `on`
    assert re.fullmatch(r"\d+ \d+ \* \* [0-6]", schedule["cron"])
    scripts = [step["run"] for step in weekly["jobs"]["constraints"]["steps"] if "run" in step]
    assert any(".ci/constraints.py" in script for script in scripts)
    assert not any("${{" in script for script in scripts)
    for script in scripts:
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)
