"""`stop` of globs and of orphans: all is listed first, and what is in doubt is left alone."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from baseten_jobs.emulator.settings import Durations
from baseten_jobs.job.names import owner_of
from tests.support.commands import Ran
from tests.support.operating import Desk, Open, open_desk
from tests.support.repository import git
from tests.support.world import START

__all__ = ["open_desk"]

OTHERS = owner_of("github.com/acme/training")
FOREIGN = f"it is of another repository, '{OTHERS}'; `--owner-too {OTHERS}` if that is this one's former address"


@pytest.fixture
def desk(open_desk: Open, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A repository whose jobs run for good."""
    made = open_desk(durations=Durations(running=1e9))
    own(monkeypatch)
    git(made.folder, "init", "-q", "-b", "main")
    (made.folder / ".gitignore").write_text("emulator.db*\n")
    return made


def own(monkeypatch: pytest.MonkeyPatch, whose: str = "ada") -> None:
    monkeypatch.setenv("BASETEN_JOBS_OWNER", f"github.com/{whose}/training")


def committed(desk: Desk) -> str:
    """The commit, a minute after whatever was before."""
    desk.clock.time += 60
    date = datetime.fromtimestamp(START + desk.clock.time, UTC).isoformat()
    git(desk.folder, "add", "-A")
    git(desk.folder, "commit", "-qm", "change", GIT_COMMITTER_DATE=date, GIT_AUTHOR_DATE=date)
    desk.clock.time += 60
    return git(desk.folder, "rev-parse", "HEAD")[:10]


def running(desk: Desk, *names: str) -> dict[str, str]:
    """Committed and submitted manifests, a minute ago; their jobs' ids by name."""
    for name in names:
        desk.write(name, command=f"train {name}")
    committed(desk)
    assert desk("apply", "--yes", "--max-submits", "99").code == 0
    desk.clock.time += 60
    return {job["name"].partition("--")[0]: job["id"] for job in desk.jobs()}


def deleted(desk: Desk, *names: str) -> str:
    for name in names:
        (desk.folder / "specs" / f"{name}.yaml").unlink()
    return committed(desk)


def live(desk: Desk) -> set[str]:
    return {name for name, state in states(desk).items() if state == "TRAINING_JOB_RUNNING"}


def states(desk: Desk) -> dict[str, str]:
    return {job["name"].partition("--")[0]: job["current_status"] for job in desk.jobs()}


def stopped(ran: Ran) -> list[str]:
    return [line.removeprefix("stopped job ") for line in ran.out.splitlines() if line.startswith("stopped job ")]


UNCONFIRMED = "error: not confirmed, so nothing was stopped; --yes confirms\n"


# Globs


def test_what_a_glob_matches_is_listed_and_nothing_is_sent_before_it_is_confirmed(desk: Desk) -> None:
    ids = running(desk, "lr-1", "lr-20", "sft")
    before = desk.requests()
    ran = desk("stop", "lr-*")
    assert (ran.code, ran.out) == (8, "")
    assert ran.err == (
        f"  lr-1   job {ids['lr-1']}  running, 1m old  16 H100  Demo\n"
        f"  lr-20  job {ids['lr-20']}  running, 1m old  16 H100  Demo\n"
        f"{UNCONFIRMED}"
    )
    assert written(desk) == sum(number for call, number in before.items() if writes(call))
    assert stopped(desk("stop", "lr-*", "--yes")) == [ids["lr-1"], ids["lr-20"]]
    assert live(desk) == {"sft"}


def writes(call: str) -> bool:
    return not call.startswith("GET ") and "search" not in call


def written(desk: Desk) -> int:
    return sum(number for call, number in desk.requests().items() if writes(call))


def test_a_glob_that_matches_a_name_of_several_live_jobs_lists_them_and_stops_none(desk: Desk) -> None:
    ids = running(desk, "lr-1", "lr-2", "sft")
    desk.write("lr-1", command="other")
    desk.write("sft", command="other")
    assert desk("apply", "--yes").code == 0
    ran = desk("stop", "*", "--yes")
    assert ran.code == 1
    assert "lr-1 has 2 live jobs; choose one with --job ID:" in ran.err
    assert "sft has 2 live jobs; choose one with --job ID:" in ran.err
    assert (ids["lr-2"] in ran.err, len(desk.jobs()), live(desk)) == (False, 5, set(ids))
    assert all(job["current_status"].endswith("RUNNING") for job in desk.jobs())


def test_a_glob_stops_the_manifests_of_one_name_in_several_projects(desk: Desk) -> None:
    desk.write("x", command="one")
    desk.write("y", command="two", project="Other")
    path = desk.folder / "specs" / "y.yaml"
    path.write_text(path.read_text().replace("name: y", "name: x"))
    committed(desk)
    assert desk("apply", "--yes").code == 0
    assert desk("stop", "x", "--yes").code == 1
    assert len(stopped(desk("stop", "x*", "--yes"))) == 2


def test_a_glob_takes_names_beside_it_and_stops_each_job_once(desk: Desk) -> None:
    ids = running(desk, "lr-1", "lr-2", "sft", "dpo")
    ran = desk("stop", "lr-*", "?r-1", "sft", "lr-2", "--yes")
    assert sorted(stopped(ran)) == sorted(ids[name] for name in ("lr-1", "lr-2", "sft"))


# Orphans


def test_a_glob_lists_the_orphans_that_it_matches_and_stops_none_of_them(desk: Desk) -> None:
    ids = running(desk, "lr-1", "lr-2", "dpo", "sft")
    commit = deleted(desk, "lr-2", "dpo")
    ran = desk("stop", "lr-*")
    about = f"its manifest was deleted in commit {commit} by Ada on 2027-01-15 (specs/lr-2.yaml)"
    assert ran.err == (
        f"  lr-1  job {ids['lr-1']}  running, 3m old  16 H100  Demo\n"
        "1 orphan beside, not stopped by this:\n"
        f"  lr-2  job {ids['lr-2']}  running, 3m old  16 H100  Demo\n"
        f"      {about}; `baseten-jobs stop --orphans` stops it\n"
        f"{UNCONFIRMED}"
    )
    everything = desk("stop", "*", "--yes", "-o", "json").json
    assert everything["stopped"] == [ids["lr-1"], ids["sft"]]
    assert {orphan["job_id"] for orphan in everything["orphans"]} == {ids["lr-2"], ids["dpo"]}
    assert live(desk) == {"lr-2", "dpo"}


def test_a_name_looks_for_no_orphans(desk: Desk) -> None:
    ids = running(desk, "lr-1", "lr-2")
    deleted(desk, "lr-2")
    assert desk("stop", "lr-1", "--yes", "-o", "json").json == {"format_version": "1.0", "stopped": [ids["lr-1"]]}
    assert desk("stop", "lr-2", "--yes").code == 1


def test_orphans_are_listed_asked_for_and_stopped(desk: Desk) -> None:
    ids = running(desk, "lr-1", "lr-2", "sft")
    commit = deleted(desk, "lr-2")
    before = written(desk)
    ran = desk("stop", "--orphans")
    assert (ran.code, ran.err) == (
        8,
        f"  lr-2  job {ids['lr-2']}  running, 3m old  16 H100  Demo\n"
        f"      its manifest was deleted in commit {commit} by Ada on 2027-01-15 (specs/lr-2.yaml)\n"
        f"{UNCONFIRMED}",
    )
    assert written(desk) == before
    assert stopped(desk("stop", "--orphans", "--yes")) == [ids["lr-2"]]
    assert live(desk) == {"lr-1", "sft"}
    again = desk("stop", "--orphans")
    assert (again.code, again.out, again.err) == (0, "nothing to stop\n", "")


def test_orphans_of_a_folder_whose_last_manifest_is_gone_are_stopped(desk: Desk) -> None:
    ids = running(desk, "x")
    deleted(desk, "x")
    ran = desk("stop", "--orphans", "--yes")
    assert (ran.code, stopped(ran)) == (0, [ids["x"]])


def renamed(desk: Desk) -> None:
    """The spec lives on under another name."""
    desk.write("new", command="train x")
    deleted(desk, "x")


def elsewhere(desk: Desk) -> None:
    """The manifest lay outside of the paths that are given."""
    other = desk.folder / "specs" / "kept.yaml"
    (desk.folder / "more").mkdir()
    (desk.folder / "specs" / "x.yaml").rename(desk.folder / "more" / "x.yaml")
    committed(desk)
    (desk.folder / "more" / "x.yaml").unlink()
    assert other.exists()
    committed(desk)


def of_acme(desk: Desk) -> None:
    deleted(desk, "x")


@pytest.mark.parametrize(
    ("gone", "doubt"),
    [
        (renamed, "its spec lives on as 'new'"),
        (elsewhere, "more/x.yaml is not below the paths given"),
        (of_acme, FOREIGN),
    ],
)
def test_what_apply_would_not_prune_is_listed_and_left_alone(
    gone: Callable[[Desk], None], doubt: str, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by --orphans nor by a glob, and the plan of `apply --prune` agrees."""
    own(monkeypatch, "acme" if gone == of_acme else "ada")
    ids = running(desk, "x", "kept")
    own(monkeypatch)
    gone(desk)
    before = written(desk)
    ran = desk("stop", "--orphans", "--yes")
    assert (ran.code, ran.out) == (0, "nothing to stop\n")
    assert "1 orphan left alone:\n" in ran.err
    assert doubt in ran.err
    beside = desk("stop", "*")
    assert (beside.code, doubt in beside.err, "`baseten-jobs stop --orphans`" in beside.err) == (8, True, False)
    plan = desk("plan", "--prune", "-o", "json").json
    assert (plan["summary"]["stop"], [each["job_id"] for each in plan["orphans"]]) == (0, [ids["x"]])
    assert (written(desk), live(desk)) == (before, set(ids))


def test_a_repository_that_was_moved_says_what_it_was(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    own(monkeypatch, "acme")
    ids = running(desk, "x", "kept")
    deleted(desk, "x")
    own(monkeypatch)
    assert stopped(desk("stop", "--orphans", "--yes", "--owner-too", OTHERS)) == [ids["x"]]


def test_outside_of_git_no_orphan_is_known_and_that_is_said(desk: Desk) -> None:
    ids = running(desk, "x", "y")
    deleted(desk, "y")
    (desk.folder / ".git").rename(desk.folder / "git")
    for arguments in (["--orphans", "--yes"], ["*"]):
        assert "note: the manifests are not in a git repository" in desk("stop", *arguments).err
    assert live(desk) == set(ids)


def test_a_shallow_clone_says_that_it_may_miss_some(desk: Desk, tmp_path: Path) -> None:
    running(desk, "x", "y")
    deleted(desk, "y")
    head = git(desk.folder, "rev-parse", "HEAD")
    (desk.folder / ".git" / "shallow").write_text(head + "\n")
    ran = desk("stop", "--orphans", "--yes")
    assert (ran.code, ran.out) == (0, "nothing to stop\n")
    assert "this clone is shallow, so orphans may be missed" in ran.err


def test_manifests_with_errors_stop_no_orphan(desk: Desk) -> None:
    ids = running(desk, "x", "y")
    deleted(desk, "y")
    (desk.folder / "specs" / "z.yaml").write_text("kind: TrainingJob\n")
    assert desk("stop", "--orphans", "--yes").code == 1
    assert live(desk) == set(ids)


@pytest.mark.parametrize("more", [["x"], ["*"], ["--job", "abc"]])
def test_orphans_are_stopped_by_themselves(more: list[str], desk: Desk) -> None:
    assert desk("stop", "--orphans", *more).code == 64


def test_a_plan_that_can_not_be_made_lists_no_orphans_and_the_rest_can_be_stopped(desk: Desk) -> None:
    ids = running(desk, "x", "y")
    path = desk.folder / "specs" / "y.yaml"
    path.write_text(path.read_text().replace("name: y", "name: y, adopts: {job: nobody, digest: 2f96f1a5dba5}"))
    ran = desk("stop", "x*", "--yes")
    assert "no orphans are listed, since these manifests can't be planned" in ran.err
    assert stopped(ran) == [ids["x"]]
