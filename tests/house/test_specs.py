"""The worked examples in specs/: valid, well written, submitted once, and again only where the meaning changed."""

import io
import json
import re
import shutil
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml

from baseten_jobs.cli.main import run
from baseten_jobs.compilation import Compiled, compile_all
from baseten_jobs.job.identity import digest_of
from baseten_jobs.job.request import JobRequest
from baseten_jobs.manifest import document as manifest
from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.manifest.schema.fields import Shape, shape_of

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "specs").rglob("*.yaml"))
SPECS = [path for path in FILES if not re.search("^(matrix|extends):|Defaults$", path.read_text("utf-8"), re.MULTILINE)]
"""Those that are a manifest each, as it is."""
SHAPE = shape_of("baseten-jobs/v1")
API_EXAMPLE = "gpt-oss-job"
"""The one that repeats a call of the API's reference: its defaults and its loose ends belong to that call."""

each_spec = pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
MANY = ("--max-submits", "20")


def _compiled() -> Compiled:
    compiled = compile_all(Inputs([str(ROOT / "specs")]), io.BytesIO())
    assert compiled.valid, compiled.diagnostics
    return compiled


def _names() -> list[str]:
    return [request.name for request in _compiled().requests]


def _waiting() -> list[str]:
    """The stages that wait for others: embedded jobs take longer than these tests."""
    return [request.name for request in _compiled().requests if request.upstreams]


def _request(name: str) -> JobRequest:
    (request,) = [request for request in _compiled().requests if request.name == name]
    return request


def _data(path: Path) -> Any:
    (document,) = manifest.load(str(path), path.read_text(encoding="utf-8")).documents
    return document.data


def test_there_are_a_few_specs_and_each_file_is_named_after_its_manifest() -> None:
    names = sorted(request.name for request in _compiled().requests if Path(request.path) in SPECS)
    assert names == sorted(path.stem for path in SPECS)
    assert 1 <= len(SPECS) <= 10


def test_a_sweep_leaves_one_of_six_cells_out_and_a_base_has_two_jobs() -> None:
    requests = _compiled().requests
    assert len([request for request in requests if request.cell]) == 5
    heirs = [path for path in FILES if "extends: base.yaml" in path.read_text("utf-8")]
    assert sorted(request.path for request in requests if Path(request.path) in heirs) == [str(path) for path in heirs]
    assert len(heirs) == 2


def test_a_chain_has_two_stages() -> None:
    (second,) = [request for request in _compiled().requests if request.upstreams]
    assert [(upstream.name, upstream.checkpoint) for upstream in second.upstreams] == [("qwen3-30b-sft", None)]


def test_no_spec_but_the_api_example_deserves_a_warning() -> None:
    found = _compiled().diagnostics
    assert [(Path(one.position.path).stem, one.rule) for one in found] == [
        (API_EXAMPLE, rule) for rule in ("mutable-image", "literal-secret", "mutable-weights")
    ]


@each_file
def test_a_spec_begins_with_the_modeline_and_says_what_it_is(path: Path) -> None:
    modeline, comment, *_ = path.read_text(encoding="utf-8").splitlines()
    schema = modeline.removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / schema).resolve() == ROOT / "schemas" / "v1" / "manifest.schema.json"
    assert re.match(r"# [A-Z]", comment)


@each_spec
def test_the_sections_of_a_spec_stand_in_the_order_of_the_schema(path: Path) -> None:
    out_of_order = []

    def visit(value: Any, shape: Shape) -> None:
        for each in value if isinstance(value, list) and shape.items else ():
            visit(each, shape.items)
        if not isinstance(value, dict):
            return
        shape = shape.variant(value)
        known = [name for name in shape.properties if name in value]
        if known and known != list(value):
            out_of_order.append(list(value))
        for name in known:
            visit(value[name], shape.properties[name])

    visit(_data(path), SHAPE)
    assert out_of_order == []


@pytest.mark.parametrize("path", [path for path in SPECS if path.stem != API_EXAMPLE], ids=lambda path: path.stem)
def test_a_spec_leaves_defaults_out(path: Path) -> None:
    written = []

    def visit(value: Any, shape: Shape, at: str) -> None:
        for each in value if isinstance(value, list) and shape.items else ():
            visit(each, shape.items, f"{at}[]")
        if not isinstance(value, dict):
            return
        for name, child in shape.variant(value).properties.items():
            if name in value and value[name] in (None, child.schema.get("default")):
                written.append(f"{at}.{name}")
            visit(value.get(name), child, f"{at}.{name}")

    visit(_data(path), SHAPE, "")
    assert written == []


@each_spec
def test_a_spec_survives_being_read_and_written_again(path: Path) -> None:
    data = _data(path)
    for flow in (False, True):
        (again,) = manifest.load("again.yaml", yaml.safe_dump(data, default_flow_style=flow)).documents
        assert again.data == data
        assert digest_of(again.data["spec"], again.data["apiVersion"]) == digest_of(data["spec"], data["apiVersion"])


def _commands(request: JobRequest) -> str:
    return "\n".join(request.training_job["runtime"]["start_commands"])


def _has(request: JobRequest, nodes: int, accelerator: str, count: int) -> bool:
    wanted = {"accelerator": accelerator, "count": count}
    return request.nodes == nodes and request.training_job["compute"].get("accelerator") == wanted


def _loaded(request: JobRequest) -> list[str]:
    load = request.training_job["runtime"].get("load_checkpoint_config", {})
    return [checkpoint["typ"] for checkpoint in load.get("checkpoints", []) if load.get("enabled")]


_KINDS: dict[str, Callable[[JobRequest], bool]] = {
    "LoRA on one GPU": lambda job: _has(job, 1, "H100", 1) and "--use_peft" in _commands(job),
    "full fine-tune on 8 H100": lambda job: _has(job, 1, "H100", 8) and "--train_type full" in _commands(job),
    "2 nodes of 8 H100": lambda job: _has(job, 2, "H100", 8) and "$BT_LEADER_ADDR" in _commands(job),
    "mounted weights": lambda job: bool(job.training_job.get("weights")),
    "loads the newest checkpoint": lambda job: _loaded(job) == ["baseten_latest_checkpoint"],
    "loads a checkpoint of Loops": lambda job: _loaded(job) == ["loops_checkpoint"],
    "CPUs alone": lambda job: job.gpus == 0 and "accelerator" not in job.training_job["compute"],
    "secrets": lambda job: any(
        isinstance(value, dict) for value in job.training_job["runtime"].get("environment_variables", {}).values()
    ),
    "an interactive session": lambda job: "interactive_session" in job.training_job,
    "a place in the queue": lambda job: bool(job.training_job.get("priority")),
    "code of its own": lambda job: job.content is not None,
    "stops what it supersedes": lambda job: job.stop_superseded,
}


@pytest.mark.parametrize("is_of_kind", _KINDS.values(), ids=_KINDS.keys())
def test_the_specs_show_every_kind_of_job(is_of_kind: Callable[[JobRequest], bool]) -> None:
    assert any(is_of_kind(request) for request in _compiled().requests)


def test_the_api_example_is_the_call_of_the_reference() -> None:
    """Nulls, the deprecated `enable_cache` and the name's digest left out."""
    request = _request(API_EXAMPLE)
    assert request.job_name.startswith("gpt-oss-job--")
    assert request.body == {
        "training_job": {
            "name": request.job_name,
            "image": {"base_image": "hello-world"},
            "compute": {
                "node_count": 1,
                "cpu_count": 1,
                "memory": "2Gi",
                "accelerator": {"accelerator": "H100", "count": 2},
            },
            "runtime": {
                "start_commands": ["python main.py"],
                "environment_variables": {"API_KEY": "your_api_key_here", "PATH": "/usr/bin"},
                "cache_config": {
                    "enabled": True,
                    "enable_legacy_hf_mount": True,
                    "require_cache_affinity": True,
                    "mount_base_path": "/root/.cache",
                },
                "checkpointing_config": {"enabled": True, "checkpoint_path": "/mnt/ckpts", "volume_size_gib": 10},
            },
            "weights": [{"source": "hf://meta-llama/Llama-3-8B@main", "mount_location": "/app/models/base"}],
        }
    }


def _tool(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    told = StringIO()
    with chdir(folder), redirect_stdout(told), redirect_stderr(StringIO()):
        code = run([*arguments, "--local", "-o", "json", "specs"])
    return code, json.loads(told.getvalue())


def _plan(folder: Path) -> tuple[int, dict[str, Any]]:
    return _tool(folder, "plan", "--detailed-exitcode")


def _apply(folder: Path) -> tuple[int, dict[str, Any]]:
    return _tool(folder, "apply", "--yes", *MANY)


def _summary(**counts: int) -> dict[str, int]:
    return {"submit": 0, "update": 0, "stop": 0, "keep": 0, "hold": 0, **counts}


def _outcomes(applied: dict[str, Any]) -> dict[str, str]:
    return {result["name"]: result["outcome"] for result in applied["results"]}


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose specs have been applied once; not to be changed."""
    folder = tmp_path_factory.mktemp("applied")
    shutil.copytree(ROOT / "specs", folder / "specs")
    before, plan = _plan(folder)
    assert (before, plan["summary"]) == (2, _summary(submit=len(_names()) - len(_waiting()), hold=len(_waiting())))
    code, first = _apply(folder)
    assert (code, _outcomes(first)) == (0, dict.fromkeys(_names(), "submitted") | dict.fromkeys(_waiting(), "held"))
    return folder


@pytest.fixture
def copied(applied: Path, tmp_path: Path) -> Path:
    """The applied folder, to be changed."""
    return Path(shutil.copytree(applied, tmp_path / "copied"))


def test_a_second_apply_does_nothing(copied: Path) -> None:
    code, again = _apply(copied)
    assert (code, _outcomes(again)) == (0, dict.fromkeys(_names(), "kept") | dict.fromkeys(_waiting(), "held"))


def _rewritten(change: Callable[[Any], Any], **style: Any) -> Callable[[str], str]:
    """Reads a manifest as plain data, changes it and writes it anew, comments lost."""
    return lambda text: yaml.safe_dump(change(yaml.safe_load(text)), **{"sort_keys": False, **style})


def _as_object(data: Any) -> Any:
    compute = data["spec"]["compute"]
    if "accelerator" in compute:
        name, count = compute["accelerator"].split(":")
        compute["accelerator"] = {"count": int(count), "accelerator": name}
    return data


def _in_smaller_units(data: Any) -> Any:
    compute = data["spec"]["compute"]
    if "memory" in compute:
        compute["memory"] = f"{int(compute['memory'].removesuffix('Gi')) * 1024}Mi"
    return data


def _with_defaults(data: Any) -> Any:
    def fill(value: Any, shape: Shape) -> Any:
        if isinstance(value, list):
            return [fill(each, shape.items or shape) for each in value]
        if not isinstance(value, dict):
            return value
        shape = shape.variant(value)
        defaults = {name: each.schema["default"] for name, each in shape.properties.items() if "default" in each.schema}
        return {name: fill(each, shape.properties.get(name) or shape) for name, each in (defaults | value).items()}

    return fill(data, SHAPE)


_REWORDINGS: dict[str, Callable[[str], str]] = {
    "keys in another order": _rewritten(lambda data: data, sort_keys=True),
    "another YAML style": _rewritten(lambda data: data, default_flow_style=True, width=60),
    "other comments": lambda text: re.sub(r"(?m)^# [A-Z].*$", "# Another comment.", text) + "# The end.\n",
    "GPUs as an object": _rewritten(_as_object),
    "memory in other units": _rewritten(_in_smaller_units),
    "defaults written out": _rewritten(_with_defaults),
    "all at once": _rewritten(lambda data: _with_defaults(_in_smaller_units(_as_object(data))), sort_keys=True),
}


@pytest.mark.parametrize("reword", _REWORDINGS.values(), ids=_REWORDINGS.keys())
def test_specs_that_mean_the_same_leave_nothing_to_do(
    copied: Path,
    reword: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    paths = [copied / path.relative_to(ROOT) for path in SPECS]
    before = {path: path.read_text(encoding="utf-8") for path in paths}
    after = {path: reword(text) for path, text in before.items()}
    assert before != after
    for path, text in after.items():
        path.write_text(text, encoding="utf-8")
    monkeypatch.chdir(copied)
    code = run(["plan", "--local", "--detailed-exitcode", "-o", "json", "specs"])
    summary = json.loads(capsys.readouterr().out)["summary"]
    assert (code, summary) == (0, _summary(keep=len(_names()) - len(_waiting()), hold=len(_waiting())))


def test_a_changed_learning_rate_submits_that_job_alone(copied: Path) -> None:
    path = copied / "specs" / "qwen3-4b-lora.yaml"
    text = path.read_text(encoding="utf-8")
    assert text.count("--learning_rate 2e-4") == 1
    path.write_text(text.replace("--learning_rate 2e-4", "--learning_rate 1e-4"), encoding="utf-8")
    old = _request("qwen3-4b-lora").digest
    code, plan = _plan(copied)
    assert (code, plan["summary"]) == (
        2,
        _summary(submit=1, keep=len(_names()) - 1 - len(_waiting()), hold=len(_waiting())),
    )
    (submit,) = [action for action in plan["actions"] if action["action"] == "submit"]
    assert submit["name"] == "qwen3-4b-lora"
    assert submit["digest"] != old
    assert re.findall(r"\b[0-9a-f]{12}\b", submit["reason"]) == [old[:12], submit["digest"][:12]]
    code, applied = _apply(copied)
    outcomes = dict.fromkeys(_names(), "kept") | dict.fromkeys(_waiting(), "held") | {"qwen3-4b-lora": "submitted"}
    assert (code, _outcomes(applied)) == (0, outcomes)
    code, plan = _plan(copied)
    assert (code, plan["summary"]) == (0, _summary(keep=len(_names()) - len(_waiting()), hold=len(_waiting())))
