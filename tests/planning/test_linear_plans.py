"""What a plan costs, counted in calls and not in seconds: four times the manifests are four times the work."""

import cProfile
import pstats
from collections.abc import Callable
from pathlib import Path

import pytest

from baseten_jobs.emulator.settings import Durations
from baseten_jobs.manifest import document
from baseten_jobs.planning.plan import Plan, Policy
from tests.support.repository import Repository, days

PERMITTED = Policy(max_submits=None)
Lay = Callable[[Repository, int, str], None]
Change = Callable[[Repository, Lay, int], None]


def in_files(world: Repository, count: int, command: str) -> None:
    for number in range(count):
        world.write(f"x{number}", f"{command} {number}", more="policy: {on_change: stop}\n")


def in_one_file(world: Repository, count: int, command: str) -> None:
    in_files(world, count, command)
    paths = sorted((world.folder / "specs").glob("x*.yaml"))
    text = "---\n".join(path.read_text() for path in paths)
    for path in paths:
        path.unlink()
    (world.folder / "specs" / "all.yaml").write_text(text)


def edited(world: Repository, lay: Lay, count: int) -> None:
    lay(world, count, "other")


def edited_and_moved(world: Repository, lay: Lay, count: int) -> None:
    lay(world, count, "other")
    for path in (world.folder / "specs").glob("*.yaml"):
        (path.parent / "further").mkdir(exist_ok=True)
        path.rename(path.parent / "further" / f"of-{path.name}")


def deleted(world: Repository, lay: Lay, count: int) -> None:
    for path in (world.folder / "specs").glob("*.yaml"):
        path.unlink()
    world.write("y")


def renamed(world: Repository, lay: Lay, count: int) -> None:
    for path in (world.folder / "specs").glob("*.yaml"):
        path.write_text(path.read_text().replace("name: x", "name: z"))


def lost(world: Repository, lay: Lay, count: int) -> None:
    """No job is there any more, and git has had the manifests for long."""
    for job in world.jobs():
        world.api._exchange("DELETE", "/v1/training_projects/{}/jobs/{}", job["training_project_id"], job["id"])
    world.clock.time += days(8)


def work(folder: Path, lay: Lay, change: Change, count: int) -> tuple[int, int, Plan]:
    """How often functions of ours are called for a plan after this change, and how many texts are parsed for it."""
    world = Repository(folder, durations=Durations(running=1e9))
    lay(world, count, "train")
    world.commit()
    world.apply()
    change(world, lay, count)
    if change is not lost:
        world.commit()
    profile = cProfile.Profile()
    profile.enable()
    plan = world.asked(missing=True, policy=PERMITTED)
    profile.disable()
    calls = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    ours = sum(calls[key][1] for key in calls if "baseten_jobs" in key[0] and "emulator" not in key[0])
    return ours, sum(calls[key][1] for key in calls if key[2] == document.load.__name__), plan


@pytest.mark.parametrize("lay", [in_files, in_one_file])
@pytest.mark.parametrize("change", [edited, edited_and_moved, deleted, renamed, lost])
def test_four_times_the_manifests_are_four_times_the_work(tmp_path: Path, lay: Lay, change: Change) -> None:
    (less, texts, _), (more, more_texts, plan) = (work(tmp_path / str(count), lay, change, count) for count in (12, 48))
    assert len(plan.actions) + len(plan.orphans) >= 48
    assert more <= 4 * less
    assert more_texts <= 4 * texts
