"""`capacity`, against the embedded API, and whatever else an API may answer."""

from contextlib import suppress
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.emulator.settings import Durations
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.job.pools import Pool, pools_of
from baseten_jobs.report import formats
from baseten_jobs.report.style import Look
from tests.support.operating import Desk, Open, desk, open_desk

__all__ = ["desk", "open_desk"]


@pytest.fixture
def full(open_desk: Open) -> Desk:
    """An organisation with 40 H100s, of which the default team may have 32: two jobs run, and two wait."""
    desk = open_desk(teams=("research",), durations=Durations(running=360_000), capacity=(("H100", 40), ("A100", 8)))
    with httpx.Client(base_url=desk.url, headers={"Authorization": "Bearer a-key"}) as http:
        team = next(each["id"] for each in http.get("/v1/teams").json()["teams"] if each["name"] == "default")
        limit = {"team_id": team, "gpu_type": "H100", "max_gpus": 32}
        assert http.patch("/v1/training/capacity", json=limit).is_success
    desk.applied("a", "b")
    desk.clock.time = 60
    desk.applied("c", "d")
    desk.clock.time = 3600 * 2 + 60
    return desk


def test_limits_use_and_queue_are_told_by_type_and_team(full: Desk) -> None:
    ran = full("capacity")
    assert (ran.code, ran.err) == (0, "")
    assert [line.split(maxsplit=7) for line in ran.out.splitlines()][1:] == [
        ["A100", "all", "0", "0", "0", "8", "8", "0"],
        ["H100", "all", "32", "0", "0", "40", "8", "2 jobs, 32 GPUs, for 2h"],
        ["H100", "default", "32", "0", "0", "32", "0", "2 jobs, 32 GPUs, for 2h"],
    ]
    (_, organisation, team) = full("capacity", "-o", "json").json["capacity"]
    assert organisation == {
        "gpu_type": "H100", "team": None, "baseline": 0, "limit": 40, "in_use": 32, "dedicated_in_use": 32,
        "spot_in_use": 0, "free": 8, "queued_jobs": 2, "queued_gpus": 32, "longest_wait_seconds": 7200,
    }  # fmt: skip
    assert (team["team"], team["limit"], team["free"]) == ("default", 32, 0)


def test_without_limits_that_is_said(desk: Desk) -> None:
    ran = desk("capacity")
    assert (ran.code, ran.out) == (0, "no limits are set, and no job waits for a GPU\n")
    assert desk("capacity", "-o", "json").json["capacity"] == []


def test_a_narrow_terminal_has_fewer_columns() -> None:
    every = [Pool("H100", None, 16, 32, 24, 16, 8, 2, 16, "1970-01-01T00:00:00Z")]
    assert formats.POOLS["text"](every, 7200.0) == (
        "GPU   TEAM  IN USE  SPOT  BASELINE  LIMIT  FREE  QUEUED\n"
        "H100  all   24      8     16        32     8     2 jobs, 16 GPUs, for 2h"
    )
    assert max(map(len, formats.POOLS["text"](every, 0.0, Look(width=60)).splitlines())) <= 60


def job(number: int, gpu_type: str = "H100", status: str = "PENDING", gpus: int | None = 8) -> ObservedJob:
    created = f"2027-01-15T08:00:0{number}Z"
    return ObservedJob(f"j{number}", None, f"TRAINING_JOB_{status}", created, "p", gpus, gpu_type)


def test_a_queue_without_limits_has_a_row_and_spellings_are_one_type() -> None:
    answer = {"gpu_capacities": [{"gpu_type": "A100-40GB", "baseline": 0, "limit": 8, "usage_count": 12}]}
    queued = [(job(2), "t"), (job(1), None), (job(3, "A100_40GB", gpus=None), "t"), (job(4, status="RUNNING"), "t")]
    assert pools_of(answer, queued) == (
        Pool("A100-40GB", None, 0, 8, 12, None, None, 1, 0, "2027-01-15T08:00:03Z"),
        Pool("A100_40GB", "t", queued_jobs=1, oldest="2027-01-15T08:00:03Z"),
        Pool("H100", queued_jobs=2, queued_gpus=16, oldest="2027-01-15T08:00:01Z"),
        Pool("H100", "t", queued_jobs=1, queued_gpus=8, oldest="2027-01-15T08:00:02Z"),
    )
    assert pools_of(answer, ())[0].free == 0


rows = st.lists(
    st.dictionaries(
        st.sampled_from(["gpu_type", "team_name", "limit", "usage_count", "baseline"]),
        st.none() | st.integers() | st.text() | st.floats() | st.booleans(),
    )
)


@given(st.dictionaries(st.sampled_from(["gpu_capacities", "team_gpu_capacities"]), rows | st.none() | st.text()))
def test_an_answer_of_another_shape_is_an_error_and_no_other_is(answer: dict[str, Any]) -> None:
    with suppress(ValueError):
        shown = formats.POOLS["text"](pools_of(answer, ()), 0.0, Look(width=80))
        assert all(c.isprintable() or c in "\n\u200c\u200d" for c in shown)
