"""What a plan knows from git of manifests that extend Defaults, which change where the manifests' own files do not."""

from pathlib import Path

import pytest

from baseten_jobs.emulator.settings import Durations
from baseten_jobs.planning.plan import Policy, Verb
from tests.support.repository import Repository, days, git

BASE = """\
apiVersion: baseten-jobs/v1
kind: TrainingJobDefaults
metadata: {project: Demo / one}
spec:
  image: {base_image: "hello-world:1"}
  compute: {accelerator: "H100:8"}
policy: {on_change: stop}
"""
HEIR = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
extends: ../base.yaml
metadata: {name: NAME}
spec:
  runtime: {start_commands: [train NAME]}
"""


@pytest.fixture
def world(tmp_path: Path) -> Repository:
    world = Repository(tmp_path / "work", durations=Durations(running=1e9))
    (world.folder / "specs").mkdir()
    for name in ("a", "b"):
        (world.folder / "specs" / f"{name}.yaml").write_text(HEIR.replace("NAME", name))
    return world


def base(world: Repository, old: str = "", new: str = "", path: str = "base.yaml") -> str:
    (world.folder / path).write_text(BASE.replace(old, new) if old else BASE)
    return world.commit()


def test_an_edit_of_the_base_is_a_change_of_every_heir(world: Repository) -> None:
    first = base(world)
    world.apply()
    base(world, "hello-world:1", "hello-world:2")
    plan = world.asked()
    submits = plan.of(Verb.SUBMIT)
    assert [action.previous.commit for action in submits if action.previous] == [first, first]
    assert [[(c.field, c.old, c.new) for c in action.changes] for action in submits] == [
        [("spec.image.base_image", "hello-world:1", "hello-world:2")]
    ] * 2
    assert world.apply_asked() == ["submitted", "stopped"] * 2


def test_what_runs_is_found_in_a_revision_that_only_the_base_made(world: Repository) -> None:
    """The manifest's own file never changed."""
    base(world)
    second = base(world, "hello-world:1", "hello-world:2")
    world.apply()
    third = base(world, "hello-world:1", "hello-world:3")
    base(world, "hello-world:1", "hello-world:4")
    submits = world.asked().of(Verb.SUBMIT)
    assert [action.previous.commit for action in submits if action.previous] == [second, second]
    assert {action.previous.path for action in submits if action.previous} == {"specs/a.yaml", "specs/b.yaml"}
    assert third not in {action.previous.commit for action in submits if action.previous}
    assert [action.verb for action in world.asked().actions].count(Verb.STOP) == 2


def test_an_edit_of_the_base_of_the_base_counts_too(world: Repository) -> None:
    (world.folder / "root.yaml").write_text(BASE)
    (world.folder / "base.yaml").write_text(
        "apiVersion: baseten-jobs/v1\nkind: TrainingJobDefaults\nextends: root.yaml\n"
    )
    first = world.commit()
    world.apply()
    base(world, "H100:8", "H100:4", "root.yaml")
    submits = world.asked().of(Verb.SUBMIT)
    assert [action.previous.commit for action in submits if action.previous] == [first, first]
    assert world.apply_asked() == ["submitted", "stopped"] * 2


def test_a_base_that_goes_back_makes_the_old_jobs_the_wanted_ones(world: Repository) -> None:
    base(world)
    world.apply()
    base(world, "hello-world:1", "hello-world:2")
    world.apply_asked()
    base(world)
    assert [action.verb for action in world.asked().of(Verb.HOLD)] == [Verb.HOLD] * 2


def test_an_heir_that_is_deleted_leaves_an_orphan(world: Repository) -> None:
    base(world)
    base(world, "hello-world:1", "hello-world:2")
    world.apply()
    git(world.folder, "rm", "-q", "specs/b.yaml")
    deleted = world.commit()
    (orphan,) = world.asked().orphans
    assert (orphan.job.identity.name if orphan.job.identity else "", orphan.deleted.commit, orphan.doubt) == (
        "b",
        deleted,
        "",
    )
    assert world.apply_asked(prune=True).count("stopped") == 1


def test_a_base_that_is_renamed_changes_nothing(world: Repository) -> None:
    first = base(world)
    world.apply()
    git(world.folder, "mv", "base.yaml", "common.yaml")
    for path in (world.folder / "specs").glob("*.yaml"):
        path.write_text(path.read_text().replace("../base.yaml", "../common.yaml"))
    world.commit()
    assert [action.verb for action in world.asked().actions] == [Verb.KEEP] * 2
    base(world, "hello-world:1", "hello-world:2", "common.yaml")
    git(world.folder, "rm", "-q", "--cached", "--ignore-unmatch", "base.yaml")
    submits = world.asked().of(Verb.SUBMIT)
    assert {action.previous.commit for action in submits if action.previous} <= {
        first,
        git(world.folder, "rev-parse", "HEAD^"),
    }
    assert all(action.changes for action in submits)


def test_a_manifest_that_moves_its_values_into_a_base_is_the_same(world: Repository) -> None:
    for name in ("a", "b"):
        whole = HEIR.replace("extends: ../base.yaml\n", "").replace("{name: NAME}", "{name: NAME, project: Demo / one}")
        whole = whole.replace(
            "spec:\n", 'spec:\n  image: {base_image: "hello-world:1"}\n  compute: {accelerator: "H100:8"}\n'
        )
        (world.folder / "specs" / f"{name}.yaml").write_text(whole.replace("NAME", name))
    world.commit()
    world.apply()
    for name in ("a", "b"):
        (world.folder / "specs" / f"{name}.yaml").write_text(HEIR.replace("NAME", name))
    base(world)
    plan = world.asked()
    assert [action.verb for action in plan.actions] == [Verb.KEEP] * 2
    assert plan.orphans == ()


def test_a_late_edit_of_the_base_makes_its_heirs_new(world: Repository) -> None:
    """A missing job of a spec that the branch has held for long is held; one that came lately is submitted."""
    base(world)
    world.clock.time += days(30)
    assert [action.doubt is not None for action in world.asked(missing=True).actions] == [True, True]
    base(world, "hello-world:1", "hello-world:2")
    assert [action.doubt is not None for action in world.asked(missing=True).actions] == [False, False]


def test_a_revision_without_its_base_hides_its_manifests(world: Repository) -> None:
    """Nothing is pruned because of a revision that can't be compiled."""
    base(world)
    world.apply()
    git(world.folder, "rm", "-q", "specs/b.yaml")
    world.commit()
    (world.folder / "other.yaml").write_text(HEIR.replace("NAME", "b").replace("../base", "gone"))
    git(world.folder, "add", "-A")
    git(world.folder, "commit", "-qm", "broken")
    (world.folder / "other.yaml").unlink()
    plan = world.asked()
    assert [orphan.doubt for orphan in plan.orphans] in ([""], [])
    assert world.apply_asked(prune=True).count("stopped") <= 1


def test_a_shallow_clone_says_so(world: Repository, tmp_path: Path) -> None:
    base(world)
    world.apply()
    base(world, "hello-world:1", "hello-world:2")
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{world.folder}", "shallow")
    world.folder = tmp_path / "shallow"
    plan = world.asked(policy=Policy())
    assert all("shallow" in action.history for action in plan.of(Verb.SUBMIT))
    assert not plan.of(Verb.STOP)


def test_a_workspace_that_a_base_names_is_found_in_history(world: Repository) -> None:
    world.api.embedded = True
    (world.folder / "src").mkdir()
    (world.folder / "src" / "train.py").write_text("one")
    first = base(world, "spec:\n", "spec:\n  workspace: src\n")
    world.apply()
    (world.folder / "src" / "train.py").write_text("two")
    world.commit()
    submits = world.asked().of(Verb.SUBMIT)
    assert [action.previous.commit for action in submits if action.previous] == [first, first]
    assert [[c.field for c in action.changes] for action in submits] == [["spec.workspace/train.py"]] * 2
