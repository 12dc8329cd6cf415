"""A stop needs proof: the job by its id, or both lists, show that it is over; what the stop answers proves nothing."""

import re
from pathlib import Path

import httpx
import pytest

from baseten_jobs.cli.exit_rules import exit_of_apply
from baseten_jobs.cli.exits import Exit
from baseten_jobs.emulator.settings import Durations
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.stop import stop_job
from tests.support.world import Fault, Send, World, answered, empty, lost, never

STOP = "policy: {on_change: stop}\n"


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path, {"durations": Durations(running=1e9)})
    world.write()
    world.apply()
    world.between.calls.clear()
    return world


def stop(world: World, patience: float = 60.0) -> str:
    """Stop the only job: nothing, or why not."""
    (job,) = world.jobs()
    world.between.calls.clear()
    try:
        stop_job(world.api, job["training_project_id"], job["id"], patience)
    except ApiError as error:
        return str(error)
    return ""


def pretended(request: httpx.Request, send: Send) -> httpx.Response:
    """Answered as a stop that was carried out, which it was not."""
    job = {"id": request.url.path.split("/")[-2], "current_status": "TRAINING_JOB_STOPPED"}
    return httpx.Response(200, request=request, json={"training_job": job})


def deleted(request: httpx.Request, send: Send) -> httpx.Response:
    send(httpx.Request("DELETE", f"http://baseten/_emulator/jobs/{request.url.path.split('/')[-2]}"))
    return send(request)


NOT_FOUND = answered(404, {"message": "no such job"})


def test_a_stop_is_one_call_and_one_read_that_proves_it(world: World) -> None:
    assert stop(world) == ""
    assert world.between.calls == ["stop", "job"]
    assert world.status_of() == ["STOPPED"]


@pytest.mark.parametrize("fault", [lost(), answered(500, after=True), answered(409, after=True)])
def test_a_stop_that_was_carried_out_is_one_whatever_it_answers(world: World, fault: Fault) -> None:
    world.habit(fault, "stop")
    assert stop(world) == ""
    assert world.status_of() == ["STOPPED"]


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (pretended, "it still has the status"),
        (NOT_FOUND, "404 Not Found: no such job"),
        (answered(400, {"message": "no"}), "400 Bad Request: no"),
        (never(), "no answer in time"),
        (answered(500), "500 Internal Server Error"),
    ],
    ids=["pretended", "404", "400", "silence", "500"],
)
def test_a_job_that_lives_on_is_not_stopped_and_the_wait_for_it_ends(world: World, fault: Fault, why: str) -> None:
    world.habit(fault, "stop")
    began, told = world.clock.time, list[str]()
    world.api.waits.tell = told.append
    assert why in stop(world)
    assert world.clock.time - began <= 61
    assert any(re.search(r"; trying again in \d+ s \(for \d+ s at most\)$", each) for each in told)


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_without_rights_is_told_at_once(world: World, status: int) -> None:
    world.habit(answered(status, {"message": "no"}), "stop")
    assert str(status) in stop(world)
    assert world.between.calls == ["stop"]


def test_a_job_that_is_gone_is_stopped(world: World) -> None:
    world.habit(deleted, "stop")
    assert stop(world) == ""
    assert sorted(world.between.calls) == ["job", "list", "search", "stop"]


@pytest.mark.parametrize("hiding", ["search", "list"])
def test_a_404_while_one_list_has_the_job_live_is_a_failure(world: World, hiding: str) -> None:
    world.habit(NOT_FOUND, "stop", "job")
    world.habit(empty, hiding)
    assert "404 Not Found" in stop(world)


@pytest.mark.parametrize("failing", ["search", "list"])
def test_a_404_proves_nothing_while_one_list_can_not_be_read(world: World, failing: str) -> None:
    world.habit(deleted, "stop")
    world.habit(answered(500), failing)
    assert "404 Not Found" in stop(world)


@pytest.mark.parametrize("fault", [NOT_FOUND, answered(500), answered(200, "not JSON"), never()])
def test_both_lists_prove_a_stop_where_the_job_is_not_to_be_had_by_its_id(world: World, fault: Fault) -> None:
    world.habit(fault, "job")
    assert stop(world) == ""


def test_another_job_in_the_place_of_the_one_asked_for_proves_nothing(world: World) -> None:
    other = {"training_job": {"id": "other", "current_status": "TRAINING_JOB_STOPPED"}}
    world.habit(answered(200, other), "job")
    world.habit(pretended, "stop")
    assert stop(world) != ""
    assert world.status_of() == ["RUNNING"]


def test_an_apply_says_stopped_only_of_what_is_shown_so(world: World) -> None:
    old = world.jobs()[0]
    world.write(command="train --lr 3e-4", more=STOP)
    world.habit(pretended, "stop")
    result = world.apply()
    assert [(o.fate.value, o.job_id) for o in result.outcomes][1] == ("failed", old["id"])
    assert exit_of_apply(result) is Exit.FAILED
    assert world.status_of() == ["RUNNING", "RUNNING"]


def test_a_job_of_no_known_project_can_not_be_stopped(world: World) -> None:
    with pytest.raises(ApiError, match="does not tell its project"):
        stop_job(world.api, "", "j", 1.0)
