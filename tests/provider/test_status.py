"""How jobs are: what they cost and saved so far, seen once or watched, and the exit code that follows from it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from baseten_jobs import pipeline
from baseten_jobs.cli.exit_rules import exit_of_statuses
from baseten_jobs.cli.exits import Exit
from baseten_jobs.emulator.settings import Behaviour, Durations
from baseten_jobs.job.cost import Machine
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.job.request import JobRequest, ProjectRef
from baseten_jobs.provider.status import Checkpoints, Status, changes, surveyed
from baseten_jobs.provider.status_reader import Survey
from baseten_jobs.report.json import status as as_json
from baseten_jobs.report.status_table import status as table
from baseten_jobs.report.style import Look
from tests.support.operating import Desk, Open, desk, open_desk
from tests.support.world import World, answered

__all__ = ["desk", "open_desk"]

NODE = Machine(208_000, 1_900_000, 1.0, 8, "H100")
CREATED = "2027-01-15T08:00:00Z"
HOUR_LATER = 1_800_000_000.0 + 3600

WAITING = ("PENDING", "QUEUED", "CREATED")
LIVE = (*WAITING, "DEPLOYING", "RUNNING")
ENDED = ("COMPLETED", "FAILED", "DEPLOY_FAILED", "STOPPED", "CANCELLED", "CANCELED", "PREEMPTED")

SAVING = "  checkpointing: {enabled: true}\n"


def row(status: str | None = "RUNNING", name: str = "sft", **fields: object) -> Status:
    body = {"compute": {"accelerator": {"accelerator": "H100", "count": 8}, "node_count": 2}}
    request = JobRequest("specs/a.yaml", 1, ProjectRef("Qwen3 8B / SFT"), name, 1, "0" * 64, body)
    if status is None:
        return Status(request)
    job = ObservedJob(
        "j1", request.job_name, f"TRAINING_JOB_{status}", CREATED, "p1", 16, "H100", updated_at="2027-01-15T08:30:00Z"
    )
    return Status(request, replace(job, **fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "cost", "shown"),
    [
        *((status, 120.0, "≤ $120.00") for status in (*WAITING, "DEPLOYING", "RUNNING")),
        ("NEVER_HEARD_OF", 120.0, "≤ $120.00 ?"),
        *((status, 60.0, "≤ $60.00") for status in ENDED),
    ],
)
def test_a_job_costs_at_most_its_price_since_it_was_created(status: str, cost: float, shown: str) -> None:
    """One that waits too, where it has changed since: it may have run before."""
    (told,) = surveyed([row(status)], [NODE], {}, HOUR_LATER)
    assert (told.cost, told.age, told.cost_uncertain) == (cost, 3600, shown.endswith("?"))
    assert f"  {shown}  " in table([told])


@pytest.mark.parametrize("status", WAITING)
@pytest.mark.parametrize("updated", [CREATED, "2027-01-15T08:00:00.9Z", "2027-01-15T07:59:59Z"])
def test_a_job_that_waits_since_it_was_created_costs_nothing(status: str, updated: str) -> None:
    waiting = row(status, updated_at=updated)
    assert [told.cost for told in surveyed([waiting], [NODE], {}, HOUR_LATER)] == [0.0]
    assert [told.cost for told in surveyed([waiting], [NODE], {}, HOUR_LATER, {"j1"})] == [120.0]
    unclear = row(status, updated_at="")
    assert [told.cost for told in surveyed([unclear], [NODE], {}, HOUR_LATER)] == [120.0]


def test_a_cost_of_a_status_not_known_here_is_marked_and_the_mark_is_explained() -> None:
    rows = surveyed([row("WARMING"), row(name="b")], [NODE], {}, HOUR_LATER)
    assert table(rows).endswith(
        "1 warming, 1 running; ≤ $240.00 so far.\n"
        "? behind a cost: the status is not known here, so the job counts as running; it may have ended."
    )
    assert [each["cost_uncertain"] for each in json.loads(as_json(rows))["jobs"]] == [True, False]


def test_what_is_not_known_is_not_free() -> None:
    (told,) = surveyed([row(created_at="")], [NODE], {}, HOUR_LATER)
    assert (told.cost, told.age) == (None, None)
    (unpriced,) = surveyed([row()], [], {}, HOUR_LATER)
    assert unpriced.cost is None
    assert table([unpriced]).endswith("1 running.")
    assert table([told, replace(told, cost=1.0)]).endswith("2 running; without those not known, ≤ $1.00 so far.")


ROWS = (
    replace(row(name="qwen3-8b-sft"), age=8040.0, cost=1232.27, checkpoints=Checkpoints(12, "checkpoint-12")),
    replace(row("FAILED", name="eval", error_message="out of\nmemory"), age=90.0, cost=0.0),
    row(None, "new"),
)


def test_a_table_holds_every_manifest_and_counts() -> None:
    assert (
        table(ROWS)
        == """\
NAME          STATE          AGE    GPUS     COST SO FAR  CHECKPOINTS         JOB  PROJECT
qwen3-8b-sft  running        2h14m  16 H100  ≤ $1,232.27  12 (checkpoint-12)  j1   Qwen3 8B / SFT
eval          failed         1m     16 H100  $0.00                            j1   Qwen3 8B / SFT
    out of\\nmemory
new           not submitted                                                        Qwen3 8B / SFT

1 running, 1 failed, 1 not submitted; ≤ $1,232.27 so far."""
    )


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 200])
def test_a_table_is_no_wider_than_its_terminal(width: int) -> None:
    lines = table(ROWS, Look(width=width)).split("\n")
    least = len("qwen3-8b-sft  not submitted  JOB")
    assert max(map(len, lines[:2])) <= max(width, least)
    assert lines[0].startswith("NAME")


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([row("COMPLETED")], Exit.DONE),
        ([row("COMPLETED"), row("FAILED")], Exit.FAILED),
        *(([row(status)], Exit.FAILED) for status in ENDED if status != "COMPLETED"),
        *(([row(status)], Exit.UNCLEAR) for status in LIVE),
        ([row(None)], Exit.FAILED),
        ([row("FAILED"), row("RUNNING")], Exit.UNCLEAR),
        ([row("NEVER_HEARD_OF")], Exit.UNCLEAR),
        ([], Exit.DONE),
    ],
)
def test_the_exit_code_follows_the_states_where_it_is_asked_to(rows: list[Status], code: Exit) -> None:
    assert exit_of_statuses(rows, by_state=True) is code
    assert exit_of_statuses(rows, by_state=False) is Exit.DONE


def test_a_suspended_manifest_without_a_job_is_as_it_should_be() -> None:
    suspended = row(None)
    suspended = replace(suspended, request=replace(suspended.request, suspended=True))
    assert exit_of_statuses([suspended], by_state=True) is Exit.DONE


def test_changes_are_told_and_nothing_else() -> None:
    before, after = [row("CREATED"), row(None, "b")], [row("RUNNING"), row(None, "b")]
    after[1] = replace(after[1], request=replace(after[1].request, path="specs/b.yaml"))
    before[1] = after[1]
    assert changes(before, after, HOUR_LATER) == ("2027-01-15T09:00:00Z  sft  created → running  (job j1)",)
    assert changes(after, after, HOUR_LATER) == ()
    saved = [replace(after[0], checkpoints=Checkpoints(1, "step-100")), after[1]]
    assert changes(after, saved, HOUR_LATER) == ("2027-01-15T09:00:00Z  sft  checkpoint step-100",)
    assert changes((), after, HOUR_LATER)[1] == "2027-01-15T09:00:00Z  b  not submitted"


# The command


def test_status_tells_cost_age_and_checkpoints(desk: Desk) -> None:
    desk.write("x", more=SAVING)
    assert desk("apply", "--yes").code == 0
    desk.clock.time = 45
    (job,) = desk("status", "-o", "json").json["jobs"]
    assert (job["age_seconds"], job["checkpoints"]) == (45, {"count": 2, "latest": "checkpoint-2"})
    assert job["cost_usd_at_most"] == pytest.approx(104 * 45 / 3600, abs=0.01)
    assert "2 (checkpoint-2)" in desk("status").out


def test_a_job_that_ran_and_waits_again_is_not_free(desk: Desk) -> None:
    (job,) = desk.applied("x")
    desk.force(job, "PENDING")
    (waiting,) = desk("status", "-o", "json").json["jobs"]
    desk.clock.time = 3600
    (later,) = desk("status", "-o", "json").json["jobs"]
    assert (waiting["state"], waiting["cost_usd_at_most"] > 0, later["cost_usd_at_most"]) == ("pending", True, 104.0)


def test_a_watch_remembers_that_a_job_ran(tmp_path: Path) -> None:
    """Where `updated_at` does not tell."""
    world = World(tmp_path)
    world.write()
    world.apply()
    (running,) = pipeline.status(world.api, world.compiled())[0]
    assert running.job is not None
    waiting = replace(running, job=replace(running.job, status="TRAINING_JOB_PENDING", updated_at=CREATED))
    world.clock.time = 3600
    survey = Survey(world.api)
    assert [row.cost for row in survey.of([waiting])] == [0.0]
    assert [row.cost for row in survey.of([running])] == [52.0]
    assert [row.cost for row in survey.of([waiting])] == [52.0]


def test_a_plainly_queued_job_is_free_however_long_it_waits(open_desk: Open) -> None:
    desk = open_desk(behaviour=Behaviour(queue=("*",)))
    desk.applied("x")
    desk.clock.time = 86_400
    assert "  $0.00  " in desk("status").out


def test_the_cost_of_a_preempted_job_grows_no_longer(open_desk: Open) -> None:
    desk = open_desk(behaviour=Behaviour(preempt=("*",)), durations=Durations(running=3597))
    desk.applied("x")
    for later in (4000, 90_000):
        desk.clock.time = later
        (job,) = desk("status", "-o", "json").json["jobs"]
        assert (job["state"], job["cost_usd_at_most"], job["cost_uncertain"]) == ("preempted", 104.0, False)


def test_checkpoints_and_prices_that_can_not_be_read_are_not_known(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write(more=SAVING)
    world.apply()
    world.clock.time = 45
    job = world.jobs()[0]
    checkpoints = f"/v1/training_projects/{job['training_project_id']}/jobs/{job['id']}/checkpoints"
    for call in ("/v1/instance_type_prices", checkpoints):
        world.fault(call, *[answered(500)] * 2)
    survey = Survey(world.api)
    (told,) = survey.of(pipeline.status(world.api, world.compiled())[0])
    assert (told.cost, told.checkpoints) == (None, None)
    (later,) = survey.of(pipeline.status(world.api, world.compiled())[0])
    assert later.checkpoints == Checkpoints(2, "checkpoint-2")


def test_many_jobs_need_few_requests(open_desk: Open) -> None:
    desk = open_desk()
    for number in range(40):
        desk.write(f"n{number}", more=SAVING)
    assert desk("apply", "--yes", "--max-submits", "99").code == 0
    before = desk.requests()
    assert desk("status").code == 0
    made = {call: number - before.get(call, 0) for call, number in desk.requests().items()}
    job = "GET /v1/training_projects/<project_id>/jobs/<job_id>"
    assert (made.pop(f"{job}/checkpoints"), made.pop(f"{job}/metrics")) == (20, 20)
    assert {call: number for call, number in made.items() if number} == {
        "GET /v1/training_projects": 1, "POST /v1/training_jobs/search": 1, "GET /v1/instance_type_prices": 1,
    }  # fmt: skip


def test_a_watch_prints_a_line_per_change_and_ends_with_the_jobs(open_desk: Open) -> None:
    desk = open_desk(durations=Durations(created=10, deploying=10, running=30), behaviour=Behaviour(fail=("bad--*",)))
    desk.write("good", more=SAVING)
    desk.applied("bad")
    ran = desk("status", "--watch", "--exit-status")
    assert ran.code == 1
    told = [line.partition("  ")[2].partition("  (job")[0] for line in ran.out.splitlines()]
    good, bad = ([t.partition("  ")[2] for t in told if t.startswith(name)] for name in ("good", "bad"))
    assert bad == ["created", "created → deploying", "deploying → running", "running → failed"]
    assert good == [*bad[:3], "running → completed"]
    assert ran.out.count("checkpoint checkpoint-1") == 1
    assert ran.err == ""
    assert desk("status", "good", "--exit-status").code == 0


def test_a_watch_as_json_is_one_document_with_the_changes_beside_it(desk: Desk) -> None:
    desk.applied("x")
    ran = desk("status", "--watch", "-o", "json", "--exit-status")
    assert (ran.code, ran.json["jobs"][0]["state"]) == (0, "completed")
    assert "running → completed" in ran.err


def test_a_watch_of_nothing_that_lives_ends_at_once(desk: Desk) -> None:
    desk.write()
    ran = desk("status", "-w", "--exit-status")
    assert (ran.code, ran.out.count("\n"), desk.clock.slept) == (1, 1, [])


def test_a_watch_outlives_rate_limits_and_errors(open_desk: Open) -> None:
    desk = open_desk("rate-limit=0.3,2", "read-error=0.3")
    desk.applied("x")
    ran = desk("status", "--watch", "--exit-status")
    assert (ran.code, "running → completed" in ran.out) == (0, True)


def test_the_exit_status_of_a_live_job_is_not_known_yet(desk: Desk) -> None:
    desk.applied("x")
    assert desk("status", "--exit-status").code == 7
    assert desk("status").code == 0


def test_a_name_of_two_projects_is_ambiguous(desk: Desk) -> None:
    desk.write("x")
    desk.write("y", project="Other")
    (desk.folder / "specs/y.yaml").write_text((desk.folder / "specs/y.yaml").read_text().replace("name: y", "name: x"))
    ran = desk("status", "x")
    assert ran.code == 1
    assert "specs/x.yaml:1" in ran.err
    assert "specs/y.yaml:1" in ran.err
    assert desk("status", "x", "-f", "specs/y.yaml").code == 0
