"""A pull request, merged: each step as the action runs it, from the installation to the code that the job was given."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from baseten_jobs.cli.commands.init import pipeline_text
from baseten_jobs.distribution import OURS
from baseten_jobs.emulator.server import serving
from baseten_jobs.emulator.settings import Settings
from tests.soaks.gitlab_pipeline import MANIFEST
from tests.support.repository import git
from tests.support.runner import ROOT, Ran, Runner, evaluated

pytestmark = pytest.mark.slow

KEY = "a-key-of-the-repository"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with serving(Settings(database=tmp_path / "api.db", api_key=KEY)) as url:
        yield url


class Hub:
    """A repository, a checkout of it for each run, and the action at its tag, as a runner downloads it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url, self.work = folder, url, folder / "work"
        self.action = folder / "_actions" / OURS.action.partition("@")[0]
        git(folder, "init", "--quiet", "--bare", "--initial-branch=main", "origin.git")
        git(folder, "clone", "--quiet", "origin.git", "work")
        git(self.work, "checkout", "--quiet", "-b", "main")
        git(folder, "clone", "--quiet", str(ROOT), str(self.action.parents[2]))
        self.change("main", {"README.md": "Ours.\n"})

    def change(self, branch: str, files: Mapping[str, str]) -> str:
        for path, text in files.items():
            file = self.work / path
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        git(self.work, "add", "--all")
        git(self.work, "commit", "--quiet", "--message", "A change")
        git(self.work, "push", "--quiet", "origin", f"HEAD:{branch}")
        return git(self.work, "rev-parse", "HEAD")

    def run(self, job: str, commit: str, **event: Any) -> tuple[Runner, Ran]:
        """A job of the workflow that `init` prints, in a checkout of the commit, on a machine of its own."""
        place = self.folder / f"{job}-{len(list(self.folder.iterdir()))}"
        git(self.folder, "clone", "--quiet", "--no-local", "origin.git", str(place / "checkout"))
        git(place / "checkout", "checkout", "--quiet", "--detach", commit)
        kind = {"plan": "pull_request", "apply": "push", "keep": "schedule"}[job]
        environment = {
            "GITHUB_EVENT_NAME": kind, "GITHUB_REF": "refs/pull/7/merge" if job == "plan" else "refs/heads/main",
            "GITHUB_SHA": commit, "GITHUB_ACTIONS": "true", "GITHUB_ACTION_PATH": str(self.action),
        }  # fmt: skip
        told = {"repository": {"default_branch": "main"}, **event}
        runner = Runner(place / "checkout", place / "runner", told, environment, python=sys.executable)
        return runner, runner.run(**inputs(job), **{"base-url": self.url})

    def tool(self, runner: Runner, *words: str) -> str:
        """What the tool says that the run installed."""
        command = [str(runner.temp / "baseten-jobs" / "bin" / "baseten-jobs"), *words]
        environment = {"PATH": "/usr/bin:/bin", "BASETEN_API_KEY": KEY, "BASETEN_BASE_URL": self.url}
        return subprocess.run(
            command, cwd=runner.workspace, env=environment, capture_output=True, text=True, check=True
        ).stdout

    def jobs(self) -> list[dict[str, Any]]:
        headers = {"Authorization": f"Api-Key {KEY}"}
        answer = httpx.get(f"{self.url}/_emulator/jobs", headers=headers, trust_env=False)
        rows: list[dict[str, Any]] = answer.json()["training_jobs"]
        return rows


def inputs(job: str) -> dict[str, str]:
    """What the workflow gives to the action."""
    steps = yaml.safe_load(pipeline_text("github"))["jobs"][job]["steps"]
    (given,) = [step["with"] for step in steps if step["uses"] == OURS.action]
    context = {"secrets": {"BASETEN_API_KEY": KEY}, "inputs": {"create": ""}}
    return {
        name: re.sub(r"\$\{\{(.*?)\}\}", lambda found: str(evaluated(found[1], context)), value)
        for name, value in given.items()
    }


def test_a_merged_pull_request_uploads_its_code_and_submits_once(tmp_path: Path, url: str) -> None:
    hub = Hub(tmp_path, url)
    base = git(hub.work, "rev-parse", "HEAD")
    commit = hub.change("topic", {"specs/sft.yaml": MANIFEST, "specs/train.py": "print('reviewed')\n"})

    runner, planned = hub.run("plan", commit, pull_request={"number": 7, "base": {"sha": base}})
    assert (planned.code, planned.outputs["mode"]["mode"]) == (0, "plan"), planned.log
    assert planned.outputs["plan"]["submits"] == "1"
    (comment,) = runner.posted()
    assert "sft" in comment
    assert hub.jobs() == []

    git(hub.work, "push", "--quiet", "origin", "HEAD:main")
    runner, applied = hub.run("apply", commit, before=base)
    assert (applied.code, applied.outputs["mode"]["mode"]) == (0, "apply"), applied.log
    (job,) = hub.jobs()
    assert applied.outputs["apply"]["job_ids"] == job["id"]
    assert "### Applied: 1 submitted." in applied.summary

    told = hub.tool(runner, "--version")
    assert OURS.version in told
    hub.tool(runner, "code", "--job", job["id"], "--out", str(tmp_path / "code"))
    assert (tmp_path / "code" / "train.py").read_text() == "print('reviewed')\n"

    _, again = hub.run("apply", commit, before=base)
    assert (again.code, again.outputs["apply"]["submits"]) == (0, "0"), again.log

    late = hub.change("main", {"specs/train.py": "print('late')\n"})
    hub.change("main", {"specs/train.py": "print('newest')\n"})
    _, overtaken = hub.run("apply", late, before=commit)
    assert (overtaken.code, overtaken.outputs["apply"]["skipped"]) == (0, "true"), overtaken.log
    assert [each["id"] for each in hub.jobs()] == [job["id"]]

    runner, kept = hub.run("keep", git(hub.work, "rev-parse", "HEAD"))
    assert (kept.code, kept.outputs["mode"]["mode"]) == (0, "schedule"), kept.log
    assert (len(hub.jobs()), json.loads(runner.issues.read_text())) == (2, [])
