"""Jobs that are preempted, fail or stall while they run, by name and by seed, on a clock that may go faster."""

from __future__ import annotations

from collections import Counter
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from baseten_jobs.emulator.settings import Behaviour, Durations

from .conftest import START, Api, Clock, Start

H100 = {"compute": {"accelerator": {"accelerator": "H100", "count": 2}, "node_count": 2}}
SPOT = {"compute": {**H100["compute"], "availability_model": "spot"}}
SAVING = {"runtime": {"checkpointing_config": {"enabled": True}}}
MIX = ("preemption=0.3,60", "failure=0.2,60", "stall=0.2,60")


def _path(project: str, job: str) -> str:
    return f"/v1/training_projects/{project}/jobs/{job}"


def _read(api: Api, path: str, **query: Any) -> Any:
    answer = api.http.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _statuses(api: Api) -> dict[str, str]:
    return {job["name"]: job["current_status"].removeprefix("TRAINING_JOB_") for job in api.search()}


def test_a_stalled_job_runs_on_and_does_nothing(start: Start) -> None:
    api = start(behaviour=Behaviour(stall=("hung",)), capacity=(("H100", 4),))
    project = api.project()
    job = api.create(project, "hung", **H100, **SAVING)["id"]
    api.create(project, "next", **H100)
    api.advance(63 + 86_400)
    assert _statuses(api) == {"hung": "RUNNING", "next": "PENDING"}
    assert api.search(job_id=job)[0]["updated_at"] == "2027-01-15T08:00:03.250000Z"
    metrics = _read(api, f"{_path(project, job)}/metrics", step_seconds=60)
    start_of_stall = "2027-01-15T08:01:03.250000Z"
    for node in metrics["per_node_metrics"]:
        for points in node["metrics"]["gpu_utilization"].values():
            assert len(points) == 1441
            assert all((point["value"] > 0) == (point["timestamp"] < start_of_stall) for point in points)
    newest = int((START + 86_463) * 1000)
    assert _read(api, f"{_path(project, job)}/logs", start_epoch_millis=newest - 86_399_000)["logs"] == []
    saved = _read(api, f"{_path(project, job)}/checkpoints")["checkpoints"]
    assert [(each["checkpoint_id"], each["sync_status"]) for each in saved] == [
        (f"checkpoint-{number}", "COMPLETE") for number in (1, 2, 3)
    ]
    assert api.http.post(f"{_path(project, job)}/stop", json={}).status_code == 200
    assert _statuses(api) == {"hung": "STOPPED", "next": "CREATED"}


def test_checkpoints_appear_while_a_job_runs(api: Api) -> None:
    project = api.project()
    job = api.create(project, **SAVING)["id"]
    seen = []
    for seconds in (3, 19, 1, 2, 18):
        api.advance(seconds)
        seen.append([each["sync_status"] for each in _read(api, f"{_path(project, job)}/checkpoints")["checkpoints"]])
    assert seen == [[], [], ["SYNCING"], ["COMPLETE"], ["COMPLETE", "SYNCING"]]


def _ends(api: Api, count: int = 120) -> list[tuple[str, str]]:
    """Each job's status and when it came, once all is over."""
    project = api.project()
    for number in range(count):
        api.create(project, f"spot-{number}", **SPOT)
        api.create(project, f"dedicated-{number}", **H100)
    api.advance(600)
    return [(job["current_status"], job["updated_at"]) for job in api.search()]


def test_jobs_end_by_seed_at_any_time_while_they_run(start: Start) -> None:
    ends = _ends(start(*MIX, seed=5))
    counts = Counter(status.removeprefix("TRAINING_JOB_") for status, _ in ends)
    assert counts.keys() == {"COMPLETED", "PREEMPTED", "FAILED", "RUNNING"}
    assert all(count > 20 for count in counts.values())
    times = sorted(time for status, time in ends if not status.endswith(("COMPLETED", "RUNNING")))
    assert "2027-01-15T08:00:03.2" < times[0] < "2027-01-15T08:00:10" < "2027-01-15T08:00:50" < times[-1]


def test_only_spot_capacity_is_taken_away(start: Start) -> None:
    api = start("preemption=1,60")
    project = api.project()
    api.create(project, "spot", **SPOT)
    api.create(project, "dedicated", **H100)
    api.advance(600)
    assert _statuses(api) == {"spot": "PREEMPTED", "dedicated": "COMPLETED"}


def test_a_turn_that_comes_too_late_changes_nothing(start: Start) -> None:
    api = start("stall=1,1000000", durations=Durations(running=1))
    api.create(api.project())
    api.advance(600)
    assert _statuses(api) == {"job": "COMPLETED"}


def test_the_same_seed_gives_the_same_ends_whatever_else_is_asked_and_after_restarts(
    start: Start, tmp_path: Path
) -> None:
    first = _ends(start(*MIX, seed=5, database=tmp_path / "1.db"), 40)
    api = start(*MIX, seed=5, database=tmp_path / "2.db")
    for _ in range(3):
        api.search()
    project = api.project()
    for number in range(40):
        if number == 20:
            api = start(*MIX, seed=5, database=tmp_path / "2.db")
        api.create(project, f"spot-{number}", **SPOT)
        api.create(project, f"dedicated-{number}", **H100)
    api.advance(600)
    assert [(job["current_status"], job["updated_at"]) for job in api.search()] == first
    assert _ends(start(*MIX, seed=6, database=tmp_path / "3.db"), 40) != first


def _now(api: Api) -> float:
    date = api.http.get("/v1/teams").headers["Date"]
    return parsedate_to_datetime(date).timestamp() - (START - 0.25)


@pytest.mark.parametrize("speed", [1, 60, 1000])
def test_a_clock_may_go_faster_and_answers_are_dated_by_it(start: Start, clock: Clock, speed: int) -> None:
    api = start(speed=speed, durations=Durations(running=40 * speed))
    project = api.project()
    job = api.create(project, "job")["id"]
    clock.now += 30
    assert _now(api) == 30 * speed
    assert _statuses(api) == {"job": "RUNNING"}
    metrics = _read(api, f"{_path(project, job)}/metrics", step_seconds=60)["cpu_usage"]
    assert len(metrics) == 30 * speed // 60
    api.advance(5)
    clock.now += 30
    assert (_now(api), _statuses(api)) == (60 * speed + 5, {"job": "COMPLETED"})


def test_a_database_keeps_its_speed_and_never_leaps(start: Start, clock: Clock) -> None:
    start(speed=1000)
    clock.now += 10
    assert _now(start()) == 10_000
    clock.now += 1
    assert _now(start()) == 11_000
    slow = start(speed=1)
    assert _now(slow) == 11_000
    clock.now += 1
    assert _now(slow) == 11_001
