"""What a plan knows from git: real repositories, real git."""

import io
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from baseten_jobs.compilation import compile_all
from baseten_jobs.emulator.settings import Durations
from baseten_jobs.git import repository as asking
from baseten_jobs.git.objects import NotWhole
from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.manifest.overrides import parse_override
from baseten_jobs.pipeline import make
from baseten_jobs.planning.diff import Change, changes
from baseten_jobs.planning.history.missing_jobs import YOUNG
from baseten_jobs.planning.history.review import Inquiry
from baseten_jobs.planning.masking import masked, masked_values
from baseten_jobs.planning.plan import Doubt, Policy, Verb
from baseten_jobs.secrecy import MASK, Values
from tests.support.repository import Repository, cloned, days, git
from tests.support.strategies import API_VERSION
from tests.support.world import showing

LONG = Durations(running=1e9)


@pytest.fixture
def world(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "work", durations=LONG)


def told(world: Repository, **asked: Any) -> tuple[list[tuple[str, Any, Any]], str | None]:
    (action,) = world.asked(**asked).actions
    return [(c.field, c.old, c.new) for c in action.changes], action.previous.commit if action.previous else None


def test_a_fresh_clone_tells_each_changed_field_and_the_commit_that_runs(world: Repository, tmp_path: Path) -> None:
    world.write()
    running = world.commit("the one that runs")
    world.apply()
    world.write(command="train --lr 3e-4")
    world.commit("another learning rate")
    path = world.folder / "specs" / "x.yaml"
    path.write_text(path.read_text().replace("H100:8", "H200:8").replace("hello-world:1", "hello-world:2"))
    world.commit("another machine")
    git(world.folder, "mv", "specs/x.yaml", "specs/renamed.yaml")
    world.commit("another name")
    fresh = cloned(world, tmp_path / "fresh")
    (action,) = fresh.asked().actions
    assert [(c.field, c.old, c.new) for c in action.changes] == [
        ("spec.compute.accelerator", "H100:8", "H200:8"),
        ("spec.image.base_image", "hello-world:1", "hello-world:2"),
        ("spec.runtime.start_commands[0]", "train --lr 1e-4", "train --lr 3e-4"),
    ]
    assert action.previous is not None
    assert (action.previous.commit, action.previous.author, action.previous.path) == (running, "Ada", "specs/x.yaml")


def test_a_shallow_clone_tells_what_the_api_reveals_and_the_remedy(world: Repository, tmp_path: Path) -> None:
    world.write()
    world.commit()
    world.apply()
    path = world.folder / "specs" / "x.yaml"
    path.write_text(path.read_text().replace("H100:8", "H200:4").replace("train", "other"))
    world.commit()
    shallow = cloned(world, tmp_path / "shallow", "--depth", "1")
    (action,) = shallow.asked().actions
    assert "fetch-depth: 0" in action.history
    assert [(c.field, c.old, c.new) for c in action.changes] == [("spec.compute.accelerator", "H100:8", "H200:4")]
    assert (action.verb, action.previous) == (Verb.SUBMIT, None)


def test_a_merged_branch_holds_the_revision_that_runs(world: Repository) -> None:
    world.write()
    world.commit()
    git(world.folder, "checkout", "-qb", "side")
    world.write(command="side")
    running = world.commit("side")
    git(world.folder, "checkout", "-q", "main")
    (world.folder / "other.txt").write_text("x")
    world.commit("main goes on")
    date = world.now.isoformat()
    git(world.folder, "merge", "-q", "--no-ff", "side", GIT_COMMITTER_DATE=date, GIT_AUTHOR_DATE=date)
    world.apply()
    world.write(command="after")
    world.commit()
    assert told(world) == ([("spec.runtime.start_commands[0]", "side", "after")], running)


def test_a_branch_that_a_merge_gave_up_is_still_found(world: Repository) -> None:
    world.write()
    world.commit()
    git(world.folder, "checkout", "-qb", "side")
    world.write(command="side")
    running = world.commit("side")
    world.apply()
    git(world.folder, "checkout", "-q", "main")
    world.write(command="main")
    world.commit("main")
    git(world.folder, "merge", "-q", "-s", "ours", "side")
    assert told(world) == ([("spec.runtime.start_commands[0]", "side", "main")], running)


def test_an_uncommitted_change_and_an_uncommitted_move_are_compared_too(world: Repository) -> None:
    world.write()
    running = world.commit()
    world.apply()
    world.write(command="other")
    os.rename(world.folder / "specs/x.yaml", world.folder / "specs/y.yaml")
    assert told(world) == ([("spec.runtime.start_commands[0]", "train --lr 1e-4", "other")], running)


def test_a_manifest_among_others_in_one_file_is_found(world: Repository) -> None:
    world.write("a")
    world.write("b")
    texts = [(world.folder / f"specs/{name}.yaml").read_text() for name in "ab"]
    for name in "ab":
        (world.folder / f"specs/{name}.yaml").unlink()
    both = world.folder / "specs" / "both.yaml"
    both.write_text("---\n".join(texts))
    running = world.commit()
    world.apply()
    both.write_text("---\n".join([texts[0], texts[1].replace("hello-world:1", "hello-world:2")]))
    kept, changed = world.asked().actions
    assert kept.verb is Verb.KEEP
    assert [(c.field, c.old, c.new) for c in changed.changes] == [
        ("spec.image.base_image", "hello-world:1", "hello-world:2")
    ]
    assert changed.previous is not None
    assert changed.previous.commit == running


def test_a_rewritten_history_says_so(world: Repository) -> None:
    world.write()
    world.apply()
    world.write(command="never seen before")
    world.commit()
    (action,) = world.asked().actions
    assert "no revision in this history has the spec that runs" in action.history


def test_a_bound_on_the_history_is_kept(world: Repository) -> None:
    world.write()
    world.commit()
    world.apply()
    for number in range(5):
        world.write(command=f"train {number}")
        world.commit()
    assert told(world, limit=5)[1] is None
    assert told(world, limit=6)[1] is not None


def test_outside_of_git_one_line_says_so(tmp_path: Path) -> None:
    from tests.support.world import World

    world = World(tmp_path, {"durations": LONG})
    world.write()
    world.apply()
    world.write(command="other")
    plan = Repository.asked(_dated(world))
    assert plan.notes == ("the manifests are not in a git repository, so there is no history to compare with",)


def _dated(world: Any) -> Any:
    """A world without a repository, which can tell the time."""
    other = object.__new__(Repository)
    other.__dict__.update(world.__dict__)
    return other


def test_a_repository_without_a_commit_counts_as_not_in_git(world: Repository) -> None:
    world.write()
    world.apply()
    world.write(command="other", more="policy: {on_change: stop}\n")
    plan = world.asked()
    assert plan.notes == ("the repository has no commit yet, so there is no history to compare with",)
    assert [action.verb for action in plan.actions] == [Verb.SUBMIT, Verb.STOP]


def test_a_checkout_that_git_does_not_trust_counts_as_not_in_git_and_the_remedy_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = Repository(tmp_path / "my work", durations=LONG)
    world.write()
    world.commit()
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    refused = asking.open_repository(str(world.folder / "specs"))
    assert isinstance(refused, asking.NotInGit)
    subprocess.run(refused.reason.split("`")[1], shell=True, check=True)
    assert isinstance(asking.open_repository(str(world.folder / "specs")), asking.Repository)


def test_without_git_installed_one_line_says_so(world: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    refused = asking.open_repository(str(world.folder))
    assert isinstance(refused, asking.NotInGit)
    assert "git is not installed" in refused.reason


# Stops


STOP = "policy: {on_change: stop}\n"


def test_a_superseded_job_of_this_repository_is_stopped(world: Repository) -> None:
    world.write(more=STOP)
    world.commit()
    world.apply()
    world.write(command="other", more=STOP)
    world.commit()
    assert world.apply_asked() == ["submitted", "stopped"]


def test_a_superseded_job_that_is_not_in_this_history_runs_on_with_a_warning(world: Repository) -> None:
    world.write()
    world.apply()
    world.write(command="other", more=STOP)
    world.commit()
    (action,) = world.asked().actions
    assert action.verb is Verb.SUBMIT
    assert "its spec is not in this repository's history" in action.warnings[-1]


def test_a_shallow_clone_stops_nothing(world: Repository, tmp_path: Path) -> None:
    world.write(more=STOP)
    world.commit()
    world.apply()
    world.write(command="other", more=STOP)
    world.commit()
    shallow = cloned(world, tmp_path / "shallow", "--depth", "1")
    (action,) = shallow.asked().actions
    assert "this clone is shallow" in action.warnings[-1]


def test_an_old_pipeline_that_runs_again_never_stops_the_newer_run(world: Repository, tmp_path: Path) -> None:
    world.write(more=STOP)
    old = world.commit()
    world.apply()
    world.write(command="other", more=STOP)
    world.commit()
    world.apply_asked()
    rerun = cloned(world, tmp_path / "rerun")
    git(rerun.folder, "checkout", "-q", old)
    assert [action.verb for action in rerun.asked().actions] == [Verb.HOLD]
    git(rerun.folder, "checkout", "-q", "main")
    git(rerun.folder, "checkout", "-q", old, "--", "specs")
    assert Verb.STOP not in [action.verb for action in rerun.asked().actions]


def test_a_newer_run_is_not_stopped_by_an_old_manifest_whose_own_job_lives(world: Repository) -> None:
    world.write(more=STOP)
    old = world.commit()
    world.apply()
    world.write(command="other")
    world.commit()
    world.apply()
    git(world.folder, "checkout", "-q", old, "--", "specs")
    (kept,) = world.asked().actions
    assert (kept.verb, kept.warnings) == (Verb.KEEP, ())
    assert "of another spec is not stopped: it was created after job" in kept.notes[-1]


def test_a_revert_leaves_the_younger_run_to_a_person(world: Repository) -> None:
    """It can't be told from a clone that somebody made to compare."""
    world.write(more=STOP)
    world.commit()
    world.apply()
    world.write(command="other")
    world.commit()
    world.apply()
    world.write(more=STOP)
    world.commit()
    (kept,) = world.asked().actions
    younger = world.jobs()[1]["id"]
    assert (kept.verb, kept.notes[-1].partition("; ")[2]) == (
        Verb.KEEP,
        f"`baseten-jobs stop --job {younger}` stops it",
    )


# Missing jobs


def missed(world: Repository, **asked: Any) -> list[str]:
    """The names of the manifests whose submit is held as missing."""
    return [a.request.name for a in world.asked(missing=True, **asked).actions if a.doubt is Doubt.MISSING]


def gone(world: Repository) -> None:
    """A job that ran long ago and is deleted, in a project that holds another."""
    world.write("x")
    world.write("y")
    world.commit()
    world.apply()
    job = next(job for job in world.jobs() if job["name"].startswith("x--"))
    world.api._exchange("DELETE", "/v1/training_projects/{}/jobs/{}", job["training_project_id"], job["id"])


def test_a_job_that_was_there_long_ago_is_missing_and_not_bought_again(world: Repository) -> None:
    gone(world)
    world.clock.time += days(8)
    missing, kept = world.asked(missing=True).actions
    assert (missing.verb, missing.doubt, kept.verb) == (Verb.HOLD, Doubt.MISSING, Verb.KEEP)
    assert missing.reason == (
        "missing: git has had this spec for more than 7 days, and its job is not there, so it was probably deleted at "
        "the provider; `--create x` submits it again"
    )
    for answer in ("x", "*"):
        submit, _ = world.asked(missing=True, policy=Policy(create=frozenset({answer}))).actions
        assert (submit.verb, submit.doubt) == (Verb.SUBMIT, None)


def test_a_shallow_clone_says_that_it_can_not_tell_what_is_missing(world: Repository, tmp_path: Path) -> None:
    gone(world)
    world.clock.time += days(8)
    (world.folder / "notes").write_text("something else")
    world.commit()
    plan = cloned(world, tmp_path / "shallow", "--depth", "1").asked(missing=True)
    assert ([action.doubt for action in plan.actions], plan.notes) == ([None, None], (YOUNG,))


def test_a_young_manifest_is_not_missing(world: Repository) -> None:
    gone(world)
    world.clock.time += days(6)
    assert not missed(world)


def test_a_manifest_that_was_edited_is_not_missing(world: Repository) -> None:
    gone(world)
    world.clock.time += days(8)
    world.write("x", command="other")
    assert not missed(world)
    world.commit()
    assert not missed(world)


@pytest.mark.parametrize("unmoved", ["a rename", "a comment", "another document", "another file"])
def test_what_leaves_the_manifest_as_it_is_makes_it_no_younger(world: Repository, unmoved: str) -> None:
    gone(world)
    world.clock.time += days(8)
    path = world.folder / "specs" / "x.yaml"
    if unmoved == "a rename":
        git(world.folder, "mv", "specs/x.yaml", "specs/other.yaml")
    elif unmoved == "a comment":
        path.write_text("# a comment\n" + path.read_text())
    else:
        other = world.folder / "specs" / "y.yaml"
        first, second = (path, other) if unmoved == "another document" else (other, path)
        first.write_text(first.read_text() + "---\n" + second.read_text())
        second.unlink()
    world.commit()
    assert len(missed(world)) == 1


def test_a_manifest_that_was_suspended_until_now_is_not_missing(world: Repository) -> None:
    world.write("y")
    world.write("x", more="policy: {suspend: true}\n")
    world.commit()
    world.apply()
    world.clock.time += days(8)
    world.write("x")
    world.commit()
    assert not missed(world)


def test_a_manifest_that_came_back_lately_is_not_missing(world: Repository) -> None:
    gone(world)
    world.clock.time += days(8)
    text = (world.folder / "specs" / "x.yaml").read_text()
    (world.folder / "specs" / "x.yaml").unlink()
    world.commit()
    (world.folder / "specs" / "x.yaml").write_text(text)
    world.commit()
    assert not missed(world)


def test_what_counts_is_when_a_manifest_came_to_the_branch(world: Repository) -> None:
    """Written long ago on a side branch, merged today."""
    world.write("y")
    world.commit()
    world.apply()
    git(world.folder, "checkout", "-qb", "side")
    world.write("x")
    world.commit()
    world.clock.time += days(30)
    git(world.folder, "checkout", "-q", "main")
    date = world.now.isoformat()
    git(world.folder, "merge", "-q", "--no-ff", "side", GIT_COMMITTER_DATE=date, GIT_AUTHOR_DATE=date)
    assert not missed(world)


# Orphans


def test_a_live_job_whose_manifest_was_deleted_is_an_orphan_and_pruned_on_demand(world: Repository) -> None:
    world.write("x")
    world.write("y", command="other")
    world.commit()
    world.apply()
    (world.folder / "specs" / "x.yaml").unlink()
    deleted = world.commit()
    plan = world.asked()
    assert [(o.job.identity.name if o.job.identity else "", o.deleted.commit) for o in plan.orphans] == [("x", deleted)]
    assert [action.verb for action in plan.actions] == [Verb.KEEP]
    assert world.apply_asked(prune=True) == ["kept", "stopped"]
    assert sorted(world.status_of()) == ["RUNNING", "STOPPED"]
    assert world.asked(prune=True).orphans == ()


@pytest.mark.parametrize("project", ["Demo / one", "Demo / two"], ids=["of a project with manifests", "of no other"])
def test_an_orphan_that_the_job_list_names_differently_is_not_pruned(world: Repository, project: str) -> None:
    world.write("x")
    path = world.folder / "specs" / "x.yaml"
    path.write_text(path.read_text().replace("Demo / one", project))
    world.write("y", command="other")
    world.commit()
    world.apply()
    path.unlink()
    world.commit()
    world.habit(showing(lambda row: {**row, "name": "by hand"}), "list")
    plan = world.asked(prune=True)
    assert [action.verb for action in plan.actions] == [Verb.KEEP]
    (orphan,) = plan.orphans
    assert orphan.doubt == "the search and the job list of its project name it differently"


def test_another_repositorys_jobs_in_the_same_project_are_never_touched(world: Repository, tmp_path: Path) -> None:
    other = Repository(tmp_path / "other", durations=LONG)
    other.api, other.between = world.api, world.between
    other.write("theirs", command="theirs")
    other.write("shared-name", command="shared")
    other.commit()
    other.apply()
    world.write("x")
    world.write("y", command="other")
    world.commit()
    world.apply()
    (world.folder / "specs" / "x.yaml").unlink()
    world.commit()
    assert world.apply_asked(prune=True) == ["kept", "stopped"]
    stopped = [job["name"].partition("--")[0] for job in world.jobs() if job["current_status"].endswith("STOPPED")]
    assert stopped == ["x"]


def test_a_manifest_that_the_paths_leave_out_is_no_orphan(world: Repository) -> None:
    world.write("x")
    world.write("y")
    (world.folder / "more").mkdir()
    os.rename(world.folder / "specs/y.yaml", world.folder / "more/y.yaml")
    world.commit()
    world.apply()
    os.rename(world.folder / "more/y.yaml", world.folder / "specs/y.yaml")
    world.apply()
    os.rename(world.folder / "specs/y.yaml", world.folder / "more/y.yaml")
    plan = world.asked(prune=True)
    assert (plan.orphans, [action.verb for action in plan.actions]) == ((), [Verb.KEEP])


@pytest.mark.parametrize("folder", ["elsewhere", ".training"])
def test_a_manifest_that_is_only_in_the_work_tree_lives(world: Repository, folder: str) -> None:
    world.write("x")
    world.write("y")
    world.commit()
    world.apply()
    (world.folder / folder).mkdir()
    os.mkfifo(world.folder / folder / "pipe.yaml")
    os.rename(world.folder / "specs/y.yaml", world.folder / folder / "y.yaml")
    git(world.folder, "rm", "-q", "--cached", "specs/y.yaml")
    git(
        world.folder, "commit", "-qm", "gone", "--date", world.now.isoformat(), GIT_COMMITTER_DATE=world.now.isoformat()
    )
    assert world.asked(prune=True).orphans == ()


def test_an_older_run_of_a_living_manifest_is_superseded_and_no_orphan(world: Repository) -> None:
    world.write("x")
    world.commit()
    world.apply()
    world.write("x", command="other")
    world.commit()
    plan = world.asked(prune=True)
    assert (plan.orphans, [action.verb for action in plan.actions]) == ((), [Verb.SUBMIT])


def test_a_job_that_is_younger_than_the_deletion_is_not_this_repositorys_to_stop(world: Repository) -> None:
    world.write("x")
    world.write("y", command="other")
    world.commit()
    text = (world.folder / "specs" / "x.yaml").read_text()
    (world.folder / "specs" / "x.yaml").unlink()
    world.commit()
    world.clock.time += 60
    (world.folder / "specs" / "x.yaml").write_text(text)
    world.apply()
    (world.folder / "specs" / "x.yaml").unlink()
    plan = world.asked(prune=True)
    (orphan,) = plan.orphans
    assert orphan.doubt == "it was created after its manifest was deleted, by their dates"
    assert [action.verb for action in plan.actions] == [Verb.KEEP]


def test_a_stale_branch_deletes_nothing_again_when_it_is_merged(world: Repository) -> None:
    """Another repository has taken the manifest over since."""
    world.write("x")
    world.write("y")
    world.commit()
    git(world.folder, "branch", "stale")
    (world.folder / "specs" / "y.yaml").unlink()
    world.commit()
    git(world.folder, "checkout", "-q", "stale")
    (world.folder / "notes").write_text("something else")
    world.commit()
    world.apply()
    git(world.folder, "checkout", "-q", "main")
    world.clock.time += 60
    git(world.folder, "merge", "-q", "stale", GIT_COMMITTER_DATE=world.now.isoformat())
    plan = world.asked(prune=True)
    assert [bool(orphan.doubt) for orphan in plan.orphans] == [True]
    assert plan.of(Verb.STOP) == ()


def test_what_a_merge_takes_from_the_branch_is_deleted_by_then(world: Repository) -> None:
    """A job that was submitted while the pull request was open is this repository's too."""
    world.write("x")
    world.write("y")
    world.commit()
    git(world.folder, "checkout", "-qb", "side")
    (world.folder / "specs" / "y.yaml").unlink()
    world.commit()
    git(world.folder, "checkout", "-q", "main")
    world.apply()
    world.clock.time += 60
    git(world.folder, "merge", "-q", "--no-ff", "side", GIT_COMMITTER_DATE=world.now.isoformat())
    (orphan,) = world.asked().orphans
    assert orphan.deleted.commit == git(world.folder, "rev-parse", "HEAD")


def test_the_last_manifest_of_a_project_leaves_an_orphan_too(world: Repository) -> None:
    world.write("x")
    world.write("y")
    path = world.folder / "specs" / "y.yaml"
    path.write_text(path.read_text().replace("Demo / one", "Another project"))
    world.commit()
    world.apply()
    path.unlink()
    world.commit()
    assert [orphan.project for orphan in world.asked().orphans] == ["Another project"]


def taken_out_of_a_file(world: Repository, path: Path) -> None:
    path.write_text(path.read_text().partition("---\n")[0])


def given_to_another_project(world: Repository, path: Path) -> None:
    path.write_text(path.read_text().replace("Another project", "A third project"))


def renamed_with_its_file(world: Repository, path: Path) -> None:
    path.write_text(path.read_text().replace("Another project", "A third project").replace("name: y", "name: z"))
    git(world.folder, "mv", "specs/x.yaml", "specs/z.yaml")


@pytest.mark.parametrize("change", [taken_out_of_a_file, given_to_another_project, renamed_with_its_file])
def test_a_manifest_that_left_a_file_which_stays_leaves_an_orphan(
    world: Repository, change: Callable[[Repository, Path], None]
) -> None:
    """No manifest of its project is left."""
    world.write("x")
    world.write("y")
    path, other = world.folder / "specs" / "x.yaml", world.folder / "specs" / "y.yaml"
    path.write_text(path.read_text() + "---\n" + other.read_text().replace("Demo / one", "Another project"))
    other.unlink()
    world.commit()
    world.apply()
    change(world, path)
    deleted = world.commit()
    assert [(o.project, o.deleted.commit) for o in world.asked().orphans] == [("Another project", deleted)]
    assert "stopped" in world.apply_asked(prune=True)
    assert sorted(world.status_of())[-1] == "STOPPED"


# Cost


@pytest.mark.parametrize("about", ["something else", "another manifest"])
def test_other_files_are_in_nobodys_way(world: Repository, about: str) -> None:
    """The bound on the revisions counts those of the manifest alone."""
    world.write()
    running = world.commit()
    world.apply()
    for number in range(25):
        text = "a: 1\n" if about == "something else" else (world.folder / "specs/x.yaml").read_text()
        (world.folder / "other.yml").write_text(text.replace("name: x", "name: x-y") + f"# {number}\n")
        world.commit()
    (world.folder / "specs/x.yaml").unlink()
    world.write("x", command="other")
    os.rename(world.folder / "specs/x.yaml", world.folder / "specs/moved.yaml")
    world.commit()
    assert told(world, limit=3) == ([("spec.runtime.start_commands[0]", "train --lr 1e-4", "other")], running)


def test_a_partial_clone_that_can_not_fetch_says_so(world: Repository, tmp_path: Path) -> None:
    world.write()
    world.commit()
    world.apply()
    world.write(command="other")
    world.commit()
    git(world.folder, "config", "uploadpack.allowFilter", "true")
    partial = cloned(world, tmp_path / "partial", "--filter=blob:none")
    git(partial.folder, "remote", "set-url", "origin", str(tmp_path / "nowhere"))
    (action,) = partial.asked().actions
    assert (action.verb, action.previous, action.history) == (Verb.SUBMIT, None, str(NotWhole()))


def test_a_history_that_can_not_be_read_bears_out_no_stop(world: Repository, tmp_path: Path) -> None:
    world.write(more=STOP)
    world.commit()
    world.apply()
    world.write(command="other", more=STOP)
    world.commit()
    git(world.folder, "config", "uploadpack.allowFilter", "true")
    partial = cloned(world, tmp_path / "partial", "--filter=blob:none")
    git(partial.folder, "remote", "set-url", "origin", str(tmp_path / "nowhere"))
    (action,) = partial.asked().actions
    assert (action.verb, "is not stopped: git can't tell" in action.warnings[-1]) == (Verb.SUBMIT, True)


def test_a_file_of_many_megabytes_in_the_history_is_passed_over(world: Repository) -> None:
    (world.folder / "lock.yaml").write_text("# baseten-jobs/v1\n" * 300_000)
    world.write()
    running = world.commit()
    world.apply()
    world.write(command="other")
    world.commit()
    assert told(world)[1] == running


def test_many_manifests_need_no_more_git_processes_than_one(world: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(8):
        world.write(f"x{number}")
    world.commit()
    world.apply()
    (world.folder / "specs" / "x0.yaml").unlink()
    for number in range(1, 8):
        world.write(f"x{number}", command=f"other {number}")
    world.commit()
    started: list[Any] = []
    begin = subprocess.Popen.__init__

    def counted(self: Any, arguments: Any, *rest: Any, **named: Any) -> None:
        started.append(arguments[0])
        begin(self, arguments, *rest, **named)

    monkeypatch.setattr(subprocess.Popen, "__init__", counted)
    plan = world.asked(missing=True)
    assert all(action.previous for action in plan.actions)
    assert len(plan.orphans) == 1
    assert 4 <= [os.path.basename(program) for program in started].count("git") <= 7


def test_a_long_history_is_quick(tmp_path: Path) -> None:
    """2,000 commits, 200 of them of the manifest; the full measure is in tests/bench."""
    world = Repository(tmp_path / "long", durations=LONG)
    from tests.bench.long_history import fill

    fill(world.folder, commits=2000, revisions=200)
    world.write(command="train --step 0")
    world.apply()
    world.write(command="train --step last")
    began = time.process_time()
    (action,) = world.asked().actions
    assert action.previous is not None
    assert time.process_time() - began < 3


# Masking


VARIABLES = "spec.runtime.environment_variables"


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("values", Values)
def test_of_the_environment_only_what_may_be_secret_is_masked(values: Values, given: bool) -> None:
    """By its name, by its form, because it came by --set, or because all are to be masked; in a section as alone."""
    written = {"LR": "1e-5", "HF_TOKEN": "letmein", "REMOTE": "https://ada:hunter2@git", "B": {"name": "s"}}
    secret = {"HF_TOKEN", "REMOTE"} if values is Values.PLAIN and not given else {"LR", "HF_TOKEN", "REMOTE"}
    shown = written if values is Values.ALL else {k: MASK if k in secret else v for k, v in written.items()}
    for name, value in written.items():
        change = masked(Change(f"{VARIABLES}.{name}", value, None, given=given), values)
        assert (change.old, change.new) == (shown[name], None)
    assert masked(Change(VARIABLES, None, written, given=given), values).new == shown
    section = Change("spec.runtime", None, {"environment_variables": written}, given=given)
    assert masked(section, values).new == {"environment_variables": shown}
    manifest = {"spec": section.new and {"runtime": section.new}}
    by_set = [f"{VARIABLES}.LR", f"{VARIABLES}.REMOTE"] if given else []
    unshown = set(masked_values(manifest, values, by_set))
    assert unshown == {written[name] for name in shown if shown[name] == MASK}


def test_what_came_by_set_is_told_of_the_plan(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "r")
    manifest = "apiVersion: baseten-jobs/v1\nkind: TrainingJob\nmetadata: {name: x, project: Demo / one}\nspec:\n"
    manifest += '  image: {base_image: "i:1"}\n  runtime: {environment_variables: {LR: "1", MODE: a}}\n'
    (repository.folder / "specs").mkdir()
    (repository.folder / "specs" / "x.yaml").write_text(manifest)
    repository.commit()
    repository.apply_asked()
    (repository.folder / "specs" / "x.yaml").write_text(manifest.replace("MODE: a", "MODE: b"))
    overrides = (parse_override(f"x:{VARIABLES}.LR=2"),)
    compiled = compile_all(Inputs([str(repository.folder / "specs")], overrides=overrides), io.BytesIO())
    (action,) = make(repository.api, compiled, Policy(), Inquiry(repository.now, Policy(), False)).plan.actions
    assert {change.field: change.given for change in action.changes} == {
        f"{VARIABLES}.LR": True, f"{VARIABLES}.MODE": False
    }  # fmt: skip
    assert [masked(change).new for change in action.changes] == [MASK, "b"]


def test_values_of_the_environment_are_masked_and_secrets_told_by_name() -> None:
    def spec(**variables: Any) -> dict[str, Any]:
        return {"image": {"base_image": "x:1"}, "runtime": {"environment_variables": variables}}

    found = changes(spec(A="one", B="x", D="d"), spec(A="two", B={"name": "s"}, C="new", D="d"), API_VERSION)
    at = "spec.runtime.environment_variables"
    assert [masked(change, Values.NONE) for change in found] == [
        Change(f"{at}.A", MASK, MASK), Change(f"{at}.B", MASK, {"name": "s"}), Change(f"{at}.C", None, MASK)
    ]  # fmt: skip


def test_what_looks_like_a_secret_is_masked_wherever_it_stands() -> None:
    token = "hf_" + "a" * 30
    change = Change("spec.runtime.start_commands[0]", None, f"login --token {token} && go")
    assert masked(change).new == f"login --token {MASK} && go"


# What a hostile or merely unusual repository must not bring about


@pytest.mark.parametrize(
    "spoiled",
    ["<<<<<<< HEAD\n", "apiVersion: baseten-jobs/v2\nkind: TrainingJob\nmetadata: {name: y, project: Demo / one}\n",
     "apiVersion: baseten-jobs/v1\nkind: TrainingJob\nmetadata: {name: y, project: Demo / one}\nspecc: {}\n"],
    ids=["conflict markers", "another version", "a misspelt section"],
)  # fmt: skip
def test_a_manifest_that_can_not_be_read_is_not_a_deleted_one(world: Repository, spoiled: str) -> None:
    world.write("x")
    (world.folder / "other").mkdir()
    world.write("y")
    world.commit()
    world.apply()
    os.rename(world.folder / "specs/y.yaml", world.folder / "other/y.yaml")
    path = world.folder / "other" / "y.yaml"
    path.write_text(path.read_text() + spoiled if spoiled.startswith("<") else spoiled)
    world.commit()
    assert world.asked(prune=True).orphans == ()


def test_another_teams_project_of_the_same_name_is_another_project(tmp_path: Path) -> None:
    world = Repository(tmp_path / "work", durations=LONG, teams=("research",))
    world.write("x", metadata=", team: default")
    world.write("y", metadata=", team: research")
    world.commit()
    world.apply()
    theirs = Repository(tmp_path / "theirs", durations=LONG)
    theirs.api, theirs.between = world.api, world.between
    theirs.write("x", metadata=", team: research")
    theirs.apply()
    (world.folder / "specs" / "x.yaml").unlink()
    world.commit()
    (orphan,) = world.asked(prune=True).orphans
    teams = {p["id"]: p["team_name"] for p in world.api.projects()}
    assert teams[orphan.job.project_id] == "default"


def test_behind_a_submodule_nothing_counts_as_deleted(world: Repository, tmp_path: Path) -> None:
    world.write("x")
    world.write("y")
    world.commit()
    world.apply()
    (world.folder / "specs" / "y.yaml").unlink()
    library = tmp_path / "library"
    library.mkdir()
    git(library, "init", "-q", "-b", "main")
    (library / "readme").write_text("x")
    git(library, "add", "-A")
    git(library, "commit", "-qm", "x")
    git(world.folder, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library), "specs/shared")
    world.commit()
    plan = world.asked(prune=True)
    assert [action.verb for action in plan.actions] == [Verb.KEEP]
    assert any("specs/shared" in note for note in plan.notes)


def test_a_manifest_of_no_repository_beside_others_stops_nothing(world: Repository, tmp_path: Path) -> None:
    world.write("x")
    world.commit()
    world.apply()
    outside = tmp_path / "outside"
    outside.mkdir()
    world.write("x", command="other", more=STOP)
    os.rename(world.folder / "specs" / "x.yaml", outside / "x.yaml")
    os.symlink(outside / "x.yaml", world.folder / "specs" / "x.yaml")
    world.write("z")
    plan = world.asked()
    assert Verb.STOP not in [action.verb for action in plan.actions]


def test_the_variables_of_a_hook_do_not_lead_astray(world: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    world.write()
    running = world.commit()
    world.apply()
    world.write(command="other")
    monkeypatch.chdir(world.folder)
    for name, value in (("GIT_DIR", ".git"), ("GIT_LITERAL_PATHSPECS", "1"), ("GIT_INDEX_FILE", ".git/index")):
        monkeypatch.setenv(name, value)
    assert told(world)[1] == running


@pytest.mark.parametrize("author", ["A\x01B", "Zoë \U0001f600", "A\x01" + "a" * 40])
def test_an_author_of_any_name_is_told(world: Repository, author: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world.write()
    git(world.folder, "add", "-A")
    git(world.folder, "commit", "-qm", "x", GIT_AUTHOR_NAME=author)
    world.apply()
    world.write(command="other")
    (action,) = world.asked().actions
    assert action.previous is not None
    assert action.previous.author == author


def test_a_folder_whose_name_holds_a_newline_is_a_repository_too(tmp_path: Path) -> None:
    world = Repository(tmp_path / "odd\nname", durations=LONG)
    world.write()
    running = world.commit()
    world.apply()
    world.write(command="other")
    assert told(world)[1] == running


@pytest.mark.parametrize("setting", ["combined", "dense-combined", "off", "first-parent"])
def test_settings_of_the_log_change_nothing(world: Repository, setting: str) -> None:
    world.write()
    world.commit()
    git(world.folder, "config", "log.diffMerges", setting)
    git(world.folder, "checkout", "-qb", "side")
    world.write(command="side")
    world.commit()
    git(world.folder, "checkout", "-q", "main")
    world.write(command="main")
    world.commit()
    subprocess.run(("git", "merge", "-q", "side"), cwd=world.folder, capture_output=True)
    world.write(command="resolved")
    running = world.commit()
    world.apply()
    world.write(command="after")
    assert told(world)[1] == running


def test_the_commit_that_brought_the_spec_is_told_and_not_a_later_comment(world: Repository) -> None:
    world.write()
    running = world.commit()
    world.apply()
    path = world.folder / "specs" / "x.yaml"
    path.write_text("# a comment\n" + path.read_text())
    world.commit("only a comment")
    world.write(command="other")
    world.commit()
    assert told(world)[1] == running


def test_what_only_ci_sets_is_never_missing(world: Repository) -> None:
    from baseten_jobs import compilation
    from baseten_jobs.manifest.overrides import parse_override
    from baseten_jobs.pipeline import make
    from baseten_jobs.planning.history.review import Inquiry

    world.write()
    world.commit()
    world.apply()
    world.clock.time += days(30)
    override = parse_override("x:spec.image.base_image=hello-world:2")
    compiled = compilation.compile_all(Inputs([str(world.folder / "specs")], overrides=(override,)), io.BytesIO())
    (action,) = make(world.api, compiled, world.policy, Inquiry(world.now)).plan.actions
    assert (action.verb, action.doubt) == (Verb.SUBMIT, None)


def test_another_line_ending_does_not_hide_a_missing_job(world: Repository) -> None:
    gone(world)
    world.clock.time += days(8)
    path = world.folder / "specs" / "x.yaml"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert missed(world) == ["x"]


def test_a_changed_secret_reference_is_told_by_name() -> None:
    def spec(name: str) -> dict[str, Any]:
        return {"image": {"base_image": "x:1"}, "runtime": {"environment_variables": {"T": {"name": name}}}}

    (change,) = changes(spec("tok"), spec("tok2"), API_VERSION)
    assert masked(change) == Change("spec.runtime.environment_variables.T", {"name": "tok"}, {"name": "tok2"})


@pytest.mark.parametrize("field", ["spec", "spec.runtime", "spec.runtime.environment_variables"])
def test_a_whole_section_that_holds_the_environment_is_masked(field: str) -> None:
    assert masked(Change(field, None, "{B: hunter2secret}")).new == MASK
