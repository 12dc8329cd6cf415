"""A short, seeded run of the chaos script; its full run is `python -m tests.soaks.chaos faults|race|kill|speed`."""

from tests.soaks import chaos


def test_one_applier_under_every_fault_holds_each_job_once() -> None:
    assert chaos.run_faults(creates=50, batch=50, seed=3, settle=6.0, naive=False)


def test_four_appliers_at_once_leave_one_job_each() -> None:
    assert chaos.run_race(appliers=4, manifests=12, rounds=1, seed=2, settle=6.0)


def test_an_applier_that_was_killed_loses_and_doubles_nothing() -> None:
    assert chaos.run_kill(manifests=40, rounds=1, seed=1)
