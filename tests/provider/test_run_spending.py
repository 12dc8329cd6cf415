"""Bills and first log lines as they are read: over months, in any form, and where they can't be."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from baseten_jobs.emulator.settings import Durations
from baseten_jobs.job.observation import job_of
from baseten_jobs.provider.run_spending import billed, first_lines
from tests.support.world import START, Send, World, answered

DAY = 86_400.0
BILL = "/v1/billing/usage_summary"


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path, {"durations": Durations(created=60, deploying=300, running=1e9, line=3600)})
    world.write()
    world.apply()
    return world


def test_a_bill_of_months_is_summed_and_no_day_is_asked_for_twice(world: World) -> None:
    world.clock.time += 70 * DAY
    world.between.calls.clear()
    job = job_of(world.jobs()[0])
    asked: list[tuple[str, str]] = []

    def noted(request: httpx.Request, send: Send) -> httpx.Response:
        asked.append((request.url.params["start_date"][:10], request.url.params["end_date"][:10]))
        return send(request)

    world.habit(noted, BILL)
    found = billed(world.api, [job], world.clock.wall())
    assert found[job.id] == pytest.approx(70 * 24 * 52, rel=1e-3)
    assert len(asked) == 3
    assert all(earlier[1] < later[0] for earlier, later in pairwise(asked))


@pytest.mark.parametrize(
    ("amount", "usd"),
    [
        (12.5, 12.5),
        ("12.50", 12.5),
        (0, 0.0),
        (None, None),
        ("dear", None),
        (-1, None),
        ("nan", None),
        (True, None),
        (10**400, None),
    ],
    ids=str,
)
def test_an_amount_that_is_none_is_left_out(world: World, amount: Any, usd: float | None) -> None:
    job = job_of(world.jobs()[0])
    rows = [{"billable_resource": {"id": job.id}, "subtotal": amount}, {"billable_resource": None}, "odd"]
    world.habit(answered(200, {"training_usage": {"breakdown": rows}}), BILL)
    expected = {} if usd is None else {job.id: usd}
    assert billed(world.api, [job], START + DAY) == expected


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_bill_that_cannot_be_read_is_none(world: World, status: int) -> None:
    world.habit(answered(status), BILL)
    assert billed(world.api, [job_of(world.jobs()[0])], START + DAY) == {}


def test_the_first_line_is_the_oldest_whatever_came_since(world: World) -> None:
    job = job_of(world.jobs()[0])
    world.clock.time += 20 * DAY
    began = first_lines(world.api, [job], world.clock.wall())[job.id]
    assert 0.0 <= began - START < 60.0
