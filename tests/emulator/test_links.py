"""Presigned links: what they open, for how long, and how they fail; read by a client that has no key."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from baseten_jobs.emulator.settings import Files
from tests.support import sdk

from .conftest import Api, Start

RUNTIME = {"start_commands": ["python train.py"], "checkpointing_config": {"enabled": True}}
LARGE = Files(count=5, size=200_000, link=60)


def get(url: str, **headers: str) -> httpx.Response:
    return httpx.get(url, headers=headers, verify=False)


def left(api: Api, page_size: int = 1000, page_token: int = 0, **fields: Any) -> list[Any]:
    """The files of a job that has just saved its first checkpoint, in the official SDK's words."""
    project = api.project()
    ids = {"training_project_id": project, "training_job_id": api.create(project, runtime=RUNTIME, **fields)["id"]}
    api.advance(3 + 22)
    return files(api, ids, page_size, page_token)


def files(api: Api, ids: dict[str, str], page_size: int = 1000, page_token: int = 0) -> list[Any]:
    params = sdk.GetTrainingProjectsJobsCheckpointFilesParams(page_size=page_size, page_token=page_token)
    page = api.sdk.api.get_training_projects_jobs_checkpoint_files(**ids, params=params)
    return list(page.presigned_urls)


def test_each_node_has_as_many_files_as_it_is_told_of_many_sizes(start: Start) -> None:
    found = left(start(files=LARGE), compute={"node_count": 2})
    assert [(file.node_rank, file.relative_file_name) for file in found][:6] == [
        (0, "checkpoint-1/config.json"),
        (0, "checkpoint-1/model.safetensors"),
        (0, "checkpoint-1/optimizer.pt"),
        (0, "checkpoint-1/shards/part-00003.bin"),
        (0, "checkpoint-1/shards/part-00004.bin"),
        (1, "checkpoint-1/config.json"),
    ]
    assert len(found) == 10
    sizes = [file.size_bytes for file in found if not file.relative_file_name.endswith(".json")]
    assert all(100_000 <= size <= 300_000 for size in sizes)
    assert len(set(sizes)) > 1
    assert [len(get(file.url).content) for file in found] == [file.size_bytes for file in found]


def test_a_seed_gives_other_sizes(start: Start) -> None:
    one, other = (left(start(files=LARGE, seed=seed)) for seed in (1, 2))
    assert [file.size_bytes for file in one] != [file.size_bytes for file in other]


def test_a_range_is_the_rest_of_the_file(start: Start) -> None:
    url = left(start(files=LARGE))[1].url
    whole = get(url)
    for begin in (1, 65_535, 65_536, 70_000):
        part = get(url, Range=f"bytes={begin}-")
        assert (part.status_code, part.content) == (206, whole.content[begin:])
        assert part.headers["Content-Range"] == f"bytes {begin}-{len(whole.content) - 1}/{len(whole.content)}"
    assert get(url, Range="bytes=0-").content == whole.content
    assert get(url, Range=f"bytes={len(whole.content)}-").status_code == 416


def test_a_link_runs_out_and_a_new_list_has_new_ones(start: Start) -> None:
    api = start(files=LARGE)
    project = api.project()
    ids = {"training_project_id": project, "training_job_id": api.create(project, runtime=RUNTIME)["id"]}
    api.advance(25)
    old = files(api, ids, page_size=1, page_token=1)[0]
    api.advance(58)
    assert get(old.url).status_code == 200
    api.advance(2)
    refused = get(old.url)
    assert refused.status_code == 403
    assert "<Code>AccessDenied</Code><Message>Request has expired</Message>" in refused.text
    new = files(api, ids, page_size=1, page_token=1)[0]
    assert (new.relative_file_name, new.url == old.url, get(new.url).status_code) == (
        old.relative_file_name,
        False,
        200,
    )


@pytest.mark.parametrize("api_key", [None, "a-key"])
def test_a_link_opens_one_path_to_reads_without_a_key(start: Start, api_key: str | None) -> None:
    """An object store refuses a link that comes with a key, so that one which is sent along is noticed."""
    api = start(api_key=api_key)
    one, other = left(api)[:2]
    assert get(one.url, Authorization="Bearer a-key").status_code == 400
    path, _, query = one.url.partition("?")
    assert get(path).status_code == 403
    assert get(f"{other.url.partition('?')[0]}?{query}").status_code == 403
    assert get(one.url.replace("X-Amz-Expires=900", "X-Amz-Expires=9000")).status_code == 403
    assert "a-key" not in one.url


def test_a_link_to_code_opens_no_upload(start: Start) -> None:
    api = start(api_key="a-key")
    place = api.sdk.api.get_blobs_credentials_train()
    archive = {"s3_bucket": place.s3_bucket, "s3_key": place.s3_key}
    assert api.http.put(f"/_emulator/s3/{place.s3_bucket}/{place.s3_key}", content=b"tar").status_code == 200
    project = api.project()
    job = api.create(project, runtime={"artifacts": [archive]})["id"]
    (url,) = api.sdk.api.get_training_projects_jobs_download(
        training_project_id=project, training_job_id=job
    ).artifact_presigned_urls
    assert get(url).content == b"tar"
    assert httpx.put(url, content=b"other", verify=False).status_code == 401
    api.advance(900)
    assert get(url).status_code == 403


@pytest.mark.parametrize(
    ("fault", "statuses"), [("link-error=1", {500, 503}), ("link-expired=1", {403}), ("link-whole=1", {200})]
)
def test_a_fault_of_a_link_answers(start: Start, fault: str, statuses: set[int]) -> None:
    found = left(start(fault, files=LARGE))
    assert {get(file.url, Range="bytes=9-").status_code for file in found} <= statuses


@pytest.mark.parametrize(("fault", "error"), [("link-reset=1", httpx.ReadError), ("link-truncate=1", httpx.ReadError)])
def test_a_fault_of_a_link_breaks_it(start: Start, fault: str, error: type[Exception]) -> None:
    url = left(start(fault, files=LARGE))[1].url
    with pytest.raises((error, httpx.RemoteProtocolError)):
        get(url)
