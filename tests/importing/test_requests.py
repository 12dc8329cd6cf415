"""Request bodies and curl commands -> manifests: the same body again, and YAML that reads back as it was meant."""

import errno
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from baseten_jobs.cli.main import run
from baseten_jobs.importing.draft import Draft, written
from baseten_jobs.importing.from_body import Given, drafts_of
from baseten_jobs.importing.from_curl import Pasted, read_pasted
from baseten_jobs.importing.json_reader import lines_of, read_json
from baseten_jobs.importing.placed import Placed
from baseten_jobs.importing.yaml_writer import Todo, yaml_text
from baseten_jobs.job.request import JobRequest, compile_request
from baseten_jobs.manifest import document as manifest
from tests.job.test_requests import GOLDENS, SPECS, _requests
from tests.support.repository import git
from tests.support.strategies import specs

HEAD = "apiVersion: baseten-jobs/v1\nkind: TrainingJob\n"
CURL = Path(__file__).parent / "curl"


def _drafts(text: str, name: str = "", project: str = "") -> list[Draft]:
    pasted = read_pasted(text, "body.json")
    assert isinstance(pasted, Pasted)
    assert pasted.body is not None
    return drafts_of(pasted.body, "body.json", Given(name, project), pasted.project_id)


def _imported(text: str, name: str = "", project: str = "") -> tuple[JobRequest, ...]:
    """What the written manifests compile to."""
    loaded = manifest.load("m.yaml", written(_drafts(text, name, project), "schema.json").text)
    assert loaded.diagnostics == ()
    return tuple(compile_request(document) for document in loaded.documents)


def _document(spec: Any) -> manifest.Document:
    data = {"apiVersion": "baseten-jobs/v1", "kind": "TrainingJob", "metadata": {"name": "x", "project": "demo"}}
    nowhere = manifest.Spot((1, 1), (1, 1), None, {})
    return manifest.Document("x.yaml", 1, {**data, "spec": spec}, nowhere)


_quick = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@_quick
@given(specs(), st.integers(1, 3))
def test_a_manifest_rendered_and_imported_renders_to_the_same_body(spec: dict[str, Any], attempt: int) -> None:
    document = _document(spec)
    document.data["metadata"]["attempt"] = attempt
    request = compile_request(document)
    (again,) = _imported(json.dumps(request.body), project="demo")
    assert again.body == request.body


@pytest.mark.parametrize("path", [*GOLDENS, *SPECS], ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_render_prints_can_be_imported(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    requests = [request for request in _requests(path) if request.content is None]
    assert run(["render", "-o", "json", str(path)]) == 0
    rows = [row for row in json.loads(capsys.readouterr().out) if "workspace" not in row]
    again = _imported(json.dumps(rows)) if requests else ()
    assert len(again) == len(requests)
    alone = [(each, request) for each, request in zip(again, requests, strict=True) if not request.upstreams]
    assert [each.body for each, _ in alone] == [request.body for _, request in alone]


def test_a_chain_that_render_prints_is_a_chain_again() -> None:
    """The id of the job that is not there yet is never taken for one."""
    entry = {"typ": "baseten_named_checkpoint", "checkpoint_name": "c-1", "job_id": "<job of write--8a742340d747-a2>"}
    load = {"enabled": True, "checkpoints": [entry, {"typ": "baseten_latest_checkpoint", "job_id": "p7qr9qv"}]}
    body = {"name": "x", "image": {"base_image": "i:1"}, "runtime": {"load_checkpoint_config": load}}
    (again,) = _imported(json.dumps({"training_job": body}), project="demo")
    assert again.manifest["spec"]["checkpointing"]["load"]["checkpoints"] == [
        {"typ": "baseten_named_checkpoint", "checkpoint_name": "c-1", "manifest": "write"},
        {"typ": "baseten_latest_checkpoint", "job_id": "p7qr9qv"},
    ]


_ANY_TEXT = st.text(max_size=30) | st.text("\n\t\r #:-'\"|>%@`{}[],&*!?=~\\ab0\x85\u2028\ufeff", max_size=20)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(_ANY_TEXT, _ANY_TEXT, max_size=4), st.lists(_ANY_TEXT, max_size=4))
@example({}, ["\n", "a\n\n", " a\nb", "a \nb", "\ta\nb", "a\r\nb", "---", "...", "a\n---\nb", "\u2028"])
def test_every_text_reads_back_as_it_was(variables: dict[str, str], commands: list[str]) -> None:
    data = {"variables": variables, "commands": commands}
    loaded = manifest.load("x.yaml", yaml_text([data], "s.json"))
    assert loaded.diagnostics == ()
    assert [document.data for document in loaded.documents] == [data]


@pytest.mark.parametrize(
    "text",
    [
        "on", "No", "y", "N", "null", "~", "", "1e3", "0o7", "010", "0x1F", "1_000", "1:30", ".5", "+1", "-0",
        ".inf", "12e03", "2026-11-22", "2026-11-22T10:00:00Z", "<<", "=", "3.10", "8",
    ],
)  # fmt: skip
def test_text_that_some_reader_takes_for_something_else_is_quoted(text: str) -> None:
    assert yaml_text([{"v": text}], "s").splitlines()[1] == f'v: "{text}"'


@pytest.mark.parametrize(
    "text",
    ["INFO", "3.11-slim", "hf://Qwen/Qwen3-8B@main", "torchrun --nproc 8 train.py", "2Gi", "10.0.0.1", "naïve 東京"],
)
def test_text_that_reads_as_text_is_not_quoted(text: str) -> None:
    assert yaml_text([{"v": text}], "s").splitlines()[1] == f"v: {text}"


def test_commands_of_several_lines_are_blocks_and_secrets_stand_on_one_line() -> None:
    data = {"commands": ["set -e\npython train.py\n", "last\nline"], "variables": {"HF": {"name": "hf"}}, "none": []}
    assert yaml_text([data], "../s.json") == (
        "# yaml-language-server: $schema=../s.json\n"
        "commands:\n"
        "  - |\n    set -e\n    python train.py\n"
        "  - |-\n    last\n    line\n"
        "variables:\n  HF: {name: hf}\n"
        "none: []\n"
    )


def test_each_document_of_a_file_has_its_modeline() -> None:
    """The yaml-language-server looks for one in each."""
    line = "# yaml-language-server: $schema=s.json\n"
    assert yaml_text([{"a": 1}, {"b": 2}], "s.json") == f"{line}a: 1\n---\n{line}b: 2\n"
    assert yaml_text([], "s.json") == ""


def test_a_value_still_to_be_filled_in_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = {"image": {"base_image": Todo("config.py:3:5: error: os.environ['IMAGE'] is not known")}}
    head = {"apiVersion": "baseten-jobs/v1", "kind": "TrainingJob", "metadata": {"name": "x", "project": "demo"}}
    (tmp_path / "m.yaml").write_text(yaml_text([{**head, "spec": spec}], "s.json"))
    assert run(["validate", str(tmp_path / "m.yaml")]) == 1
    assert capsys.readouterr().out.splitlines()[1].partition("m.yaml:")[2] == (
        "9:17: error: a value is missing: config.py:3:5: error: os.environ['IMAGE'] is not known;"
        " write it in the place of !todo [todo]"
    )


BODY = {
    "image": {"base_image": "python:3.11-slim"},
    "runtime": {"start_commands": ["python train.py"]},
    "name": "Job 1",
}


def _body(**changes: Any) -> str:
    return json.dumps({"training_job": {**BODY, **changes}})


def test_defaults_of_another_client_are_left_out_and_null_is_unset() -> None:
    text = _body(
        compute={"node_count": 1, "memory": "2048Mi", "accelerator": {"accelerator": "H100", "count": 8}},
        weights=[], priority=0, truss_user_env={"git": 1}, interactive_session={"trigger": "on_demand"}, workspace=None,
    )  # fmt: skip
    (draft,) = _drafts(text, project="demo")
    assert draft.manifest["spec"] == {
        "image": {"base_image": "python:3.11-slim"},
        "compute": {"accelerator": "H100:8"},
        "runtime": {"start_commands": ["python train.py"]},
        "interactive_session": {},
    }


@pytest.mark.parametrize(
    ("runtime", "cache"),
    [
        ({"enable_cache": True}, {"enabled": True, "enable_legacy_hf_mount": True}),
        ({"enable_cache": True, "cache_config": {"enabled": True}}, {"enabled": True}),
        ({"enable_cache": False}, None),
        ({"enable_cache": None, "cache_config": None}, None),
    ],
)
def test_the_deprecated_cache_switch_becomes_what_it_means(runtime: Any, cache: Any) -> None:
    (draft,) = _drafts(_body(runtime=runtime))
    assert draft.manifest["spec"].get("runtime", {}).get("cache_config") == cache


def test_names_and_projects_come_from_what_there_is() -> None:
    def read(text: str, name: str = "", project: str = "") -> dict[str, Any]:
        (draft,) = _drafts(text, name, project)
        metadata: dict[str, Any] = draft.manifest["metadata"]
        return metadata

    url = "https://api.baseten.co/v1/training_projects"
    assert read(_body()) == {"name": "job-1", "project": "Job 1"}
    assert read(_body(), "mine", "Demo") == {"name": "mine", "project": "Demo"}
    assert read(_body(name=None), project="Qwen/3 (SFT)") == {"name": "qwen-3-sft", "project": "Qwen/3 (SFT)"}
    assert read(_body(name="sft--0123456789ab-a3")) == {
        "name": "sft", "project": "sft--0123456789ab-a3", "attempt": 3
    }  # fmt: skip
    assert read(f"curl {url}/n4q95w5/jobs -d '{_body()}'") == {"name": "job-1", "project_id": "n4q95w5"}
    assert read(f"curl {url}/{{id}}/jobs -d '{_body()}'") == {"name": "job-1", "project": "Job 1"}
    assert read(json.dumps({"project": "P", "training_job": BODY})) == {"name": "job-1", "project": "P"}
    assert read(json.dumps(BODY)) == {"name": "job-1", "project": "Job 1"}


COMMANDS = sorted(CURL.glob("*.sh"))


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.stem)
def test_a_curl_command_pasted_whole_is_read(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each form holds the same body; its key is never shown."""
    assert run(["import", "request", str(path)]) == 0
    told = capsys.readouterr()
    (document,) = manifest.load("m.yaml", told.out).documents
    assert document.data["spec"] == {
        "image": {"base_image": "python:3.11.9-slim"},
        "runtime": {
            "start_commands": ['echo "it\'s" $HOME \\ done\npython train.py'],
            "environment_variables": {"NAME": "naïve"},
        },
    }
    assert document.data["metadata"]["project_id"] == "n4q95w5"
    assert "hidden-key" not in told.out + told.err


def _messages(text: str, name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[str]:
    path = tmp_path / name
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert run(["import", "request", str(path)]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "hidden-key" not in told.err
    yield from (line.replace(f"{path}:", "") for line in told.err.splitlines()[:-1])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "hello",
            "1:1: error: there is neither JSON nor a curl command;"
            " a JSON body begins with '{', a command with 'curl' [not-a-request]",
        ),
        ('{"a": 1,\n "b": }', '2:7: error: a value was expected [json-syntax]'),
        ('{"a": 1,\n}', "2:1: error: a comma before the closing bracket; leave it out [json-syntax]"),
        ('{"a": {', "1:8: error: the text ends in the middle of a value; is all of it there? [json-syntax]"),
        ("{'a': 1}", '1:2: error: a single quote begins no JSON text; write "..." [json-syntax]'),
        ("[1 , ]", "1:6: error: a comma before the closing bracket; leave it out [json-syntax]"),
        ("[1,, 2]", "1:4: error: a value was expected [json-syntax]"),
        ("{a: 1}", "1:2: error: a key in double quotes was expected [json-syntax]"),
        ('{"a": [], b: 2}', "1:11: error: a key in double quotes was expected [json-syntax]"),
        ('{"a" 1}', "1:6: error: ':', ',' or '}' was expected [json-syntax]"),
        ('{"a": 1 "b": 2}', "1:9: error: ':', ',' or '}' was expected [json-syntax]"),
        ('{"a": ["[" 2]}', "1:12: error: ',' or ']' was expected [json-syntax]"),
        ('{"a": tru}', "1:7: error: a value was expected [json-syntax]"),
        ('{"a": "x}', "1:7: error: the text that begins here never ends; is all of it there? [json-syntax]"),
        (
            '{"a": "x\ty"}',
            "1:9: error: the control character U+0009 can't stand in a text; write an escape, such as \\n"
            " [json-syntax]",
        ),
        ('{"a": "C:\\dir"}', "1:10: error: '\\d' is not an escape; write the backslash twice [json-syntax]"),
        ('{"a": "\\u12G4"}', "1:8: error: '\\u12G4' is not an escape; write the backslash twice [json-syntax]"),
        ('{"a": 1} {}', "1:10: error: '{' stands behind the end of the JSON [json-syntax]"),
        ('{"a": NaN}', "1:7: error: NaN is not JSON [json-syntax]"),
        ('{"a": 1,\n "a": 2}', "2:2: error: 'a' is given twice; first at 1:2 [duplicate-key]"),
        ('{"a": "\\ud800"}', "1:7: error: half of a surrogate pair is not text [encoding]"),
        ("[" * 100_000, "1:65: error: more than 64 levels of nesting [depth]"),
        ('{"a":' * 100_000, "1:321: error: more than 64 levels of nesting [depth]"),
        (
            "curl https://x/v1 -H 'Authorization: Api-Key hidden-key'",
            "1:1: error: the command has no --data [not-a-request]",
        ),
        ("curl -d '{", "1:9: error: the single quote that begins here never ends [shell-syntax]"),
        ("curl -d @- <<EOF\n{}", "1:17: error: the text up to 'EOF' never ends [shell-syntax]"),
        (
            "curl -d @-",
            "1:9: error: the body is read from standard input, which is not part of the command [not-a-request]",
        ),
        ("curl -d '{}' -d '{}'", "1:18: error: the command has several --data [not-a-request]"),
        ("curl -H 'Authorization: Api-Key hidden-key' \\\n -d '{\n \"a\": ]}'",
         "3:7: error: a value was expected [json-syntax]"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_at_its_place(
    text: str, told: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert list(_messages(text, "body", capsys, tmp_path)) == [told]


def test_what_is_wrong_in_a_body_is_told_at_its_place(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    job = '{"imgae": {},\n "compute": {"node_count": 2.0},\n "runtime": {"start_comands": []}}'
    assert list(_messages(f'{{"training_job": {job},\n "wait": 1}}', "body", capsys, tmp_path)) == [
        "1:1: error: metadata: 'name' is missing; --name NAME gives one [required]",
        "1:2: error: spec: 'image' is missing [required]",
        "1:19: error: spec: 'imgae' is not a field here; did you mean 'image'? [unknown-field]",
        "2:28: error: spec.compute.node_count: 2.0 is not an integer; write a whole number: 2 [type]",
        "3:2: warning: spec.runtime.start_commands: there is no start command [no-start-command]",
        "3:14: error: spec.runtime: 'start_comands' is not a field here; did you mean 'start_commands'?"
        " [unknown-field]",
        "4:2: error: 'wait' is not a field here; is it one of training_job? [unknown-field]",
    ]


def test_a_file_named_by_the_command_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("body.json").write_text(_body())
    Path("cmd.sh").write_text("curl --json @body.json https://api.baseten.co/v1/training_projects/abc/jobs")
    assert run(["import", "request", "cmd.sh", "--out", "specs"]) == 0
    assert capsys.readouterr().out == (
        "specs/job-1.yaml  from cmd.sh\n\n1 file written.\nnext: `baseten-jobs validate specs`\n"
    )
    assert run(["validate", "specs"]) == 0
    capsys.readouterr()
    Path("cmd.sh").write_text("curl -d @missing.json https://x/")
    assert run(["import", "request", "cmd.sh"]) == 1
    told = f"missing.json:1:1: error: this can't be read: {os.strerror(errno.ENOENT)}"
    assert capsys.readouterr().err.startswith(told)


def test_a_file_that_is_there_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body, out = tmp_path / "body.json", tmp_path / "new" / "job.yaml"
    body.write_text(_body())
    arguments = ["import", "request", str(body), "--project", "demo", "--out", str(out)]
    assert run(arguments) == 0
    text = out.read_text()
    assert run(arguments) == 0
    out.write_text("mine")
    capsys.readouterr()
    assert run(arguments) == 1
    assert "there is another file of this name; --force overwrites it [exists]" in capsys.readouterr().err
    assert out.read_text() == "mine"
    assert run([*arguments, "--force"]) == 0
    assert out.read_text() == text


def test_json_is_one_document(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(_body(imgae=1).encode())))
    assert run(["import", "request", "-", "-o", "json", "--project", "demo"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["imported"], told["failed"], told["diagnostics"][0]["rule"]) == ([], 1, "unknown-field")


@pytest.mark.parametrize(
    "text", ["[]", "[1]", '"x"', "{}", '{"training_job": []}', '{"training_job": {"runtime": []}}']
)
def test_json_of_another_shape_is_no_job(text: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert list(_messages(text, "body", capsys, tmp_path))


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | _ANY_TEXT
_JSON = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_ANY_TEXT, inner, max_size=3), max_leaves=12
)


@settings(max_examples=100, deadline=None)
@given(_JSON)
def test_any_json_is_read_as_the_standard_library_reads_it(value: Any) -> None:
    text = json.dumps(value, indent=1)
    read = read_json(text, "x", lines_of(text))
    if isinstance(read, Placed):
        assert json.loads(text, parse_int=str, parse_float=str) == _as_text(read.plain())


def _as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_text(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_as_text(each) for each in value]
    if isinstance(value, manifest.Odd):
        return value.text
    return str(value) if type(value) is int else value


@pytest.mark.parametrize(
    ("there", "modeline"),
    [
        ({}, "../schemas/v1/manifest.schema.json"),
        ({"a/schemas/v1/manifest.schema.json"}, "../schemas/v1/manifest.schema.json"),
        ({"schemas/v1/manifest.schema.json"}, "../../schemas/v1/manifest.schema.json"),
        ({"schemas/v1/training-job.schema.json"}, "../../schemas/v1/training-job.schema.json"),
        (
            {"schemas/v1/training-job.schema.json", "schemas/v1/manifest.schema.json"},
            "../../schemas/v1/manifest.schema.json",
        ),
        (
            {"schemas/v1/manifest.schema.json", "a/schemas/v1/training-job.schema.json"},
            "../schemas/v1/training-job.schema.json",
        ),
    ],
)
def test_the_modeline_names_the_nearest_schema_that_init_wrote_now_or_before(
    there: set[str], modeline: str, tmp_path: Path
) -> None:
    for path in there:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    (tmp_path / "body.json").write_text('{"training_job": {"name": "x", "image": {"base_image": "i:1"}}}')
    written_to = tmp_path / "a" / "specs" / "x.yaml"
    arguments = ["import", "request", str(tmp_path / "body.json"), "--project", "p", "--out", str(written_to)]
    assert run(arguments) == 0
    assert written_to.read_text().splitlines()[0] == f"# yaml-language-server: $schema={modeline}"


PLACES = {
    "the root": (".", "m.yaml", "schemas/v1/manifest.schema.json"),
    "the root as a folder": (".", ".", "schemas/v1/manifest.schema.json"),
    "below the root": (".", "specs", "../schemas/v1/manifest.schema.json"),
    "two below": (".", "a/specs", "../../schemas/v1/manifest.schema.json"),
    "from a folder below": ("a", "m.yaml", "../schemas/v1/manifest.schema.json"),
    "the root from a folder below": ("a", "../m.yaml", "schemas/v1/manifest.schema.json"),
}


@pytest.mark.parametrize("above", [False, True], ids=["none above", "a schema above the repository"])
@pytest.mark.parametrize("place", PLACES)
def test_the_modeline_does_not_lead_out_of_the_repository(
    place: str, above: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start, out, modeline = PLACES[place]
    root = tmp_path / "checkout"
    (root / "a").mkdir(parents=True)
    git(root, "init", "-q")
    if above:
        (tmp_path / "schemas" / "v1").mkdir(parents=True)
        (tmp_path / "schemas" / "v1" / "manifest.schema.json").touch()
    monkeypatch.chdir(root / start)
    Path("body.json").write_text(_body())
    assert run(["import", "request", "body.json", "--project", "p", "--out", out]) == 0
    (path,) = root.rglob("*.yaml")
    assert path.read_text().splitlines()[0] == f"# yaml-language-server: $schema={modeline}"
    assert capsys.readouterr().out.splitlines()[-1] == f"next: `baseten-jobs validate {out}`"
    assert run(["validate", out]) == 0


def test_the_modeline_of_a_file_in_this_folder_needs_no_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("body.json").write_text(_body())
    assert run(["import", "request", "body.json", "--out", "m.yaml"]) == 0
    assert Path("m.yaml").read_text().startswith("# yaml-language-server: $schema=schemas/v1/manifest.schema.json\n")


def test_the_next_command_is_one_that_a_shell_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("body.json").write_text(_body())
    assert run(["import", "request", "body.json", "--out", "my specs"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "next: `baseten-jobs validate 'my specs'`"
