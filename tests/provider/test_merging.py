"""Jobs of several rows and readings: one job each, whatever their order, and no contradiction in silence."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.job.identity import Identity
from baseten_jobs.job.observation import ObservedJob, StatusClass, job_of
from baseten_jobs.job.settings import settings_of_row
from baseten_jobs.provider.merging import Contradiction, ShownJobs, as_one, compared, may_be_capped, merged, once_each

IDLE = settings_of_row({"priority": 0})
OWN, OTHER = (Identity("x", digit * 12).job_name for digit in "ab")


def job(id: str = "j1", name: str | None = OWN, status: str = "RUNNING", **more: Any) -> ObservedJob:
    return ObservedJob(id, name, status and f"TRAINING_JOB_{status}", "2026-03-01T10:00:00Z", "p1", **more)


def shown(*jobs: ObservedJob, rows: int | None = None) -> ShownJobs:
    return ShownJobs({each.id: each for each in jobs}, len(jobs) if rows is None else rows)


STATUSES = (
    "PENDING", "CREATED", "RUNNING", "NEVER_HEARD_OF", "COMPLETED", "FAILED", "STOPPED", "PREEMPTED", "",
)  # fmt: skip
ROWS = st.lists(
    st.builds(
        lambda n, named, status, gpus: job(f"j{n}", (OWN, OTHER, "by hand")[n] if named else None, status, gpus=gpus),
        st.integers(0, 2), st.booleans(), st.sampled_from(STATUSES), st.sampled_from([None, 8]),
    ),
    max_size=8,
)  # fmt: skip


def essence(jobs: Sequence[ObservedJob]) -> dict[str, tuple[Any, ...]]:
    """What decides on a plan."""
    found = once_each(jobs)
    return {
        id: (each.name, each.status_class, bool(each.status), each.pending, each.gpus) for id, each in found.items()
    }


@given(ROWS, st.randoms(use_true_random=False))
def test_rows_in_any_order_and_repeated_are_the_same_jobs(rows: list[ObservedJob], chance: Any) -> None:
    others = rows + [chance.choice(rows) for _ in rows]
    chance.shuffle(others)
    assert essence(others) == essence(rows)
    assert once_each(once_each(rows).values()) == once_each(rows)


@given(ROWS)
def test_what_a_row_does_not_tell_never_erases_what_another_does(rows: list[ObservedJob]) -> None:
    for found in once_each(rows).values():
        own = [row for row in rows if row.id == found.id]
        assert (found.name is None) == all(row.name is None for row in own)
        assert (found.gpus is None) == all(row.gpus is None for row in own)
        assert (found.status == "") == all(row.status == "" for row in own)


@given(ROWS, ROWS)
def test_search_and_list_show_together_what_either_shows(one: list[ObservedJob], other: list[ObservedJob]) -> None:
    search, listed = ShownJobs(once_each(one), len(one)), ShownJobs(once_each(other), len(other))
    found = compared(search, listed).jobs
    assert found.keys() == search.jobs.keys() | listed.jobs.keys()
    for reading in (search, listed):
        for id, each in reading.jobs.items():
            assert each.name in (None, found[id].name)
            assert not (each.status and each.live) or found[id].live
            assert each.status_class is not StatusClass.DONE or found[id].ran


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (job(), job(), job()),
        (job(), job(name=None), job()),
        (job(), job(name=""), job()),
        (job(name=None), job(), job()),
        (job(name="first"), job(name="last"), job(name="last", disputed=True)),
        (job(), job(name="by hand"), job(disputed=True)),
        (job(name="by hand"), job(), job(disputed=True)),
        (job(), job(name=f"{OWN}-2"), job(name=f"{OWN}-2")),
        (job(), job(status="COMPLETED"), job()),
        (job(status="FAILED"), job(status="COMPLETED"), job(status="COMPLETED")),
        (job(status="PENDING"), job(), job()),
        (job(), job(status="PENDING"), job()),
        (job(status="CREATED"), job(), job()),
        (job(status="COMPLETED"), job(status=""), job(status="COMPLETED")),
        (job(status=""), job(status="STOPPED"), job(status="STOPPED")),
        (job(status="FAILED", error_message="out of memory"), job(), job()),
        (job(gpus=8, settings=IDLE), job(node_count=2), job(gpus=8, settings=IDLE, node_count=2)),
        (job(), replace(job(), created_at=""), job()),
    ],
)  # fmt: skip
def test_two_rows_of_a_job_are_one(one: ObservedJob, other: ObservedJob, expected: ObservedJob) -> None:
    assert merged(one, other) == as_one([one, other]) == expected


def test_a_job_with_the_names_of_two_managed_ones_is_no_job_to_plan_by() -> None:
    with pytest.raises(Contradiction, match=f"job j1 is shown both as '{OWN}' and as '{OTHER}'"):
        merged(job(), job(name=OTHER))


def test_a_job_that_two_witnesses_name_differently_lives_if_either_shows_it_alive() -> None:
    """A look at a job that was just created or stopped can't wait for the two to agree."""
    found = as_one([job(status="STOPPED"), job(name=OTHER), job(name=None, status="STOPPED")])
    assert found == job(name=OTHER, disputed=True)


@pytest.mark.parametrize(
    ("search", "listed", "doubts", "capped"),
    [
        (shown(job()), shown(job()), {}, 0),
        (shown(), shown(), {}, 0),
        (shown(job()), shown(), {"j1": ""}, 0),
        (shown(), shown(job()), {"j1": ""}, 0),
        (shown(job()), shown(job(name=None)), {}, 0),
        (shown(job()), shown(job(name=f"{OWN}-2")), {}, 0),
        (shown(job()), shown(job(status="")), {}, 0),
        (shown(job(status="CREATED")), shown(job()), {}, 0),
        (shown(job()), shown(job(gpus=16)), {}, 0),
        (shown(job()), shown(job(status="FAILED")), {"j1": "running and failed"}, 0),
        (shown(job(status="FAILED")), shown(job(status="STOPPED")), {"j1": "failed and stopped"}, 0),
        (shown(job(status="PENDING")), shown(job()), {"j1": "pending and running"}, 0),
        (
            shown(job()), shown(job(name="by hand")),
            {"j1": "named 'x--aaaaaaaaaaaa' and 'by hand', so it is not stopped"}, 0,
        ),
        (shown(job(), rows=100), shown(job(), job("j2")), {}, 100),
        (shown(job(), rows=100), shown(job()), {}, 0),
        (shown(job(), job("j3"), rows=100), shown(job(), job("j2")), {"j3": ""}, 100),
        (shown(job(), rows=101), shown(job(), job("j2")), {"j2": ""}, 0),
    ],
)  # fmt: skip
def test_only_what_contradicts_is_doubted(
    search: ShownJobs, listed: ShownJobs, doubts: dict[str, str], capped: int
) -> None:
    found = compared(search, listed)
    assert (found.doubts, found.capped) == (doubts, capped)
    assert bool(found.note) == bool(doubts)


def test_a_note_is_one_line_whatever_the_server_shows() -> None:
    hostile = job("j\n::error::", "a\u202eb\n" * 40)
    assert compared(shown(hostile), shown(replace(hostile, name="c\x1b[2J"))).note.isprintable()


def test_what_was_shown_before_stands_until_a_later_reading_shows_it_otherwise() -> None:
    before = {"j1": job(), "j2": job("j2", OTHER), "j3": job("j3", "by hand")}
    later = shown(job(status="COMPLETED"), job("j2", None, "FAILED"))
    assert compared(later, later, before).jobs == {
        "j1": job(status="COMPLETED"), "j2": job("j2", OTHER, "FAILED"), "j3": job("j3", "by hand"),
    }  # fmt: skip


@pytest.mark.parametrize("rows", [50, 100, 200, 250, 500, 750, 1_000, 2_000, 10_000, 100_000])
def test_an_answer_of_a_round_number_of_rows_may_have_ended_early(rows: int) -> None:
    assert may_be_capped(rows)
    assert not may_be_capped(rows + 1)
    assert not may_be_capped(rows - 1)


def test_a_small_answer_is_whole() -> None:
    assert not [rows for rows in range(50) if may_be_capped(rows)]


def test_a_row_is_reduced_to_a_job_before_it_is_merged() -> None:
    one, other = ({"id": "j1", "name": name, "current_status": "TRAINING_JOB_RUNNING"} for name in (OWN, None))
    (found,) = once_each(map(job_of, (one, other))).values()
    assert (found.name, found.live) == (OWN, True)
