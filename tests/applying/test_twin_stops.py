"""A later apply stops an accidental younger twin only while everything speaks for it; every other pair is reported."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from baseten_jobs.cli.exit_rules import exit_of_apply
from baseten_jobs.cli.exits import Exit
from baseten_jobs.emulator.faults import parse_fault
from baseten_jobs.emulator.settings import Behaviour, Durations
from baseten_jobs.job.names import owner_of
from baseten_jobs.planning.plan import Verb
from tests.support.world import Row, Send, World, answered, empty, showing

OWNER, FOREIGN = owner_of("github.com/acme/training"), owner_of("github.com/acme/other")
FAILED = {"current_status": "TRAINING_JOB_FAILED"}
ADA = {"email": "ada@example.com"}


class Pair(World):
    """A job that runs, or waits, and a younger one of its identity, which another create made."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        super().__init__(
            folder, {"durations": Durations(running=1e9), "behaviour": Behaviour(queue=("x--*",))} | settings
        )
        self.owner = OWNER
        self.write()
        self.apply()
        self.clock.time += 60

    @property
    def older(self) -> Row:
        return self.jobs()[0]

    @property
    def younger(self) -> Row:
        return self.jobs()[-1]

    def twin(self, letters: str = OWNER + "zzzz", **fields: Any) -> None:
        """Another applier's create; that one died."""
        self.create_behind(name=self.older["name"][:-7] + letters, **fields)
        self.clock.time += 60

    def recreate(self, job: Row) -> None:
        """A person makes a copy."""
        path = "/v1/training_projects/{}/jobs/{}/recreate"
        with self.honest():
            self.api._exchange("POST", path, job["training_project_id"], job["id"], body={})

    def force(self, job: Row, status: str) -> None:
        with self.honest():
            self.api._exchange("POST", "/_emulator/jobs/{}", job["id"], body={"status": f"TRAINING_JOB_{status}"})

    def shown(self, job: Row, *calls: str, **fields: Any) -> None:
        """Search and list, or one of them, show this job with other fields."""
        change = showing(lambda row: {**row, **fields} if row["id"] == job["id"] else row)
        self.habit(change, *(calls or ("search", "list")))


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def stopped(pair: World) -> list[str]:
    return [job["id"] for job in pair.jobs() if job["current_status"] == "TRAINING_JOB_STOPPED"]


@pytest.mark.parametrize("older", ["PENDING", "QUEUED", "CREATED", "DEPLOYING", "RUNNING"])
@pytest.mark.parametrize("younger", ["PENDING", "QUEUED", "CREATED"])
def test_a_younger_twin_that_waits_is_stopped_by_the_next_apply(pair: Pair, older: str, younger: str) -> None:
    pair.twin()
    pair.force(pair.older, older)
    pair.force(pair.younger, younger)
    keep, stop = pair.plan().plan.actions
    assert (keep.verb, keep.warnings, stop.verb) == (Verb.KEEP, (), Verb.STOP)
    assert stop.reason == f"made by another create of the spec of job {pair.older['id']}, and still waits"
    result = pair.apply()
    assert (stopped(pair), exit_of_apply(result)) == ([pair.younger["id"]], Exit.DONE)
    assert pair.clock.slept[-1] > 2
    assert [action.verb for action in pair.plan().plan.actions] == [Verb.KEEP]


def test_each_of_many_twins_is_stopped(pair: Pair) -> None:
    for number in range(11):
        pair.twin(OWNER + "zzz" + "bcdfghjkmnp"[number])
    assert exit_of_apply(pair.apply()) is Exit.DONE
    assert stopped(pair) == [job["id"] for job in pair.jobs()[1:]]


def _runs(pair: Pair) -> None:
    pair.force(pair.younger, "RUNNING")


def _older_not_known(pair: Pair) -> None:
    pair.force(pair.older, "WARMING")


def _has_log(pair: Pair) -> None:
    pair.habit(answered(200, {"logs": [{"timestamp": "1", "message": "m", "replica": None}]}), _of(pair, "logs"))


def _no_log_told(pair: Pair) -> None:
    pair.habit(answered(503), _of(pair, "logs"))


def _has_checkpoint(pair: Pair) -> None:
    row = {"checkpoint_id": "c", "created_at": "", "checkpoint_type": "full"}
    pair.habit(answered(200, {"checkpoints": [row]}), _of(pair, "checkpoints"))


def _of(pair: Pair, what: str) -> str:
    return f"/v1/training_projects/{pair.younger['training_project_id']}/jobs/{pair.younger['id']}/{what}"


def _list_is_behind(pair: Pair) -> None:
    pair.habit(showing(lambda row, last=pair.younger["id"]: row if row["id"] != last else None), "list")


def _list_shows_nothing(pair: Pair) -> None:
    pair.habit(empty, "list")


def _created(job: str, at: str | None) -> Callable[[Pair], None]:
    def doubt(pair: Pair) -> None:
        pair.shown(getattr(pair, job), created_at=at or pair.younger["created_at"])

    return doubt


def _user(job: str, user: Any, *calls: str) -> Callable[[Pair], None]:
    return lambda pair: pair.shown(getattr(pair, job), *calls, user=user)


def _named(job: str, change: Callable[[str], str | None], *calls: str) -> Callable[[Pair], None]:
    return lambda pair: pair.shown(getattr(pair, job), *calls, name=change(getattr(pair, job)["name"]))


def _foreign(row: Row) -> Row:
    return {**row, "name": row["name"][:-7] + FOREIGN + row["name"][-4:]}


DOUBTS: Mapping[str, Callable[[Pair], None]] = {
    "it runs": _runs,
    "it runs, by the search": lambda pair: pair.shown(pair.younger, "search", current_status="TRAINING_JOB_RUNNING"),
    "it runs, by the list": lambda pair: pair.shown(pair.younger, "list", current_status="TRAINING_JOB_RUNNING"),
    "its status is not known": lambda pair: pair.force(pair.younger, "WARMING"),
    "its status is not told": lambda pair: pair.shown(pair.younger, current_status=""),
    "the older one's status is not known": _older_not_known,
    "the older one has ended, by the list": lambda pair: pair.shown(pair.older, "list", **FAILED),
    "it has a log": _has_log,
    "its log can't be read": _no_log_told,
    "it has a checkpoint": _has_checkpoint,
    "the list does not show it": _list_is_behind,
    "the list shows nothing": _list_shows_nothing,
    "both were made at the same time": _created("older", None),
    "both were made within two seconds": lambda pair: pair.shown(pair.younger, created_at="2027-01-15T08:00:02Z"),
    "its time is not told": lambda pair: pair.shown(pair.younger, created_at=""),
    "another user made it": _user("younger", ADA),
    "nobody knows who made it": _user("younger", None),
    "the list does not tell who made it": _user("younger", {"email": None}, "list"),
    "nobody knows who made the older one": _user("older", {}),
    "its letters were cut": _named("younger", lambda name: name[:-2]),
    "its letters are lost": _named("younger", lambda name: name[:-8]),
    "its letters are lost in the list": _named("younger", lambda name: name[:-8], "list"),
    "the older one's letters are lost": _named("older", lambda name: name[:-8]),
    "the older one's letters are lost in the search": _named("older", lambda name: name[:-8], "search"),
    "it is of another repository": _named("younger", lambda name: name[:-7] + FOREIGN + name[-4:]),
    "both are of another repository": lambda pair: pair.habit(showing(_foreign), "search", "list"),
    "it is a retry": _named("younger", lambda name: name[:-8] + "-r1" + name[-8:]),
}  # fmt: skip


@pytest.mark.parametrize("name", DOUBTS)
def test_a_pair_of_which_anything_is_in_doubt_is_left_alone_and_reported(pair: Pair, name: str) -> None:
    pair.twin()
    DOUBTS[name](pair)
    result = pair.apply()
    assert stopped(pair) == []
    assert exit_of_apply(result) is Exit.UNCLEAR
    (said,) = (outcome.unclear for outcome in result.outcomes if outcome.unclear)
    ids = "|".join(job["id"] for job in pair.jobs())
    assert re.search(rf"duplicate: ({ids}), ({ids}) run the same spec; stop one with `baseten-jobs", said)


def test_both_states_and_ages_are_told(pair: Pair) -> None:
    pair.twin()
    pair.force(pair.older, "RUNNING")
    pair.force(pair.younger, "DEPLOYING")
    older, younger = (job["id"] for job in pair.jobs())
    said = pair.apply().outcomes[0].unclear
    assert said.endswith(f"`baseten-jobs stop --job {younger}` ({older} running, 2m old; {younger} deploying, 1m old)")


def test_one_that_starts_between_the_readings_is_left_alone(pair: Pair) -> None:
    pair.twin()
    planned = pair.plan()
    pair.clock.at(pair.clock.time + 1, lambda: pair.force(pair.younger, "RUNNING"))
    result = pair.carry_out(planned)
    assert (stopped(pair), exit_of_apply(result)) == ([], Exit.UNCLEAR)
    assert result.outcomes[1].unclear.endswith("; it was not stopped here: it is running")


def test_one_whose_older_twin_ends_between_the_readings_is_left_alone(pair: Pair) -> None:
    pair.twin()
    planned = pair.plan()
    pair.clock.at(pair.clock.time + 1, lambda: pair.force(pair.older, "FAILED"))
    result = pair.carry_out(planned)
    assert (stopped(pair), exit_of_apply(result)) == ([], Exit.DONE)
    assert result.outcomes[1].error == f"not stopped: job {pair.older['id']} is failed"


def test_nothing_is_stopped_after_an_interruption(pair: Pair) -> None:
    pair.twin()
    planned = pair.plan()
    pair.api.clock.interrupted.set()
    result = pair.carry_out(planned)
    assert stopped(pair) == []
    assert result.outcomes[1].error == "not started"


def test_without_an_owner_nothing_is_stopped(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    pair.owner = "xxx"
    pair.twin()
    assert exit_of_apply(pair.apply()) is Exit.UNCLEAR
    assert stopped(pair) == []


def test_a_moved_repository_stops_the_twins_of_its_former_address(pair: Pair) -> None:
    pair.twin()
    pair.owner = FOREIGN
    assert exit_of_apply(pair.apply()) is Exit.UNCLEAR
    pair.policy = replace(pair.policy, owner_too=frozenset({OWNER}))
    assert exit_of_apply(pair.apply()) is Exit.DONE
    assert stopped(pair) == [pair.younger["id"]]


# Copies


def told_of_copy(copy: Row, original: Row) -> str:
    return f"job {copy['id']} is a copy that a person made of job {original['id']}; no apply stops it"


@pytest.mark.parametrize("suffix", [False, True])
@pytest.mark.parametrize("status", ["PENDING", "RUNNING"])
@pytest.mark.parametrize("original", ["PENDING", "RUNNING", "FAILED", "STOPPED", "COMPLETED"])
def test_a_copy_is_a_run_that_every_plan_tells_of_and_no_apply_stops(
    tmp_path: Path, suffix: bool, status: str, original: str
) -> None:
    pair = Pair(tmp_path, faults=(parse_fault("suffix=1"),) if suffix else ())
    pair.clock.time += 121
    pair.recreate(pair.older)
    pair.force(pair.older, original)
    pair.force(pair.younger, status)
    assert pair.younger["name"].endswith("-2") is suffix
    for _ in range(2):
        result = pair.apply()
        (outcome,) = result.outcomes
        assert outcome.action.verb is Verb.KEEP
        assert outcome.action.notes == (told_of_copy(pair.younger, pair.older),)
        assert (exit_of_apply(result), stopped(pair)) == (Exit.DONE, [pair.older["id"]] * (original == "STOPPED"))


def test_a_request_that_was_sent_twice_is_a_duplicate_that_only_its_own_applier_stops(pair: Pair) -> None:
    pair.recreate(pair.older)  # 60 s after it
    result = pair.apply()
    assert (stopped(pair), exit_of_apply(result)) == ([], Exit.UNCLEAR)


def test_a_copy_of_a_twin_is_left_where_the_twin_is_stopped(pair: Pair) -> None:
    pair.twin()
    twin = pair.younger
    pair.clock.time += 121
    pair.recreate(twin)
    assert exit_of_apply(pair.apply()) is Exit.DONE
    assert stopped(pair) == [twin["id"]]
    (keep,) = pair.plan().plan.actions
    assert keep.notes == (told_of_copy(pair.younger, twin),)


def test_a_twin_whose_token_an_ended_job_has_is_left_alone(pair: Pair) -> None:
    """It may be a copy of that one, although too early for a person's."""
    pair.twin()
    pair.recreate(pair.younger)
    pair.force(pair.jobs()[1], "STOPPED")
    assert exit_of_apply(pair.apply()) is Exit.UNCLEAR
    assert stopped(pair) == [pair.jobs()[1]["id"]]


def _hang(request: httpx.Request, send: Send) -> httpx.Response:
    send(request)
    raise httpx.ReadTimeout("", request=request)


def test_a_stop_that_fails_is_told(pair: Pair) -> None:
    pair.twin()
    pair.habit(answered(403), "stop")
    result = pair.apply()
    assert (exit_of_apply(result), stopped(pair)) == (Exit.FAILED, [])


def test_a_stop_whose_answer_is_lost_is_done(pair: Pair) -> None:
    pair.twin()
    pair.fault("stop", _hang)
    assert exit_of_apply(pair.apply()) is Exit.DONE
    assert stopped(pair) == [pair.younger["id"]]
