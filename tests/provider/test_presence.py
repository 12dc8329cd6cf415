"""A job that reads leave out: it is looked for elsewhere, goes on being waited for, and is gone only once all agree."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baseten_jobs import pipeline
from baseten_jobs.applying.outcome import Applied
from baseten_jobs.applying.wait import Waiting, wait
from baseten_jobs.cli.exit_rules import exit_of_apply
from baseten_jobs.cli.exits import Exit
from baseten_jobs.emulator.settings import Durations
from baseten_jobs.job.observation import job_of
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.log_reader import ALL, follow
from baseten_jobs.provider.presence import LOOKS, Presence, Recall
from baseten_jobs.provider.status import Status
from tests.support.operating import Desk, Open, desk, open_desk
from tests.support.world import Fault, Send, World, answered, empty

__all__ = ["desk", "open_desk"]

ALWAYS = 500
UNKNOWN = {"message": "no such job"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A job that was just submitted and runs for ten minutes."""
    world = World(tmp_path, {"durations": Durations(running=600)})
    world.write()
    return world


def address(world: World) -> str:
    job = world.jobs()[0]
    return f"/v1/training_projects/{job['training_project_id']}/jobs/{job['id']}"


def absent(request: httpx.Request, send: Send) -> httpx.Response:
    return httpx.Response(200, request=request, json={"training_projects": []})


def deleted(world: World) -> None:
    assert world.between.handle_request(httpx.Request("DELETE", f"http://baseten{address(world)}", headers=KEY))


KEY = {"Authorization": "Bearer k"}


def waited(world: World, result: Applied, waiting: Waiting = Waiting()) -> Applied:  # noqa: B008
    return list(wait(world.api, result, waiting, lambda text: None))[-1]


def ended(result: Applied) -> tuple[str, Exit]:
    (outcome,) = result.outcomes
    assert outcome.awaited is not None
    return outcome.awaited.state, exit_of_apply(result)


# apply --wait


def test_a_wait_asks_for_no_list_while_the_search_shows_the_jobs(world: World) -> None:
    result = world.apply()
    world.between.calls.clear()
    assert ended(waited(world, result)) == ("completed", Exit.DONE)
    calls = Counter(world.between.calls)
    assert (calls.pop("projects"), calls.pop("search") > 50, calls) == (1, True, Counter())


@pytest.mark.parametrize("hidden", ["search", "search and list"])
def test_a_job_that_reads_hide_is_waited_for(world: World, hidden: str) -> None:
    """For ever: its project's list shows it, or the job's own address."""
    result = world.apply()
    for call in hidden.split(" and "):
        world.fault(call, *[empty] * ALWAYS)
    assert ended(waited(world, result)) == ("completed", Exit.DONE)
    assert 600 <= world.clock.time < 640


def test_a_project_that_reads_hide_hides_no_job(world: World) -> None:
    result = world.apply()
    world.fault("projects", *[absent] * ALWAYS)
    assert ended(waited(world, result)) == ("completed", Exit.DONE)


@pytest.mark.parametrize("before", [True, False], ids=["before the first look", "while it is waited for"])
def test_a_job_that_was_deleted_is_gone_after_three_looks(world: World, before: bool) -> None:
    result = world.apply()
    began = world.clock.time
    if before:
        deleted(world)
    else:
        world.clock.at(began + 20, lambda: deleted(world))
    assert ended(waited(world, result)) == ("gone", Exit.FAILED)
    assert world.clock.time - began < (15 if before else 60)


def test_a_project_that_was_deleted_takes_its_jobs_with_it(world: World) -> None:
    result = world.apply()
    project = address(world).rpartition("/jobs/")[0]
    world.between.handle_request(httpx.Request("DELETE", f"http://baseten{project}", headers=KEY))
    assert ended(waited(world, result)) == ("gone", Exit.FAILED)


def test_a_list_that_fails_is_waited_out_like_any_outage_and_says_nothing_of_a_job(world: World) -> None:
    result = world.apply()
    world.fault("search", *[empty] * ALWAYS)
    world.fault("list", *[answered(503)] * 60)
    assert ended(waited(world, result)) == ("completed", Exit.DONE)


def test_a_wait_that_can_never_look_is_not_told_as_done(world: World) -> None:
    result = world.apply()
    world.fault("projects", answered(403))
    seen: list[Applied] = []
    with pytest.raises(ApiError, match="403"):
        seen.extend(wait(world.api, result, Waiting(), lambda text: None))
    began = wait(world.api, result, Waiting(), lambda text: None)
    assert ended(next(began)) == ("not shown yet", Exit.UNCLEAR)


def test_an_outage_is_not_waited_out_beyond_the_timeout(world: World) -> None:
    result = world.apply()
    world.fault("search", *[answered(503)] * ALWAYS)
    began = world.clock.time
    with pytest.raises(ApiError, match="503"):
        waited(world, result, Waiting(timeout=60))
    assert 60 <= world.clock.time - began < 90


def test_gone_is_only_what_no_read_has_shown_for_three_looks(world: World) -> None:
    """Each look is whether the search, the list and the job's own address show it."""
    world.apply()
    job = job_of(world.jobs()[0])

    @settings(max_examples=40, deadline=None)
    @given(looks=st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=12))
    def look_on(looks: list[tuple[bool, bool, bool]]) -> None:
        presence, missed = Presence(world.api), 0
        for searched, listed, addressed in looks:
            world.between.faults = {
                "list": [] if listed else [empty],
                "job": [] if addressed else [answered(404, UNKNOWN)],
            }
            found = presence.look({job.id: job.project_id}, {job.id: job} if searched else {})
            asked_on = missed < LOOKS
            last_word = asked_on and missed == LOOKS - 1 and not (searched or listed)
            if searched or (listed and asked_on):
                missed = 0
            elif asked_on and not (last_word and addressed):
                missed += 1
            assert presence.gone(job.id) == (missed == LOOKS)
            assert bool(found) == (searched or (listed and asked_on) or (last_word and addressed))

    look_on()


# logs -f


def followed(world: World) -> list[str]:
    job = job_of(world.jobs()[0])
    heard = list(follow(world.api, [job], ALL, lambda text: None))
    return [line.message for each in heard for line in each.lines]


@pytest.mark.parametrize("hidden", ["search", "search and list"])
def test_the_log_of_a_job_that_reads_hide_is_followed_to_its_end(world: World, hidden: str) -> None:
    world.apply()
    faults: dict[str, list[Fault]] = {call: [empty] * ALWAYS for call in hidden.split(" and ")}
    world.clock.at(world.clock.time + 20, lambda: world.between.faults.update(faults))
    world.clock.least = 9
    messages = followed(world)
    assert messages[-1] == "training job completed"
    assert sum(message.startswith("step ") for message in messages) == 599


def test_the_log_of_a_job_that_is_gone_ends_after_three_looks(world: World) -> None:
    world.apply()
    job, call = job_of(world.jobs()[0]), address(world)
    silent = answered(200, {"logs": []})
    world.between.faults |= {f"{call}/logs": [silent] * ALWAYS}
    world.clock.at(world.clock.time + 20, lambda: deleted(world))
    with pytest.raises(ApiError, match=f"job {job.id}: it is gone"):
        list(follow(world.api, [job], ALL, lambda text: None))
    assert world.clock.time < 80


# status, once and watched


def look(world: World, recall: Recall) -> Status:
    (row,) = pipeline.status(world.api, world.compiled(), recall)[0]
    return row


def test_a_status_asks_for_a_list_only_where_the_search_shows_no_job(world: World) -> None:
    assert look(world, Recall(world.api)).state == "not submitted"
    world.apply()
    world.between.calls.clear()
    assert look(world, Recall(world.api)).state == "running"
    assert world.between.calls == ["projects", "search"]
    world.fault("search", empty)
    assert look(world, Recall(world.api)).state == "running"


@pytest.mark.parametrize(
    ("faults", "looks"),
    [
        ({"search": empty}, 10),
        ({"projects": absent}, 10),
        ({"search": empty, "list": empty}, 10),
        ({"search": empty, "list": empty, "job": answered(404, UNKNOWN)}, LOOKS - 1),
    ],
    ids=["search", "projects", "search and list", "all, for two looks"],
)
def test_a_job_that_reads_hide_is_watched_on(world: World, faults: dict[str, Fault], looks: int) -> None:
    world.apply()
    recall = Recall(world.api)
    assert look(world, recall).state == "running"
    for call, fault in faults.items():
        world.fault(call, *[fault] * looks)
    assert {bool(look(world, recall).live) for _ in range(looks)} == {True}


def test_a_job_that_completed_stays_completed_where_a_search_hides_it(world: World) -> None:
    world.apply()
    world.clock.time = 700
    recall = Recall(world.api)
    assert look(world, recall).state == "completed"
    world.fault("search", empty)
    assert look(world, recall).state == "completed"


def test_a_job_that_is_deleted_while_it_is_watched_is_gone_after_three_looks(world: World) -> None:
    world.apply()
    recall = Recall(world.api)
    look(world, recall)
    deleted(world)
    assert [look(world, recall).state for _ in range(4)] == ["running"] * 2 + ["not submitted"] * 2


# Whole commands


@pytest.mark.parametrize(
    "command",
    [["status", "x", "--watch", "--exit-status"], ["logs", "--job", "ID", "-f"], ["apply", "--yes", "--wait"]],
)
def test_no_wait_ends_early_where_every_second_read_shows_nothing(open_desk: Open, command: list[str]) -> None:
    desk = open_desk()
    (job,) = desk.applied("x")
    flaky = open_desk("empty-search=0.5", seed=3)
    flaky.clock.time = desk.clock.time
    ran = _until_shown(flaky, [job if word == "ID" else word for word in command])
    assert ran == 0


def _until_shown(desk: Desk, command: list[str]) -> int:
    """The exit code, once the very first look of a command has shown the job."""
    for _ in range(20):
        ran = desk(*command)
        if "there is no job" not in ran.err and "not submitted" not in ran.out:
            return ran.code
    raise AssertionError("no look shows the job")


@pytest.mark.parametrize("command", [["status", "x", "--watch", "--exit-status"], ["apply", "--yes", "--wait"]])
def test_a_wait_for_a_job_that_somebody_deletes_ends_with_1(desk: Desk, command: list[str]) -> None:
    (job,) = desk.applied("x")
    delete: Callable[[], object] = lambda: httpx.delete(f"{desk.url}/_emulator/jobs/{job}", verify=False)  # noqa: E731
    desk.later(20, delete)
    assert desk(*command).code == 1
    assert 20 < desk.clock.time < 60
