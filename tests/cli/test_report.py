"""`report`: one document on how all jobs are, and an exit code that says whether it needs a person."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from baseten_jobs.provider.api.connection import Connection, open_api
from baseten_jobs.provider.api.pacing import Clock
from tests.report.reading import tables
from tests.report.test_markdown import sound
from tests.support.commands import Cli, called, nothing_set
from tests.support.runner import BAD, GOOD

__all__ = ["called", "nothing_set"]

MARKER = "<!-- baseten-jobs:issue:local:.baseten-jobs/emulator.db -->"


@pytest.fixture
def cli(tmp_path: Path, nothing_set: None, called: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.chdir(tmp_path)
    write(GOOD)
    return called


def write(text: str, name: str = "sft") -> None:
    Path("specs").mkdir(exist_ok=True)
    Path("specs", f"{name}.yaml").write_text(text)


def by_hand(act: Callable[[Any, dict[str, Any]], Any]) -> None:
    """Do something to the one job there is, past this tool."""
    with closing(open_api(Connection(local_db=".baseten-jobs/emulator.db"), Clock())) as api:
        (job,) = api.search()
        act(api, job)


def ended(status: str, message: str = "") -> None:
    body = {"status": f"TRAINING_JOB_{status}", "error_message": message}
    by_hand(lambda api, job: api._exchange("POST", "/_emulator/jobs/{}", job["id"], body=body))


def test_before_the_first_apply_nothing_needs_a_person(cli: Cli) -> None:
    ran = cli("report", "--local")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"{MARKER}\n### Nothing needs a person\n")
    (table,) = tables(ran.out)
    assert (table.head, table.rows) == (["manifest", "project", "why"], [["sft", "Demo", "submit: new"]])


def test_it_only_reads(cli: Cli) -> None:
    """Also where apply would submit one job and stop another."""
    cli("apply", "--local", "--yes")
    write(GOOD.replace("node_count: 2", "node_count: 4") + "policy: {on_change: stop}\n")
    before, after = [], []
    by_hand(lambda api, job: before.append((job["id"], job["current_status"] == "TRAINING_JOB_STOPPED")))
    ran = cli("report", "--local", "--prune", "-o", "json")
    assert sorted(each["stands"] for each in ran.json["manifests"]) == ["to stop", "to submit"]
    by_hand(lambda api, job: after.append((job["id"], job["current_status"] == "TRAINING_JOB_STOPPED")))
    assert after == before


@pytest.mark.parametrize(
    ("status", "stands", "code"),
    [
        ("RUNNING", "runs", 0),
        ("COMPLETED", "completed", 0),
        ("FAILED", "failed", 1),
        ("PREEMPTED", "preempted", 1),
        ("STOPPED", "stopped", 1),
        ("TELEPORTED", "unknown status", 1),
    ],
)
def test_the_exit_code_says_whether_a_person_is_needed(status: str, stands: str, code: int, cli: Cli) -> None:
    cli("apply", "--local", "--yes")
    ended(status)
    ran = cli("report", "--local", "-o", "json")
    assert (ran.code, ran.json["needs_a_person"]) == (code, code != 0)
    (told,) = ran.json["manifests"]
    assert (told["stands"], told["name"], told["runs"]) == (stands, "sft", 1)
    assert [job["status"] for job in told["jobs"]] == [f"TRAINING_JOB_{status}"]
    assert cli("report", "--local").code == code


def test_a_duplicate_is_unclear(cli: Cli) -> None:
    cli("apply", "--local", "--yes")

    def again(api: Any, job: dict[str, Any]) -> None:
        body = {"training_job": {"name": job["name"], "image": {"base_image": "i:1"}}}
        api.create_once(job["training_project_id"], body)

    by_hand(again)
    ran = cli("report", "--local", "-o", "json")
    assert (ran.code, [each["stands"] for each in ran.json["manifests"]]) == (7, ["duplicate"])
    assert len(ran.json["manifests"][0]["jobs"]) == 2


def test_a_job_that_failed_is_told_with_its_error_and_without_a_value(cli: Cli) -> None:
    write(GOOD.replace("MODE: sesame", "API_KEY: sesame"))
    cli("apply", "--local", "--yes")
    ended("FAILED", "KeyError: sesame")
    for more, told in ((), "***"), (("--show-values",), "sesame"):
        ran = cli("report", "--local", *more)
        (table,) = tables(ran.out)
        assert table.rows[0][-1].endswith(f"KeyError: {told}"), ran.out
        assert ("sesame" in cli("report", "--local", "-o", "json", *more).out) == (told == "sesame")


def test_what_apply_refuses_and_what_failed_before_needs_a_person(cli: Cli) -> None:
    ran = cli("report", "--local", "--max-gpus", "1")
    assert (ran.code, "### A person is needed" in ran.out) == (1, True)
    assert "- **<code>apply</code> refuses all of it: 16 GPUs to submit" in ran.out
    ran = cli("report", "--local", "--failed", "`apply` failed | @team")
    sound(ran.out)
    assert (ran.code, "- **<code>apply</code> failed &#124; &#64;&#8203;team**" in ran.out) == (1, True)
    assert cli("report", "--local", "-o", "json", "--failed", "x").json["alerts"] == ["x"]


def test_manifests_with_errors_are_the_document(cli: Cli) -> None:
    write(BAD)
    ran = cli("report", "--local")
    assert (ran.code, ran.out.startswith(f"{MARKER}\n### A person is needed\n")) == (1, True)
    (table,) = tables(ran.out)
    assert table.rows[0][1] == "specs/sft.yaml:6:48"
    assert cli("report", "--local", "-o", "json").json["valid"] is False


def test_without_a_key_the_document_says_so(cli: Cli) -> None:
    ran = cli("report")
    assert (ran.code, ran.out.startswith("<!-- baseten-jobs:issue -->\n### A person is needed\n")) == (3, True)
    assert "BASETEN_API_KEY is not set" in ran.out


def test_where_the_api_gives_no_answer_there_is_no_document(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASETEN_API_KEY", "k")
    monkeypatch.setenv("BASETEN_BASE_URL", "http://127.0.0.1:9")
    ran = cli("report")
    assert (ran.code, ran.out) == (1, "")
    assert "127.0.0.1:9" in ran.err
