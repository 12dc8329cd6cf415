"""What `status` and `plan` tell of GPUs that work, that idle, and whose metrics can't be read."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from baseten_jobs import pipeline
from baseten_jobs.emulator.settings import Behaviour, Durations
from baseten_jobs.job.gpu_use import IDLE, UNKNOWN, GpuUse
from baseten_jobs.provider.status import Status, changes
from baseten_jobs.provider.status_reader import Survey
from baseten_jobs.report.status_table import status as table
from baseten_jobs.report.style import Look
from tests.provider.test_status import row
from tests.support.operating import Desk, Open, desk, open_desk
from tests.support.world import Fault, World, answered, never

__all__ = ["desk", "open_desk"]

METRICS = "GET /v1/training_projects/<project_id>/jobs/<job_id>/metrics"
HOUR = 3600.0
LONG = Durations(created=1, deploying=2, running=HOUR)


@pytest.fixture
def hung(open_desk: Open) -> Desk:
    """`bad` stalls an hour after it began to run, `good` goes on."""
    desk = open_desk(durations=replace(LONG, running=100 * HOUR))
    desk.applied("good")
    desk = open_desk(durations=LONG, behaviour=Behaviour(stall=("bad--*",)))
    desk.applied("bad")
    return desk


def reads(desk: Desk, *command: str) -> int:
    before = Counter(desk.requests())
    assert desk(*command).code == 0
    return (Counter(desk.requests()) - before)[METRICS]


def test_status_tells_the_use_of_the_gpus_of_jobs_that_run(hung: Desk) -> None:
    hung.clock.time = HOUR / 2
    good, bad = sorted(hung("status", "-o", "json").json["jobs"], key=lambda job: job["name"] == "bad")
    assert 0.8 < good["gpu_use"] < 1.0
    assert 0.8 < bad["gpu_use"] < 1.0
    assert (good["gpus_idle"], bad["gpus_idle"]) == (False, False)
    lines = hung("status").out.splitlines()
    assert [line.split()[5:8] for line in lines[:1]] == [["USE", "COST", "SO"]]
    assert all(f"  {job['gpu_use']:.0%}  " in line for job, line in zip((bad, good), lines[1:3], strict=True))
    assert "  90%      ≤ $" in hung("status", "-o", "wide").out


def test_gpus_that_idle_for_half_an_hour_are_a_warning_in_status_and_in_plan(hung: Desk) -> None:
    hung.clock.time = 1.5 * HOUR
    (told,) = hung("status", "bad", "-o", "json").json["jobs"]
    assert (told["gpu_use"], told["gpus_idle"], IDLE in hung("plan").out) == (0.0, False, False)
    hung.clock.time = 1.6 * HOUR
    good, bad = sorted(hung("status", "-o", "json").json["jobs"], key=lambda job: job["name"] == "bad")
    assert (good["gpus_idle"], bad["gpu_use"], bad["gpus_idle"]) == (False, 0.0, True)
    assert hung("status").out.count(f"    warning: {IDLE}\n") == 1
    assert hung("plan").out.count(f"warning: {IDLE}\n") == 1
    actions = hung("plan", "-o", "json").json["actions"]
    assert {each["name"]: each["warnings"] for each in actions} == {"good": [], "bad": [IDLE]}
    assert "- <code>bad</code>: its GPUs are idle: below 5% on every node" in hung("plan", "-o", "markdown").out


def test_an_idle_job_stops_nothing_and_refuses_nothing(hung: Desk) -> None:
    hung.clock.time = 2 * HOUR
    for command in (["status"], ["plan", "--strict"], ["plan", "--detailed-exitcode"], ["apply", "--yes", "--strict"]):
        ran = hung(*command)
        assert (ran.code, IDLE in ran.out) == (0, True)
    assert {job["current_status"] for job in hung.jobs()} == {"TRAINING_JOB_RUNNING"}


def test_a_plan_reads_metrics_of_jobs_that_may_be_idle_and_of_no_others(hung: Desk) -> None:
    assert reads(hung, "plan") == 0
    hung.clock.time = HOUR - 60
    assert reads(hung, "plan") == 0
    hung.clock.time = HOUR + 60
    assert reads(hung, "plan") == 2
    (bad,) = [job["id"] for job in hung.jobs() if job["name"].startswith("bad")]
    hung.force(bad, "COMPLETED")
    assert reads(hung, "plan") == 1
    for job in hung.jobs():
        hung.force(job["id"], "PENDING")
    assert (reads(hung, "plan"), reads(hung, "status")) == (0, 0)


def test_metrics_of_twenty_jobs_at_most_are_read(open_desk: Open) -> None:
    """Those with the most GPUs first; the use of the others is not known."""
    desk = open_desk(durations=replace(LONG, running=100 * HOUR))
    names = [f"n{number}" for number in range(24)]
    desk.applied(*names)
    desk.write("large")
    path = desk.folder / "specs/large.yaml"
    path.write_text(path.read_text().replace("node_count: 2", "node_count: 3"))
    assert desk("apply", "--yes").code == 0
    desk.clock.time = 2 * HOUR
    assert (reads(desk, "plan"), reads(desk, "status")) == (20, 20)
    uses = {job["name"]: job["gpu_use"] for job in desk("status", "-o", "json").json["jobs"]}
    assert uses["large"] is not None
    assert sum(use is None for use in uses.values()) == 5


def test_a_watch_reads_the_metrics_of_a_job_once_a_minute(open_desk: Open) -> None:
    desk = open_desk(durations=Durations(running=600))
    desk.applied("x")
    desk.clock.time = 5
    before = Counter(desk.requests())
    assert desk("status", "--watch").code == 0
    made = Counter(desk.requests()) - before
    assert made["POST /v1/training_jobs/search"] > 100
    assert 9 <= made[METRICS] <= 11


def test_a_watch_tells_once_that_gpus_began_to_idle() -> None:
    idle, busy = GpuUse(0.0, idle=True), GpuUse(0.9)

    def told(before: GpuUse | None, after: GpuUse | None) -> int:
        return len(changes([replace(row(), use=before)], [replace(row(), use=after)], 0.0))

    assert changes([row()], [replace(row(), use=idle)], 0.0) == ("1970-01-01T00:00:00Z  sft  GPUs idle",)
    assert (told(busy, idle), told(idle, idle), told(idle, busy), told(None, busy)) == (1, 0, 0, 0)


@pytest.mark.parametrize("ahead", [-30 * HOUR, -100.0, 100.0, 30 * HOUR])
def test_samples_are_held_against_the_clock_of_the_server(open_desk: Open, ahead: float) -> None:
    desk = open_desk(durations=replace(LONG, running=100 * HOUR), behaviour=Behaviour(stall=("*",)))
    desk.applied("x")
    advance = {"advance": 103 * HOUR}
    assert httpx.post(f"{desk.url}/_emulator/clock", json=advance, verify=False).is_success
    desk.clock.wall = lambda: 1_800_000_000 + desk.clock.time + 103 * HOUR + ahead  # type: ignore[method-assign]
    (job,) = desk("status", "-o", "json").json["jobs"]
    assert (job["gpu_use"], job["gpus_idle"]) == (0.0, True)
    assert IDLE in desk("plan").out


TROUBLE: dict[str, Fault] = {
    "an error": answered(500),
    "no right to it": answered(403),
    "an old API": answered(404, {"message": "no such route"}),
    "a limit of rate": answered(429, {"error": "slow down", "retry_after": 60}),
    "no JSON": answered(200, "<html>"),
    "no metrics": answered(200, {}),
    "metrics of another form": answered(200, {"per_node_metrics": [None, {"metrics": [1]}], "gpu_utilization": 3}),
    "no answer": never(),
}


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE.keys())
def test_metrics_that_can_not_be_read_are_no_failure(tmp_path: Path, trouble: Fault) -> None:
    world = World(tmp_path, settings={"durations": LONG, "behaviour": Behaviour(stall=("*",))})
    world.write()
    world.apply()
    world.clock.time = 3 * HOUR
    (job,) = world.jobs()
    path = f"/v1/training_projects/{job['training_project_id']}/jobs/{job['id']}/metrics"
    rows = pipeline.status(world.api, world.compiled())[0]
    assert [each.idle for each in Survey(world.api).of(rows)] == [True]
    assert [action.idle for action in world.plan().plan.actions] == [True]
    world.habit(trouble, path)
    (told,) = Survey(world.api).of(rows)
    assert (told.use, told.cost) == (UNKNOWN, 156.0)
    planned = world.plan()
    assert (planned.diagnostics, planned.plan.notes, planned.plan.actions[0].cautions) == ((), (), ())
    assert world.clock.time < 3 * HOUR + 60


def rows() -> list[Status]:
    idle = replace(row(name="qwen3-8b-sft"), age=8040.0, cost=1232.27, use=GpuUse(0.004, idle=True))
    stale = replace(row(name="other"), age=90.0, cost=1.0, use=UNKNOWN)
    return [idle, stale, replace(row("FAILED", name="eval"), age=90.0, cost=0.0)]


def test_the_use_has_a_column_that_eighty_columns_keep() -> None:
    assert table(rows(), Look(width=80)).startswith(f"""\
NAME          STATE    AGE    GPUS     GPU USE  COST SO FAR  JOB  PROJECT
qwen3-8b-sft  running  2h14m  16 H100  0%       ≤ $1,232.27  j1   Qwen3 8B / SFT
    warning: {IDLE}
other         running  1m     16 H100  -        ≤ $1.00      j1   Qwen3 8B / SFT
eval          failed   1m     16 H100           $0.00        j1   Qwen3 8B / SFT
""")
