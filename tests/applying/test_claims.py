"""The answer of a create is a claim: held against what was there before, and against the rows that show its job."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from baseten_jobs.applying.outcome import Applied
from baseten_jobs.applying.plausibility import Shown, contradiction, shown_as
from baseten_jobs.applying.settle import Windows
from baseten_jobs.cli.exit_rules import exit_of_apply
from baseten_jobs.cli.exits import Exit
from baseten_jobs.emulator.settings import Durations
from baseten_jobs.job.identity import Identity
from baseten_jobs.job.names import JobName
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.planning.plan import Policy
from tests.support.world import START, Fault, Row, World, answered, claiming, empty, made_as, never, renamed, showing

SFT = Identity("sft", "0123456789ab")
OTHER = "eval--0123456789ab"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, {"durations": Durations(running=1e9)})


def told(result: Applied) -> list[str]:
    return [outcome.fate.value for outcome in result.outcomes]


def job(**fields: Any) -> ObservedJob:
    given = {"id": "j", "name": SFT.job_name, "status": "TRAINING_JOB_CREATED", "project_id": "p"}
    return ObservedJob(**{"created_at": "2027-01-15T08:00:00Z", **given, **fields})


@pytest.mark.parametrize(
    ("claimed", "sent", "why"),
    [
        (job(), START, ""),
        (job(), None, ""),
        (job(name="cut"), START, ""),
        (job(name=None), START, ""),
        (job(project_id=""), START, ""),
        (job(name=f"{SFT.job_name}-2"), START, ""),
        (job(), START + 60, ""),
        (job(created_at=""), START + 61, ""),
        (job(created_at="2028-01-15T08:00:00Z"), START, ""),
        (job(), START + 61, "older than the create"),
        (job(id="old"), START, "was there before"),
        (job(project_id="q"), START, "of another project, 'q'"),
        (job(name=OTHER), START, f"which is '{OTHER}'"),
        (job(name=f"{SFT.job_name}-a2"), START, "which is"),
        (job(name="sft--ba9876543210"), START, "which is"),
        (job(name=f"{SFT.job_name}-r2-mjxbcdf"), START, "which is"),
        (job(name=f"{SFT.job_name}-r2"), START, ""),
    ],
)
def test_what_an_answer_claims_is_held_against_what_is_known(
    claimed: ObservedJob, sent: float | None, why: str
) -> None:
    found = contradiction(claimed, "p", JobName(SFT, 0, "mjx", "bcdf"), {"old"}, sent)
    assert why in found
    assert bool(why) is bool(found)


@pytest.mark.parametrize(
    ("rows", "shown"),
    [
        ([], Shown.HIDDEN),
        ([job()], Shown.OWN),
        ([job(project_id="")], Shown.OWN),
        ([job(), job(name=None)], Shown.OWN),
        ([job(name="cut"), job()], Shown.OWN),
        ([job(name="cut"), job(name=None)], Shown.RENAMED),
        ([job(name="cut"), job(name=OTHER)], Shown.OTHER),
        ([job(name=""), job(name=None)], Shown.NAMELESS),
        ([job(project_id="q")], Shown.ELSEWHERE),
        ([job(project_id="q"), job(name=None)], Shown.NAMELESS),
    ],
)
def test_of_several_rows_of_a_job_the_one_with_its_identity_counts(rows: list[ObservedJob], shown: Shown) -> None:
    assert shown_as(rows, "p", SFT) is shown


# Answers that name another job


def prey(world: World, project: str = "Demo / one", name: str = "llama-pretrain") -> dict[str, Any]:
    """A job that runs for a week, made by somebody else."""
    found = world.api.upsert_project(project)["id"]
    answer = world.api.create_once(found, {"training_job": {"name": name, "image": {"base_image": "i:1"}}})
    world.clock.time += 7 * 86_400
    assert answer.data is not None
    return dict(answer.data["training_job"])


def answers_with(other: dict[str, Any]) -> Fault:
    return claiming(**other)


@pytest.mark.parametrize("project", ["Demo / one", "Demo / two"])
@pytest.mark.parametrize("name", ["llama-pretrain", OTHER])
def test_an_answer_that_names_a_job_of_before_is_settled_by_search_and_that_job_left_alone(
    world: World, project: str, name: str
) -> None:
    world.write()
    other = prey(world, project, name)
    world.fault("create", answers_with(other))
    result = world.apply()
    (own,) = (job for job in world.jobs() if job["id"] != other["id"])
    assert [(outcome.fate.value, outcome.job_id) for outcome in result.outcomes] == [("adopted", own["id"])]
    assert world.status_of() == ["RUNNING", "RUNNING"]
    assert "stop" not in world.between.calls
    assert exit_of_apply(result) is Exit.DONE


def test_an_older_job_that_no_plan_has_seen_is_told_by_the_servers_own_date(world: World) -> None:
    """Of the same project by what the answer says, and without a name that tells more."""
    world.write()
    other = prey(world, "Hidden")
    world.fault("create", claiming(id=other["id"], created_at=other["created_at"], name="cut"))
    result = world.apply()
    assert told(result) == ["adopted"]
    assert result.outcomes[0].job_id != other["id"]
    assert world.status_of() == ["RUNNING", "RUNNING"]


@pytest.mark.parametrize("date", [None, "yesterday"])
def test_without_a_date_the_times_are_not_compared(world: World, date: str | None) -> None:
    world.write()

    def fault(request: httpx.Request, send: Callable[[httpx.Request], httpx.Response]) -> httpx.Response:
        answer = send(request)
        data = answer.json()
        data["training_job"]["created_at"] = "2020-01-01T00:00:00Z"
        return httpx.Response(200, request=request, json=data, headers={"Date": date} if date else {})

    world.fault("create", fault)
    assert told(world.apply()) == ["submitted"]


def test_a_server_that_answers_an_equal_name_with_the_job_that_has_it_submits_none(world: World) -> None:
    world.write()
    world.apply()
    old = world.jobs()[0]
    world.api.stop(old["training_project_id"], old["id"])
    world.policy = Policy(retry_failed=frozenset({"x"}))
    world.habit(lambda request, send: httpx.Response(200, json={"training_job": old}, request=request), "create")
    result = world.apply()
    assert told(result) == ["unknown"]
    assert f"names job {old['id']}, which was there before" in result.outcomes[0].error
    assert exit_of_apply(result) is Exit.UNCLEAR


def test_answers_that_mix_two_creates_of_this_apply_are_settled_by_search(world: World) -> None:
    world.write("x")
    world.write("y")
    answers: list[httpx.Response] = []

    def mixed(request: httpx.Request, send: Callable[[httpx.Request], httpx.Response]) -> httpx.Response:
        answers.append(send(request))
        return answers[0]

    world.fault("create", mixed, mixed)
    result = world.apply()
    held = {job["name"].partition("--")[0]: job["id"] for job in world.jobs()}
    assert [(o.fate.value, o.job_id) for o in result.outcomes] == [("submitted", held["x"]), ("adopted", held["y"])]
    assert (len(world.jobs()), exit_of_apply(result)) == (2, Exit.DONE)


def test_an_answer_without_a_name_may_name_the_job_of_another_create(world: World) -> None:
    """Told by the rows, which show that job under the identity that it has."""
    world.write("x")
    world.write("y")
    unnamed = renamed(None)
    swapped: list[httpx.Response] = []

    def mixed(request: httpx.Request, send: Callable[[httpx.Request], httpx.Response]) -> httpx.Response:
        """x is answered with the job that y has in the end."""
        request_of_y = next(each for each in world.compiled().requests if each.name == "y")
        send(request)
        swapped.append(made_as(request_of_y.job_name)(request, send))
        return unnamed(request, lambda request: swapped[0])

    world.fault("create", mixed)
    result = world.apply()
    held = {job["name"].partition("--")[0]: job["id"] for job in world.jobs()[:1]}
    assert (result.outcomes[0].fate.value, result.outcomes[0].job_id) == ("adopted", held["x"])


def test_ids_that_are_mixed_up_between_two_creates_cost_neither_its_outcome(world: World) -> None:
    """Each answer has the name that was asked for, and the id of the job that the other create has made."""
    world.write("x")
    world.write("y")
    world.windows = Windows(5.0, 5.0)
    swapped: dict[str, Row] = {}

    def first(request: httpx.Request, send: Callable[[httpx.Request], httpx.Response]) -> httpx.Response:
        """y is made before its create is sent, and that is answered with the job of x."""
        swapped["x"] = dict(send(request).json()["training_job"])
        named = next(each.job_name for each in world.compiled().requests if each.name == "y")
        made = made_as(named)(request, send).json()["training_job"]
        return httpx.Response(200, request=request, json={"training_job": {**made, "name": swapped["x"]["name"]}})

    def second(request: httpx.Request, send: Callable[[httpx.Request], httpx.Response]) -> httpx.Response:
        name = json.loads(request.read())["training_job"]["name"]
        return httpx.Response(200, request=request, json={"training_job": {**swapped["x"], "name": name}})

    world.fault("create", first, second)
    result = world.apply()
    held = {job["name"].partition("--")[0]: job["id"] for job in world.jobs()}
    assert [(o.fate.value, o.job_id) for o in result.outcomes] == [("adopted", held["x"]), ("adopted", held["y"])]
    assert (len(world.jobs()), "stop" in world.between.calls, exit_of_apply(result)) == (2, False, Exit.DONE)


# A name that did not survive


@pytest.mark.parametrize("name", ["x", "job-2", "x--01234567", "x--0123456789AB"])
def test_a_job_whose_name_did_not_survive_is_stopped_and_nothing_more_is_sent(world: World, name: str) -> None:
    world.write("x")
    world.write("y")
    world.fault("create", made_as(name))
    result = world.apply()
    (job,) = world.jobs()
    assert told(result) == ["failed", "skipped"]
    assert (result.outcomes[0].job_id, job["current_status"]) == (job["id"], "TRAINING_JOB_STOPPED")
    assert result.outcomes[0].error == (
        f"the server made job {job['id']} with the name '{name}', so its identity is lost; "
        "it was stopped, and nothing more is submitted"
    )
    assert world.clock.time < 10
    assert exit_of_apply(result) is Exit.FAILED


@pytest.mark.parametrize("name", ["x", "", "job-2", None])
def test_a_name_that_only_the_answer_has_wrong_costs_no_job(world: World, name: str | None) -> None:
    world.write("x")
    world.write("y")
    world.fault("create", renamed(name))
    result = world.apply()
    assert told(result) == ["submitted", "submitted"]
    assert (world.status_of(), exit_of_apply(result)) == (["RUNNING", "RUNNING"], Exit.DONE)


def test_names_that_a_server_leaves_out_of_its_answers_are_looked_up_once(world: World) -> None:
    for number in range(9):
        world.write(f"n{number}")
    world.habit(renamed(None), "create")
    assert told(world.apply()) == ["submitted"] * 9
    assert world.between.calls.count("search") == 3  # of the new project, of the first job, of all in the end


def test_another_name_in_the_answer_may_also_be_another_identity(world: World) -> None:
    world.write()
    world.fault("create", renamed("x--0123456789ab"))
    result = world.apply()
    assert (told(result), world.status_of(), exit_of_apply(result)) == (["adopted"], ["RUNNING"], Exit.DONE)


@pytest.mark.parametrize("name", [None, ""])
def test_a_job_that_has_no_name_until_the_window_ends_is_stopped(world: World, name: str | None) -> None:
    world.write("x")
    world.write("y")
    world.fault("create", renamed(name))
    world.habit(showing(lambda row: {**row, "name": name}), "search", "list")
    result = world.apply()
    assert told(result) == ["failed", "skipped"]
    assert "without a name" in result.outcomes[0].error
    assert world.clock.time >= 120
    assert (world.status_of(), exit_of_apply(result)) == (["STOPPED"], Exit.FAILED)


def test_a_name_that_appears_within_the_window_is_waited_for(world: World) -> None:
    world.write("x")
    world.write("y")
    world.fault("create", renamed(None))

    def late(row: Row) -> Row:
        return {**row, "name": row["name"] if world.clock.time > 90 else None}

    world.habit(showing(late), "search", "list")
    result = world.apply()
    assert told(result) == ["submitted", "submitted"]
    assert "stop" not in world.between.calls


def test_a_name_that_appears_after_the_stop_gets_one_more_create(world: World) -> None:
    world.write("x")
    world.write("y")
    world.fault("create", renamed(None))
    stopped: list[str] = []

    def while_it_lives(row: Row) -> Row:
        return {**row, "name": row["name"] if stopped else None}

    def stop(request: httpx.Request, send: Callable[[httpx.Request], httpx.Response]) -> httpx.Response:
        stopped.append(request.url.path)
        return send(request)

    world.habit(showing(while_it_lives), "search", "list")
    world.habit(stop, "stop")
    result = world.apply()
    assert told(result) == ["submitted", "submitted"]
    names = [
        (job["name"].partition("--")[0], status) for job, status in zip(world.jobs(), world.status_of(), strict=True)
    ]
    assert sorted(names) == [("x", "RUNNING"), ("x", "STOPPED"), ("y", "RUNNING")]
    assert exit_of_apply(result) is Exit.DONE
    again = world.apply()
    assert (told(again), len(world.jobs())) == (["kept", "kept"], 3)


def test_a_job_is_stopped_for_its_name_only_once_no_other_new_job_has_the_identity(world: World) -> None:
    """The answer named somebody's new job; the own one is there under its own name."""
    world.write()

    def swapped(request: httpx.Request, send: Callable[[httpx.Request], httpx.Response]) -> httpx.Response:
        other = made_as("somebody-elses")(request, send).json()["training_job"]
        return claiming(**other)(request, send)

    world.fault("create", swapped)
    result = world.apply()
    other, own = world.jobs()
    assert [(outcome.fate.value, outcome.job_id) for outcome in result.outcomes] == [("adopted", own["id"])]
    assert (other["current_status"], own["current_status"]) == ("TRAINING_JOB_RUNNING",) * 2
    assert exit_of_apply(result) is Exit.DONE


# What rows show of the own id


def only_new(world: World, change: Callable[[Row], Row | None]) -> Fault:
    """Changes rows of jobs made since now."""
    before = {job["id"] for job in world.jobs()}
    return showing(lambda row: row if row["id"] in before else change(row))


def test_a_job_whose_rows_have_another_name_than_its_answer_has_lost_it(world: World) -> None:
    world.write("x-with-a-long-name")
    world.habit(only_new(world, lambda row: {**row, "name": row["name"][:24]}), "search", "list")
    for count in (1, 2):
        result = world.apply()
        assert (told(result), exit_of_apply(result)) == (["failed"], Exit.FAILED)
        assert "so its identity is lost; it was stopped" in result.outcomes[0].error
        assert world.status_of() == ["STOPPED"] * count


@pytest.mark.parametrize("witness", ["search", "list"])
def test_a_name_that_one_witness_shows_is_a_name(world: World, witness: str) -> None:
    world.write()
    world.habit(showing(lambda row: {**row, "name": None}), witness)
    result = world.apply()
    assert (told(result), world.status_of(), exit_of_apply(result)) == (["submitted"], ["RUNNING"], Exit.DONE)


def test_a_job_that_is_shown_in_another_project_is_a_failure_and_not_stopped(world: World) -> None:
    world.write()
    alias = only_new(world, lambda row: {**row, "training_project_id": f"PRJ-{row['training_project_id']}"})
    world.habit(alias, "search", "list")
    result = world.apply()
    (job,) = world.jobs()
    assert (told(result), result.outcomes[0].job_id, exit_of_apply(result)) == (["failed"], job["id"], Exit.FAILED)
    assert f"in project 'PRJ-{job['training_project_id']}'" in result.outcomes[0].error
    assert world.status_of() == ["RUNNING"]


def test_a_job_that_rows_show_under_another_identity_is_not_known_to_be_ours(world: World) -> None:
    world.write()
    world.habit(only_new(world, lambda row: {**row, "name": OTHER}), "search", "list")
    result = world.apply()
    assert (told(result), world.status_of(), exit_of_apply(result)) == (["unknown"], ["RUNNING"], Exit.UNCLEAR)


@pytest.mark.parametrize("settle", [5.0, 120.0])
def test_a_job_that_no_row_shows_forbids_to_apply_again(world: World, settle: float) -> None:
    world.windows = Windows(settle)
    world.write()
    world.habit(only_new(world, lambda row: None), "search", "list")
    result = world.apply()
    (job,) = world.jobs()
    assert (told(result), result.outcomes[0].job_id, exit_of_apply(result)) == (["submitted"], job["id"], Exit.UNCLEAR)
    assert result.outcomes[0].unclear == (
        f"neither search nor job list shows job {job['id']}, which its create returned: "
        f"do not apply again until `baseten-jobs status --job {job['id']}` shows it"
    )


def test_a_job_without_a_name_in_its_answer_that_no_row_shows_is_never_stopped(world: World) -> None:
    world.write("x")
    world.write("y")
    world.fault("create", renamed(None))
    world.habit(only_new(world, lambda row: None), "search", "list")
    result = world.apply()
    assert (told(result), world.status_of(), exit_of_apply(result)) == (
        ["submitted", "skipped"],
        ["RUNNING"],
        Exit.UNCLEAR,
    )
    assert "do not apply again" in result.outcomes[0].unclear


@pytest.mark.parametrize("witness", ["search", "list"])
def test_a_replica_that_lags_behind_the_other_hides_no_job(world: World, witness: str) -> None:
    world.write()
    world.habit(empty, witness)
    result = world.apply()
    assert (told(result), exit_of_apply(result), len(world.jobs())) == (["submitted"], Exit.DONE, 1)
    assert world.clock.time == 5.0


def test_a_witness_that_can_not_be_read_leaves_the_check_for_twins_open(world: World) -> None:
    world.write()
    world.fault("create", lambda request, send: (world.habit(answered(500), "list"), send(request))[1])
    result = world.apply()
    assert (told(result), exit_of_apply(result)) == (["submitted"], Exit.UNCLEAR)
    assert "the check for twins of job" in result.outcomes[0].unclear


def test_an_unknown_is_adopted_from_either_witness(world: World) -> None:
    world.write()
    world.fault("create", lambda request, send: (send(request), never()(request, send))[1])
    world.habit(empty, "search")
    result = world.apply()
    assert (told(result), len(world.jobs()), exit_of_apply(result)) == (["adopted"], 1, Exit.DONE)
