"""On GitHub Actions: what plan and apply tell by themselves, and the composite action, carried out for real."""

import base64
import errno
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from baseten_jobs.cli.main import run
from baseten_jobs.emulator.server import serving
from baseten_jobs.emulator.settings import Settings
from tests.report.reading import tables
from tests.report.test_markdown import left_out, sound
from tests.support import warm
from tests.support.git_server import GitServer, git_serving
from tests.support.operating import Desk
from tests.support.operating import desk as desk
from tests.support.operating import open_desk as open_desk
from tests.support.runner import ACTION, BAD, GOOD, ROOT, Runner, cloned, git, outputs_in, overtake, workspace

pytestmark = pytest.mark.slow

__all__ = ["cloned", "workspace"]

# What plan and apply tell by themselves


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    summary, output = tmp_path / "summary.md", tmp_path / "output"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_OUTPUT", str(output))
    return summary, output


def test_a_plan_writes_the_steps_summary_and_outputs(workspace: Path, files: tuple[Path, Path]) -> None:
    summary, output = files
    assert run(["plan", "--local"]) == 0
    assert summary.read_text().startswith("<!-- baseten-jobs:plan -->\n### 1 job starts")
    assert outputs_in(output.read_text()) == {
        "has_changes": "true",
        "submits": "1",
        "cost_per_hour": "104.00",
        "skipped": "",
    }
    assert "sesame" not in summary.read_text()


def test_an_apply_adds_what_became_of_the_plan(workspace: Path, files: tuple[Path, Path]) -> None:
    summary, output = files
    summary.write_text("from an earlier command\n")
    assert run(["apply", "--local", "--yes"]) == 0
    told = summary.read_text()
    assert told.startswith("from an earlier command\n")
    assert told.index("### 1 job starts") < told.index("### Applied: 1 submitted.")
    assert outputs_in(output.read_text())["submits"] == "1"


def test_an_apply_writes_the_ids_and_pages_of_its_jobs(
    workspace: Path, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / "specs" / "sft2.yaml").write_text(GOOD.replace("sft", "sft2"))
    monkeypatch.setenv("BASETEN_API_KEY", "a-key")
    monkeypatch.setenv("BASETEN_APP_URL", "https://app.example/")
    with serving(Settings(workspace.parent / "emulator.db")) as url:
        monkeypatch.setenv("BASETEN_BASE_URL", url)
        assert run(["apply", "--yes", "-o", "json"]) == 0
        results = json.loads(capsys.readouterr().out)["results"]
        (project,) = httpx.get(f"{url}/v1/training_projects", headers={"Authorization": "Bearer k"}).json().values()
        ids = [row["job_id"] for row in results]
        pages = [f"https://app.example/training/{project[0]['id']}/logs/{job_id}" for job_id in ids]
        assert [row["url"] for row in results] == pages
        written = outputs_in(files[1].read_text())
        assert (written["job_ids"].split("\n"), written["urls"].split("\n")) == (ids, pages)
        assert f"[<code>{ids[0]}</code>]({pages[0]})" in files[0].read_text()
        assert run(["apply", "--yes"]) == 0
        written = outputs_in(files[1].read_text())
        assert (written["job_ids"], written["urls"]) == ("", "")


def test_an_apply_tells_the_id_and_the_page_of_each_job_first(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASETEN_APP_URL", "https://app.example")
    desk.write("x")
    lines = desk("apply", "--yes").out.partition("Plan: ")[2].splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("  submitted"))
    (job,) = desk.jobs()
    assert lines[at].endswith(f"job {job['id']}")
    assert lines[at + 1].strip() == f"https://app.example/training/{job['training_project_id']}/logs/{job['id']}"


def test_an_apply_with_nothing_to_do_has_no_changes(workspace: Path, files: tuple[Path, Path]) -> None:
    run(["apply", "--local", "--yes"])
    files[1].write_text("")
    assert run(["apply", "--local", "--yes"]) == 0
    assert outputs_in(files[1].read_text()) == {
        "has_changes": "false",
        "submits": "0",
        "cost_per_hour": "0.00",
        "skipped": "",
        "job_ids": "",
        "urls": "",
    }


def test_a_refused_apply_says_so(workspace: Path, files: tuple[Path, Path]) -> None:
    assert run(["apply", "--local", "--yes", "--max-gpus", "1"]) == 8
    assert "**Not applied:** refused: 16 GPUs to submit" in files[0].read_text()


NO_OUTPUTS = {"has_changes": "", "submits": "", "cost_per_hour": "", "skipped": ""}


@pytest.mark.parametrize("command", [["plan"], ["apply", "--yes"]], ids=["plan", "apply"])
@pytest.mark.parametrize("output", ["text", "json"])
def test_what_is_wrong_with_the_manifests_is_the_summary(
    command: list[str], output: str, workspace: Path, files: tuple[Path, Path]
) -> None:
    (workspace / "specs" / "sft.yaml").write_text(BAD.replace("i:1", "i|@x"))
    assert run([*command, "--local", "-o", output]) == 1
    told = files[0].read_text()
    sound(told)
    assert told.partition("\n")[2].startswith("### No plan\n\n2 errors in the manifests; nothing was sent\n")
    (table,) = tables(told)
    assert table.head == ["level", "where", "what", "rule"]
    assert table.rows[1] == [
        "error", "specs/sft.yaml:6:48", "spec.compute.node_count: 0 is less than the minimum of 1", "minimum"
    ]  # fmt: skip
    assert [row[3] for row in table.rows] == ["image-reference", "minimum"]
    assert outputs_in(files[1].read_text()) == NO_OUTPUTS


@pytest.mark.slow
def test_thousands_of_problems_fit_into_the_summary(workspace: Path, files: tuple[Path, Path]) -> None:
    (workspace / "specs" / "sft.yaml").write_text("---\n".join(BAD.replace("sft", f"x{i}") for i in range(1500)))
    assert run(["plan", "--local"]) == 1
    told = files[0].read_text()
    sound(told)
    (table,) = tables(told)
    assert len(table.rows) > 100
    assert left_out(told, "more problems are left out") + len(table.rows) == 1500


@pytest.mark.parametrize(
    ("command", "key", "code", "told"),
    [
        (["plan"], "", 3, "BASETEN_API_KEY"),
        (["apply", "--yes"], "another", 3, "401 Unauthorized"),
        (["apply", "--yes"], "down", 1, "127.0.0.1:1"),
    ],
    ids=["no key", "another key", "no network"],
)
def test_what_kept_the_api_from_answering_is_the_summary(
    command: list[str], key: str, code: int, told: str, workspace: Path, files: tuple[Path, Path]
) -> None:
    with serving(Settings(workspace / "e.db", api_key="right")) as url:
        url = "http://127.0.0.1:1" if key == "down" else url
        ran = subprocess.run(
            [*warm.command(), *command],
            env={**os.environ, "BASETEN_API_KEY": key, "BASETEN_BASE_URL": url}, capture_output=True, text=True,
        )  # fmt: skip
    assert ran.returncode == code, ran.stderr
    summary = files[0].read_text()
    sound(summary)
    head, reason = summary.split("\n\n")
    assert head.partition("\n")[2] == "### No plan"
    assert told in reason.replace("&#58;", ":")
    assert outputs_in(files[1].read_text()) == NO_OUTPUTS


def test_a_refused_apply_has_the_outputs_of_its_plan(workspace: Path, files: tuple[Path, Path]) -> None:
    assert run(["apply", "--local"]) == 8
    assert "**Not applied:** not confirmed" in files[0].read_text()
    assert outputs_in(files[1].read_text()) == {
        "has_changes": "true",
        "submits": "1",
        "cost_per_hour": "104.00",
        "skipped": "",
    }


def test_a_saved_plan_that_is_none_is_told(workspace: Path, files: tuple[Path, Path]) -> None:
    assert run(["apply", "--local", "--yes", "--plan", "missing.json"]) == 1
    assert "missing.json: this can't be read" in files[0].read_text()
    assert outputs_in(files[1].read_text()) == NO_OUTPUTS


def test_a_plan_that_cannot_be_saved_is_told_below_it(workspace: Path, files: tuple[Path, Path]) -> None:
    assert run(["plan", "--local", "--out", "no/folder/plan.json"]) == 1
    told = files[0].read_text()
    assert told.index("### 1 job starts") < told.index("**Not saved:** no/folder/plan.json can't be written")


def test_the_key_is_in_no_summary(workspace: Path, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASETEN_API_KEY", "sesame-key")
    (workspace / "specs" / "sft.yaml").write_text(GOOD.replace("name: sft", "name: sft, sesame-key: 1"))
    assert run(["plan", "--local"]) == 1
    assert "'[key]' is not a field" in files[0].read_text().replace("&#91;", "[").replace("&#93;", "]")


def test_a_plan_that_apply_would_refuse_says_so(workspace: Path, files: tuple[Path, Path]) -> None:
    assert run(["plan", "--local", "--max-gpus", "1"]) == 0
    assert "apply would refuse this: 16 GPUs to submit" in files[0].read_text()


def test_a_summary_that_cannot_be_written_fails_nothing(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(workspace / "no" / "folder"))
    monkeypatch.setenv("GITHUB_OUTPUT", str(workspace))
    assert run(["plan", "--local", "-o", "json"]) == 0
    told = capfd.readouterr()
    assert f"warning: GITHUB_STEP_SUMMARY can't be written: {os.strerror(errno.ENOENT)}" in told.err
    assert f"warning: GITHUB_OUTPUT can't be written: {os.strerror(errno.EISDIR)}" in told.err
    assert json.loads(told.out)["summary"]["submit"] == 1


def test_elsewhere_nothing_is_written(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.setenv("GITHUB_OUTPUT", "")
    before = set(workspace.iterdir())
    assert run(["plan", "--local"]) == 0
    assert {path.name for path in set(workspace.iterdir()) - before} <= {".baseten-jobs"}


def test_a_comment_of_other_paths_is_another_comment(workspace: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run(["plan", "--local-db", "x.db", "-o", "markdown", "specs/sft.yaml"])
    assert capfd.readouterr().out.splitlines()[0] == "<!-- baseten-jobs:plan:local:x.db specs/sft.yaml -->"


# The composite action

PULL_REQUEST = {"pull_request": {"number": 7, "base": {"sha": "b" * 40}}, "repository": {"default_branch": "main"}}
PUSH = {"repository": {"default_branch": "main"}, "before": "a" * 40}


def pull_request(workspace: Path, temp: Path, **environment: str) -> Runner:
    given = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/7/merge", **environment}
    return Runner(workspace, temp / "runner", PULL_REQUEST, given)


def push(workspace: Path, temp: Path, branch: str = "main", event: str = "push", **environment: str) -> Runner:
    given = {"GITHUB_EVENT_NAME": event, "GITHUB_REF": f"refs/heads/{branch}", **environment}
    return Runner(workspace, temp / "runner", PUSH, given)


LOCAL = {"api-key": "key", "args": "--local"}


def test_a_pull_request_from_a_fork_is_validated_and_rendered_and_green(workspace: Path, tmp_path: Path) -> None:
    runner = pull_request(workspace, tmp_path)
    ran = runner.run()
    assert (ran.code, ran.outputs["mode"]) == (0, {"mode": "render"})
    assert "::notice title=baseten-jobs::no API key" in ran.log
    assert "1 manifest: no problems" in ran.log
    assert '"training_job": {' in ran.log
    assert runner.posted() == []


def test_a_pull_request_from_a_fork_with_a_mistake_is_red_at_the_place(workspace: Path, tmp_path: Path) -> None:
    (workspace / "specs" / "sft.yaml").write_text(BAD)
    ran = pull_request(workspace, tmp_path).run()
    assert ran.code == 1
    assert "::error file=specs/sft.yaml,line=6,col=48,title=minimum::spec.compute.node_count: 0 is" in ran.log
    assert "training_job" not in ran.log


def test_a_pull_request_is_planned_in_one_comment_that_is_updated(workspace: Path, tmp_path: Path) -> None:
    runner = pull_request(workspace, tmp_path)
    first = runner.run(**LOCAL)
    assert (first.code, first.outputs["mode"]) == (0, {"mode": "plan"})
    assert first.outputs["plan"] == {"has_changes": "true", "submits": "1", "cost_per_hour": "104.00", "skipped": ""}
    (comment,) = runner.posted()
    assert "### 1 job starts" in comment
    (workspace / "specs" / "more.yaml").write_text(GOOD.replace("sft", "more"))
    assert runner.run(**LOCAL).code == 0
    (comment,) = runner.posted()
    assert "### 2 jobs start" in comment


def test_a_comment_of_somebody_else_is_left_alone(workspace: Path, tmp_path: Path) -> None:
    runner = pull_request(workspace, tmp_path)
    runner.run(**LOCAL)
    (ours,) = runner.posted()
    theirs = {"id": "T", "body": ours.splitlines()[0] + "\nmine", "mine": False}
    runner.comments.write_text(json.dumps([theirs]))
    runner.run(**LOCAL)
    assert runner.posted() == [theirs["body"], ours]


def test_two_targets_have_two_comments(workspace: Path, tmp_path: Path) -> None:
    (workspace / "more").mkdir()
    (workspace / "more" / "x.yaml").write_text(GOOD)
    runner = pull_request(workspace, tmp_path)
    for paths in ("specs", "more", "specs"):
        runner.run(**LOCAL, paths=paths)
    assert len(runner.posted()) == 2


def test_nothing_to_say_is_not_said(workspace: Path, tmp_path: Path) -> None:
    run(["apply", "--local", "--yes"])
    runner = pull_request(workspace, tmp_path)
    assert runner.run(**LOCAL).outputs["plan"]["has_changes"] == "false"
    assert runner.posted() == []


def test_a_deleted_manifest_whose_job_runs_on_is_said(workspace: Path, tmp_path: Path) -> None:
    git(workspace, "init", "-q")
    git(workspace, "add", "-A")
    git(workspace, "commit", "-qm", "one")
    run(["apply", "--local", "--yes"])
    (workspace / "specs" / "other.yaml").write_text(GOOD.replace("sft", "other"))
    run(["apply", "--local", "--yes"])
    (workspace / "specs" / "sft.yaml").unlink()
    git(workspace, "add", "-A")
    git(workspace, "commit", "-qm", "two")
    runner = pull_request(workspace, tmp_path)
    assert runner.run(**LOCAL).outputs["plan"]["has_changes"] == "false"
    assert ["### 1 orphan runs on" in comment for comment in runner.posted()] == [True]


def test_a_comment_is_updated_when_nothing_is_left_to_do(workspace: Path, tmp_path: Path) -> None:
    runner = pull_request(workspace, tmp_path)
    runner.run(**LOCAL)
    run(["apply", "--local", "--yes"])
    runner.run(**LOCAL)
    assert ["### Nothing to do: 1 job is as git says" in comment for comment in runner.posted()] == [True]


def test_a_comment_that_cannot_be_posted_fails_nothing(workspace: Path, tmp_path: Path) -> None:
    ran = pull_request(workspace, tmp_path, GH_FAILS="1").run(**LOCAL)
    assert ran.code == 0
    assert "::warning title=baseten-jobs::the plan could not be posted" in ran.log
    assert "### 1 job starts" in ran.summary


@pytest.mark.parametrize("args", ["--local", ""], ids=["invalid manifests", "no answer"])
def test_a_comment_of_an_older_plan_says_that_there_is_none_any_more(
    args: str, workspace: Path, tmp_path: Path
) -> None:
    runner = pull_request(workspace, tmp_path)
    where = {"base-url": "http://127.0.0.1:9", "api-key": "k"}
    runner.run(**{**where, "args": "--local"})
    if args:
        (workspace / "specs" / "sft.yaml").write_text(BAD)
    old = runner.posted()[0]
    marker = old.partition("\n")[0]
    if not args:
        marker = "<!-- baseten-jobs:plan:http://127.0.0.1:9 -->"
        runner.comments.write_text(json.dumps([{"id": "A", "body": f"{marker}\nold", "mine": True}]))
    assert runner.run(**{**where, "args": args}).code == 1
    (comment,) = runner.posted()
    assert comment.startswith(f"{marker}\n### No plan\n")
    assert ("spec.compute.node_count: 0 is" if args else "127.0.0.1:9") in comment


def test_without_a_plan_nothing_is_posted(workspace: Path, tmp_path: Path) -> None:
    runner = pull_request(workspace, tmp_path)
    runner.run(**LOCAL)
    runner.comments.write_text("[]")
    (workspace / "specs" / "sft.yaml").write_text(BAD)
    ran = runner.run(**LOCAL)
    assert ran.code == 1
    assert runner.posted() == []


def test_what_a_manifest_says_is_no_command_to_the_runner(workspace: Path, tmp_path: Path) -> None:
    (workspace / "specs" / "sft.yaml").write_text(GOOD.replace("i:1", "i"))
    ran = pull_request(workspace, tmp_path).run(**LOCAL)
    token = re.search(r"^::stop-commands::([0-9a-f]{32})$", ran.log, re.MULTILINE)
    assert token
    start, end = ran.log.index(token[0]), ran.log.index(f"\n::{token[1]}::")
    assert start < ran.log.index("### 1 job starts") < end
    assert start < ran.log.index("warning: ", start) < end


def test_strict_makes_warnings_errors(workspace: Path, tmp_path: Path) -> None:
    (workspace / "specs" / "sft.yaml").write_text(GOOD.replace("i:1", "i"))
    assert pull_request(workspace, tmp_path).run(**LOCAL).code == 0
    assert pull_request(workspace, tmp_path).run(**LOCAL, strict="true").code == 1


def test_paths_and_options_are_words_as_in_a_shell(workspace: Path, tmp_path: Path) -> None:
    (workspace / "a b").mkdir()
    (workspace / "a b" / "x.yaml").write_text(GOOD.replace("sft", "other"))
    ran = pull_request(workspace, tmp_path).run(
        **{"api-key": "k", "paths": 'specs\n"a b"', "args": "--local\n--set 'sft:spec.image.base_image=a b;$(x):1'"}
    )
    assert ran.code == 1
    assert "a b;$(x):1" in ran.log
    given = {"api-key": "k", "paths": 'specs "a b"', "args": "--local --max-submits 3"}
    assert pull_request(workspace, tmp_path).run(**given).outputs["plan"]["submits"] == "2"


NEEDY = GOOD.replace('"i:1"', "null")
"""Valid only with an override."""


@pytest.mark.parametrize(
    "given", ["--set 'sft:spec.image.base_image=repo:7'", "'--set=*:spec.image.base_image=repo:7'"]
)
def test_an_override_reaches_every_command(given: str, cloned: Path, tmp_path: Path) -> None:
    (cloned / "specs" / "sft.yaml").write_text(NEEDY)
    assert pull_request(cloned, tmp_path).run(**LOCAL).code == 1
    rendered = pull_request(cloned, tmp_path).run(args=f"--max-submits 3 {given} --prune --strict")
    assert (rendered.code, rendered.outputs["mode"]) == (0, {"mode": "render"})
    assert '"base_image": "repo:7"' in rendered.log
    planned = pull_request(cloned, tmp_path).run(**{"api-key": "key", "args": f"--local {given}"})
    assert (planned.code, planned.outputs["plan"]["submits"]) == (0, "1")
    git(cloned, "commit", "--quiet", "--all", "--message", "Needy")
    git(cloned, "push", "--quiet", "origin", "main")
    applied = push(cloned, tmp_path).run(**{"api-key": "key", "args": f"--local {given}"})
    assert applied.code == 0
    assert "### Applied: 1 submitted." in applied.summary


def test_an_override_without_a_value_is_wrong_usage(workspace: Path, tmp_path: Path) -> None:
    assert pull_request(workspace, tmp_path).run(args="--set").code == 64


def test_a_push_to_the_default_branch_applies(cloned: Path, tmp_path: Path) -> None:
    ran = push(cloned, tmp_path).run(**LOCAL)
    assert (ran.code, ran.outputs["mode"]) == (0, {"mode": "apply"})
    assert ran.outputs["apply"]["submits"] == "1"
    assert "### Applied: 1 submitted." in ran.summary


def test_a_commit_that_was_overtaken_is_not_applied(cloned: Path, tmp_path: Path) -> None:
    overtake(cloned)
    ran = push(cloned, tmp_path).run(**LOCAL)
    assert ran.code == 0
    assert "\n::notice title=baseten-jobs::not applied: the default branch has moved on" in ran.log
    assert "not applied: main is at " in ran.log
    assert ran.summary.startswith("<!-- baseten-jobs:plan -->\n### Skipped\n\nnot applied: main is at ")
    assert ran.outputs["apply"] == {**NO_OUTPUTS, "skipped": "true"}


def test_a_commit_that_runs_nothing_swallows_no_apply(cloned: Path, tmp_path: Path) -> None:
    """Such as one with `[skip ci]`, or outside of the paths that start the workflow."""
    overtake(cloned, "README.md")
    ran = push(cloned, tmp_path).run(**LOCAL)
    assert (ran.code, ran.outputs["apply"]["skipped"]) == (0, "false")
    assert "### Applied: 1 submitted." in ran.summary
    assert "::notice" not in ran.log


def test_the_job_of_the_last_manifest_is_pruned(cloned: Path, tmp_path: Path) -> None:
    pruning = {"api-key": "key", "args": "--local --prune"}
    assert push(cloned, tmp_path).run(**pruning).code == 0
    git(cloned, "rm", "--quiet", "specs/sft.yaml")
    git(cloned, "commit", "--quiet", "--message", "Retire", GIT_COMMITTER_DATE="2090-01-01T00:00:00Z")
    git(cloned, "push", "--quiet", "origin", "main")
    ran = push(cloned, tmp_path).run(**pruning)
    assert (ran.code, "### Applied: 1 stopped." in ran.summary) == (0, True), ran.log


def test_a_repository_may_lie_in_a_folder_of_the_workspace(cloned: Path, tmp_path: Path) -> None:
    (tmp_path / "above").mkdir()
    cloned.rename(tmp_path / "above" / "code")
    ran = push(tmp_path / "above", tmp_path).run(**LOCAL, paths="code/specs")
    assert (ran.code, "### Applied: 1 submitted." in ran.summary) == (0, True), ran.log


@pytest.fixture
def guarded(cloned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitServer]:
    """The remote, over HTTP, for those alone who have the token `sesame`."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    token = base64.b64encode(b"x-access-token:sesame").decode()
    with git_serving(GitServer(tmp_path, f"basic {token}")) as server:
        git(cloned, "remote", "set-url", "origin", f"{server.url}/origin.git")
        yield server


def test_the_token_asks_for_the_tip_where_the_checkout_left_none(
    guarded: GitServer, cloned: Path, tmp_path: Path
) -> None:
    runner = push(cloned, tmp_path, GITHUB_SERVER_URL=guarded.url)
    runner.hear()
    ran = runner.run(**LOCAL, **{"github-token": "sesame"})
    assert (ran.code, ran.outputs["apply"]["skipped"]) == (0, "false"), ran.log
    assert set(guarded.headers) == {guarded.authorization}
    secret = guarded.authorization.removeprefix("basic ")
    for told in (ran.log, ran.summary, *runner.heard("apply"), (cloned / ".git" / "config").read_text()):
        assert "sesame" not in told
        assert secret not in told
    ran = push(cloned, tmp_path, GITHUB_SERVER_URL=guarded.url).run(**LOCAL, **{"github-token": "wrong"})
    assert (ran.code, "Applied" in ran.summary, "terminal prompts disabled" in ran.log) == (1, False, True)


def test_the_token_takes_the_place_of_what_the_checkout_left(guarded: GitServer, cloned: Path, tmp_path: Path) -> None:
    """Two headers of this name are refused by GitHub."""
    git(cloned, "config", f"http.{guarded.url}/.extraheader", "AUTHORIZATION: basic b2xk")
    ran = push(cloned, tmp_path, GITHUB_SERVER_URL=guarded.url).run(**LOCAL, **{"github-token": "sesame"})
    assert (ran.code, set(guarded.headers)) == (0, {guarded.authorization})


def test_the_token_goes_to_the_host_of_the_workflow_alone(guarded: GitServer, cloned: Path, tmp_path: Path) -> None:
    assert push(cloned, tmp_path).run(**LOCAL, **{"github-token": "sesame"}).code == 1
    assert set(guarded.headers) == {None}


def test_what_is_new_is_told_by_the_event(cloned: Path, tmp_path: Path) -> None:
    for runner, command, since in (
        (push(cloned, tmp_path), "apply", "a" * 40),
        (push(cloned, tmp_path, branch="topic"), "plan", "a" * 40),
        (pull_request(cloned, tmp_path), "plan", "b" * 40),
    ):
        runner.hear()
        runner.run(**LOCAL)
        heard = runner.heard(command)
        assert heard[heard.index("--since") + 1] == since
        assert "--since" not in runner.heard("validate")


def test_a_run_that_somebody_starts_on_the_default_branch_applies(cloned: Path, tmp_path: Path) -> None:
    runner = push(cloned, tmp_path, event="workflow_dispatch")
    runner = Runner(cloned, runner.temp, {"repository": PUSH["repository"]}, runner.environment)
    runner.hear()
    ran = runner.run(**LOCAL, create="sft")
    assert (ran.code, "### Applied: 1 submitted." in ran.summary) == (0, True)
    heard = runner.heard("apply")
    assert heard[heard.index("--create") + 1] == "sft"
    assert "--since" not in heard
    assert push(cloned, tmp_path, "topic", "workflow_dispatch").run(**LOCAL).outputs["mode"] == {"mode": "plan"}
    assert push(cloned, tmp_path, "topic", "schedule").run(**LOCAL).outputs["mode"] == {"mode": "plan"}


@pytest.mark.parametrize("create", ["*", "sft 'a b' $(touch x) --yes", "; touch x"])
def test_what_is_to_be_created_is_words_and_no_script(create: str, cloned: Path, tmp_path: Path) -> None:
    runner = pull_request(cloned, tmp_path)
    runner.hear()
    ran = runner.run(**LOCAL, create=create)
    heard = runner.heard("plan")
    given = [word for before, word in pairwise(heard) if before == "--create"]
    assert given == shlex.split(create)
    assert ran.code == (0 if create == "*" else 1)
    assert not (cloned / "x").exists()


def test_without_a_remote_that_answers_nothing_is_applied_and_it_is_red(cloned: Path, tmp_path: Path) -> None:
    git(cloned, "remote", "set-url", "origin", str(tmp_path / "nowhere"))
    ran = push(cloned, tmp_path).run(**LOCAL)
    assert ran.code != 0
    assert "Applied" not in ran.summary


def test_a_push_to_another_branch_is_planned(cloned: Path, tmp_path: Path) -> None:
    ran = push(cloned, tmp_path, branch="topic").run(**LOCAL)
    assert (ran.code, ran.outputs["mode"]) == (0, {"mode": "plan"})
    assert "Applied" not in ran.summary


def test_a_push_can_be_kept_from_applying(cloned: Path, tmp_path: Path) -> None:
    assert push(cloned, tmp_path).run(**LOCAL, apply="false").outputs["mode"] == {"mode": "plan"}


def test_a_push_without_a_key_is_red(cloned: Path, tmp_path: Path) -> None:
    assert push(cloned, tmp_path).run().code == 3


def test_a_refused_apply_is_red(cloned: Path, tmp_path: Path) -> None:
    ran = push(cloned, tmp_path).run(**{"api-key": "k", "args": "--local --max-gpus 1"})
    assert ran.code == 8
    assert "**Not applied:**" in ran.summary


# The action's own text


def action() -> Any:
    return yaml.safe_load(ACTION.read_text())


def test_every_script_is_bash() -> None:
    scripts = [step["run"] for step in action()["runs"]["steps"] if "run" in step]
    assert len(scripts) == 10
    for script in [*scripts, (ACTION.parent / "steps.sh").read_text()]:
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_every_input_is_used_and_every_input_used_is_there() -> None:
    used = set(re.findall(r"inputs\.([\w-]+)", ACTION.read_text()))
    assert used == set(action()["inputs"])
    assert all(each["description"] for each in action()["inputs"].values())


def test_every_output_is_one_that_the_tool_writes(workspace: Path, files: tuple[Path, Path]) -> None:
    run(["apply", "--local", "--yes"])
    assert set(action()["outputs"]) == set(outputs_in(files[1].read_text()))


def test_no_expression_is_pasted_into_a_script() -> None:
    assert not any("${{" in step.get("run", "") for step in action()["runs"]["steps"])


def test_the_action_is_one_by_githubs_schema() -> None:
    schema = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-actions"]
    subprocess.run([*schema, str(ACTION)], check=True, capture_output=True)


def test_the_version_of_the_action_is_what_it_installs() -> None:
    """`steps.sh` installs the repository that it is in."""
    assert '--no-build-isolation "$here/../../.."' in (ACTION.parent / "steps.sh").read_text()
    assert (ACTION.parent / ".." / ".." / ".." / "pyproject.toml").resolve() == ROOT / "pyproject.toml"
