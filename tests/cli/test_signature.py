"""Whose the jobs of an apply are: the letters of the checkout's remote stand in their names, and in no plan."""

from pathlib import Path
from typing import Any

import pytest

from baseten_jobs.job.names import NO_OWNER, owner_of, read_job_name
from tests.support.commands import Cli, called, nothing_set
from tests.support.repository import git
from tests.support.runner import GOOD

__all__ = ["called", "nothing_set"]

OURS = "https://github.com/acme/training"


@pytest.fixture
def checkout(tmp_path: Path, nothing_set: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "checkout" / "specs").mkdir(parents=True)
    (tmp_path / "checkout" / "specs" / "sft.yaml").write_text(GOOD)
    git(tmp_path / "checkout", "init", "-q", "-b", "main")
    monkeypatch.chdir(tmp_path / "checkout")
    return tmp_path / "checkout"


def held(called: Cli, specs: str = "specs") -> dict[str, Any]:
    """Apply, and what `status` then shows of the job that the provider holds."""
    ran = called("apply", "--yes", "--local-db", "emulator.db", specs)
    assert ran.code == 0, ran.err
    (row,) = called("status", "--local-db", "emulator.db", "-o", "json", "-f", specs).json["jobs"]
    job: dict[str, Any] = row["job"]
    assert row["job_name"] == job["name"]
    assert job["submitted_name"] == f"{job['name']}-{job['owner']}{job['token']}"
    return job


def test_a_wide_status_tells_the_letters_and_the_whole_name(checkout: Path, called: Cli) -> None:
    git(checkout, "remote", "add", "origin", OURS)
    job = held(called)
    head, row, *_ = called("status", "--local-db", "emulator.db", "-o", "wide").out.splitlines()
    assert head.split()[-4:] == ["OWNER", "TOKEN", "SUBMITTED", "NAME"]
    assert row.split()[-3:] == [job["owner"], job["token"], job["submitted_name"]]
    assert job["token"] not in called("status", "--local-db", "emulator.db").out


@pytest.mark.parametrize("place", [".", "..", "specs"])
def test_a_job_has_the_letters_of_the_checkouts_origin(
    place: str, checkout: Path, called: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the command runs: what counts is where the manifests lie."""
    git(checkout, "remote", "add", "origin", "git@github.com:Acme/Training.git")
    git(checkout, "remote", "add", "fork", "git@github.com:ada/training.git")
    monkeypatch.chdir(checkout / place)
    assert held(called, str(checkout / "specs"))["owner"] == owner_of(OURS)


@pytest.mark.parametrize(
    ("environment", "owner"),
    [
        ({}, NO_OWNER),
        ({"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "acme/training"}, owner_of(OURS)),
        ({"CI_PROJECT_URL": "https://gitlab.com/acme/training"}, owner_of("git@gitlab.com:acme/training")),
        ({"CI_PROJECT_URL": "https://gitlab.com/mirror", "BASETEN_JOBS_OWNER": OURS}, owner_of(OURS)),
    ],
)
def test_without_an_origin_the_environment_says_whose_it_is(
    environment: dict[str, str], owner: str, checkout: Path, called: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert held(called)["owner"] == owner


def test_outside_of_a_checkout_and_without_git_there_is_no_owner(
    checkout: Path, tmp_path: Path, called: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(checkout, "remote", "add", "origin", OURS)
    (tmp_path / "alone" / "specs").mkdir(parents=True)
    (tmp_path / "alone" / "specs" / "sft.yaml").write_text(GOOD)
    monkeypatch.chdir(tmp_path / "alone")
    assert held(called)["owner"] == NO_OWNER
    monkeypatch.chdir(checkout)
    monkeypatch.setenv("PATH", str(tmp_path))
    (outcome,) = called("apply", "--yes", "--local-db", "emulator.db", "-o", "json").json["results"]
    assert outcome["owner"] == NO_OWNER


def test_what_is_reviewed_has_no_letters(checkout: Path, called: Cli) -> None:
    """A body, a plan and a saved plan are the same for everybody, and each time."""
    git(checkout, "remote", "add", "origin", OURS)
    (rendered,) = called("render", "specs", "-o", "json").json
    assert read_job_name(rendered["request"]["training_job"]["name"]).token == ""
    assert called("plan", "--local-db", "emulator.db", "--out", "plan.json").code == 0
    assert f"-{owner_of(OURS)}" not in Path("plan.json").read_text()
    ran = called("apply", "--yes", "--local-db", "emulator.db", "--plan", "plan.json", "-o", "json").json
    (outcome,) = ran["results"]
    assert outcome["submitted_name"].startswith(outcome["job_name"] + "-" + owner_of(OURS))
    assert called("plan", "--local-db", "emulator.db", "--detailed-exitcode").code == 0
