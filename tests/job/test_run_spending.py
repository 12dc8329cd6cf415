"""What runs of one identity took together: never less than the truth at most, never more at least."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.job.run_limits import Range, RunLimits, Spending, run_limits
from baseten_jobs.job.run_spending import spending
from tests.planning.test_retries import START, run

HOUR = 3600.0
NOW = START + 1000 * HOUR


@dataclass(frozen=True)
class Truth:
    """A run as it was, in hours: it wrote lines while it worked, and its row may be changed later."""

    waited: float
    silent: float
    worked: float
    changed: float
    after: float


hours = st.integers(0, 40).map(float)
truths = st.lists(st.builds(Truth, hours, hours, hours, hours, hours), min_size=1, max_size=4)


def told(known: list[Truth], *, live: bool) -> tuple[list[ObservedJob], dict[str, float], float]:
    """Runs that follow each other, their first log lines, and the hours in which they worked."""
    jobs, begins, at, worked = list[ObservedJob](), dict[str, float](), 0.0, 0.0
    for number, each in enumerate(known):
        begun = at + each.waited + each.silent
        ended = begun + each.worked
        lives = live and number == len(known) - 1
        end = 1000.0 if lives else ended
        status = "RUNNING" if lives else "PREEMPTED"
        jobs.append(run(status, number, at * HOUR, (end if lives else ended + each.changed) * HOUR))
        begins[f"j{number}"] = START + begun * HOUR
        worked += end - begun
        at = ended + each.after
    return jobs, begins, worked


@given(truths, st.booleans(), st.sets(st.integers(0, 3)))
def test_what_runs_took_lies_between_the_bounds(known: list[Truth], live: bool, silent: set[int]) -> None:
    jobs, begins, worked = told(known, live=live)
    read = {job: at for job, at in begins.items() if int(job[1:]) not in silent}
    took = spending(jobs, NOW, read, {job.id: 2.0 for job in jobs}, {})
    most = sum(each.waited + each.silent + each.worked for each in known) * HOUR
    assert took.seconds.most is not None
    assert took.usd.most is not None
    assert took.seconds.least <= took.seconds.most
    assert took.usd.least <= took.usd.most
    assert live or took.seconds.most >= most
    later = sum(min(each.changed, each.after) for each in known[:-1]) + (0.0 if live else known[-1].changed)
    assert took.seconds.least <= (worked + later) * HOUR + 1e-3, "a row that is changed after the end looks longer"
    assert took.begun is not (live and len(known) - 1 in silent)


@given(truths, st.sets(st.integers(0, 3)))
def test_without_a_log_line_no_time_is_sure(known: list[Truth], silent: set[int]) -> None:
    jobs, begins, _ = told(known, live=True)
    every = spending(jobs, NOW, begins, {}, {})
    some = spending(jobs, NOW, {job: at for job, at in begins.items() if int(job[1:]) not in silent}, {}, {})
    none = spending(jobs, NOW, {}, {}, {})
    assert none.seconds.least == 0.0
    assert none.seconds.least <= some.seconds.least <= every.seconds.least
    assert none.seconds.most == some.seconds.most == every.seconds.most


@given(truths, st.floats(0, 1e5), st.booleans())
def test_a_bill_counts_in_the_place_of_what_the_time_would_cost(known: list[Truth], usd: float, live: bool) -> None:
    jobs, begins, _ = told(known, live=live)
    prices = {job.id: 30.0 for job in jobs}
    bills = {job.id: usd for job in jobs}
    took = spending(jobs, NOW, begins, prices, bills)
    assert took.usd.least == pytest.approx(usd * len(jobs))
    assert took.usd.most is not None
    assert took.usd.most >= took.usd.least * (1 - 1e-9)
    without_prices = spending(jobs, NOW, begins, {}, bills)
    assert without_prices.usd == Range(took.usd.least, None), "a bill may be late, so it is no upper bound"


def test_what_is_not_known_is_neither_free_nor_dear() -> None:
    live = replace(run("RUNNING"), created_at="")
    assert spending([live], NOW, {}, {}, {}) == Spending(Range(0.0, None), Range(0.0, None), begun=False)
    odd = run("PREEMPTED", begun=HOUR, ended=0.0)
    assert spending([odd], NOW, {odd.id: NOW + HOUR}, {odd.id: 1.0}, {}).seconds == Range(0.0, 0.0)


def test_a_log_line_from_before_the_job_is_no_time_that_it_ran() -> None:
    """The clock of a node may be wrong by years."""
    live = run("RUNNING", begun=990 * HOUR)
    assert spending([live], NOW, {live.id: 0.0}, {}, {}).seconds == Range(10 * HOUR, 10 * HOUR)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({}, None),
        ({"max_duration": None, "max_cost": None}, None),
        ({"max_duration": "12h"}, RunLimits(43_200)),
        ({"max_cost": 500}, RunLimits(None, 500.0)),
        ({"max_duration": "1h30m", "max_cost": 1}, RunLimits(5400, 1.0)),
    ],
    ids=str,
)
def test_limits_are_read_from_the_policy(written: dict[str, object], read: RunLimits | None) -> None:
    assert run_limits(written) == read


@pytest.mark.parametrize(
    ("limits", "price", "usd"),
    [
        (RunLimits(43_200), 52.0, 624.0),
        (RunLimits(43_200), None, None),
        (RunLimits(None, 500.0), None, 500.0),
        (RunLimits(43_200, 500.0), 52.0, 500.0),
        (RunLimits(3600, 500.0), 52.0, 52.0),
    ],
    ids=str,
)
def test_what_a_run_costs_at_most(limits: RunLimits, price: float | None, usd: float | None) -> None:
    assert limits.usd_at_most(price) == usd


@pytest.mark.parametrize(
    ("seconds", "usd", "may", "is_over"),
    [
        (Range(1, 9), Range(1, 9), False, False),
        (Range(1, 10), Range(1, 9), True, False),
        (Range(1, None), Range(1, 9), True, False),
        (Range(10, 11), Range(1, 9), True, True),
        (Range(1, 9), Range(1, None), True, False),
        (Range(1, 9), Range(10, None), True, True),
    ],
    ids=str,
)
def test_a_limit_may_be_reached_before_it_surely_is(seconds: Range, usd: Range, may: bool, is_over: bool) -> None:
    took, both = Spending(seconds, usd), RunLimits(10, 10.0)
    assert (both.may_be_reached_by(took), both.exceeded_by(took)) == (may, is_over)
    assert not RunLimits().may_be_reached_by(took)
