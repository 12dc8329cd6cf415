"""Golden pairs: a manifest and the whole body that it means, which the official SDK and the embedded API both take."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from baseten_jobs.cli.main import run
from baseten_jobs.compilation import Compiled, compile_all
from baseten_jobs.emulator.app import App
from baseten_jobs.emulator.settings import Settings
from baseten_jobs.job.request import JobRequest, ProjectRef
from baseten_jobs.job.settings import differences, settings_of_row
from baseten_jobs.manifest.document import Document
from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.manifest.schema.fields import Shape, shape_of
from tests.support import sdk
from tests.support.golden import Golden

GOLDENS = sorted((Path(__file__).parent / "requests").glob("*.yaml"))
SPECS = [path for path in sorted((Path(__file__).parents[2] / "specs").rglob("*.yaml")) if path.name != "base.yaml"]

each_golden = pytest.mark.parametrize("path", GOLDENS, ids=lambda path: path.stem)
each_manifest = pytest.mark.parametrize("path", [*GOLDENS, *SPECS], ids=lambda path: f"{path.parent.name}/{path.stem}")


def _compiled(*paths: Path) -> Compiled:
    compiled = compile_all(Inputs([str(path) for path in paths]), io.BytesIO())
    assert compiled.valid, compiled.diagnostics
    assert compiled.requests
    return compiled


def _requests(path: Path) -> tuple[JobRequest, ...]:
    return _compiled(path).requests


def _golden(name: str) -> tuple[JobRequest, ...]:
    return _requests(Path(__file__).parent / "requests" / f"{name}.yaml")


def _nameless(body: Any) -> dict[str, Any]:
    """A body without the job's name, which carries the digest."""
    assert body.keys() == {"training_job"}
    return {"training_job": {key: value for key, value in body["training_job"].items() if key != "name"}}


def test_every_manifest_has_its_body_beside_it() -> None:
    bodies = sorted((Path(__file__).parent / "requests").glob("*.json"))
    assert [path.stem for path in GOLDENS] == [path.stem for path in bodies]


@each_golden
def test_a_manifest_means_exactly_the_body_beside_it(path: Path, golden: Golden) -> None:
    """Beside several documents stands a list of bodies."""
    bodies = [_nameless(request.body) for request in _requests(path)]
    golden.json(path.with_suffix(".json"), bodies if len(bodies) > 1 else bodies[0])


@each_manifest
def test_a_job_is_named_after_its_manifest_and_its_digest(path: Path) -> None:
    for request in _requests(path):
        attempt = f"-a{request.attempt}" if request.attempt > 1 else ""
        assert request.training_job["name"] == f"{request.name}--{request.digest[:12]}{attempt}"
        assert re.fullmatch(r"[0-9a-f]{64}", request.digest)


def test_render_prints_the_bodies_that_would_be_sent(capsys: pytest.CaptureFixture[str]) -> None:
    requests = [request for path in GOLDENS for request in _requests(path)]
    assert run(["render", "-o", "json", *map(str, GOLDENS)]) == 0
    rendered = json.loads(capsys.readouterr().out)
    assert [one["request"] for one in rendered] == [request.body for request in requests]


def test_project_team_and_attempt_are_read_but_not_sent() -> None:
    read = [(request.project, request.attempt) for request in _golden("projects")]
    assert read == [
        (ProjectRef(name="demo/projects"), 1),
        (ProjectRef(name="demo/projects", team="research"), 1),
        (ProjectRef(id="n4q95w5"), 1),
        (ProjectRef(id="n4q95w5"), 2),
        (ProjectRef(name="demo/projects"), 1),
    ]


def test_policy_is_read_but_not_sent() -> None:
    read = {
        request.name: (request.stop_superseded, request.suspended)
        for name in ("every-section", "defaults-written-out", "nulls")
        for request in _golden(name)
    }
    assert read == {
        "every-section": (True, True),
        "defaults-written-out": (False, False),
        "empty-sections": (False, False),
        "nulls-of-sections": (False, False),
        "nulls-within": (False, False),
        "nulls-alone": (False, False),
    }


def test_gpus_are_counted_over_all_nodes() -> None:
    counted = {request.name: request.gpus for name in ("accelerators", "every-section") for request in _golden(name)}
    assert counted == {"type-and-count": 4, "type-alone": 1, "object": 2, "every-section": 16}
    assert [request.gpus for request in _golden("cpu-job")] == [0, 0]


def _as_the_sdk_reads(body: Any) -> Any:
    """A body after the SDK's models, which drop what they do not know; no open union may have taken a field whole."""
    model = sdk.CreateTrainingJobRequest.model_validate(body)
    runtime = model.training_job.runtime
    load = runtime.load_checkpoint_config if runtime else None
    assert all(isinstance(checkpoint, BaseModel) for checkpoint in (load.checkpoints if load else None) or ())
    return model.model_dump(mode="json", exclude_unset=True)


@each_manifest
def test_the_official_sdk_knows_every_field_of_a_body(path: Path) -> None:
    for request in _requests(path):
        assert _as_the_sdk_reads(request.body) == request.body


@pytest.mark.parametrize(
    "place",
    [
        (),
        ("compute",),
        ("compute", "accelerator"),
        ("runtime", "load_checkpoint_config", "checkpoints", 0),
        ("weights", 0),
        ("interactive_session",),
    ],
    ids=lambda place: ".".join(map(str, place)) or "training_job",
)
def test_a_field_that_the_sdk_does_not_know_would_be_noticed(place: tuple[str | int, ...]) -> None:
    (request,) = _golden("every-section")
    body: Any = json.loads(json.dumps(request.body))
    at = body["training_job"]
    for step in place:
        at = at[step]
    at["flavour"] = "vanilla"
    assert _as_the_sdk_reads(body) != body


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    app = App(Settings(database=tmp_path_factory.mktemp("embedded") / "e.db"))
    headers = {"Authorization": "Bearer embedded"}
    with httpx.Client(transport=httpx.WSGITransport(app=app), base_url="http://embedded", headers=headers) as client:
        yield client
    app.close()


@each_manifest
def test_the_embedded_api_takes_every_body(path: Path, embedded: httpx.Client) -> None:
    project = embedded.post("/v1/training_projects", json={"training_project": {"name": path.stem}})
    jobs = f"/v1/training_projects/{project.json()['training_project']['id']}/jobs"
    for request in _requests(path):
        answer = embedded.post(jobs, json=request.body)
        assert answer.status_code == 200, answer.text
        created = answer.json()["training_job"]
        assert created["name"] == request.job_name
        assert created["node_count"] == request.nodes
        assert created["instance_type"]["gpu_count"] * created["node_count"] == request.gpus
        assert differences(request.settings, settings_of_row(created)) == ()
        assert {each.field for each in request.settings} <= {each.field for each in settings_of_row(created)}


def _fields(shape: Shape, path: str = "") -> Iterator[str]:
    """Every field of the schema by its path, and every choice where it has several."""
    for choice in shape.schema.get("enum", ()):
        if choice is not None:
            yield f"{path} = {choice}"
    for name, child in shape.properties.items():
        yield f"{path}.{name}"
        yield from _fields(child, f"{path}.{name}")
    for child, suffix in ((shape.items, "[]"), (shape.values, "{}")):
        if child is not None:
            yield from _fields(child, path + suffix)
    for kind, variant in shape.variants.items():
        yield from _fields(variant, f"{path}({kind})")


def _written(value: Any, shape: Shape, path: str = "") -> Iterator[str]:
    """The fields and choices of the schema that a document writes."""
    if "enum" in shape.schema:
        yield f"{path} = {value}"
    if shape.variants:
        path, shape = f"{path}({value[shape.discriminator]})", shape.variant(value)
    for key, each in value.items() if isinstance(value, dict) else ():
        child = shape.properties.get(key)
        if child is not None and each is not None:
            yield f"{path}.{key}"
        if each is not None:
            below = f"{path}.{key}" if child is not None else f"{path}{{}}"
            yield from _written(each, child or shape.values or shape, below)
    for each in value if isinstance(value, list) and shape.items else ():
        assert shape.items is not None
        yield from _written(each, shape.items, path + "[]")


def _all_written(documents: tuple[Document, ...]) -> set[str]:
    return {one for document in documents for one in _written(document.data, shape_of(document.data["apiVersion"]))}


def test_the_pairs_write_every_field_and_every_choice_of_the_schema() -> None:
    documents = tuple(document for path in GOLDENS for document in _compiled(path).documents)
    unwritten = set(_fields(shape_of("baseten-jobs/v1"))) - _all_written(documents)
    assert not unwritten, f"no golden pair writes {', '.join(sorted(one.removeprefix('.') for one in unwritten))}"
