"""A short, seeded run of the chaos script, whose docstring names its full runs, and of other soaks."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.soaks import chaos, copies, downloads
from tests.soaks.worlds import WORLDS, visit_all
from tests.support import warm

SLOW = ("names a job of before", "a stop that lies")


def slow_worlds() -> bool:
    return all(not each.wrong(WORLDS[name]) for name, each in visit_all(SLOW).items())


def race(title: str) -> bool:
    return chaos.run_race(appliers=4, manifests=12, rounds=1, seed=2, settle=6.0, races=[title])


REHEARSALS: Mapping[str, Callable[[], bool]] = {
    f"worlds end as they must: {', '.join(SLOW)}": slow_worlds,
    "one applier under every fault holds each job once": lambda: chaos.run_faults(
        creates=50, batch=50, seed=3, settle=6.0, naive=False
    ),
    "four appliers at once leave one job each": lambda: race("nothing lost"),
    "four appliers at once report what answers that are lost leave": lambda: race("answers lost"),
    "appliers that were killed leave twins that the next one stops": lambda: chaos.run_killed_race(
        appliers=3, manifests=8, rounds=1, seed=4, settle=3.0
    ),
    "no copy that a person made is stopped": lambda: copies.run(40),
    "a download that was killed has each file whole and once": lambda: downloads.told(downloads.run(60, 30, 2, seed=5)),
    "an applier that was killed loses and doubles nothing": lambda: chaos.run_kill(manifests=40, rounds=1, seed=1),
}


@pytest.mark.slow
def test_each_rehearsal_keeps_its_promise() -> None:
    """Side by side, for most of each is waiting; what broke is printed."""
    warm.command()  # started once, before several ask for it
    with ThreadPoolExecutor(len(REHEARSALS)) as pool:
        kept = {name: pool.submit(rehearse) for name, rehearse in REHEARSALS.items()}
    assert [name for name, each in kept.items() if not each.result()] == []
