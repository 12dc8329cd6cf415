"""Jobs of the API -> manifests: what it reveals, and a mark for everything else."""

import json
from pathlib import Path

import pytest

from baseten_jobs.cli.main import run
from baseten_jobs.manifest import document as manifest

MANIFEST = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
metadata: {name: sft, project: demo, attempt: 2}
spec:
  image: {base_image: "python:3.11.9-slim"}
  compute: {accelerator: "H100:4", memory: 64Gi, availability_model: dedicated}
  runtime: {start_commands: [python train.py]}
  priority: 7
"""


@pytest.fixture
def job_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """A job in an embedded API of its own."""
    monkeypatch.chdir(tmp_path)
    Path("m.yaml").write_text(MANIFEST)
    assert run(["apply", "--local", "--yes", "-o", "json", "m.yaml"]) == 0
    return str(json.loads(capsys.readouterr().out)["results"][0]["job_id"])


def test_what_the_api_reveals_is_written_and_the_rest_is_marked(
    job_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["import", "job", job_id, "--local"]) == 0
    loaded = manifest.load("x.yaml", capsys.readouterr().out)
    (document,) = loaded.documents
    assert document.data["metadata"] == {"name": "sft", "project": "demo", "attempt": 2}
    spec = document.data["spec"]
    assert (spec["compute"]["accelerator"], spec["priority"]) == ("H100:4", 7)
    assert {d.rule for d in loaded.diagnostics} == {"todo"}
    marked = [name for name, value in {**spec, **spec["image"], **spec["compute"]}.items() if _is_marked(value)]
    assert marked == [
        "workspace", "runtime", "checkpointing", "weights", "interactive_session", "enable_baseten_workdir",
        "base_image", "docker_auth", "cpu_count", "memory",
    ]  # fmt: skip


def _is_marked(value: object) -> bool:
    return isinstance(value, manifest.Odd) and value.kind == "tagged"


def test_a_manifest_with_marks_is_refused_without_a_word_too_many(
    job_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["import", "job", job_id, "--local", "--out", "new", "--name", "mine", "--project", "Other"]) == 0
    capsys.readouterr()
    assert run(["validate", "new/mine.yaml"]) == 1
    told = capsys.readouterr().out.splitlines()
    assert all(line.endswith(("[todo]", "[no-start-command]")) for line in told[:-1])


def test_a_job_that_is_not_there_is_told_of(job_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import", "job", "nope", "--local", "-o", "json"]) == 1
    told = capsys.readouterr()
    assert json.loads(told.out)["error"] == "there is no job nope"
    assert told.err == "error: there is no job nope\n"
