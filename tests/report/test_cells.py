"""The cells of a matrix are told together: under one heading, a row each with its values, the unchanged in one line."""

from dataclasses import replace
from pathlib import Path

import pytest

from baseten_jobs.applying.outcome import Applied, Fate, Outcome
from baseten_jobs.manifest.document import Cell
from baseten_jobs.planning.plan import Action, Plan, Verb
from baseten_jobs.provider.status import Status
from baseten_jobs.report import formats
from baseten_jobs.report.style import Look
from tests.report import plans
from tests.support.golden import Golden

FOLDER = Path(__file__).parent / "golden"


def cell(number: int, verb: Verb, reason: str, **fields: object) -> Action:
    values = (("lr", ["1e-5", "3e-5"][number // 3]), ("seed", number % 3), ("note", "a|b\n::c"))
    name = f"sft-{values[0][1]}-{values[1][1]}"
    made = replace(plans.request(name), path="specs/sweep.yaml", cell=Cell(number, values, ("matrix",), 1, ("matrix",)))
    job = plans.job(name, f"j{number}") if verb is not Verb.SUBMIT else None
    return replace(Action(verb, made, reason, job), **fields)  # type: ignore[arg-type]


def plan() -> Plan:
    """Two manifests, and a matrix between them: of it one cell is new, one is held, one is told of, three are quiet."""
    cells = [
        cell(0, Verb.KEEP, "unchanged"),
        cell(1, Verb.SUBMIT, "new"),
        cell(2, Verb.HOLD, "failed before: raise it"),
        cell(3, Verb.KEEP, "unchanged", warnings=("job j9 runs, too",)),
        cell(4, Verb.KEEP, "unchanged"),
        cell(5, Verb.KEEP, "unchanged: job j5 completed"),
    ]
    return plans.planned(plans.keep("before"), *cells, plans.keep("after"))


@pytest.mark.parametrize("name", formats.PLAN)
def test_a_plan_tells_cells_together(name: str, golden: Golden) -> None:
    golden.text(FOLDER / f"cells.{name}", formats.PLAN[name](plan()))


@pytest.mark.parametrize("name", formats.STATUS)
def test_a_status_tells_cells_together(name: str, golden: Golden) -> None:
    rows = [Status(action.request, action.job, age=60.0, cost=1.5) for action in plan().actions]
    golden.text(FOLDER / f"cells-status.{name}", formats.STATUS[name](rows))


def test_what_is_unchanged_is_counted_and_listed_only_where_all_is_asked_for() -> None:
    quiet = Plan(tuple(cell(number, Verb.KEEP, "unchanged") for number in range(6)), plan().projects)
    lines = formats.PLAN["text"](quiet).splitlines()
    assert lines[:2] == ["  = keep    6 cells unchanged; -v lists them", ""]
    whole = formats.PLAN["text"](quiet, Look(verbose=True))
    assert whole.startswith("  # specs/sweep.yaml:2: 6 cells of lr, seed, note\n")
    assert [action.request.name for action in quiet.actions if action.request.name not in whole] == []
    assert "-v lists" not in whole


def test_outcomes_of_cells_have_their_values_in_json() -> None:
    action = plan().actions[2]
    told = formats.APPLIED["json"](Applied((Outcome(action, Fate.SUBMITTED, "j1"),)))
    assert '"cell": {' in told
    assert '"seed": 1' in told
