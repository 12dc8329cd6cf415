"""The last look of an apply: twins by both witnesses, refusals that turn out to be none, and a name that is taken."""

import json
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from baseten_jobs.applying.outcome import Applied
from baseten_jobs.applying.settle import Windows
from baseten_jobs.cli.exit_rules import exit_of_apply
from baseten_jobs.cli.exits import Exit
from baseten_jobs.emulator.settings import Durations
from baseten_jobs.job.names import NO_OWNER, read_job_name
from baseten_jobs.planning.plan import Policy
from tests.support.world import Fault, Send, World, answered, empty, lost, never


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, {"durations": Durations(running=1e9)})


def told(result: Applied) -> list[str]:
    return [outcome.fate.value for outcome in result.outcomes]


def submitted(result: Applied) -> list[tuple[str, str | None]]:
    return [(outcome.fate.value, outcome.job_id) for outcome in result.outcomes]


def doubled(request: httpx.Request, send: Send) -> httpx.Response:
    """A gateway that sends a create twice, and answers with the second."""
    send(request)
    return send(request)


def hiding(*numbers: int) -> Fault:
    """Rows without the jobs at these places, oldest first."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        data = send(request).json()
        ids = sorted((job["created_at"], job["id"]) for job in data["training_jobs"])
        hidden = {ids[number][1] for number in numbers if number < len(ids)}
        rows = [job for job in data["training_jobs"] if job["id"] not in hidden]
        return httpx.Response(200, request=request, json={**data, "training_jobs": rows})

    return fault


# Twins


@pytest.mark.parametrize("witness", ["search", "list", None])
@pytest.mark.parametrize("number", [0, 1])
def test_a_twin_that_either_witness_shows_is_seen(world: World, witness: str | None, number: int) -> None:
    """Whichever of the two jobs a witness hides: the other witness shows it."""
    world.write()
    world.fault("create", doubled)
    if witness:
        world.habit(hiding(number), witness)
    result = world.apply()
    assert submitted(result) == [("adopted", world.jobs()[0]["id"])]
    assert world.status_of() == ["RUNNING", "STOPPED"]
    assert exit_of_apply(result) is Exit.DONE


def test_a_gateway_that_doubles_and_answers_with_the_first_leaves_one(world: World) -> None:
    world.write()
    world.fault("create", lambda request, send: (send(request), send(request))[0])
    result = world.apply()
    assert (told(result), world.status_of()) == (["submitted"], ["RUNNING", "STOPPED"])
    assert (result.outcomes[0].unclear, exit_of_apply(result)) == ("", Exit.DONE)


def twin_first(world: World) -> Fault:
    """Another applier's create of the same job is carried out just before, and ours gets no answer."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        world.create_behind()
        world.clock.time += 1
        return lost()(request, send)

    return fault


def test_of_two_whose_answers_are_lost_the_younger_is_stopped_by_its_applier(world: World) -> None:
    """The token in its name proves that it is ours, so that two live jobs need no person to choose."""
    world.write()
    world.fault("create", twin_first(world))
    result = world.apply()
    other, own = world.jobs()
    assert (submitted(result), world.status_of()) == ([("adopted", other["id"])], ["RUNNING", "STOPPED"])
    assert (result.outcomes[0].unclear, exit_of_apply(result)) == ("", Exit.DONE)
    assert read_job_name(own["name"]).token
    assert result.outcomes[0].submitted_name == other["name"]


def test_a_job_with_the_token_of_nobody_we_know_is_never_stopped(world: World) -> None:
    """Not the younger twin of another applier, nor one whose letters were lost or cut on the way."""
    world.write()

    def with_twins(request: httpx.Request, send: Send) -> httpx.Response:
        own = send(request)
        name = own.json()["training_job"]["name"]
        for other in (name[:-7] + "bcdfghj", name[:-8], name[:-1], name[:-7]):
            world.clock.at(world.clock.time + 1, lambda other=other: world.create_behind(name=other))
        return httpx.Response(own.status_code, content=own.content, request=request)

    world.fault("create", with_twins)
    result = world.apply()
    assert world.status_of() == ["RUNNING"] * 5
    assert told(result) == ["submitted"]
    assert exit_of_apply(result) is Exit.UNCLEAR
    assert all(job["id"] in result.outcomes[0].unclear for job in world.jobs())


@pytest.mark.parametrize(("seconds", "after"), [(110, ["RUNNING", "STOPPED"]), (130, ["RUNNING", "RUNNING"])])
@pytest.mark.parametrize("suffix", ["", "-2"])
def test_a_copy_that_a_person_makes_minutes_later_is_never_stopped(
    world: World, seconds: int, after: list[str], suffix: str
) -> None:
    """It has our token, as a request has that a gateway sends twice; only that one comes soon."""
    world.windows = Windows(settle=600)
    world.write()

    def copied(request: httpx.Request, send: Send) -> httpx.Response:
        own = send(request)
        name = own.json()["training_job"]["name"]
        world.clock.at(world.clock.time + seconds, lambda: world.create_behind(name=name + suffix))
        world.fault("list", *[answered(503)] * 40)  # so that the check for twins goes on
        return httpx.Response(own.status_code, content=own.content, request=request)

    world.fault("create", copied)
    result = world.apply()
    assert world.status_of() == after
    assert (result.outcomes[0].unclear, exit_of_apply(result)) == ("", Exit.DONE)
    assert [world.apply().outcomes[0].action.notes != () for _ in range(2)] == [after[1] == "RUNNING"] * 2


def test_each_create_has_a_fresh_token(world: World) -> None:
    for name in ("x", "y", "z"):
        world.write(name)
    world.fault("create", never(), never())
    world.apply()
    sent = [json.loads(body)["training_job"]["name"] for body in world.between.bodies if b'"training_job"' in body]
    assert len(sent) == 5
    assert len({read_job_name(name).token for name in sent}) == 5
    assert {read_job_name(name).owner for name in sent} == {NO_OWNER}


def test_one_look_reads_each_witness_once(world: World) -> None:
    world.write()
    world.apply()
    world.write("y")
    world.apply()
    after = world.between.calls[world.between.calls.index("create") + 1 :]
    assert sorted(after) == ["list", "search"]


def oldest(send: Send) -> dict[str, Any]:
    listed: list[dict[str, Any]] = send(httpx.Request("GET", "http://baseten/_emulator/jobs")).json()["training_jobs"]
    return min(listed, key=lambda job: (job["created_at"], job["id"]))


def ending(status: str) -> Fault:
    """The older twin ends by itself just when the younger is stopped."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        send(httpx.Request("POST", f"http://baseten/_emulator/jobs/{oldest(send)['id']}", json={"status": status}))
        return send(request)

    return fault


@pytest.mark.parametrize("status", ["FAILED", "STOPPED", "DEPLOY_FAILED"])
def test_a_survivor_that_does_not_live_after_the_stop_asks_for_a_person(world: World, status: str) -> None:
    world.write()
    world.fault("create", doubled)
    world.fault("stop", ending(f"TRAINING_JOB_{status}"))
    result = world.apply()
    older, own = world.jobs()
    assert world.status_of() == [status, "STOPPED"]
    assert exit_of_apply(result) is Exit.UNCLEAR
    assert result.outcomes[0].unclear == (
        f"job {own['id']} was stopped as the second of job {older['id']}, "
        f"which has the status {status.lower()}: see that one of them runs"
    )


def test_a_survivor_that_is_deleted_after_the_stop_asks_for_a_person(world: World) -> None:
    world.write()
    world.fault("create", doubled)

    def deleting(request: httpx.Request, send: Send) -> httpx.Response:
        gone.append(oldest(send)["id"])
        send(httpx.Request("DELETE", f"http://baseten/_emulator/jobs/{gone[0]}"))
        return send(request)

    gone: list[str] = []
    world.fault("stop", deleting)
    result = world.apply()
    assert f"job {gone[0]}, which is not shown any more" in result.outcomes[0].unclear
    assert (world.status_of(), exit_of_apply(result)) == (["STOPPED"], Exit.UNCLEAR)


def test_a_survivor_that_is_done_needs_no_second_job(world: World) -> None:
    world.write()
    world.fault("create", doubled)
    world.fault("stop", ending("TRAINING_JOB_COMPLETED"))
    result = world.apply()
    assert submitted(result) == [("adopted", world.jobs()[0]["id"])]
    assert (world.status_of(), exit_of_apply(result)) == (["COMPLETED", "STOPPED"], Exit.DONE)


@pytest.mark.parametrize("witness", ["search", "list"])
def test_an_older_twin_that_one_witness_shows_to_have_failed_stops_nobody(world: World, witness: str) -> None:
    world.write()
    world.fault("create", doubled)

    def first_failed(request: httpx.Request, send: Send) -> httpx.Response:
        data = send(request).json()
        rows = sorted(data["training_jobs"], key=lambda job: (job["created_at"], job["id"]))
        rows[:1] = [{**row, "current_status": "TRAINING_JOB_FAILED"} for row in rows[:1]]
        return httpx.Response(200, request=request, json={**data, "training_jobs": rows})

    world.habit(first_failed, witness)
    result = world.apply()
    assert "stop" not in world.between.calls
    assert "duplicate: " in result.outcomes[0].unclear


def test_the_answer_of_a_stop_alone_proves_no_stop_of_a_twin(world: World) -> None:
    world.write()
    world.fault("create", doubled)

    def pretended(request: httpx.Request, send: Send) -> httpx.Response:
        job = {"id": request.url.path.split("/")[-2], "current_status": "TRAINING_JOB_STOPPED"}
        return httpx.Response(200, request=request, json={"training_job": job})

    world.habit(pretended, "stop")
    result = world.apply()
    assert (told(result), world.status_of()) == (["submitted"], ["RUNNING", "RUNNING"])
    assert "duplicate: " in result.outcomes[0].unclear
    assert exit_of_apply(result) is Exit.UNCLEAR


def test_stops_of_twins_that_hang_stay_within_the_window_and_say_what_is_left(world: World) -> None:
    world.windows = Windows(settle=6.0)
    for number in range(4):
        world.write(f"m{number}")
    world.habit(doubled, "create")
    together = threading.Barrier(4)

    def hangs(request: httpx.Request, send: Send) -> httpx.Response:
        together.wait(5)  # they are sent side by side
        with lock:
            world.clock.time = max(world.clock.time, began + request.extensions["timeout"]["read"])
        raise httpx.ReadTimeout("", request=request)

    lock, began = threading.Lock(), 5.0
    world.fault("stop", *[hangs] * 4)
    world.habit(never(), "stop")
    result = world.apply()
    assert world.clock.time <= 5 + 6 + 2
    assert told(result) == ["submitted"] * 4
    assert all("stop one with `baseten-jobs stop --job" in outcome.unclear for outcome in result.outcomes)
    assert exit_of_apply(result) is Exit.UNCLEAR


# Refusals that are none


REFUSALS: dict[str, list[Fault]] = {
    "400": [answered(400, {"message": "no"}, after=True)],
    "403": [answered(403, {"message": "no"}, after=True)],
    "422": [answered(422, {"message": "no"}, after=True)],
    "429": [answered(429, {"error": "busy"}, after=True), *[answered(429, {"error": "busy"})] * 7],
    "refused": [lost(httpx.ConnectError), *[never(httpx.ConnectError)] * 7],
}


@pytest.mark.parametrize("faults", REFUSALS.values(), ids=REFUSALS.keys())
@pytest.mark.parametrize("hidden_by", ["search", "list", None])
def test_a_refusal_after_which_rows_show_a_new_job_is_that_job(
    world: World, faults: list[Fault], hidden_by: str | None
) -> None:
    world.write()
    world.fault("create", *faults)
    if hidden_by:
        world.habit(empty, hidden_by)
    result = world.apply()
    assert submitted(result) == [("adopted", world.jobs()[0]["id"])]
    assert (len(world.jobs()), exit_of_apply(result)) == (1, Exit.DONE)


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_a_plain_refusal_waits_for_nobody_and_gets_one_look(world: World, status: int) -> None:
    world.write()
    world.fault("create", answered(status, {"message": "no"}))
    result = world.apply()
    assert (told(result), exit_of_apply(result)) == (["failed"], Exit.FAILED)
    assert world.clock.time == 0
    assert sorted(world.between.calls[world.between.calls.index("create") :]) == ["create", "list", "search"]


def test_a_refusal_that_nobody_can_look_into_is_a_refusal(world: World) -> None:
    world.write()
    world.fault(
        "create", lambda request, send: (world.habit(never(), "search", "list"), answered(400)(request, send))[1]
    )
    result = world.apply()
    assert (told(result), exit_of_apply(result)) == (["failed"], Exit.FAILED)
    assert world.clock.time < 60


def test_a_job_of_before_is_not_what_a_refused_create_made(world: World) -> None:
    world.write()
    world.apply()
    old = world.jobs()[0]
    world.api.stop(old["training_project_id"], old["id"])
    world.policy = Policy(retry_failed=frozenset({"x"}))
    world.fault("create", answered(400, {"message": "no"}))
    assert told(world.apply()) == ["failed"]


def test_a_refused_create_and_a_submitted_one_share_the_last_look(world: World) -> None:
    world.write("x")
    world.write("y")
    world.fault("create", answered(400, {"message": "no"}, after=True))
    result = world.apply()
    assert told(result) == ["adopted", "submitted"]
    after = world.between.calls[len(world.between.calls) - world.between.calls[::-1].index("create") :]
    assert sorted(after) == ["list", "search"]


# A name that is taken


def taken(request: httpx.Request, send: Send) -> httpx.Response:
    return answered(409, {"message": "this name is taken"})(request, send)


def test_a_name_that_a_job_of_before_has_is_settled_once_and_told_with_that_job(world: World) -> None:
    world.write()
    world.apply()
    old = world.jobs()[0]
    world.api.stop(old["training_project_id"], old["id"])
    world.policy = Policy(retry_failed=frozenset({"x"}))
    world.habit(taken, "create")
    began = world.clock.time
    result = world.apply()
    assert (told(result), exit_of_apply(result)) == (["failed"], Exit.FAILED)
    assert result.outcomes[0].error.endswith(
        f"409 Conflict: this name is taken; job {old['id']} (stopped) has this name"
    )
    assert world.between.calls.count("create") == 1
    assert world.clock.time - began < 130


def test_a_name_that_no_row_has_leaves_the_create_unknown(world: World) -> None:
    world.write()
    world.habit(taken, "create")
    result = world.apply()
    assert (told(result), exit_of_apply(result)) == (["unknown"], Exit.UNCLEAR)
    assert world.between.calls.count("create") == 1


def test_a_name_that_a_new_job_has_is_that_job(world: World) -> None:
    world.write()
    world.fault("create", answered(409, {"message": "this name is taken"}, after=True))
    result = world.apply()
    assert (submitted(result), exit_of_apply(result)) == ([("adopted", world.jobs()[0]["id"])], Exit.DONE)


def test_a_second_create_that_is_told_the_name_is_taken_finds_the_first(world: World) -> None:
    world.write()
    world.fault("create", lost(), answered(409, {"message": "this name is taken"}))
    world.fault("search", *[empty] * 30)
    world.fault("list", *[empty] * 30)
    result = world.apply()
    assert (submitted(result), exit_of_apply(result)) == ([("adopted", world.jobs()[0]["id"])], Exit.DONE)
