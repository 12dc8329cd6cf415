"""Every other endpoint, parsed by the official SDK, with answers that follow from what was stored."""

from __future__ import annotations

import httpx
import pytest

from baseten_jobs.emulator.settings import Behaviour, Durations
from tests.support import sdk

from .conftest import START, Api, Start

H100 = {"accelerator": {"accelerator": "H100", "count": 8}}
RUNTIME = {
    "start_commands": ["python train.py"],
    "checkpointing_config": {"enabled": True},
    "cache_config": {"enabled": True},
}


def test_logs_honour_window_limit_direction_and_level(api: Api) -> None:
    project = api.project()
    job = api.create(project, runtime=RUNTIME)["id"]
    api.advance(40)

    def read(**fields: object) -> list[str]:
        params = sdk.GetTrainingProjectsJobsLogsParams.model_validate(fields)
        logs = api.sdk.api.get_training_projects_jobs_logs(
            training_project_id=project, training_job_id=job, params=params
        ).logs
        return [line.message.partition(":")[0] for line in logs]

    assert read(direction="asc", limit=4) == [
        "training job created",
        "pulling image hello-world",
        "+ python train.py",
        "step 1",
    ]
    assert read(limit=2) == ["step 36", "step 35"]
    assert read(min_level="WARNING") == ["step 25"]
    begin = int(START * 1000) + 3_000
    assert read(direction="asc", start_epoch_millis=begin + 2_000, end_epoch_millis=begin + 4_000) == [
        "step 2",
        "step 3",
    ]
    request = sdk.GetTrainingJobLogsRequest.model_validate({"limit": 1})
    by_post = api.sdk.api.post_training_projects_jobs_logs(
        training_project_id=project, training_job_id=job, request=request
    )
    assert [line.message.partition(":")[0] for line in by_post.logs] == ["step 36"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"limit": "0"}, "limit: 0 is not from 1 to 1000"),
        ({"limit": "1001"}, "limit: 1001 is not from 1 to 1000"),
        ({"limit": "many"}, "limit: expected an integer"),
        ({"direction": "up"}, "direction: expected one of asc, desc"),
        ({"start_epoch_millis": "0"}, "start_epoch_millis: the window is longer than 7 days"),
        ({"start_epoch_millis": "2", "end_epoch_millis": "1"}, "start_epoch_millis: the start lies behind the end"),
    ],
    ids=str,
)
def test_a_wrong_log_query_is_refused(shared: Api, query: dict[str, str], message: str) -> None:
    project = shared.project()
    job = shared.create(project)["id"]
    answer = shared.http.get(f"/v1/training_projects/{project}/jobs/{job}/logs", params=query)
    assert (answer.status_code, answer.json()) == (400, {"code": "VALIDATION_ERROR", "message": message})


def test_metrics_have_a_series_for_every_gpu_and_node(api: Api) -> None:
    project = api.project()
    job = api.create(project, compute={**H100, "node_count": 2}, runtime=RUNTIME)["id"]
    api.advance(23)
    ids = {"training_project_id": project, "training_job_id": job}
    params = sdk.GetTrainingProjectsJobsMetricsParams(step_seconds=10)
    metrics = api.sdk.api.get_training_projects_jobs_metrics(**ids, params=params)
    assert sorted(metrics.gpu_utilization) == list("01234567")
    assert [len(series) for series in metrics.gpu_utilization.values()] == [2] * 8
    assert [node.node_id for node in metrics.per_node_metrics] == ["node-0", "node-1"]
    assert metrics.cache is not None
    again = api.sdk.api.post_training_projects_jobs_metrics(
        **ids, request=sdk.GetTrainingJobMetricsRequest(step_seconds=10)
    )
    assert again == metrics


def test_metrics_and_logs_of_a_span_of_time_are_those_between_its_ends(start: Start) -> None:
    """The job stalls a minute after it began to run; its GPUs idle from then on."""
    api = start(durations=Durations(created=1, deploying=2, running=60), behaviour=Behaviour(stall=("*",)))
    project = api.project()
    job = api.create(project, compute=H100, runtime=RUNTIME)["id"]
    api.advance(600)
    ids = {"training_project_id": project, "training_job_id": job}
    began = int(START * 1000)
    span = {"start_epoch_millis": began + 30_000, "end_epoch_millis": began + 120_000}
    params = sdk.GetTrainingProjectsJobsMetricsParams(step_seconds=10, **span)
    series = api.sdk.api.get_training_projects_jobs_metrics(**ids, params=params).gpu_utilization["0"]
    assert [point.value > 0.5 for point in series] == [True] * 3 + [False] * 6
    assert all(began + 30_000 <= point.timestamp.timestamp() * 1000 < began + 120_000 for point in series)
    asked = sdk.GetTrainingProjectsJobsLogsParams(direction="desc", min_level="WARNING", limit=1, **span)
    (line,) = api.sdk.api.get_training_projects_jobs_logs(**ids, params=asked).logs
    assert (line.level, line.message.partition(":")[0]) == ("WARNING", "step 50")


def test_checkpoints_appear_while_the_job_runs_and_can_be_downloaded(api: Api) -> None:
    project = api.project()
    job = api.create(project, runtime=RUNTIME, weights=[{"source": "hf://a/b@main", "mount_location": "/m"}])["id"]
    ids = {"training_project_id": project, "training_job_id": job}
    assert api.sdk.api.get_training_projects_jobs_checkpoints(**ids).checkpoints == []
    api.advance(3 + 40)
    found = api.sdk.api.get_training_projects_jobs_checkpoints(**ids)
    assert [(item.checkpoint_id, item.base_model, item.sync_status) for item in found.checkpoints] == [
        ("checkpoint-1", "a/b", "COMPLETE"),
        ("checkpoint-2", "a/b", "SYNCING"),
    ]
    assert found.training_job.checkpoint_sync_status == "SYNCING"
    files, token = [], 0
    while True:
        params = sdk.GetTrainingProjectsJobsCheckpointFilesParams(page_size=4, page_token=token)
        page = api.sdk.api.get_training_projects_jobs_checkpoint_files(**ids, params=params)
        files += page.presigned_urls
        if page.next_page_token is None:
            break
        token = page.next_page_token
    assert len(files) == page.total_count == 6
    assert [len(httpx.get(file.url, verify=False).content) for file in files] == [file.size_bytes for file in files]


def test_an_uploaded_archive_comes_back_by_its_presigned_url(api: Api) -> None:
    project = api.project()
    place = api.sdk.api.get_blobs_credentials_train()
    assert place.creds.aws_session_token
    assert place.s3_key != api.sdk.api.get_blobs_credentials_train().s3_key
    archive = {"s3_bucket": place.s3_bucket, "s3_key": place.s3_key}
    assert api.http.put(f"/_emulator/s3/{place.s3_bucket}/{place.s3_key}", content=b"tar").status_code == 200
    job = api.create(project, runtime={"artifacts": [archive]})["id"]
    urls = api.sdk.api.get_training_projects_jobs_download(training_project_id=project, training_job_id=job)
    assert [httpx.get(url, verify=False).content for url in urls.artifact_presigned_urls] == [b"tar"]


def test_interactive_sessions_open_with_their_trigger(api: Api) -> None:
    project = api.project()
    job = api.create(project, compute={"node_count": 2}, interactive_session={"timeout_minutes": 10})["id"]
    ids = {"training_project_id": project, "training_job_id": job}
    assert api.sdk.api.get_training_projects_jobs_auth_codes(**ids).auth_codes == []
    api.advance(5)
    codes = api.sdk.api.get_training_projects_jobs_auth_codes(**ids).auth_codes
    assert [code.replica_id for code in codes] == ["g00r0", "g00r1"]

    def patch(**fields: object) -> tuple[str, int]:
        answer = api.sdk.api.patch_training_projects_jobs_interactive_sessions(
            **ids,
            session_id=codes[0].session_id,
            request=sdk.PatchInteractiveSessionRequest.model_validate(fields),
        )
        return answer.interactive_session.trigger, answer.interactive_session.timeout_minutes

    assert patch(timeout_minutes=5) == ("on_demand", 15)
    assert patch(timeout_minutes=5, trigger="on_startup") == ("on_startup", 20)
    with pytest.raises(sdk.ResponseError, match="on_startup session cannot be changed"):
        patch(trigger="on_demand")


def test_an_ssh_certificate_is_for_a_running_job(api: Api) -> None:
    project = api.project()
    job = api.create(project)["id"]
    request = sdk.SignSSHCertificateRequest(public_key="ssh-ed25519 AAAAC3Nz me")
    ids = {"training_project_id": project, "training_job_id": job}
    with pytest.raises(sdk.ResponseError, match="only a TRAINING_JOB_RUNNING job"):
        api.sdk.api.post_training_projects_jobs_ssh_sign(**ids, request=request)
    api.advance(5)
    signed = api.sdk.api.post_training_projects_jobs_ssh_sign(**ids, request=request)
    assert signed.ssh_certificate.startswith("ssh-ed25519-cert-v01@openssh.com ")
    assert signed.jwt.count(".") == 2


def test_the_cache_summary_is_that_of_the_latest_job(api: Api) -> None:
    project = api.project()
    with pytest.raises(sdk.ResponseError) as refusal:
        api.sdk.api.get_training_projects_cache_summary(training_project_id=project)
    assert refusal.value.status_code == 404
    api.create(project, runtime=RUNTIME)
    api.advance(5)
    summary = api.sdk.api.get_training_projects_cache_summary(training_project_id=project)
    assert summary.project_id == project
    assert [file.path for file in summary.file_summaries][:2] == ["user_artifacts", "team_artifacts"]


def test_teams_scope_projects_and_secrets(start: Start) -> None:
    api = start(teams=("research",), secrets=("hf_token", "research/wandb"))
    teams = {team.name: team for team in api.sdk.api.get_teams().teams}
    assert [(team.name, team.default) for team in teams.values()] == [("default", True), ("research", False)]
    research = teams["research"].id
    assert [team.id for team in api.sdk.api.get_teams(params=sdk.GetTeamsParams(name="research")).teams] == [research]
    assert api.sdk.api.get_teams_team_id(team_id=research).name == "research"
    request = sdk.UpsertTrainingProjectRequest.model_validate({"training_project": {"name": "same"}})
    of_default = api.sdk.api.post_training_projects(request=request).training_project
    of_research = api.sdk.api.post_teams_training_projects(team_id=research, request=request).training_project
    again = api.sdk.api.post_teams_training_projects(team_id=research, request=request).training_project
    assert (of_research, of_research.team_name) == (again, "research")
    listed = api.sdk.api.get_training_projects().training_projects
    assert {(project.id, project.team_name) for project in listed} == {
        (of_default.id, "default"),
        (of_research.id, "research"),
    }
    assert {(s.name, s.team_name) for s in api.sdk.api.get_secrets().secrets} == {
        ("hf_token", "default"),
        ("wandb", "research"),
    }
    assert [s.name for s in api.sdk.api.get_teams_secrets(team_id=research).secrets] == ["wandb"]
    assert api.http.get("/v1/teams/unknown/secrets").status_code == 404


def test_capacity_counts_nodes_times_gpus(start: Start) -> None:
    api = start(capacity=(("H100", 32),))
    project = api.project()
    api.create(project, compute={**H100, "node_count": 2})
    api.create(project, compute={**H100, "availability_model": "spot"})
    (h100,) = api.sdk.api.get_training_capacity().gpu_capacities
    assert (h100.gpu_type, h100.limit, h100.usage_count, h100.dedicated_usage_count, h100.spot_usage_count) == (
        "H100",
        32,
        24,
        16,
        8,
    )
    (team,) = api.sdk.api.get_teams().teams
    request = sdk.PatchTeamTrainingGpuCapacityRequest(team_id=team.id, gpu_type="H100", max_gpus=24)
    changed = api.sdk.api.patch_training_capacity(request=request).team_gpu_capacity
    assert (changed.limit, changed.usage_count) == (24, 24)
    assert api.create(project, compute=H100)["current_status"] == "TRAINING_JOB_PENDING"
    assert api.sdk.api.get_training_capacity().team_gpu_capacities == [changed]


def test_queue_context_tells_what_a_job_waited_for(start: Start) -> None:
    api = start(capacity=(("H100", 8),))
    project = api.project()
    first = api.create(project, "first", compute=H100)["id"]
    second = api.create(project, "second", compute=H100)["id"]
    third = api.create(project, "third", compute=H100)["id"]
    context = api.sdk.api.get_training_jobs_queue_context(training_job_id=third)
    assert (context.gpu_type, context.requested_gpus, context.released_at) == ("H100", 8, None)
    assert [job.training_job_id for job in context.active_at_submit] == [first]
    assert [job.training_job_id for job in context.pending_ahead_at_submit] == [second]
    assert context.org_capacity is not None
    api.advance(200)
    context = api.sdk.api.get_training_jobs_queue_context(training_job_id=third)
    assert context.pending_seconds == 126
    assert [event.status for event in context.events if event.training_job_id == second] == [
        "TRAINING_JOB_PENDING",
        "TRAINING_JOB_CREATED",
        "TRAINING_JOB_DEPLOYING",
        "TRAINING_JOB_RUNNING",
        "TRAINING_JOB_COMPLETED",
    ]


def test_machines_prices_and_user_parse(shared: Api) -> None:
    types = shared.sdk.api.get_instance_types().instance_types
    prices = shared.sdk.api.get_instance_type_prices().instance_types
    assert [priced.instance_type for priced in prices] == types
    assert all(priced.price > 0 for priced in prices)
    assert len({machine.id for machine in types}) == len(types)
    assert shared.sdk.api.get_users_me().email == "you@example.com"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/training_projects/nowhere", 404),
        ("GET", "/v1/training_projects/nowhere/jobs", 404),
        ("POST", "/v1/training_projects/nowhere/jobs/nothing/recreate", 404),
        ("DELETE", "/v1/training_projects/nowhere/jobs/nothing", 404),
        ("GET", "/v1/training/jobs/nothing/queue_context", 404),
        ("GET", "/v1/nothing", 404),
        ("PUT", "/v1/training_projects", 405),
    ],
)
def test_the_unknown_is_refused_in_the_shape_of_the_api(shared: Api, method: str, path: str, status: int) -> None:
    answer = shared.http.request(method, path)
    assert answer.status_code == status
    assert sorted(answer.json()) == ["code", "message"]


def test_a_job_is_found_in_its_own_project_only(shared: Api) -> None:
    here, there = shared.project("here"), shared.project("there")
    job = shared.create(here)["id"]
    assert shared.http.get(f"/v1/training_projects/{there}/jobs/{job}").status_code == 404


def test_the_ledger_and_the_forced_status_serve_rehearsals(api: Api) -> None:
    project = api.project()
    job = api.create(project)["id"]
    api.send(project, compute={"accelerator": {"accelerator": "H1000", "count": 1}})
    forced = api.http.post(
        f"/_emulator/jobs/{job}", json={"status": "TRAINING_JOB_FAILED", "error_message": "out of memory"}
    ).json()["training_job"]
    assert (forced["current_status"], forced["error_message"]) == ("TRAINING_JOB_FAILED", "out of memory")
    released = api.http.post(f"/_emulator/jobs/{job}", json={"status": None}).json()["training_job"]
    assert released["current_status"] == "TRAINING_JOB_CREATED"
    assert [(entry["job_name"], entry["fault"], entry["job_id"]) for entry in api.ledger()] == [
        ("job", None, job),
        ("job", None, None),
    ]
    requests = api.http.get("/_emulator/ledger").json()["requests"]
    assert requests["POST /v1/training_projects/<project_id>/jobs"] == 2
    assert api.http.delete(f"/_emulator/jobs/{job}").status_code == 200
    assert api.search() == []


def test_seeding_fills_a_project_fast(api: Api) -> None:
    seeded = api.http.post("/_emulator/seed", json={"project": "big", "jobs": 2000, "name_prefix": "old-"}).json()
    found = api.search(project_id=seeded["project_id"])
    assert (len(found), found[0]["name"], found[-1]["name"]) == (2000, "old-1999", "old-0")
