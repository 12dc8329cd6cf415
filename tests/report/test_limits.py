"""What is told of limits in every format: what a plan costs at most, and which run is over what."""

from pathlib import Path

import pytest

from baseten_jobs.applying.outcome import Applied, Fate, Outcome
from baseten_jobs.planning.plan import Verb
from baseten_jobs.report import formats
from tests.report import plans
from tests.support.golden import Golden

FOLDER = Path(__file__).parent / "golden"
FATES = {Verb.SUBMIT: Fate.SUBMITTED, Verb.KEEP: Fate.KEPT, Verb.STOP: Fate.STOPPED, Verb.HOLD: Fate.HELD}


@pytest.mark.parametrize("name", formats.PLAN)
def test_a_plan_tells_what_it_costs_at_most_and_what_is_over_its_limit(name: str, golden: Golden) -> None:
    golden.text(FOLDER / f"limits.{name}", formats.PLAN[name](plans.limits()))


@pytest.mark.parametrize("name", formats.APPLIED)
def test_outcomes_tell_which_run_was_over_its_limit(name: str, golden: Golden) -> None:
    actions = [action for action in plans.limits().actions if action.verb is not Verb.SUBMIT]
    outcomes = tuple(Outcome(a, FATES[a.verb], a.job.id if a.job else None, a.error) for a in actions)
    golden.text(FOLDER / f"limits-applied.{name}", formats.APPLIED[name](Applied(outcomes)))
