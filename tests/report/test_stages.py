"""What is told of stages that wait, in every format."""

from pathlib import Path

import pytest

from baseten_jobs.provider.status import Status, with_waits
from baseten_jobs.report import formats
from tests.report import plans
from tests.support.golden import Golden

FOLDER = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", formats.PLAN)
def test_a_plan_tells_what_waits_for_what_and_what_comes_then(name: str, golden: Golden) -> None:
    golden.text(FOLDER / f"chain.{name}", formats.PLAN[name](plans.chain()))


@pytest.mark.parametrize("name", formats.STATUS)
def test_a_status_tells_what_waits_for_what(name: str, golden: Golden) -> None:
    rows = with_waits(Status(action.request, action.job, age=60.0, cost=1.5) for action in plans.chain().actions)
    golden.text(FOLDER / f"chain-status.{name}", formats.STATUS[name](rows))


@pytest.mark.parametrize("name", formats.REQUESTS)
def test_a_body_tells_what_apply_fills_in(name: str, golden: Golden) -> None:
    requests = [action.request for action in plans.chain().actions[:2]]
    golden.text(FOLDER / f"chain-requests.{name}", formats.REQUESTS[name](requests))
