"""Carrying out a plan: at most one job a spec, none lost, and a report that says what the provider holds."""

import json
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from baseten_jobs.applying.execute import Conflict
from baseten_jobs.applying.in_flight import Ledger
from baseten_jobs.applying.outcome import Applied
from baseten_jobs.applying.settle import Windows
from baseten_jobs.cli.exit_rules import exit_of_apply
from baseten_jobs.cli.exits import Exit
from baseten_jobs.emulator.settings import Behaviour, Durations
from baseten_jobs.job.names import read_job_name
from baseten_jobs.planning.plan import Policy
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.report import formats
from tests.support.world import Fault, World, answered, empty, late, lost, made_as, never, renamed


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, {"durations": Durations(running=1e9)})


def told(result: Applied) -> list[tuple[str, str | None]]:
    return [(outcome.fate.value, outcome.job_id) for outcome in result.outcomes]


def test_a_first_apply_submits_and_a_second_one_does_nothing(world: World) -> None:
    world.write("x")
    world.write("y")
    first = world.apply()
    assert told(first) == [("submitted", job["id"]) for job in sorted(world.jobs(), key=lambda job: job["name"])]
    assert exit_of_apply(first) is Exit.DONE
    second = world.apply()
    assert [outcome.fate.value for outcome in second.outcomes] == ["kept", "kept"]
    assert world.between.calls.count("create") == 0


UNKNOWN: dict[str, Fault] = {
    "read timeout": lost(),
    "reset": lost(httpx.ReadError),
    "reset while sending": lost(httpx.WriteError),
    "closed": lost(httpx.RemoteProtocolError),
    "500": answered(500, {"message": "boom"}, after=True),
    "502 in HTML": answered(502, "<html><h1>Bad Gateway</h1></html>", after=True),
    "503": answered(503, "", after=True),
    "408": answered(408, {"message": "slow"}, after=True),
    "409": answered(409, {"message": "conflict"}, after=True),
    "425": answered(425, "", after=True),
    "499": answered(499, "", after=True),
    "200 that is not JSON": answered(200, "<html>ok</html>", after=True),
    "200 without a job": answered(200, {"training_job": {}}, after=True),
    "200 with a list": answered(200, "[]", after=True),
}


@pytest.mark.parametrize("fault", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_a_create_whose_answer_is_lost_is_found_and_adopted(world: World, fault: Fault) -> None:
    world.write()
    world.fault("create", fault)
    result = world.apply()
    assert told(result) == [("adopted", world.jobs()[0]["id"])]
    assert len(world.jobs()) == 1
    assert exit_of_apply(result) is Exit.DONE


@pytest.mark.parametrize("fault", [never(), answered(500), answered(502, "<html>")], ids=["silence", "500", "502"])
def test_a_create_that_left_nothing_is_sent_once_more(world: World, fault: Fault) -> None:
    world.write()
    world.fault("create", fault)
    result = world.apply()
    assert told(result) == [("submitted", world.jobs()[0]["id"])]
    assert world.between.calls.count("create") == 2
    assert len(world.jobs()) == 1
    assert world.clock.time >= 240  # the window of the first, and as long for what it may still bring


CERTAIN: dict[str, tuple[Fault, float]] = {
    "refused": (never(httpx.ConnectError), 0.25),
    "not connected in time": (never(httpx.ConnectTimeout), 0.25),
    "429 that says when": (answered(429, {"error": "slow down", "retry_after": 7}), 7),
    "429 that does not": (answered(429, {"error": "slow down"}), 0.25),
    "429 in HTML": (answered(429, "<html>"), 0.25),
}


@pytest.mark.parametrize(("fault", "wait"), CERTAIN.values(), ids=CERTAIN.keys())
def test_a_create_that_certainly_made_nothing_is_sent_again_at_once(world: World, fault: Fault, wait: float) -> None:
    world.write()
    world.fault("create", fault)
    assert told(world.apply()) == [("submitted", world.jobs()[0]["id"])]
    assert wait in world.clock.slept
    assert len(world.jobs()) == 1


def test_a_server_that_never_lets_anything_through_is_a_failure_of_the_job_alone(world: World) -> None:
    world.write("x")
    world.write("y")
    world.fault("create", *[answered(429, {"error": "slow down"})] * 8)
    result = world.apply()
    assert [outcome.fate.value for outcome in result.outcomes] == ["failed", "submitted"]
    assert "429 Too Many Requests: slow down" in result.outcomes[0].error
    assert exit_of_apply(result) is Exit.FAILED


@pytest.mark.parametrize("status", [400, 403, 404, 413, 422])
def test_a_refusal_is_a_failure_of_that_job_alone_in_the_servers_words(world: World, status: int) -> None:
    world.write("x")
    world.write("y")
    world.fault("create", answered(status, {"code": "VALIDATION_ERROR", "message": "multi-node is not enabled"}))
    result = world.apply()
    assert [outcome.fate.value for outcome in result.outcomes] == ["failed", "submitted"]
    assert "multi-node is not enabled" in result.outcomes[0].error
    assert len(world.jobs()) == 1
    assert exit_of_apply(result) is Exit.FAILED


def test_a_401_skips_the_rest(world: World) -> None:
    world.write("x")
    world.write("y")
    world.fault("create", answered(401, {"message": "who are you"}))
    result = world.apply()
    assert [outcome.fate.value for outcome in result.outcomes] == ["failed", "skipped"]
    assert exit_of_apply(result) is Exit.UNAUTHORISED


def test_a_late_commit_is_adopted_when_it_appears(world: World) -> None:
    world.write()
    world.fault("create", late(world, 60))
    result = world.apply()
    assert told(result) == [("adopted", world.jobs()[0]["id"])]
    assert world.between.calls.count("create") == 1


def test_a_commit_shown_after_the_second_create_makes_the_second_one_stop(world: World) -> None:
    """Committed before the window ended, shown by the reads only after the second create."""
    world.write()
    world.fault("create", lost())
    world.fault("search", *[empty] * 30)
    world.fault("list", *[empty] * 30)
    result = world.apply()
    first, second = world.jobs()
    assert told(result) == [("adopted", first["id"])]
    assert [first["current_status"], second["current_status"]] == ["TRAINING_JOB_RUNNING", "TRAINING_JOB_STOPPED"]
    assert exit_of_apply(result) is Exit.DONE


def test_a_commit_after_the_second_create_is_known_as_our_own_and_stopped(world: World) -> None:
    world.write()
    world.fault("create", late(world, 130))
    result = world.apply()
    own, late_one = world.jobs()
    assert told(result) == [("submitted", own["id"])]
    assert world.status_of() == ["RUNNING", "STOPPED"]
    assert (result.outcomes[0].unclear, exit_of_apply(result)) == ("", Exit.DONE)
    assert read_job_name(own["name"]).token != read_job_name(late_one["name"]).token


def test_two_creates_without_an_answer_are_unknown_and_the_next_apply_knows(world: World) -> None:
    world.write()
    world.fault("create", never(), never())
    result = world.apply()
    assert [outcome.fate.value for outcome in result.outcomes] == ["unknown"]
    assert "run apply again" in result.outcomes[0].error
    assert exit_of_apply(result) is Exit.UNCLEAR
    assert world.between.calls.count("create") == 2
    assert told(world.apply()) == [("submitted", world.jobs()[0]["id"])]


def test_without_a_window_absence_proves_nothing(world: World) -> None:
    """`--settle 0`: a job that is only shown later must not be sent a second time."""
    world.windows = Windows(settle=0.0)
    world.write()
    world.fault("create", late(world, 3))
    result = world.apply()
    assert world.between.calls.count("create") == 1
    assert told(result) == [("adopted", world.jobs()[0]["id"])]


@pytest.mark.parametrize("witness", ["search", "list"])
def test_absence_that_is_not_witnessed_twice_proves_nothing(world: World, witness: str) -> None:
    world.windows = Windows(settle=0.0)
    world.write()
    world.apply()
    world.write(command="train --lr 3e-4")
    planned = world.plan()
    world.fault("create", never())
    world.fault(witness, *[answered(500)] * 200)
    world.between.calls.clear()
    result = world.carry_out(planned)
    assert [outcome.fate.value for outcome in result.outcomes] == ["unknown"]
    assert world.between.calls.count("create") == 1


def test_a_refusal_of_the_second_create_is_searched_before_it_is_called_a_failure(world: World) -> None:
    world.write()
    world.fault("create", late(world, 125), answered(400, {"message": "this name is taken"}))
    result = world.apply()
    assert told(result) == [("adopted", world.jobs()[0]["id"])]
    assert exit_of_apply(result) is Exit.DONE


def test_a_refusal_of_the_second_create_with_nothing_found_is_a_failure(world: World) -> None:
    world.write()
    world.fault("create", never(), answered(400, {"message": "no"}))
    result = world.apply()
    assert [outcome.fate.value for outcome in result.outcomes] == ["failed"]
    assert exit_of_apply(result) is Exit.FAILED


def test_a_job_of_before_the_plan_is_never_the_answer_to_a_create(world: World) -> None:
    world.write()
    world.apply()
    old = world.jobs()[0]["id"]
    world.api.stop(world.jobs()[0]["training_project_id"], old)
    world.policy = Policy(retry_failed=frozenset({"x"}))
    world.fault("create", never(), never())
    result = world.apply()
    assert [(outcome.fate.value, outcome.job_id) for outcome in result.outcomes] == [("unknown", None)]


def test_the_younger_of_two_twins_is_stopped_by_its_own_applier(world: World) -> None:
    world.write()
    world.fault("create", lambda request, send: (send(request), world.clock.sleep(1), send(request))[2])
    result = world.apply()
    older, own = world.jobs()
    assert told(result) == [("adopted", older["id"])]
    assert [older["current_status"], own["current_status"]] == ["TRAINING_JOB_RUNNING", "TRAINING_JOB_STOPPED"]
    assert exit_of_apply(result) is Exit.DONE


def test_a_younger_twin_is_reported_and_left_to_its_own_applier(world: World) -> None:
    world.write()

    def with_a_twin(request: httpx.Request, send: Any) -> httpx.Response:
        own = send(request)
        world.clock.at(world.clock.time + 1, world.create_behind)
        return httpx.Response(own.status_code, content=own.content, request=request)

    world.fault("create", with_a_twin)
    result = world.apply()
    own, twin = world.jobs()
    assert told(result) == [("submitted", own["id"])]
    assert "STOPPED" not in world.status_of()
    assert twin["id"] in result.outcomes[0].unclear
    assert exit_of_apply(result) is Exit.UNCLEAR


def test_a_check_for_twins_that_no_search_can_close_stays_open(world: World) -> None:
    world.write()
    planned = world.plan()
    world.fault("search", *[empty] * 500)
    world.habit(empty, "list")
    result = world.carry_out(planned)
    assert [outcome.fate.value for outcome in result.outcomes] == ["submitted"]
    assert f"do not apply again until `baseten-jobs status --job {result.outcomes[0].job_id}` shows it" in (
        result.outcomes[0].unclear
    )
    assert exit_of_apply(result) is Exit.UNCLEAR


def test_twins_are_looked_for_no_sooner_than_five_seconds_after_the_last_create(world: World) -> None:
    world.write()
    world.apply()
    assert world.clock.time == 5.0
    assert world.between.calls[:4] == ["upsert", "search", "list", "create"]
    assert sorted(world.between.calls[4:]) == ["list", "search"]


def test_a_create_that_waits_is_not_sent_again_once_the_apply_has_ended(world: World) -> None:
    """The other create's job has lost its name, or the key its rights, while this one waits for a busy server."""
    world.write("x")
    world.write("y")
    world.concurrency = 2
    waiting, noticed = threading.Event(), threading.Event()
    world.ledger = Ledger(lambda done, total, text: noticed.set() if "submitted" in text else None)

    def busy(request: httpx.Request, send: Any) -> httpx.Response:
        waiting.set()
        assert noticed.wait(10)
        return answered(429, {"error": "busy"})(request, send)

    def mangled(request: httpx.Request, send: Any) -> httpx.Response:
        assert waiting.wait(10)
        return made_as("job-2")(request, send)

    world.fault("create", busy, mangled)
    result = world.apply()
    assert sorted(outcome.fate.value for outcome in result.outcomes) == ["failed", "skipped"]
    assert world.between.calls.count("create") == 2


def test_a_suffix_of_the_servers_does_not_hurt_the_identity(world: World) -> None:
    world.write()
    compiled = world.compiled()
    world.fault("create", renamed(compiled.requests[0].job_name + "-2"))
    assert [outcome.fate.value for outcome in world.apply().outcomes] == ["submitted"]


@pytest.mark.parametrize(("cut", "lost"), [(0, False), (1, True), (7, True), (8, True)])
def test_a_name_that_came_back_without_its_letters_is_a_warning(world: World, cut: int, lost: bool) -> None:
    """The identity is there, so that the job is the right one; only nobody can tell by which create it came."""
    world.write()

    def cutting(request: httpx.Request, send: Any) -> httpx.Response:
        name = json.loads(request.read())["training_job"]["name"]
        return made_as(name[: len(name) - cut])(request, send)

    world.fault("create", cutting)
    result = world.apply()
    (outcome,) = result.outcomes
    job = world.jobs()[0]
    assert (outcome.fate.value, outcome.job_id, exit_of_apply(result)) == ("submitted", job["id"], Exit.DONE)
    told = f"job {job['id']} came back as '{job['name']}', without the letters of its owner and its token"
    assert outcome.warning.startswith(told) is lost
    assert bool(outcome.warning) is lost
    for name, tell in formats.APPLIED.items():
        assert ("came back as" in tell(result)) is lost, name


def test_all_unknowns_share_the_windows_and_the_searches_of_their_project(world: World) -> None:
    for number in range(20):
        world.write(f"x{number}")
    world.policy = Policy(max_submits=None)
    world.fault("create", *[lost()] * 20)
    result = world.apply()
    assert {outcome.fate.value for outcome in result.outcomes} == {"adopted"}
    assert world.between.calls.count("search") <= 4
    assert world.clock.time < 130


# Interrupts


def test_after_an_interrupt_nothing_starts_and_what_was_sent_is_settled(world: World) -> None:
    world.write("x")
    world.write("y")

    def interrupt(request: httpx.Request, send: Any) -> httpx.Response:
        world.clock.interrupted.set()
        return lost()(request, send)

    world.fault("create", interrupt)
    result = world.apply()
    assert [outcome.fate.value for outcome in result.outcomes] == ["adopted", "skipped"]
    assert exit_of_apply(result) is Exit.INTERRUPTED


def test_after_an_interrupt_no_second_create_is_sent(world: World) -> None:
    world.write("x")

    def interrupt(request: httpx.Request, send: Any) -> httpx.Response:
        world.clock.interrupted.set()
        return never()(request, send)

    world.fault("create", interrupt)
    result = world.apply()
    assert [outcome.fate.value for outcome in result.outcomes] == ["unknown"]
    assert world.between.calls.count("create") == 1


def test_an_interrupt_ends_the_waiting_for_a_busy_server(world: World) -> None:
    world.write("x")

    def interrupt(request: httpx.Request, send: Any) -> httpx.Response:
        world.clock.interrupted.set()
        return answered(429, {"error": "busy", "retry_after": 60})(request, send)

    world.fault("create", interrupt)
    assert [outcome.fate.value for outcome in world.apply().outcomes] == ["skipped"]
    assert world.jobs() == []


# Projects


def test_a_missing_project_is_made_once_for_all_its_jobs(world: World) -> None:
    world.write("x")
    world.write("y")
    world.apply()
    assert world.between.calls.count("upsert") == 1


def test_a_project_that_turns_out_to_hold_the_job_drops_the_submit(world: World) -> None:
    """Another applier made project and job between this one's plan and its apply."""
    world.write()
    planned = world.plan()
    world.apply()
    result = world.carry_out(planned)
    assert told(result) == [("kept", world.jobs()[0]["id"])]
    assert len(world.jobs()) == 1


def test_a_project_that_can_not_be_made_fails_its_jobs_alone(world: World) -> None:
    world.write("x")
    world.fault("upsert", answered(403, {"message": "not your team"}))
    result = world.apply()
    assert [outcome.fate.value for outcome in result.outcomes] == ["failed"]
    assert "not your team" in result.outcomes[0].error


def test_manifests_that_turn_out_to_name_one_job_are_refused_before_the_first_create(world: World) -> None:
    world.write("x")
    text = (world.folder / "specs" / "x.yaml").read_text()
    (world.folder / "specs" / "z.yaml").write_text(
        text.replace("project: Demo / one", "project: Demo / one, team: default")
    )
    with pytest.raises(Conflict):
        world.apply()
    assert world.jobs() == []


# Updates and stops


def test_priority_and_availability_of_a_waiting_job_are_changed_in_place(tmp_path: Path) -> None:
    world = _waiting(tmp_path)
    world.write(more="  priority: 10\n")
    result = world.apply()
    assert [outcome.fate.value for outcome in result.outcomes] == ["updated"]
    assert [job["priority"] for job in world.jobs()] == [10]
    assert [outcome.fate.value for outcome in world.apply().outcomes] == ["kept"]


def test_a_job_that_has_just_left_the_queue_is_kept_with_a_note(tmp_path: Path) -> None:
    world = _waiting(tmp_path)
    world.write(more="  priority: 10\n")
    world.fault("update", after_status("TRAINING_JOB_RUNNING"))
    result = world.apply()
    assert [outcome.fate.value for outcome in result.outcomes] == ["kept"]
    assert "no longer pending" in result.outcomes[0].error
    assert exit_of_apply(result) is Exit.DONE


def after_status(status: str) -> Fault:
    """Answered as by a server on which the job has just moved on."""

    def fault(request: httpx.Request, send: Any) -> httpx.Response:
        job_id = request.url.path.rpartition("/")[2]
        send(httpx.Request("POST", f"http://baseten/_emulator/jobs/{job_id}", json={"status": status}))
        return send(request)

    return fault


def test_an_update_that_is_refused_while_the_job_waits_is_a_failure(tmp_path: Path) -> None:
    world = _waiting(tmp_path)
    world.write(more="  priority: 10\n")
    world.fault("update", answered(400, {"message": "priority must be at most 5"}))
    result = world.apply()
    assert [outcome.fate.value for outcome in result.outcomes] == ["failed"]
    assert "priority must be at most 5" in result.outcomes[0].error


def _waiting(tmp_path: Path) -> World:
    world = World(tmp_path, {"behaviour": Behaviour(queue=("*",))})
    world.write()
    world.apply()
    assert world.status_of() == ["PENDING"]
    return world


STOP = "policy: {on_change: stop}\n"


def test_what_a_new_job_supersedes_is_stopped_once_it_is_there(world: World) -> None:
    world.write()
    world.apply()
    world.write(command="train --lr 3e-4", more=STOP)
    result = world.apply()
    assert [outcome.fate.value for outcome in result.outcomes] == ["submitted", "stopped"]
    assert world.status_of() == ["STOPPED", "RUNNING"]


def test_a_stop_that_a_crash_left_out_is_made_good_by_the_next_apply(world: World) -> None:
    world.write()
    world.apply()
    world.write(command="train --lr 3e-4")
    world.apply()
    assert "STOPPED" not in world.status_of()
    world.write(command="train --lr 3e-4", more=STOP)
    result = world.apply()
    assert [outcome.fate.value for outcome in result.outcomes] == ["kept", "stopped"]
    assert world.status_of() == ["STOPPED", "RUNNING"]


@pytest.mark.parametrize("fault", [never(), answered(400, {"message": "no"})], ids=["unknown", "failed"])
def test_nothing_is_stopped_for_a_job_that_is_not_there(world: World, fault: Fault) -> None:
    world.write()
    world.apply()
    world.write(command="train --lr 3e-4", more=STOP)
    world.fault("create", fault, fault)
    result = world.apply()
    assert [outcome.fate.value for outcome in result.outcomes][1] == "skipped"
    assert world.status_of() == ["RUNNING"]


def test_a_superseded_job_that_is_gone_counts_as_stopped(world: World) -> None:
    world.write()
    world.apply()
    world.write(command="train --lr 3e-4", more=STOP)
    world.fault("stop", deleted)
    assert [outcome.fate.value for outcome in world.apply().outcomes] == ["submitted", "stopped"]
    assert world.status_of() == ["RUNNING"]


def deleted(request: httpx.Request, send: Any) -> httpx.Response:
    send(httpx.Request("DELETE", f"http://baseten/_emulator/jobs/{request.url.path.split('/')[-2]}"))
    return send(request)


def test_a_superseded_job_that_ended_meanwhile_counts_as_stopped(world: World) -> None:
    world.write()
    world.apply()
    world.write(command="train --lr 3e-4", more=STOP)

    def completed(request: httpx.Request, send: Any) -> httpx.Response:
        job_id = request.url.path.split("/")[-2]
        send(
            httpx.Request("POST", f"http://baseten/_emulator/jobs/{job_id}", json={"status": "TRAINING_JOB_COMPLETED"})
        )
        return send(request)

    world.fault("stop", completed)
    assert [outcome.fate.value for outcome in world.apply().outcomes] == ["submitted", "stopped"]
    assert world.status_of() == ["COMPLETED", "RUNNING"]


def test_a_404_for_a_job_that_the_search_still_shows_is_not_a_stop(world: World) -> None:
    world.write()
    world.apply()
    world.write(command="train --lr 3e-4", more=STOP)
    world.fault("stop", *[answered(404, {"message": "not for you"})] * 99)
    result = world.apply()
    assert [outcome.fate.value for outcome in result.outcomes] == ["submitted", "failed"]
    assert exit_of_apply(result) is Exit.FAILED


def test_nothing_is_stopped_for_a_new_job_that_has_failed_already(world: World) -> None:
    world.write()
    world.apply()
    world.write(command="train --lr 3e-4", more=STOP)

    def failing(request: httpx.Request, send: Any) -> httpx.Response:
        answer = send(request)
        job_id = answer.json()["training_job"]["id"]
        send(httpx.Request("POST", f"http://baseten/_emulator/jobs/{job_id}", json={"status": "TRAINING_JOB_FAILED"}))
        return httpx.Response(200, request=request, content=answer.content)

    world.fault("create", failing)
    assert [outcome.fate.value for outcome in world.apply().outcomes] == ["submitted", "skipped"]
    assert world.status_of() == ["RUNNING", "FAILED"]


def test_a_refusal_of_the_second_create_that_nobody_could_check_is_unknown(world: World) -> None:
    world.write()
    world.fault("create", never(), failing_reads(world))
    result = world.apply()
    assert [outcome.fate.value for outcome in result.outcomes] == ["unknown"]
    assert exit_of_apply(result) is Exit.UNCLEAR


def failing_reads(world: World) -> Fault:
    def fault(request: httpx.Request, send: Any) -> httpx.Response:
        world.fault("search", *[answered(500)] * 400)
        return answered(400, {"message": "this name is taken"})(request, send)

    return fault


def test_a_project_that_only_its_list_shows_to_hold_the_job_drops_the_submit(world: World) -> None:
    world.write()
    planned = world.plan()
    world.apply()
    world.fault("search", empty, empty)
    assert told(world.carry_out(planned)) == [("kept", world.jobs()[0]["id"])]


def test_a_search_that_shows_jobs_of_another_project_is_an_error_before_the_first_create(world: World) -> None:
    """A server that ignores the filter of a search."""
    world.write("x")
    world.apply()
    path = world.folder / "specs" / "x.yaml"
    path.write_text(path.read_text().replace("Demo / one", "Demo / two"))

    def unfiltered(request: httpx.Request, send: Any) -> httpx.Response:
        return send(httpx.Request("POST", request.url, json={}, headers={"Authorization": "Bearer k"}))

    world.fault("search", unfiltered, unfiltered)
    with pytest.raises(ApiError, match=r"shows job .* of another project"):
        world.apply()
    assert "create" not in world.between.calls


def test_a_search_that_hangs_does_not_stretch_the_windows(world: World) -> None:
    world.write()

    def hangs(request: httpx.Request, send: Any) -> httpx.Response:
        world.clock.time += request.extensions["timeout"]["read"]
        raise httpx.ReadTimeout("", request=request)

    world.apply()
    world.write(command="train --lr 3e-4")
    planned = world.plan()
    began = world.clock.time
    world.fault("create", never())
    world.fault("search", *[hangs] * 400)
    assert [outcome.fate.value for outcome in world.carry_out(planned).outcomes] == ["unknown"]
    assert world.clock.time - began < 120 + 120 + 4 * 30 + 60


def test_an_answer_that_drips_in_for_ever_is_broken_off(world: World) -> None:
    class Drip(httpx.SyncByteStream):
        def __iter__(self) -> Any:
            while True:
                world.clock.time += 4
                yield b" "

    world.write()
    world.fault("create", lambda request, send: (send(request), httpx.Response(200, stream=Drip(), request=request))[1])
    assert told(world.apply()) == [("adopted", world.jobs()[0]["id"])]


def test_a_stop_is_repeated_until_the_job_is_terminal(world: World) -> None:
    world.write()
    world.apply()
    world.write(command="train --lr 3e-4", more=STOP)
    old = world.jobs()[0]
    world.fault("stop", answered(200, {"training_job": old}), answered(503), answered(200, {"training_job": old}))
    assert [outcome.fate.value for outcome in world.apply().outcomes] == ["submitted", "stopped"]
    assert world.between.calls.count("stop") == 4
    assert world.status_of()[0] == "STOPPED"


# Reads


def test_reads_and_repeatable_writes_are_retried(world: World) -> None:
    world.write()
    world.fault("projects", answered(500), never(), answered(429, {"error": "busy", "retry_after": 2}))
    world.fault("upsert", answered(502, "<html>"))
    world.fault("search", answered(200, "not JSON"))
    assert [outcome.fate.value for outcome in world.apply().outcomes] == ["submitted"]


def test_a_job_that_only_the_second_witness_shows_counts(world: World) -> None:
    world.write()
    world.apply()
    world.fault("search", empty, empty)
    planned = world.plan()
    assert planned.plan.summary["keep"] == 1
    (project,) = planned.plan.projects.values()
    assert project.notes == (f"search and job list of the project disagree on 1 jobs ({world.jobs()[0]['id']})",)


def test_a_disagreement_that_a_second_look_settles_is_not_mentioned(world: World) -> None:
    world.write()
    world.apply()
    world.fault("search", empty)
    planned = world.plan()
    assert planned.plan.summary["keep"] == 1
    assert [project.notes for project in planned.plan.projects.values()] == [()]


def test_the_second_witness_is_asked_only_where_something_is_to_be_submitted(world: World) -> None:
    world.write()
    world.apply()
    world.between.calls.clear()
    world.plan()
    assert world.between.calls == ["projects", "search"]
