"""A job of another repository keeps its spec from being bought again, and is never stopped by this one."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from baseten_jobs.job.names import owner_of
from baseten_jobs.provider.api.connection import Connection, open_api
from baseten_jobs.provider.api.pacing import Clock
from tests.support.commands import Cli, called, nothing_set
from tests.support.repository import git
from tests.support.runner import GOOD

__all__ = ["called", "nothing_set"]

OTHERS = owner_of("github.com/acme/training")
FOREIGN = f"it is of another repository, '{OTHERS}'; `--owner-too {OTHERS}` if that is this one's former address"
STOPPING = GOOD + "policy: {on_change: stop}\n"
OTHER = GOOD.replace("sft", "other").replace("MODE: sesame", "MODE: other")
BETTER = STOPPING.replace("MODE: sesame", "MODE: better")


class Fork:
    """One checkout, once as acme's and once as a fork of it: both apply to the same provider."""

    def __init__(self, root: Path, called: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.called, self.monkeypatch = root, called, monkeypatch
        self.date = datetime.now(UTC) - timedelta(hours=1)

    def commit(self, **manifests: str) -> None:
        for file in (self.root / "specs").glob("*.yaml"):
            file.unlink()
        for name, text in manifests.items():
            (self.root / "specs" / f"{name}.yaml").write_text(text)
        git(self.root, "add", "-A")
        date = self.date.isoformat()
        git(self.root, "commit", "-qm", "change", GIT_COMMITTER_DATE=date, GIT_AUTHOR_DATE=date)
        self.date += timedelta(hours=2)  # what runs was made before its manifest was deleted

    def __call__(self, owner: str, *words: str) -> Any:
        self.monkeypatch.setenv("BASETEN_JOBS_OWNER", f"github.com/{owner}/training")
        ran = self.called(words[0], "--local-db", "../emulator.db", *words[1:], "-o", "json")
        assert ran.code == 0, ran.err
        return ran.json

    def queue(self) -> None:
        """All jobs wait again."""
        with closing(open_api(Connection(local_db="../emulator.db"), Clock())) as api:
            for job in api.search():
                api._exchange("POST", "/_emulator/jobs/{}", job["id"], body={"status": "TRAINING_JOB_PENDING"})

    def apply(self, owner: str, *words: str) -> list[tuple[str, str]]:
        results = self(owner, "apply", "--yes", *words)["results"]
        return [(each["outcome"], each["job_id"]) for each in results]


@pytest.fixture
def fork(tmp_path: Path, called: Cli, nothing_set: None, monkeypatch: pytest.MonkeyPatch) -> Fork:
    (tmp_path / "checkout" / "specs").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "checkout")
    git(tmp_path / "checkout", "init", "-q", "-b", "main")
    made = Fork(tmp_path / "checkout", called, monkeypatch)
    made.commit(sft=STOPPING, other=OTHER)
    return made


def test_the_same_spec_is_not_bought_again_and_is_named(fork: Fork) -> None:
    fork.apply("acme")
    actions = fork("ada", "plan")["actions"]
    assert [action["action"] for action in actions] == ["keep", "keep"]
    assert all(action["notes"] == [f"job {action['job']['job_id']}: {FOREIGN}"] for action in actions)
    assert all(action["notes"] == [] for action in fork("acme", "plan")["actions"])


def test_what_another_repository_runs_is_not_superseded(fork: Fork) -> None:
    fork.apply("acme")
    fork.commit(sft=BETTER, other=OTHER)
    plan = fork("ada", "plan")
    assert [action["action"] for action in plan["actions"]].count("stop") == 0
    assert any(FOREIGN in warning for action in plan["actions"] for warning in action["warnings"])
    assert [action["action"] for action in fork("acme", "plan")["actions"]].count("stop") == 1
    assert "stopped" not in [fate for fate, _ in fork.apply("ada")]


def test_what_waits_for_another_repository_is_not_changed(fork: Fork) -> None:
    """A priority is changed in place for one's own jobs alone."""
    fork.apply("acme")
    fork.queue()
    fork.commit(sft=STOPPING.replace("  runtime:", "  priority: 7\n  runtime:"), other=OTHER)
    action = fork("ada", "plan")["actions"][1]
    assert (action["action"], action["reason"], action["changes"]) == ("keep", "unchanged", [])
    assert action["notes"] == [f"job {action['job']['job_id']}: {FOREIGN}; so priority 0 → 7 is not sent"]
    assert fork("acme", "plan")["actions"][1]["action"] == "update"


def test_a_fork_that_deletes_a_manifest_does_not_end_the_originals_run(fork: Fork) -> None:
    fork.apply("acme")
    fork.commit(sft=STOPPING)
    plan = fork("ada", "plan", "--prune")
    assert [orphan["doubt"] for orphan in plan["orphans"]] == [FOREIGN]
    assert "stopped" not in [fate for fate, _ in fork.apply("ada", "--prune")]
    assert "stopped" in [fate for fate, _ in fork.apply("acme", "--prune")]


def test_a_repository_that_was_moved_says_what_it_was(fork: Fork) -> None:
    fork.apply("acme")
    fork.commit(sft=BETTER)
    moved = ("--prune", "--owner-too", OTHERS)
    assert [action["action"] for action in fork("ada", "plan", *moved)["actions"]].count("stop") == 2
    assert [fate for fate, _ in fork.apply("ada", *moved)].count("stopped") == 2


@pytest.mark.parametrize("text", ["", "ab", "abc", "bcdf", "BCD", "b-d"])
def test_an_owner_is_three_letters(text: str, fork: Fork) -> None:
    ran = fork.called("plan", "--local", "--owner-too", text)
    assert (ran.code, "is no owner" in ran.err) == (64, True)
