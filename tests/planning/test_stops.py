"""What `on_change: stop` and `--prune` never stop, and how that is said."""

import os
from pathlib import Path

import pytest

from baseten_jobs.emulator.settings import Durations
from baseten_jobs.planning.guards import refusals
from baseten_jobs.planning.plan import Action, Policy, Verb
from tests.support.repository import Repository, cloned, git

LONG = Durations(running=1e9)
STOP = "policy: {on_change: stop}\n"


@pytest.fixture
def world(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "work", durations=LONG)


def two_revisions(world: Repository) -> tuple[str, str]:
    """v1 runs, and v2 is to supersede it; both commits."""
    world.write(command="v1", more=STOP)
    first = world.commit("v1")
    world.apply()
    world.write(command="v2", more=STOP)
    return first, world.commit("v2")


def said(action: Action) -> tuple[list[str], list[str]]:
    """Why the superseded run is not stopped: warnings and notes, without the job and the command."""

    def reasons(texts: tuple[str, ...]) -> list[str]:
        mark = "of another spec is not stopped: "
        return [text.partition(mark)[2].partition("; `baseten-jobs stop --job ")[0] for text in texts if mark in text]

    return reasons(action.warnings), reasons(action.notes)


def test_a_superseded_run_is_stopped_where_git_bears_it_out(world: Repository) -> None:
    two_revisions(world)
    assert [action.verb for action in world.asked().actions] == [Verb.SUBMIT, Verb.STOP]
    assert world.apply_asked() == ["submitted", "stopped"]


def test_a_clone_that_a_person_made_to_compare_is_never_stopped(world: Repository) -> None:
    two_revisions(world)
    world.apply_asked()
    first = world.jobs()[0]
    world.clock.time += 3600
    world.api._exchange(
        "POST", "/v1/training_projects/{}/jobs/{}/recreate", first["training_project_id"], first["id"], body={}
    )
    (kept,) = world.asked().actions
    assert (kept.verb, said(kept)) == (Verb.KEEP, ([], []))
    copy = world.jobs()[-1]
    assert kept.notes == (f"job {copy['id']} is a copy that a person made of job {first['id']}; no apply stops it",)


def test_a_spec_that_another_manifest_at_head_has_is_never_stopped(world: Repository) -> None:
    """Two folders with a pipeline each, and one name."""
    world.write(command="team a", more=STOP)
    world.commit()
    world.apply()
    (world.folder / "other").mkdir()
    os.rename(world.folder / "specs" / "x.yaml", world.folder / "other" / "x.yaml")
    world.write(command="team b", more=STOP)
    world.commit()
    (submit,) = world.asked().actions
    assert (submit.verb, said(submit)) == (Verb.SUBMIT, ([], ["another manifest at HEAD has its spec"]))
    assert [str(run) for run in submit.beside] == [
        f"the previous run (job {world.jobs()[0]['id']}, 8 H100) keeps running beside it: $52.00/h"
    ]


def test_nothing_is_stopped_for_a_spec_that_is_not_committed(world: Repository) -> None:
    two_revisions(world)
    world.write(command="v3", more=STOP)
    (submit,) = world.asked().actions
    why = "this manifest's own spec is not in the history (uncommitted, or with `--set`)"
    assert (submit.verb, said(submit)) == (Verb.SUBMIT, ([why], []))


def test_an_old_checkout_stops_nothing_that_a_newer_commit_has_again(world: Repository, tmp_path: Path) -> None:
    """v1, v2, and a revert to v1: the pipeline of v2 runs again, last."""
    _, second = two_revisions(world)
    world.write(command="v1", more=STOP)
    reverted = world.commit("revert")
    clone = cloned(world, tmp_path / "clone")
    git(clone.folder, "checkout", "-q", "--detach", second)
    (submit,) = clone.asked().actions
    assert said(submit) == ([], [f"main has its spec again in {reverted[:10]}"])


@pytest.mark.parametrize("branch", ["main", "feature/x"])
def test_only_the_own_branch_counts_where_there_is_one(world: Repository, tmp_path: Path, branch: str) -> None:
    _, second = two_revisions(world)
    git(world.folder, "checkout", "-qb", "feature/x")
    world.write(command="v1", more=STOP)
    world.commit("back to v1, on a branch that nobody merged")
    git(world.folder, "checkout", "-q", "main")
    clone = cloned(world, tmp_path / "clone")
    git(clone.folder, "checkout", "-qB", branch, second)
    verbs = [action.verb for action in clone.asked().actions]
    assert verbs == ([Verb.SUBMIT, Verb.STOP] if branch == "main" else [Verb.SUBMIT])


@pytest.mark.parametrize("trouble", ["another owner", "no git", "lost objects"])
def test_nothing_is_stopped_where_git_is_there_and_can_not_be_asked(
    world: Repository, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_revisions(world)
    if trouble == "another owner":
        monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    elif trouble == "no git":
        monkeypatch.setenv("PATH", "")
    else:
        for path in sorted((world.folder / ".git" / "objects").glob("??/*")):
            path.chmod(0o600)
            path.write_bytes(b"")
    (submit,) = world.asked().actions
    assert (submit.verb, said(submit)) == (Verb.SUBMIT, (["git can't tell its spec's history"], []))


def test_outside_of_any_repository_the_table_alone_decides(world: Repository, tmp_path: Path) -> None:
    two_revisions(world)
    (world.folder / ".git").rename(tmp_path / "away")
    assert [action.verb for action in world.asked().actions] == [Verb.SUBMIT, Verb.STOP]


# Orphans


def deleted(world: Repository, *, folder: str = "specs") -> None:
    """Two jobs run, and the manifest of one is deleted from a folder."""
    world.write("x", command="x")
    world.write("y", command="y")
    if folder != "specs":
        (world.folder / folder).mkdir()
        os.rename(world.folder / "specs" / "x.yaml", world.folder / folder / "x.yaml")
    world.commit()
    world.write("x", command="x")
    world.apply()
    (world.folder / "specs" / "x.yaml").unlink()
    (world.folder / folder / "x.yaml").unlink(missing_ok=True)
    world.commit("retire x")


def pruned(world: Repository, *paths: str) -> tuple[list[str], list[str]]:
    """The names of the jobs that are stopped, and the doubts about the orphans that are not."""
    from baseten_jobs.pipeline import make
    from baseten_jobs.planning.history.review import Inquiry

    below = tuple(str(world.folder / path) for path in paths) or None
    plan = make(world.api, world.compiled(), world.policy, Inquiry(world.now, Policy(prune=True), paths=below)).plan
    return [stop.request.name for stop in plan.of(Verb.STOP)], [orphan.doubt for orphan in plan.orphans]


@pytest.mark.parametrize(
    ("paths", "stopped"),
    [((), True), (("",), True), (("specs",), True), (("specs/x.yaml",), True), (("specs/y.yaml",), False),
     (("other",), False), (("spec",), False), (("specs/y.yaml", "specs"), True)],
)  # fmt: skip
def test_only_what_lay_below_the_paths_is_pruned(world: Repository, paths: tuple[str, ...], stopped: bool) -> None:
    deleted(world)
    doubts = [""] if stopped else ["specs/x.yaml is not below the paths given"]
    assert pruned(world, *paths) == (["x"] if stopped else [], doubts)


def test_a_manifest_that_a_newer_commit_has_again_is_not_pruned(world: Repository, tmp_path: Path) -> None:
    deleted(world)
    retired = git(world.folder, "rev-parse", "HEAD")
    world.write("x", command="another spec")
    back = world.commit("bring x back")
    clone = cloned(world, tmp_path / "clone")
    git(clone.folder, "checkout", "-q", "--detach", retired)
    assert pruned(clone) == ([], [f"main has its manifest again in {back[:10]}"])


def test_a_spec_that_lives_on_under_another_name_is_not_pruned(world: Repository) -> None:
    deleted(world)
    world.write("renamed", command="x")
    world.commit("it has another name")
    stopped, doubts = pruned(world)
    assert stopped == []
    assert doubts == ["its spec lives on as 'renamed': `metadata.renamed_from: x` says that it was renamed"]


def test_a_renamed_manifest_keeps_its_run(world: Repository) -> None:
    deleted(world)
    world.write("renamed", command="x", metadata=", renamed_from: x")
    world.commit()
    plan = world.asked(prune=True)
    assert (plan.orphans, sorted((a.request.name, a.verb) for a in plan.actions)) == (
        (),
        [("renamed", Verb.KEEP), ("y", Verb.KEEP)],
    )


def test_a_renamed_and_changed_manifest_is_compared_with_what_it_was(world: Repository) -> None:
    deleted(world)
    world.write("renamed", command="x2", metadata=", renamed_from: x", more=STOP)
    world.commit()
    submit, stop, _ = world.asked().actions
    assert [(c.field, c.old, c.new) for c in submit.changes] == [("spec.runtime.start_commands[0]", "x", "x2")]
    assert stop.job_name.startswith("x--")


# Which end a run came to


def test_a_hold_says_that_a_newer_revision_superseded_the_run(world: Repository) -> None:
    _, second = two_revisions(world)
    world.apply_asked()
    world.write(command="v1", more=STOP)
    world.commit("back to v1")
    hold = world.asked().actions[0]
    assert hold.verb is Verb.HOLD
    assert hold.reason.startswith(f"superseded by a newer revision, commit {second[:10]}: raise `metadata.attempt`")


def test_a_run_that_was_stopped_before_a_newer_revision_came_was_stopped_by_a_person(world: Repository) -> None:
    world.write(command="v1")
    world.commit()
    world.apply()
    job = world.jobs()[0]
    world.api.stop(job["training_project_id"], job["id"])
    assert world.asked().actions[0].reason.startswith("stopped by a person: raise `metadata.attempt`")
    world.write(command="v2")
    world.commit()
    world.write(command="v1")
    world.commit()
    assert world.asked().actions[0].reason.startswith("stopped by a person: raise `metadata.attempt`")


# Strict


def test_a_warning_of_the_plan_is_an_error_under_strict(world: Repository) -> None:
    two_revisions(world)
    world.write(command="v3", more=STOP)
    plan = world.asked()
    assert refusals(plan, Policy()) == ()
    (refused,) = refusals(plan, Policy(), strict=True)
    assert refused.startswith("--strict makes a warning an error: x: job ")


def test_a_note_of_the_plan_stops_nobody_under_strict(world: Repository) -> None:
    two_revisions(world)
    world.write(command="v2")
    world.commit()
    plan = world.asked()
    assert plan.actions[0].beside
    assert refusals(plan, Policy(), strict=True) == ()
