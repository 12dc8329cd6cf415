"""A provider whose reads repeat, hide, mangle, mix and cap their rows: nothing is bought or stopped for it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from baseten_jobs import pipeline
from baseten_jobs.applying.outcome import Goal
from baseten_jobs.applying.wait import Waiting, wait
from baseten_jobs.planning.plan import Plan
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.observe import job_by_id, job_data
from baseten_jobs.provider.status import Status
from tests.support.world import Fault, World

Row = dict[str, Any]
Bend = Callable[[list[Row]], list[Row]]

STOP = "policy: {on_change: stop}\n"
OTHER = "x--" + "0" * 12


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def shown(bend: Bend) -> Fault:
    """A search or a list whose rows are bent."""

    def fault(request: httpx.Request, send: Any) -> httpx.Response:
        data = send(request).json()
        return httpx.Response(200, request=request, json={**data, "training_jobs": bend(data["training_jobs"])})

    return fault


def each(**changes: Any) -> Bend:
    return lambda rows: [{**row, **changes} for row in rows]


def repeated(**changes: Any) -> Bend:
    """Every row twice, once with other values."""
    return lambda rows: [twin for row in rows for twin in (row, {**row, **changes})]


def backwards(bend: Bend) -> Bend:
    return lambda rows: bend(rows)[::-1]


def nothing(rows: list[Row]) -> list[Row]:
    return []


def as_sent(rows: list[Row]) -> list[Row]:
    return rows


def bent(world: World, search: Bend = as_sent, listed: Bend = as_sent, times: int = 9) -> None:
    """The next searches and job lists show this."""
    world.fault("search", *[shown(search)] * times)
    world.fault("list", *[shown(listed)] * times)


def planned(world: World) -> Plan:
    world.between.calls.clear()
    made = world.plan()
    assert made.valid, made.diagnostics
    return made.plan


def submitted(world: World, more: str = "") -> str:
    """A job of one manifest that runs; its id."""
    world.write(more=more)
    world.apply()
    return str(world.jobs()[-1]["id"])


def notes(plan: Plan) -> list[str]:
    return [note for project in plan.projects.values() for note in project.notes]


# One job for one id


@pytest.mark.parametrize("order", [as_sent, backwards], ids=["first", "last"])
@pytest.mark.parametrize(
    "twin",
    [{}, {"name": None}, {"current_status": None}, {"current_status": "TRAINING_JOB_STOPPED"}, {"created_at": ""}],
    ids=["the same", "no name", "no status", "another status", "no time"],
)
def test_a_repeated_row_is_one_job_and_never_a_duplicate(world: World, twin: Row, order: Any) -> None:
    job_id = submitted(world)
    bend = repeated(**twin) if order is as_sent else backwards(repeated(**twin))
    bent(world, bend, bend)
    (action,) = planned(world).actions
    assert (action.verb.value, action.job and action.job.id, action.duplicates) == ("keep", job_id, ())
    assert "stop --job" not in "".join(action.warnings)
    (row,) = statuses(world)
    assert (row.job and row.job.id, row.duplicates) == (job_id, ())


def statuses(world: World) -> tuple[Status, ...]:
    rows, diagnostics = pipeline.status(world.api, world.compiled())
    assert diagnostics == ()
    return rows


def test_a_new_job_that_is_shown_twice_has_no_twin(world: World) -> None:
    world.write()
    planned(world)
    bent(world, repeated(), repeated(), times=20)
    result = world.apply()
    assert [(outcome.fate.value, outcome.unclear) for outcome in result.outcomes] == [("submitted", "")]
    assert world.between.calls.count("stop") == 0


@pytest.mark.parametrize("reading", ["search", "listed"])
def test_a_reading_without_names_is_no_reason_to_submit_again(world: World, reading: str) -> None:
    job_id = submitted(world)
    world.write("y")
    bent(world, **{reading: each(name=None)})
    plan = planned(world)
    assert [(a.verb.value, a.job and a.job.id) for a in plan.actions] == [("keep", job_id), ("submit", None)]
    assert notes(plan) == []
    assert world.between.calls.count("search") == 1


def test_a_job_by_its_id_is_every_row_of_it(world: World) -> None:
    job_id = submitted(world)
    bent(world, repeated(name=None))
    found, data = job_by_id(world.api, job_id), job_data(world.api, job_id)
    assert found
    assert data
    assert found.name == data["name"] == world.jobs()[0]["name"]


@pytest.mark.parametrize("job_id", ["a\udcff", "\ud800"])
def test_an_id_that_is_no_text_is_that_of_no_job(world: World, job_id: str) -> None:
    assert job_by_id(world.api, job_id) is None
    assert job_data(world.api, job_id) is None
    assert world.between.calls == []


# Rows of another project


@pytest.mark.parametrize("reading", ["search", "listed"])
def test_rows_of_another_project_are_an_error_and_not_an_absence(world: World, reading: str) -> None:
    submitted(world)
    world.write(command="train --lr 3e-4")
    bent(world, **{reading: each(training_project_id="PRJ-1")})
    with pytest.raises(ApiError, match=r"^jobs of project \w+: the answer shows job \w+ of another project, 'PRJ-1'$"):
        planned(world)


def test_rows_that_do_not_tell_their_project_are_of_the_one_that_was_asked_for(world: World) -> None:
    job_id = submitted(world)
    bent(world, each(training_project_id=None, training_project=None))
    (action,) = planned(world).actions
    assert action.job
    assert (action.verb.value, action.job.id) == ("keep", job_id)
    assert action.job.project_id == world.jobs()[0]["training_project_id"]


# Search and job list contradict each other


FAILED, RUNNING, COMPLETED = (f"TRAINING_JOB_{word}" for word in ("FAILED", "RUNNING", "COMPLETED"))


@pytest.mark.parametrize(
    ("search", "listed", "action", "note"),
    [
        (each(current_status=FAILED), each(current_status=RUNNING), "keep", "failed and running"),
        (each(current_status=FAILED), each(current_status=COMPLETED), "keep", "failed and completed"),
        (each(name="by hand"), as_sent, "keep", "named 'by hand' and '{name}', so it is not stopped"),
        (nothing, as_sent, "keep", ""),
    ],
    ids=["live after all", "done after all", "managed after all", "there after all"],
)
def test_a_lasting_contradiction_is_told_and_the_spec_does_not_run_twice(
    world: World, search: Bend, listed: Bend, action: str, note: str
) -> None:
    """The manifest `y` is why the job list is read at all."""
    job_id = submitted(world)
    world.write("y")
    what = f"{job_id}: {note.format(name=world.jobs()[0]['name'])}" if note else job_id
    bent(world, search, listed)
    plan = planned(world)
    assert [a.verb.value for a in plan.actions] == [action, "submit"]
    assert notes(plan) == [f"search and job list of the project disagree on 1 jobs ({what})"]
    assert [world.between.calls.count(kind) for kind in ("search", "list")] == [2, 2]


@pytest.mark.parametrize(
    "search",
    [nothing, each(current_status=FAILED), each(name="by hand"), each(current_status="TRAINING_JOB_PENDING")],
    ids=["presence", "status", "name", "pending"],
)
def test_a_contradiction_that_is_gone_at_the_second_look_is_not_told(world: World, search: Bend) -> None:
    submitted(world)
    world.write("y")
    bent(world, search, times=1)
    plan = planned(world)
    assert notes(plan) == []
    assert [a.verb.value for a in plan.actions] == ["keep", "submit"]
    assert [world.between.calls.count(kind) for kind in ("search", "list")] == [2, 2]


def test_what_the_second_look_shows_of_both_is_so(world: World) -> None:
    """The job failed between the first search and the first list."""
    submitted(world)
    world.write("y")
    world.fault("list", *[shown(each(current_status=FAILED))] * 2)
    world.fault("search", shown(as_sent), shown(each(current_status=FAILED)))
    plan = planned(world)
    assert notes(plan) == []
    assert [a.verb.value for a in plan.actions] == ["hold", "submit"]


def test_a_job_with_two_managed_names_stops_the_plan(world: World) -> None:
    submitted(world)
    world.write("y")
    bent(world, each(name=OTHER))
    with pytest.raises(ApiError, match=r"^search and job list of project \w+: job \w+ is shown both as 'x--0{12}' and"):
        planned(world)


def test_a_job_that_is_named_differently_is_never_stopped(world: World) -> None:
    submitted(world)
    world.write(command="train --lr 3e-4", more=STOP)
    assert planned(world).summary["stop"] == 1
    bent(world, listed=each(name="by hand"))
    plan = planned(world)
    assert (plan.summary["submit"], plan.summary["stop"]) == (1, 0)
    assert "so it is not stopped" in notes(plan)[0]


def test_a_job_that_is_named_differently_is_not_stopped_by_a_later_plan_either(world: World) -> None:
    """That plan submits no job, and has a stop to plan."""
    submitted(world)
    world.write(command="train --lr 3e-4")
    world.apply()
    world.write(command="train --lr 3e-4", more=STOP)
    older = world.jobs()[0]["id"]
    assert planned(world).summary["stop"] == 1
    bent(world, listed=lambda rows: [{**row, "name": "by hand"} if row["id"] == older else row for row in rows])
    plan = planned(world)
    assert plan.summary == {"submit": 0, "update": 0, "stop": 0, "keep": 1, "hold": 0}
    assert "so it is not stopped" in notes(plan)[0]


def test_an_ordinary_plan_reads_each_witness_once(world: World) -> None:
    submitted(world)
    world.write("y")
    planned(world)
    assert [world.between.calls.count(kind) for kind in ("projects", "search", "list")] == [1, 1, 1]


# A search that ends early


def capped(most: int) -> Bend:
    """The oldest rows, filled up with older ones."""

    def bend(rows: list[Row]) -> list[Row]:
        return [*(filler(rows[0], number) for number in range(most)), *rows][:most]

    return bend


def whole(most: int) -> Bend:
    return lambda rows: [*(filler(rows[0], number) for number in range(most)), *rows]


def filler(row: Row, number: int) -> Row:
    made = {"id": f"old{number}", "name": f"old {number}", "created_at": "2026-01-01T00:00:00Z"}
    return {**row, **made, "current_status": COMPLETED}


@pytest.mark.parametrize("most", [50, 100, 250, 1_000])
def test_a_search_that_ends_early_is_no_disagreement_and_the_list_counts(world: World, most: int) -> None:
    job_id = submitted(world)
    bent(world, capped(most), whole(most))
    plan = planned(world)
    assert [(a.verb.value, a.job and a.job.id) for a in plan.actions] == [("keep", job_id)]
    assert notes(plan) == []
    assert [project.capped for project in plan.projects.values()] == [most]
    assert [world.between.calls.count(kind) for kind in ("search", "list")] == [1, 1]


def test_a_search_that_hides_a_job_from_an_odd_number_is_a_disagreement(world: World) -> None:
    submitted(world)
    bent(world, capped(99), whole(99))
    assert notes(planned(world)) != []


def test_a_status_is_asked_of_both_where_the_search_ends_early(world: World) -> None:
    job_id = submitted(world)
    bent(world, capped(100), whole(100))
    (row,) = statuses(world)
    assert row.job
    assert row.job.id == job_id


def test_a_status_costs_no_more_reads_in_the_ordinary_case(world: World) -> None:
    submitted(world)
    world.between.calls.clear()
    statuses(world)
    assert world.between.calls == ["projects", "search"]


def test_a_wait_asks_the_job_list_where_the_search_ends_early(world: World) -> None:
    submitted(world)
    result = world.apply()
    bent(world, capped(100), whole(100), times=99)
    *_, last = wait(world.api, result, Waiting(Goal.COMPLETED), lambda text: None)
    assert [outcome.awaited and outcome.awaited.state for outcome in last.outcomes] == ["completed"]


def test_a_wait_for_several_projects_asks_each_one_where_the_search_of_all_ends_early(world: World) -> None:
    submitted(world)
    world.write("y")
    path = world.folder / "specs" / "y.yaml"
    path.write_text(path.read_text().replace("Demo / one", "Demo / two"))
    result = world.apply()
    bent(world, lambda rows: capped(100)(rows[:1]), times=99)
    *_, last = wait(world.api, result, Waiting(Goal.COMPLETED), lambda text: None)
    assert [outcome.awaited and outcome.awaited.state for outcome in last.outcomes] == ["completed", "completed"]
