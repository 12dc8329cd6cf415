"""What a plan knows from git of stages, whose digests hold those of other manifests of the same commit."""

from pathlib import Path

import pytest

from baseten_jobs.emulator.settings import Durations
from baseten_jobs.git.repository import Repository as GitRepository
from baseten_jobs.git.repository import first_repository
from baseten_jobs.planning.history.lookup import Evidence
from baseten_jobs.planning.plan import Action, Doubt, Plan, Policy, Verb
from tests.manifest.test_chains import stage
from tests.support.repository import Repository, cloned, days
from tests.support.trees import write

RUNNING = 3600.0
STOP = "policy: {on_change: stop}\n"


@pytest.fixture
def world(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "work", durations=Durations(running=RUNNING))


def committed(world: Repository, **stages: str) -> str:
    write(world.folder, {f"specs/{name}.yaml": text for name, text in stages.items()})
    return world.commit()


def done(world: Repository) -> None:
    """Apply, and let the jobs end."""
    world.apply()
    world.clock.time += 2 * RUNNING


def of(plan: Plan, name: str) -> list[Action]:
    return [action for action in plan.actions if action.request.name == name]


def applied_chain(world: Repository, more: str = "") -> None:
    """Both stages ran; the second still does."""
    committed(world, a=stage("a"), b=stage("b", "a", more=more))
    done(world)
    world.apply()


def test_a_changed_second_stage_is_compared_with_the_revision_that_runs_and_supersedes_it(world: Repository) -> None:
    applied_chain(world, STOP)
    committed(world, b=stage("b", "a", image="i:2", more=STOP))
    submit, stop = of(world.asked(), "b")
    assert (submit.verb, stop.verb) == (Verb.SUBMIT, Verb.STOP)
    assert [change.field for change in submit.changes] == ["spec.image.base_image"]
    assert world.apply_asked().count("stopped") == 1


def test_a_changed_first_stage_supersedes_the_second_once_it_has_run(world: Repository) -> None:
    applied_chain(world, STOP)
    commit = committed(world, a=stage("a", image="i:2"))
    (hold,) = of(world.asked(), "b")
    assert (hold.verb, len(hold.warnings)) == (Verb.HOLD, 1)
    world.clock.time += 100
    done(world)
    submit = of(world.asked(), "b")[0]
    assert submit.verb is Verb.SUBMIT
    assert submit.previous is not None
    assert submit.previous.commit != commit


def test_a_second_stage_that_runs_is_stopped_for_one_of_another_first_although_its_file_never_changed(
    world: Repository,
) -> None:
    def first(image: str, hours: float) -> None:
        """The first stage has this image, and so many hours go by once it is applied."""
        committed(world, a=stage("a", image=image))
        world.clock.time += hours * RUNNING

    committed(world, b=stage("b", "a", more=STOP), a=stage("a"))
    done(world)
    first("i:2", 0)
    world.apply()
    world.clock.time += RUNNING * 0.9
    first("i:1", 0)
    assert [action.verb for action in of(world.asked(), "b")] == [Verb.SUBMIT]
    world.apply()
    first("i:2", 0.2)
    submit, stop = of(world.asked(), "b")
    assert (submit.verb, stop.verb) == (Verb.SUBMIT, Verb.STOP)
    assert submit.previous is not None
    assert submit.previous.path == "specs/b.yaml"
    (change,) = submit.changes
    assert (change.field, change.new) == (
        "spec.checkpointing.load.checkpoints[0].manifest",
        submit.request.upstreams[0].identity.job_name,
    )


def test_the_orphan_of_a_stage_is_found_and_pruned(world: Repository) -> None:
    applied_chain(world)
    (world.folder / "specs" / "b.yaml").unlink()
    deleted = world.commit()
    (orphan,) = world.asked().orphans
    assert (orphan.deleted.commit, orphan.doubt) == (deleted, "")
    assert world.apply_asked(prune=True).count("stopped") == 1


def test_a_stage_that_was_renamed_is_no_orphan_to_prune(world: Repository) -> None:
    """Its spec lives on, outside of the paths that the plan has read."""
    applied_chain(world)
    (world.folder / "specs" / "b.yaml").unlink()
    write(world.folder, {"other/c.yaml": stage("c", "a")})
    world.commit()
    (orphan,) = world.asked().orphans
    assert "its spec lives on as 'c'" in orphan.doubt
    assert world.apply_asked(prune=True).count("stopped") == 0


def test_a_stage_whose_first_one_can_not_be_told_is_neither_stopped_nor_pruned(world: Repository) -> None:
    """Two manifests of the repository have the name, in one project each."""
    write(world.folder, {"other/a.yaml": stage("a", metadata=", project: elsewhere", image="i:9")})
    applied_chain(world, STOP)
    committed(world, b=stage("b", "a", image="i:2", more=STOP))
    (submit,) = of(world.asked(), "b")
    assert (submit.verb, len(submit.warnings)) == (Verb.SUBMIT, 1)
    (world.folder / "specs" / "b.yaml").unlink()
    world.commit()
    assert world.apply_asked(prune=True).count("stopped") == 0


def test_a_second_stage_is_missing_only_long_after_the_first_one_has_ended(world: Repository) -> None:
    committed(world, a=stage("a"), b=stage("b", "a"))
    world.clock.time += days(20)
    world.policy = Policy(create=frozenset({"a"}))
    done(world)
    world.policy = Policy()
    (submit,) = of(world.asked(missing=True), "b")
    assert submit.verb is Verb.SUBMIT
    world.clock.time += days(8)
    (hold,) = of(world.asked(missing=True), "b")
    assert (hold.verb, hold.doubt) == (Verb.HOLD, Doubt.MISSING)


def test_a_shallow_clone_stops_nothing(world: Repository, tmp_path: Path) -> None:
    applied_chain(world, STOP)
    committed(world, b=stage("b", "a", image="i:2", more=STOP))
    shallow = cloned(world, tmp_path / "shallow", "--depth", "1")
    (submit,) = of(shallow.asked(), "b")
    assert (submit.verb, len(submit.warnings)) == (Verb.SUBMIT, 1)


def test_the_code_of_the_first_stage_counts_in_the_history_of_the_second(world: Repository) -> None:
    world.api.embedded = True
    first = stage("a", more="  workspace: {root: ../src}\n")
    write(world.folder, {"src/train.py": "LR = 1\n"})
    committed(world, a=first, b=stage("b", "a", more=STOP))
    done(world)
    world.apply()
    committed(world, b=stage("b", "a", image="i:2", more=STOP))
    submit, stop = of(world.asked(), "b")
    assert (submit.verb, stop.verb) == (Verb.SUBMIT, Verb.STOP)
    assert [change.field for change in submit.changes] == ["spec.image.base_image"]


def test_a_chain_that_is_too_long_to_follow_back_is_one_whose_history_is_not_known(world: Repository) -> None:
    names = [f"s{n}" for n in range(300)]
    committed(world, **{name: stage(name, names[n - 1] if n else "") for n, name in enumerate(names)})
    plan = world.asked(missing=True)
    assert [action.verb for action in plan.actions] == [Verb.SUBMIT, *[Verb.HOLD] * 299]
    with first_repository((str(world.folder),)) as repository:
        assert isinstance(repository, GitRepository)
        evidence = Evidence(repository, world.compiled().requests, 10, world.now)
        digests = {written.name: written.digest for file in evidence.at_head.files for written in file.manifests}
    known = {request.name: request.digest for request in world.compiled().requests}
    assert {name for name, digest in digests.items() if digest not in ("", known[name])} == set()
    assert (digests["s0"], digests["s299"]) == (known["s0"], "")


def test_a_chain_is_followed_back_through_all_its_stages(world: Repository) -> None:
    names = [f"s{n}" for n in range(4)]
    chain = {name: stage(name, names[n - 1] if n else "", more=STOP) for n, name in enumerate(names)}
    committed(world, **chain)
    for _ in range(3):
        done(world)
    world.apply()
    committed(world, s3=stage("s3", "s2", image="i:2", more=STOP))
    submit, stop = of(world.asked(), "s3")
    assert (submit.verb, stop.verb) == (Verb.SUBMIT, Verb.STOP)
