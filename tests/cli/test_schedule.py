"""The action on a schedule: limits first, then an apply, and one issue that tells how the jobs are."""

import json
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from baseten_jobs.cli.main import run
from baseten_jobs.provider.api.connection import Connection, open_api
from baseten_jobs.provider.api.pacing import Clock
from tests.report.reading import parsed, seen, tables
from tests.report.test_markdown import GITHUB_LIMIT, left_out, sound
from tests.support.runner import BAD, GOOD, Runner, cloned, commit, git, overtake, workspace

pytestmark = pytest.mark.slow

__all__ = ["cloned", "workspace"]

MARKER = "<!-- baseten-jobs:issue:local:.baseten-jobs/emulator.db -->"
REPORT = {"api-key": "key", "args": "--local", "report-issue": "true"}
SUSPENDED = GOOD + "policy: {suspend: true}\n"


@pytest.fixture
def machine(cloned: Path, tmp_path: Path) -> Runner:
    return scheduled(cloned, tmp_path)


def scheduled(cloned: Path, tmp_path: Path, **environment: str) -> Runner:
    given = {"GITHUB_EVENT_NAME": "schedule", "GITHUB_REF": "refs/heads/main", **environment}
    runner = Runner(cloned, tmp_path / "runner", {"repository": {"default_branch": "main"}}, given)
    runner.hear()
    return runner


def pushed(machine: Runner, text: str, name: str = "sft") -> None:
    """The manifest as somebody has changed it on the branch."""
    (machine.workspace / "specs" / f"{name}.yaml").write_text(text)
    commit(machine.workspace)
    git(machine.workspace, "push", "--quiet", "origin", "main")


def stopped(machine: Runner) -> None:
    """A person has stopped the job that an apply had submitted, so that somebody has to say what is to become of it."""
    assert run(["apply", "--local", "--yes"]) == 0
    assert run(["stop", "sft", "--local", "--yes"]) == 0


def states(machine: Runner) -> list[tuple[str, str]]:
    return [(issue["state"], issue.get("reason") or "") for issue in machine.kept()]


def control(path: str, *parts: str, **body: Any) -> None:
    """Have the embedded API do what only time, or a fault, would."""
    with closing(open_api(Connection(local_db=".baseten-jobs/emulator.db"), Clock())) as api:
        api._exchange("POST", f"/_emulator/{path}", *parts, body=body)


def only_job() -> dict[str, Any]:
    with closing(open_api(Connection(local_db=".baseten-jobs/emulator.db"), Clock())) as api:
        (job,) = api.search()
        return dict(job)


def test_limits_come_first_then_an_apply_and_last_the_report(machine: Runner) -> None:
    ran = machine.run(**REPORT, strict="true")
    assert (ran.code, ran.outputs["mode"]) == (0, {"mode": "schedule"}), ran.log
    assert "### Applied: 1 submitted." in ran.summary
    commands = [(call[0], "--limits-only" in call, "--strict" in call) for call in machine.calls()]
    assert commands == [
        ("validate", False, True), ("apply", True, False), ("apply", False, True), ("report", False, True)
    ]  # fmt: skip
    for call in machine.calls()[1:]:
        assert call[call.index("--if-tip") + 1] == "main"


def test_where_nothing_needs_a_person_no_issue_is_made(machine: Runner) -> None:
    ran = machine.run(**REPORT)
    assert (ran.code, machine.kept()) == (0, [])
    assert "### Nothing needs a person" in ran.summary


def test_an_issue_is_opened_edited_closed_and_opened_again(machine: Runner) -> None:
    stopped(machine)
    assert machine.run(**REPORT).code == 0
    (issue,) = machine.kept()
    assert (issue["title"], issue["state"], issue["edits"]) == ("Training jobs need a person", "OPEN", 0)
    assert issue["body"].startswith(f"{MARKER}\n### 1 job needs a person\n")
    assert issue["body"].endswith("\n[The run that wrote this](https://github.com/acme/training/actions/runs/42)\n")
    (table, *_) = tables(issue["body"])
    assert [row[:2] for row in table.rows] == [["stopped", "sft"]]

    pushed(machine, GOOD.replace("sft", "more"), "more")
    assert machine.run(**REPORT).code == 0
    (issue,) = machine.kept()
    assert (issue["state"], issue["edits"]) == ("OPEN", 1)
    assert "<code>more</code>" in issue["body"]

    pushed(machine, SUSPENDED)
    assert machine.run(**REPORT).code == 0
    (issue,) = machine.kept()
    assert (issue["state"], issue["reason"], issue["edits"]) == ("CLOSED", "completed", 2)
    assert "### Nothing needs a person" in issue["body"]
    assert machine.run(**REPORT).code == 0
    assert machine.kept() == [issue], "a closed issue is left alone"

    pushed(machine, GOOD)
    assert machine.run(**REPORT).code == 0
    (issue,) = machine.kept()
    assert (issue["state"], issue["reason"]) == ("OPEN", "reopened")


def test_without_the_input_no_report_is_made(machine: Runner) -> None:
    stopped(machine)
    assert machine.run(**LOCAL).code == 0
    assert machine.kept() == []
    assert "report" not in [call[0] for call in machine.calls()]


LOCAL = {"api-key": "key", "args": "--local"}


@pytest.mark.parametrize(
    ("event", "ref", "inputs"),
    [
        ("push", "refs/heads/main", {}),
        ("workflow_dispatch", "refs/heads/main", {}),
        ("pull_request", "refs/pull/7/merge", {}),
        ("schedule", "refs/heads/topic", {}),
        ("schedule", "refs/heads/main", {"apply": "false"}),
    ],
)
def test_other_events_keep_no_issue(event: str, ref: str, inputs: dict[str, str], cloned: Path, tmp_path: Path) -> None:
    machine = scheduled(cloned, tmp_path, GITHUB_EVENT_NAME=event, GITHUB_REF=ref)
    stopped(machine)
    assert machine.run(**REPORT, **inputs).code == 0
    assert machine.kept() == []
    assert not any(call[0] == "report" or "--limits-only" in call for call in machine.calls())


def test_an_issue_that_looks_like_ours_is_left_to_its_author(machine: Runner) -> None:
    theirs = [
        {"number": number, "title": "x", "body": f"{MARKER}\nmine", "mine": False, "state": state, "edits": 0}
        for number, state in ((3, "OPEN"), (4, "CLOSED"))
    ]
    others = [{**theirs[0], "number": 5, "body": "<!-- baseten-jobs:issue -->\nof other paths", "mine": True}]
    machine.issues.write_text(json.dumps([*theirs, *others]))
    stopped(machine)
    assert machine.run(**REPORT).code == 0
    kept = machine.kept()
    assert kept[:3] == [*theirs, *others]
    assert [issue["state"] for issue in kept[3:]] == ["OPEN"]


def test_two_targets_have_two_issues(machine: Runner) -> None:
    stopped(machine)
    for paths in ("specs", "specs/sft.yaml", "specs"):
        assert machine.run(**REPORT, paths=paths).code == 0
    assert [(issue["title"], issue["edits"]) for issue in machine.kept()] == [
        ("Training jobs need a person", 1),
        ("Training jobs of specs/sft.yaml need a person", 0),
    ]


@pytest.mark.parametrize(("beside", "own"), [("before", 1), ("after", 0)])
def test_of_two_runs_at_once_the_younger_issue_is_closed(beside: str, own: int, cloned: Path, tmp_path: Path) -> None:
    """Both found none, and made one each: whoever made it, the older one stays."""
    machine = scheduled(cloned, tmp_path, GH_BESIDE=beside)
    stopped(machine)
    assert machine.run(**REPORT).code == 0
    assert states(machine) == [("OPEN", ""), ("CLOSED", "not_planned")]
    assert [issue["body"].endswith("of another run") for issue in machine.kept()] == [own == 1, own == 0]
    assert machine.run(**REPORT).code == 0
    assert states(machine) == [("OPEN", ""), ("CLOSED", "not_planned")]


def test_an_issue_too_many_is_closed_by_a_later_run(machine: Runner) -> None:
    stopped(machine)
    machine.run(**REPORT)
    (issue,) = machine.kept()
    machine.issues.write_text(json.dumps([issue, {**issue, "number": 99}]))
    assert machine.run(**REPORT).code == 0
    assert states(machine) == [("OPEN", ""), ("CLOSED", "not_planned")]


def test_what_came_back_reopens_the_first_issue(machine: Runner) -> None:
    stopped(machine)
    machine.run(**REPORT)
    (issue,) = machine.kept()
    closed = {**issue, "state": "CLOSED"}
    machine.issues.write_text(json.dumps([closed, {**closed, "number": 99}]))
    assert machine.run(**REPORT).code == 0
    assert states(machine) == [("OPEN", "reopened"), ("CLOSED", "")]


def test_a_commit_that_was_overtaken_leaves_the_issue_alone(machine: Runner) -> None:
    stopped(machine)
    machine.run(**REPORT)
    before = machine.kept()
    overtake(machine.workspace)
    ran = machine.run(**REPORT)
    assert (ran.code, machine.kept()) == (0, before), ran.log
    assert "there is no report to post" in ran.log


def test_manifests_with_errors_are_told_in_the_issue_and_the_run_is_red(machine: Runner) -> None:
    pushed(machine, BAD)
    ran = machine.run(**REPORT)
    assert ran.code == 1
    assert [call[0] for call in machine.calls()] == ["validate", "apply", "apply", "report"]
    (issue,) = machine.kept()
    assert issue["body"].startswith(f"{MARKER}\n### A person is needed\n")
    assert "0 is less than the minimum of 1" in issue["body"]


def test_limits_hold_where_another_manifest_has_errors(machine: Runner) -> None:
    pushed(machine, BAD.replace("sft", "bad"), "bad")
    assert machine.run(**REPORT).code == 1
    assert [call[0] for call in machine.calls() if "--limits-only" in call] == ["apply"]


def test_an_apply_that_failed_needs_a_person(machine: Runner) -> None:
    ran = machine.run(**{**REPORT, "args": "--local --max-gpus 1"})
    assert ran.code == 8
    (issue,) = machine.kept()
    assert issue["body"].startswith(f"{MARKER}\n### A person is needed\n")
    assert "- **<code>apply</code> failed; the log of the run says why**\n" in issue["body"]
    assert "- **<code>apply</code> refuses all of it: 16 GPUs to submit" in issue["body"]


def test_where_the_api_does_not_answer_the_issue_is_left_as_it_was_and_the_run_is_red(machine: Runner) -> None:
    stopped(machine)
    machine.run(**REPORT)
    before = machine.kept()
    ran = machine.run(**{**REPORT, "args": "", "base-url": "http://127.0.0.1:9"})
    assert (ran.code, machine.kept()) == (1, before)


def test_an_issue_that_cannot_be_written_makes_the_run_red(cloned: Path, tmp_path: Path) -> None:
    machine = scheduled(cloned, tmp_path, GH_FAILS="1")
    stopped(machine)
    ran = machine.run(**REPORT)
    assert ran.code == 1
    assert "::error title=baseten-jobs::the issue could not be kept up to date" in ran.log
    assert "### 1 job needs a person" in ran.summary


def test_a_run_over_its_limit_is_stopped_and_told(machine: Runner) -> None:
    pushed(machine, GOOD + "policy: {max_duration: 1h}\n")
    assert machine.run(**REPORT).code == 0
    control("jobs/{}", only_job()["id"], status="TRAINING_JOB_RUNNING")
    control("clock", advance=7200)
    assert machine.run(**REPORT).code == 0
    (issue,) = machine.kept()
    (table, *_) = tables(issue["body"])
    assert [row[:2] for row in table.rows] == [["over its limit", "sft"]]
    assert only_job()["current_status"] == "TRAINING_JOB_STOPPED"


def test_300_jobs_fit(machine: Runner) -> None:
    pushed(machine, "---\n".join(GOOD.replace("sft", f"lr-{i}") for i in range(300)))
    ran = machine.run(**REPORT)
    assert ran.code == 8, ran.log
    (issue,) = machine.kept()
    assert len(issue["body"]) < GITHUB_LIMIT
    (table,) = tables(issue["body"])
    assert len(table.rows) > 200
    assert len(table.rows) + left_out(issue["body"], "left out.") == 300


HOSTILE = "@acme/team #1 GH-2 <img src=x> ![x](//a.b/c) `x` | <!-- --> ::error::x"


def test_no_name_and_no_error_does_anything_in_an_issue(machine: Runner) -> None:
    pushed(machine, GOOD.replace("project: Demo", f'project: "{HOSTILE}"'))
    assert run(["apply", "--local", "--yes"]) == 0
    control("jobs/{}", only_job()["id"], status="TRAINING_JOB_FAILED", error_message=f"closes #1 {HOSTILE}")
    ran = machine.run(**REPORT)
    assert ran.code == 0, ran.log
    (issue,) = machine.kept()
    (table,) = tables(issue["body"])
    assert [row[:2] for row in table.rows] == [["failed", "sft"]]
    assert (
        table.rows[0][-1]
        .replace("\u200b", "")
        .endswith("closes #1 @acme/team #1 GH-2 <img src=x> ![x](//a.b/c) x | <!-- --> ::error::x")
    )
    sound(issue["body"].replace("[The run that wrote this](https://github.com/acme/training/actions/runs/42)", ""))
    outside = re.sub("<code>.*?</code>", "", issue["body"])
    assert not any(re.search(r"[@#]\w|gh-\d", seen(token), re.IGNORECASE) for token in parsed(outside))
    assert not any(line.startswith("::error::x") for line in ran.log.splitlines())
