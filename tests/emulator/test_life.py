"""The official SDK runs a job's whole life against the emulator; what it cannot parse is a defect."""

from __future__ import annotations

import pytest

from baseten_jobs.emulator.settings import Behaviour
from tests.support import sdk

from .conftest import Api, Start

BODY = {
    "training_job": {
        "image": {"base_image": "baseten/megatron:0.0.1"},
        "compute": {
            "node_count": 2,
            "cpu_count": 8,
            "memory": "256Gi",
            "accelerator": {"accelerator": "H100", "count": 8},
        },
        "runtime": {
            "start_commands": ["chmod +x run.sh && ./run.sh"],
            "environment_variables": {"HF_TOKEN": {"name": "hf_access_token"}},
            "checkpointing_config": {"enabled": True, "checkpoint_path": "/mnt/ckpts"},
        },
        "name": "qwen3--0123456789ab",
        "priority": 10,
    }
}


def _create(api: Api, project_id: str) -> str:
    request = sdk.CreateTrainingJobRequest.model_validate(BODY)
    return api.sdk.api.post_training_projects_jobs(training_project_id=project_id, request=request).training_job.id


def test_a_job_runs_from_creation_to_completion(api: Api) -> None:
    upsert = sdk.UpsertTrainingProjectRequest.model_validate({"training_project": {"name": "Qwen3 / (SFT) é"}})
    project = api.sdk.api.post_training_projects(request=upsert).training_project
    assert (project.name, project.team_name, project.latest_job) == ("Qwen3 / (SFT) é", "default", None)
    job_id = _create(api, project.id)
    seen = []
    for seconds in (0, 1, 2, 60):
        api.advance(seconds)
        answer = api.sdk.api.get_training_projects_jobs_training_job_id(
            training_project_id=project.id, training_job_id=job_id
        )
        seen.append((answer.training_job.current_status, answer.training_job.checkpoint_sync_status))
    assert seen == [
        ("TRAINING_JOB_CREATED", None),
        ("TRAINING_JOB_DEPLOYING", None),
        ("TRAINING_JOB_RUNNING", None),
        ("TRAINING_JOB_COMPLETED", "COMPLETED"),
    ]
    job = answer.training_job
    assert answer.training_project.latest_job == job
    assert (job.name, job.priority, job.availability_model, job.node_count, job.error_message) == (
        "qwen3--0123456789ab",
        10,
        "dedicated",
        2,
        None,
    )
    assert (job.instance_type.gpu_type, job.instance_type.gpu_count) == ("H100", 8)
    assert (job.updated_at - job.created_at).total_seconds() == 63
    assert job.user is not None


def test_a_stop_answers_at_once_and_ends_the_log(api: Api) -> None:
    project = api.project()
    job_id = _create(api, project)
    api.advance(10)
    stopped = api.sdk.api.post_training_projects_jobs_stop(
        training_project_id=project, training_job_id=job_id, request=sdk.StopTrainingJobRequest()
    )
    assert stopped.training_job.current_status == "TRAINING_JOB_STOPPED"
    api.advance(1000)
    logs = api.sdk.api.get_training_projects_jobs_logs(
        training_project_id=project,
        training_job_id=job_id,
        params=sdk.GetTrainingProjectsJobsLogsParams.model_validate({"direction": "asc"}),
    ).logs
    messages = [line.message for line in logs]
    assert messages[:4] == [
        "training job created",
        "pulling image baseten/megatron:0.0.1",
        "+ chmod +x run.sh && ./run.sh",
        "+ chmod +x run.sh && ./run.sh",
    ]
    assert messages[-2].startswith("step 6: loss ")
    assert messages[-1] == "training job stopped by a user"
    with pytest.raises(sdk.ResponseError, match="TRAINING_JOB_STOPPED and cannot be stopped") as refusal:
        api.sdk.api.post_training_projects_jobs_stop(
            training_project_id=project, training_job_id=job_id, request=sdk.StopTrainingJobRequest()
        )
    assert refusal.value.status_code == 400


def test_only_a_pending_job_can_be_updated(start: Start) -> None:
    api = start(capacity=(("H100", 16),))
    project = api.project()
    running, waiting = _create(api, project), _create(api, project)

    def update(job_id: str, **fields: object) -> tuple[str, int, str]:
        job = api.sdk.api.patch_training_projects_jobs(
            training_project_id=project,
            training_job_id=job_id,
            request=sdk.UpdateTrainingJobRequest.model_validate(fields),
        ).training_job
        return job.current_status, job.priority, job.availability_model

    assert update(waiting, priority=-5) == ("TRAINING_JOB_PENDING", -5, "dedicated")
    with pytest.raises(sdk.ResponseError, match="only a TRAINING_JOB_PENDING job can be updated"):
        update(running, priority=1)
    assert update(waiting, availability_model="spot") == ("TRAINING_JOB_CREATED", -5, "spot")


def test_recreate_makes_a_new_job_of_the_same_kind(api: Api) -> None:
    project = api.project()
    old = _create(api, project)
    new = api.sdk.api.post_training_projects_jobs_recreate(training_project_id=project, training_job_id=old)
    assert new.training_job.id != old
    assert new.training_job.name == "qwen3--0123456789ab"
    assert new.training_job.instance_type.gpu_count == 8


def test_deleted_things_are_gone(api: Api) -> None:
    project = api.project()
    first, second = _create(api, project), _create(api, project)
    tombstone = api.sdk.api.delete_training_projects_jobs(training_project_id=project, training_job_id=first)
    assert (tombstone.id, tombstone.deleted, tombstone.training_project_id) == (first, True, project)
    assert [job["id"] for job in api.search()] == [second]
    assert api.sdk.api.delete_training_projects(training_project_id=project).deleted
    assert api.search() == []
    with pytest.raises(sdk.ResponseError) as refusal:
        api.sdk.api.get_training_projects_training_project_id(training_project_id=project)
    assert refusal.value.status_code == 404


def test_search_takes_the_sdk_request(api: Api) -> None:
    project = api.project()
    first = _create(api, project)
    api.advance(1)
    second = _create(api, project)

    def search(**fields: object) -> list[str]:
        request = sdk.SearchTrainingJobsRequest.model_validate(fields)
        return [job.id for job in api.sdk.api.post_training_jobs_search(request=request).training_jobs]

    assert search() == [second, first]
    assert search(order_by=[sdk.OrderBy(field="created_at", order="asc")]) == [first, second]
    assert search(project_id=project, statuses=["TRAINING_JOB_DEPLOYING"]) == [first]
    assert search(job_id=second) == [second]
    assert search(project_id="unknown") == []
    listed = api.sdk.api.get_training_projects_jobs(training_project_id=project)
    assert [job.id for job in listed.training_jobs] == [second, first]
    assert listed.training_project.id == project


def test_a_job_can_end_otherwise_by_name(start: Start) -> None:
    api = start(behaviour=Behaviour(queue=("wait-*",), fail=("bad-*",), deploy_fail=("worse-*",), preempt=("spot-*",)))
    project = api.project()
    for name in ("wait-1", "bad-1", "worse-1", "spot-1", "good"):
        api.create(project, name)
    api.advance(100)
    shown = {job["name"]: (job["current_status"], job["error_message"]) for job in api.search()}
    assert shown == {
        "wait-1": ("TRAINING_JOB_PENDING", None),
        "bad-1": ("TRAINING_JOB_FAILED", "a start command exited with code 1"),
        "worse-1": ("TRAINING_JOB_DEPLOY_FAILED", "the image could not be pulled"),
        "spot-1": ("TRAINING_JOB_PREEMPTED", None),
        "good": ("TRAINING_JOB_COMPLETED", None),
    }


def test_a_preempted_job_ran_and_is_over(start: Start) -> None:
    """The SDK takes its status as any string; it holds no GPUs, can't be stopped and saved what it had."""
    api = start(behaviour=Behaviour(preempt=("qwen3--*",)), capacity=(("H100", 16),))
    project = api.project()
    job_id, waiting = _create(api, project), _create(api, project)
    seen = []
    for seconds in (3, 59, 1, 1000):
        api.advance(seconds)
        job = api.sdk.api.get_training_projects_jobs_training_job_id(
            training_project_id=project, training_job_id=job_id
        ).training_job
        seen.append((job.current_status, (job.updated_at - job.created_at).total_seconds()))
    assert seen == [
        ("TRAINING_JOB_RUNNING", 3),
        ("TRAINING_JOB_RUNNING", 3),
        ("TRAINING_JOB_PREEMPTED", 63),
        ("TRAINING_JOB_PREEMPTED", 63),
    ]
    assert job.checkpoint_sync_status == "COMPLETED"
    request = sdk.SearchTrainingJobsRequest.model_validate({"statuses": ["TRAINING_JOB_PREEMPTED"]})
    found = api.sdk.api.post_training_jobs_search(request=request).training_jobs
    assert [each.id for each in found] == [waiting, job_id]
    logs = api.sdk.api.get_training_projects_jobs_logs(
        training_project_id=project,
        training_job_id=job_id,
        params=sdk.GetTrainingProjectsJobsLogsParams.model_validate({"direction": "desc", "limit": 1}),
    ).logs
    assert [(line.message, line.level) for line in logs] == [("training job preempted", "WARNING")]
    with pytest.raises(sdk.ResponseError, match="TRAINING_JOB_PREEMPTED and cannot be stopped"):
        api.sdk.api.post_training_projects_jobs_stop(
            training_project_id=project, training_job_id=job_id, request=sdk.StopTrainingJobRequest()
        )
