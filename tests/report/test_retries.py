"""What is told of runs that are retried, in every format."""

from dataclasses import replace
from pathlib import Path

import pytest

from baseten_jobs.provider.status import Status
from baseten_jobs.report import formats, text
from tests.report import plans
from tests.support.golden import Golden

FOLDER = Path(__file__).parent / "golden"
NOW = 1_772_359_200.0


@pytest.mark.parametrize("name", formats.PLAN)
def test_a_plan_tells_what_is_retried_now_and_later_and_no_more(name: str, golden: Golden) -> None:
    golden.text(FOLDER / f"retries.{name}", formats.PLAN[name](plans.retries()))


@pytest.mark.parametrize("name", formats.STATUS)
def test_a_status_tells_when_a_run_is_retried(name: str, golden: Golden) -> None:
    actions = plans.retries().actions[:3]
    rows = [
        Status(action.request, action.retry.of, age=60.0, cost=1.5, read_at=NOW - wait, retry=action.retry)
        for action, wait in zip(actions, (0.0, 600.0, 0.0), strict=True)
        if action.retry
    ]
    golden.text(FOLDER / f"retries-status.{name}", formats.STATUS[name](rows))


def test_what_comes_later_is_told_by_what_it_waits_for() -> None:
    stages, retries = plans.chain(), plans.retries()
    both = replace(retries, actions=(*stages.actions, *retries.actions), projects=stages.projects)
    assert [
        line for made in (stages, retries, both) for line in text.cost_summary(made) if line.startswith("Then")
    ] == [
        "Then, as stages end: 2 more jobs, 4 x 8 H100 · $208.00/h.",
        "Then, as retries are due: 1 more job, 2 x 8 H100 · $104.00/h.",
        "Then, as stages end and as retries are due: 3 more jobs, 6 x 8 H100 · $312.00/h.",
    ]
