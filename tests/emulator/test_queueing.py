"""Statuses over time, and who leaves the queue when."""

from __future__ import annotations

import pytest

from baseten_jobs.emulator.lifecycle import Window, history, moment, ran
from baseten_jobs.emulator.queueing import Limits, releases
from baseten_jobs.emulator.records import Job

from .conftest import Start


def _job(name: str, at: int = 0, *, gpus: int = 8, priority: int = 0, team: str = "t", **changes: object) -> Job:
    job = Job(
        id=name,
        seq=at,
        project_id="p",
        team_id=team,
        name=name,
        created_us=at,
        committed_us=at,
        released_us=None,
        created_for=1,
        deploying_for=2,
        running_for=7,
        outcome="TRAINING_JOB_COMPLETED",
        held_status=None,
        held_us=None,
        touched_us=at,
        error_message=None,
        gpu_type="H100",
        gpus=gpus,
        node_count=1,
        priority=priority,
        availability_model="dedicated",
        checkpointing=0,
        shape="",
    )
    return job._replace(**changes)  # type: ignore[arg-type]


def test_a_job_passes_through_its_statuses() -> None:
    job = _job("a", 5, released_us=10)
    assert [(turn.status.removeprefix("TRAINING_JOB_"), turn.since_us) for turn in history(job, 100)] == [
        ("PENDING", 5),
        ("CREATED", 10),
        ("DEPLOYING", 11),
        ("RUNNING", 13),
        ("COMPLETED", 20),
    ]
    assert ran(job, 15) == Window(13, 15)
    assert ran(job, 100) == Window(13, 20)


def test_a_held_status_overrides_the_course_from_then_on() -> None:
    job = _job("a", 0, released_us=0, held_status="TRAINING_JOB_STOPPED", held_us=5)
    assert moment(job, 4).status == "TRAINING_JOB_RUNNING"
    assert moment(job, 500) == ("TRAINING_JOB_STOPPED", 5)
    assert ran(job, 500) == Window(3, 5)


@pytest.mark.parametrize(
    ("waiting", "busy", "limits", "since", "expected"),
    [
        pytest.param([_job("a"), _job("b", 1)], [], Limits(8), 0, {"a": 0, "b": 10}, id="one after the other"),
        pytest.param([_job("a"), _job("b", 1)], [], Limits(), 0, {"a": 0, "b": 1}, id="no limits"),
        pytest.param(
            [_job("a", 1), _job("b", 2, priority=5)],
            [_job("x", released_us=0)],
            Limits(8),
            0,
            {"b": 10, "a": 20},
            id="priority first",
        ),
        pytest.param(
            [_job("big", 1, gpus=16), _job("small", 2)],
            [_job("x", released_us=0)],
            Limits(16),
            0,
            {"big": 10, "small": 20},
            id="the head blocks those behind it",
        ),
        pytest.param(
            [_job("a", 1, team="full"), _job("b", 2)],
            [_job("x", team="full", released_us=0)],
            Limits(16, {"full": 8}),
            0,
            {"b": 2, "a": 10},
            id="a full team blocks only itself",
        ),
        pytest.param([_job("a")], [], Limits(8), 30, {"a": 30}, id="never before the last change"),
        pytest.param([_job("a", gpus=16)], [], Limits(8), 0, {}, id="what never fits waits for ever"),
    ],
)
def test_jobs_leave_the_queue(
    waiting: list[Job], busy: list[Job], limits: Limits, since: int, expected: dict[str, int]
) -> None:
    assert releases(waiting, busy, limits, since, now=50) == expected


def test_a_stop_makes_room_for_the_next_job(start: Start) -> None:
    api = start(capacity=(("H100", 8),))
    project = api.project()
    compute = {"accelerator": {"accelerator": "H100", "count": 8}}
    first, second = (api.create(project, name, compute=compute) for name in ("first", "second"))
    assert second["current_status"] == "TRAINING_JOB_PENDING"
    assert second["error_message"] == "waiting for 8 x H100; spot capacity would start this job sooner"
    api.advance(10)
    assert api.http.post(f"/v1/training_projects/{project}/jobs/{first['id']}/stop", json={}).status_code == 200
    (shown,) = api.search(job_id=second["id"])
    assert (shown["current_status"], shown["error_message"]) == ("TRAINING_JOB_CREATED", None)


def test_cpu_jobs_and_other_gpus_do_not_wait(start: Start) -> None:
    api = start(capacity=(("H100", 0),))
    project = api.project()
    assert api.create(project)["current_status"] == "TRAINING_JOB_CREATED"
    compute = {"accelerator": {"accelerator": "T4", "count": 1}}
    assert api.create(project, compute=compute)["current_status"] == "TRAINING_JOB_CREATED"
