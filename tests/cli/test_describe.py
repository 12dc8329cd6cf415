"""`describe`, and `status` with what lives beside its rows: each part is told, or why it is not known."""

from pathlib import Path

import pytest

from tests.support.commands import Cli, nothing_set
from tests.support.commands import called as called
from tests.support.operating import Desk
from tests.support.operating import desk as desk
from tests.support.operating import open_desk as open_desk
from tests.support.provider import Provider, serving_provider
from tests.support.repository import git

__all__ = ["nothing_set"]

HOSTILE = "\x1b[31mRaise\x07 ::error::x"
LOADING = """\
  checkpointing: {enabled: true, load: {enabled: true, checkpoints: [{typ: baseten_latest_checkpoint, manifest: x}]}}
"""


@pytest.fixture
def checkout(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk in a git checkout of its own."""
    monkeypatch.setenv("BASETEN_APP_URL", "https://app.example")
    git(desk.folder, "init", "-q", "-b", "main")
    (desk.folder / ".gitignore").write_text("emulator.db*\n")
    return desk


def committed(desk: Desk, message: str, date: str = "2026-03-01T00:00:00Z") -> str:
    git(desk.folder, "add", "-A")
    git(desk.folder, "commit", "-qm", message, GIT_COMMITTER_DATE=date, GIT_AUTHOR_DATE=date)
    return git(desk.folder, "rev-parse", "HEAD")


def test_a_job_is_told_with_its_commit_and_all_that_the_api_shows(checkout: Desk) -> None:
    checkout.write("x", more="  checkpointing: {enabled: true}\n")
    commit = committed(checkout, "Raise the rate\nof learning\n\nA long reason.")
    assert checkout("apply", "--yes", "--create", "x").code == 0
    job = checkout.jobs()[0]["id"]
    checkout.write("next", more=LOADING)
    checkout.clock.time = 45
    told = checkout("describe", "x").out
    for part in (
        f"  job          {job}\n",
        f"  page         https://app.example/training/{checkout.jobs()[0]['training_project_id']}/logs/{job}\n",
        f"  commit       {commit[:10]} by Ada on 2026-03-01: Raise the rate of learning (specs/x.yaml)\n",
        "  user         you@example.com\n",
        "  machines     2 nodes · 16 H100 · ",
        "  checkpoints  2, the newest:\n",
        "  awaited by   next (not submitted)\n",
    ):
        assert part in told
    (row,) = checkout("describe", "x", "-o", "json").json["jobs"]
    assert (row["commit"]["commit"], row["commit"]["subject"]) == (commit, "Raise the rate of learning")
    assert [each["checkpoint_id"] for each in row["saved"]] == ["checkpoint-1", "checkpoint-2"]
    assert (row["waited_for_by"], row["log"], row["problems"]) == (
        [{"name": "next", "state": "not submitted"}], None, {}
    )  # fmt: skip
    (by_id,) = checkout("describe", "--job", job, "-o", "json").json["jobs"]
    assert (by_id["commit"], by_id["url"], by_id["user"]) == (row["commit"], row["url"], "you@example.com")


def test_of_a_job_that_failed_the_last_lines_of_its_log_are_told(checkout: Desk) -> None:
    (job,) = checkout.applied("x")
    checkout.clock.time = 60
    checkout.force(job, "FAILED", f"CUDA {HOSTILE}")
    ran = checkout("describe", "x")
    assert "  error        CUDA \\x1b[31mRaise\\x07 ::error::x\n" in ran.out
    assert "  the last 20 lines of its log:\n" in ran.out
    (row,) = checkout("describe", "x", "-o", "json").json["jobs"]
    assert (len(row["log"]), row["error_message"]) == (20, f"CUDA {HOSTILE}")
    (short,) = checkout("status", "-v", "-o", "json").json["jobs"]
    assert short["log"] == row["log"][-3:]
    assert checkout("status", "-v").out.count("    log: ") == 3


def test_a_hostile_subject_is_shown_and_nothing_more(checkout: Desk) -> None:
    checkout.write("x")
    committed(checkout, HOSTILE)
    assert checkout("apply", "--yes", "--create", "x").code == 0
    for told in (checkout("describe", "x").out, checkout("status", "-v").out):
        assert "\\x1b[31mRaise\\x07 ::error::x" in told
        assert "\x1b" not in told


def test_without_a_commit_the_rest_is_told(checkout: Desk) -> None:
    checkout.applied("x")
    for told in (checkout("describe", "x").out, checkout("status", "-v").out):
        assert "has no commit yet, so there is no history to compare with" in told
        assert "you@example.com" in told


def test_what_cannot_be_read_is_told_in_its_place_and_hides_nothing(
    tmp_path: Path, called: Cli, nothing_set: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    provider = Provider()
    provider.project()
    job = provider.add("by-hand", "FAILED", error_message="out of memory")["id"]
    with serving_provider(provider) as url:
        monkeypatch.setenv("BASETEN_BASE_URL", url)
        monkeypatch.setenv("BASETEN_API_KEY", "a-key")
        ran = called("describe", "--job", job)
        (row,) = called("describe", "--job", job, "-o", "json").json["jobs"]
    assert ran.code == 0
    lines = {line[:15].strip(): line[15:] for line in ran.out.splitlines()}
    assert lines["error"] == "out of memory"
    assert lines["machines"] == "1 node · 8 H100 · H100:8"
    assert lines["commit"].startswith("not known: the manifests are not in a git repository")
    assert lines["checkpoints"].startswith("can't be read: GET ")
    assert lines["log"].startswith("can't be read: GET ")
    assert sorted(row["problems"]) == ["commit", "log", "saved"]
    assert (row["commit"], row["saved"], row["log"]) == (None, None, None)


def test_a_manifest_without_a_job_is_told_with_what_it_waits_for(checkout: Desk) -> None:
    checkout.write("x", more="  checkpointing: {enabled: true}\n")
    checkout.write("next", more=LOADING)
    assert "waits for    x (not submitted)" in checkout("describe", "next").out
    assert checkout("describe", "nobody").code == 1
    assert checkout("describe").code == 64
    assert checkout("describe", "--job", "nobody").code == 1


def test_a_status_tells_orphans_and_other_live_jobs_in_a_line_each(checkout: Desk) -> None:
    checkout.applied("x", "gone-10", "gone-2")
    committed(checkout, "All")
    for name in ("gone-10", "gone-2"):
        (checkout.folder / "specs" / f"{name}.yaml").unlink()
    deleted = committed(checkout, "Two less", "2090-03-01T00:00:00Z")
    ids = {job["name"].partition("--")[0]: job["id"] for job in checkout.jobs()}
    by_hand = checkout.started("notebook")
    assert checkout("status").code == 0
    *_, orphans, others = checkout("status").out.splitlines()
    assert orphans.startswith("2 orphans, whose manifests were deleted: gone-2--")
    assert f"(job {ids['gone-2']}, 16 GPUs), gone-10--" in orphans
    assert others == f"1 live job that no manifest names: notebook (job {by_hand})."
    document = checkout("status", "-o", "json").json
    assert [each["job_id"] for each in document["orphans"]] == [ids["gone-2"], ids["gone-10"]]
    assert {each["deleted_in"] for each in document["orphans"]} == {deleted}
    assert [(each["job_id"], each["project"]) for each in document["unmanaged"]] == [(by_hand, "Demo")]
    assert "orphan" not in checkout("status", "x").out


def test_an_orphan_alone_in_its_project_is_found_with_one_search_more(checkout: Desk) -> None:
    checkout.write("gone", project="Left")
    checkout.applied("x")
    committed(checkout, "All")
    before = checkout.requests()
    checkout("status")
    usual = searches(before, checkout.requests())
    (checkout.folder / "specs" / "gone.yaml").unlink()
    committed(checkout, "One less", "2090-03-01T00:00:00Z")
    before = checkout.requests()
    (orphan,) = checkout("status", "-o", "json").json["orphans"]
    assert orphan["project"] == "Left"
    assert searches(before, checkout.requests()) <= usual


def searches(before: dict[str, int], after: dict[str, int]) -> int:
    return sum(count - before.get(call, 0) for call, count in after.items() if "search" in call)


def test_a_job_of_a_manifest_elsewhere_in_the_checkout_is_not_told_of(checkout: Desk) -> None:
    checkout.applied("x", "y")
    committed(checkout, "All")
    document = checkout("status", "-f", "specs/x.yaml", "-o", "json").json
    assert (document["orphans"], document["unmanaged"]) == ([], [])
