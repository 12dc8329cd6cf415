"""What a plan knows from git of the cells of a matrix, whose names stand in no file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from baseten_jobs.emulator.settings import Durations
from baseten_jobs.planning.plan import Doubt, Policy, Verb
from tests.support.repository import Repository, days, git

SWEEP = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
matrix:
  seed: [1, 2, 3]
metadata: {name: "x-s${{ matrix.seed }}", project: Demo / one}
spec:
  image: {base_image: "hello-world:1"}
  compute: {accelerator: "H100:8"}
  runtime: {start_commands: ["train --seed ${{ matrix.seed }}"]}
"""


@pytest.fixture
def world(tmp_path: Path) -> Repository:
    world = Repository(tmp_path / "work", durations=Durations(running=1e9))
    (world.folder / "specs").mkdir()
    return world


def sweep(world: Repository, text: str = SWEEP, path: str = "specs/sweep.yaml") -> str:
    (world.folder / path).write_text(text)
    return world.commit()


def edited(world: Repository, old: str, new: str) -> str:
    path = world.folder / "specs" / "sweep.yaml"
    assert old in path.read_text()
    return sweep(world, path.read_text().replace(old, new))


def test_a_cell_that_the_axis_line_alone_takes_out_is_an_orphan_and_pruned_on_demand(world: Repository) -> None:
    sweep(world)
    world.apply()
    deleted = edited(world, "[1, 2, 3]", "[1, 3]")
    plan = world.asked()
    (orphan,) = plan.orphans
    assert orphan.job.identity is not None
    assert (orphan.job.identity.name, orphan.deleted.commit, orphan.doubt) == ("x-s2", deleted, "")
    assert [action.verb for action in plan.actions] == [Verb.KEEP, Verb.KEEP]
    assert world.apply_asked(prune=True).count("stopped") == 1


def test_the_last_cell_of_a_project_leaves_an_orphan_too(world: Repository) -> None:
    sweep(world, SWEEP.replace("project: Demo / one", 'project: "Demo ${{ matrix.seed }}"'))
    world.apply()
    edited(world, "[1, 2, 3]", "[1, 2]")
    assert [orphan.project for orphan in world.asked().orphans] == ["Demo 3"]


def test_each_cell_is_compared_with_the_revision_that_runs(world: Repository) -> None:
    running = sweep(world)
    world.apply()
    edited(world, "[1, 2, 3]", "[3, 1, 2, 4]")
    git(world.folder, "mv", "specs/sweep.yaml", "specs/moved.yaml")
    sweep(world, SWEEP.replace("[1, 2, 3]", "[3, 1, 2, 4]").replace("train", "train --more"), "specs/moved.yaml")
    *older, new = sorted(world.asked().actions, key=lambda action: action.request.name)
    assert new.previous is None
    assert [action.previous.commit for action in older if action.previous] == [running] * 3
    assert [[(c.old, c.new) for c in action.changes] for action in older] == [
        [(f"train --seed {seed}", f"train --more --seed {seed}")] for seed in (1, 2, 3)
    ]


def test_a_superseded_run_of_a_cell_is_stopped(world: Repository) -> None:
    sweep(world, f"{SWEEP}policy: {{on_change: stop}}\n")
    world.apply()
    edited(world, "train", "train --more")
    assert world.apply_asked().count("stopped") == 3


def test_a_cell_is_as_old_as_the_line_of_its_axis(world: Repository) -> None:
    """A job that is gone is missing; one of a value that the axis got lately is new."""
    sweep(world)
    world.apply()
    for job in world.jobs():
        if job["name"].startswith("x-s2"):
            world.api._exchange("DELETE", "/v1/training_projects/{}/jobs/{}", job["training_project_id"], job["id"])
    world.clock.time += days(8)
    edited(world, "[1, 2, 3]", "[1, 2, 3, 4]")
    doubts = {action.request.name: action.doubt for action in world.asked(missing=True).actions}
    assert doubts == {"x-s1": None, "x-s2": Doubt.MISSING, "x-s3": None, "x-s4": None}


def test_a_manifest_that_becomes_a_cell_keeps_its_run_and_its_history(world: Repository) -> None:
    plain = SWEEP.replace("matrix:\n  seed: [1, 2, 3]\n", "").replace("${{ matrix.seed }}", "1")
    running = sweep(world, plain)
    world.apply()
    sweep(world)
    assert [action.verb for action in world.asked().actions] == [Verb.KEEP, Verb.SUBMIT, Verb.SUBMIT]
    edited(world, "train", "train --more")
    first = world.asked().actions[0]
    assert first.previous is not None
    assert first.previous.commit == running


def broken_axis(text: str) -> str:
    return text.replace("[1, 2, 3]", "{}")


def conflict(text: str) -> str:
    return text + "<<<<<<< HEAD\n"


@pytest.mark.parametrize("spoil", [broken_axis, conflict])
def test_a_matrix_that_can_not_be_expanded_may_hold_any_name(world: Repository, spoil: Callable[[str], str]) -> None:
    sweep(world)
    world.apply()
    (world.folder / "elsewhere").mkdir()
    (world.folder / "specs" / "sweep.yaml").unlink()
    world.write("y")
    sweep(world, spoil(SWEEP), "elsewhere/sweep.yaml")
    plan = world.asked(policy=Policy(max_submits=None), prune=True)
    assert (plan.orphans, plan.of(Verb.STOP)) == ((), ())
    (world.folder / "elsewhere" / "sweep.yaml").unlink()
    world.commit()
    assert len(world.asked(prune=True).orphans) == 3


def test_a_cell_that_adopts_is_compared_with_the_revision_that_its_job_runs(world: Repository) -> None:
    """Old revisions are compiled with what their cells adopt; a cell that is taken out leaves its job to itself."""
    sweep(world)
    world.apply()
    job = world.create_behind(name="theirs")
    added = sweep(world, SWEEP.replace("[1, 2, 3]", "[1, 2, 3, 4]"))
    digest = next(request.digest[:12] for request in world.compiled().requests if request.name == "x-s4")
    entry = f'  adopts: [{{seed: 4, adopts: {{job: {job["id"]}, digest: "{digest}"}}}}]\n'
    edited(world, "[1, 2, 3, 4]\n", f"[1, 2, 3, 4]\n{entry}")
    assert {action.verb for action in world.asked().actions} == {Verb.KEEP}
    edited(world, '"train ', '"train --more ')
    changed = world.asked()
    assert [action.verb for action in changed.actions].count(Verb.SUBMIT) == 4
    (of_theirs,) = [action for action in changed.actions if action.request.name == "x-s4"]
    assert of_theirs.previous is not None
    assert of_theirs.older is not None
    assert (of_theirs.older.id, of_theirs.previous.commit) == (job["id"], added)
    edited(world, "[1, 2, 3, 4]\n" + entry, "[1, 2, 3]\n")
    assert [orphan.job.id for orphan in world.asked().orphans] == []
