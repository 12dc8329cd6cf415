"""An edit of Defaults that reaches several jobs is told once, with the jobs; what one job has alone stays beside it."""

from dataclasses import replace
from pathlib import Path

import pytest

from baseten_jobs.planning.diff import Change
from baseten_jobs.planning.plan import Plan
from baseten_jobs.report import formats
from baseten_jobs.report.shared_changes import SharedChanges
from baseten_jobs.report.style import Look
from baseten_jobs.secrecy import Values
from tests.report import plans
from tests.support.golden import Golden

FOLDER = Path(__file__).parent / "golden"
BASE = "specs/base|.yaml"
SHARED = (
    Change("spec.image.base_image", "i:1", "i:2", source=BASE),
    Change("spec.runtime.environment_variables.MODE", "sesame", "poppy", source=BASE),
)


def plan() -> Plan:
    own = Change("spec.priority", None, 10)
    alone = Change("spec.compute.node_count", 2, 4, source="specs/other.yaml")
    names = [f"sft-{number}" for number in range(8)]
    heirs = [plans.submit(name, changes=SHARED, previous=plans.REVISION, request=plans.request(name)) for name in names]
    heirs[2] = replace(heirs[2], changes=(own, *SHARED[:1], alone))
    return plans.planned(*heirs, plans.keep("tiny"))


@pytest.mark.parametrize("name", formats.PLAN)
def test_an_edit_of_defaults_is_told_once(name: str, golden: Golden) -> None:
    golden.text(FOLDER / f"shared.{name}", formats.PLAN[name](plan()))


@pytest.mark.parametrize("name", ["text", "markdown"])
def test_the_value_of_a_variable_in_defaults_is_masked_as_any(name: str) -> None:
    told = formats.PLAN[name](plan())
    assert "sesame" in told
    assert "sesame" not in formats.PLAN[name](plan(), Look(values=Values.NONE))
    assert told.count("MODE") == 1


def test_changes_of_one_job_or_of_no_defaults_are_nobody_elses() -> None:
    twice = Change("spec.priority", None, 10)
    one = plans.submit("a", changes=(twice, SHARED[0]))
    other = plans.submit("b", changes=(twice, replace(SHARED[0], new="i:3")))
    shared = SharedChanges((one, other))
    assert list(shared) == []
    assert list(shared.own(one)) == [twice, SHARED[0]]
    assert shared.told_elsewhere(one) == ""


def test_jobs_that_start_for_nothing_else_share_a_row() -> None:
    edit = Change("spec.priority", None, 10, source=BASE)
    own = Change("spec.compute.node_count", 1, 2)
    heirs = [plans.submit(f"a{n}", changes=(edit,), request=plans.request(f"a{n}")) for n in range(5)]
    other = plans.submit("b", changes=(edit, own), request=plans.request("b"))
    told = formats.PLAN["markdown"](plans.planned(*heirs, other))
    starts = [line.split(" | ")[1] for line in told.splitlines() if line.startswith("| **start**")]
    assert starts == ["<code>a0</code>, <code>a1</code>, <code>a2</code> and 2 more", "<code>b</code>"]
